"""A ledger without rules over other streams, for histories that are told command by command."""

from __future__ import annotations

from adapters.postgres.ledger import Ledger
from adapters.system import new_id
from api.compose import Running


def without_rules(program: Running) -> Ledger:
    """The same ledger for whoever tells a history command by command that was not ours to permit."""
    return Ledger(program.writer, program.reader, program.vault, digest=program.keys.digest, new_id=new_id)
