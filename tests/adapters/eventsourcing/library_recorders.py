"""Recorders of the `eventsourcing` port for tests, on a given database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eventsourcing.persistence import StoredEvent

from adapters.eventsourcing import EntryCodec, LedgerRecorder
from adapters.system import new_id, now
from domain.kernel.ids import uuid7

TENANT = uuid7(1_700_000_000_000, 1)


def recorder_on(url: str, *, first_version: int = 1) -> LedgerRecorder:
    """A recorder whose streams begin with the given version."""
    return LedgerRecorder(url, tenant=TENANT, clock=now, new_id=new_id, codec=EntryCodec(first_version))


class WithoutPositions(LedgerRecorder):
    """The same recorder as one that knows no ledger, only streams: it tells no positions."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:  # type: ignore[override]
        super().insert_events(stored_events, **kwargs)
        return None
