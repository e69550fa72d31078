"""The `eventsourcing` library (9.5) on our ledger: a recorder, a mapper and an application that the library accepts.

    Application.save ─▶ StrictMapper ─▶ StoredEvent ─▶ LedgerRecorder ─▶ codec ─▶ Draft ─▶ the one GroupCommit
    repository.get   ◀─ StrictMapper ◀─ StoredEvent ◀─ LedgerRecorder ◀─ codec ◀─ entry ◀─ ledger.events

A port, not our throughput: programs of ours use `Ledger` and `Reader`. Version 10 of the library will rename much of
what is used here, and nothing outside this folder will notice.
"""

from __future__ import annotations

from adapters.eventsourcing.application import LedgerApplication, LedgerFactory
from adapters.eventsourcing.codec import EntryCodec
from adapters.eventsourcing.mapper import (
    LedgerAggregate,
    LedgerEvent,
    StrictMapper,
    VersionGap,
    events_after,
    projector,
)
from adapters.eventsourcing.recorder import LedgerRecorder
from adapters.eventsourcing.subscription import LedgerSubscription
from adapters.eventsourcing.writer import WriterThread

__all__ = [
    "EntryCodec",
    "LedgerAggregate",
    "LedgerApplication",
    "LedgerEvent",
    "LedgerFactory",
    "LedgerRecorder",
    "LedgerSubscription",
    "StrictMapper",
    "VersionGap",
    "WriterThread",
    "events_after",
    "projector",
]
