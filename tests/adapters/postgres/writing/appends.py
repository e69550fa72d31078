"""Appends of toy events, for the tests of the sequencer."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from msgspec.structs import replace

from adapters.postgres.writing.sequencer import Append, Part, PersonalRow, StreamRead
from chain.personal import Sealed
from domain.kernel.ids import uuid7
from tests.adapters.postgres.story import TENANT, toy_draft

STREAMS = [uuid7(1, number) for number in range(4)]
SUBJECTS = [uuid7(2, number) for number in range(2)]
OTHER_TENANT = uuid7(3, 3)
TOY = toy_draft(STREAMS[0]).type


def part(of: UUID = STREAMS[0], expected: int = 0, events: int = 1) -> Part:
    return Part(of, expected, tuple(toy_draft(of) for _ in range(events)))


def several(
    *parts: Part, reads: Sequence[StreamRead] = (), looked_to: int | None = None, key: str = "k", says: str = "",
    tenant: UUID = TENANT,
) -> Append:  # fmt: skip
    beginnings = () if looked_to is None else ((TOY, looked_to),)
    digest = sha256(says.encode()).digest()
    return Append(
        system=True,
        tenant=tenant,
        key=key,
        digest=digest,
        parts=tuple(parts),
        reads=tuple(reads),
        beginnings=beginnings,
    )


def append(
    stream: UUID = STREAMS[0], expected: int = 0, events: int = 1, key: str = "k", says: str = "", tenant: UUID = TENANT
) -> Append:
    return several(part(stream, expected, events), key=key, says=says, tenant=tenant)


def about(one: Append, subject: UUID, new_key: bytes = b"") -> Append:
    """The same append with a personal value of somebody, whose key it brings or not."""
    row = PersonalRow(one.parts[0].drafts[0].eid, subject, Sealed("name", "A" * 43, bytes(12), b"x"))
    return replace(one, personal=(row,), subject_keys=((subject, new_key),) if new_key else ())
