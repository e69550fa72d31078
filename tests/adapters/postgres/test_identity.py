"""What identity rests on: the root of any tree that the ledger begins with, and signers that are asked who they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from adapters.keys import LogSigner, WrongKey
from adapters.postgres.log import HeadMismatch, Log
from adapters.postgres.writing.group_commit import GroupCommit
from tests.adapters.postgres.stored import entries
from tests.adapters.postgres.story import START, toys
from tests.adapters.postgres.test_log import SIGNER, log, writer
from tests.chain.reference import Tree
from tests.ledger import ORIGIN

__all__ = ["log", "writer"]


async def test_the_root_at_any_size_also_beyond_what_is_published(
    log: Log, writer: GroupCommit, connection: Connection[Any]
) -> None:
    await writer.append(toys(events=300))
    log.publish(SIGNER, START)
    await writer.append(toys(events=300))
    tree = Tree(entries(connection))
    assert [log.root_at(size) for size in (0, 1, 256, 300, 301, 512, 600)] == [
        tree.root(size) for size in (0, 1, 256, 300, 301, 512, 600)
    ]
    with pytest.raises(HeadMismatch, match="entries of the ledger: expected 601, got 600"):
        log.root_at(601)


async def test_a_signer_that_is_not_the_logs_is_asked_before_anything_is_read_or_written(
    log: Log, writer: GroupCommit, connection: Connection[Any], tmp_path: Path
) -> None:
    await writer.append(toys())
    log.publish(SIGNER, START)
    await writer.append(toys())
    stranger = LogSigner(ORIGIN, [(tmp_path / "log-0002.seed", bytes(range(2, 34)))], tmp_path / "log.signed")
    with pytest.raises(WrongKey, match=r"log-0002\.seed: expected"):
        log.publish(stranger, START)
    assert log.vkeys() == [(1, SIGNER.vkey)]
    assert connection.execute("SELECT max(size) FROM ledger.checkpoints").fetchone() == (1,)
    assert stranger.signed() is None
