"""The `eventsourcing` library (9.5) on our ledger: a recorder, a mapper and an application that the library accepts.

    Application.save ─▶ StrictMapper ─▶ StoredEvent ─▶ LedgerRecorder ─▶ codec ─▶ Draft ─▶ the one GroupCommit
    repository.get   ◀─ StrictMapper ◀─ StoredEvent ◀─ LedgerRecorder ◀─ codec ◀─ entry ◀─ ledger.events

A port, not our throughput: programs of ours use `Ledger` and `Reader`. Version 10 of the library will rename much of
what is used here, and nothing outside this folder will notice.
"""

from __future__ import annotations

from adapters.postgres.library.application import LedgerApplication, LedgerFactory
from adapters.postgres.library.codec import EntryCodec
from adapters.postgres.library.mapper import (
    LedgerAggregate,
    LedgerEvent,
    StrictMapper,
    VersionGap,
    events_after,
    projector,
)
from adapters.postgres.library.recorder import LedgerRecorder
from adapters.postgres.library.subscription import LedgerSubscription
from adapters.postgres.library.writer import WriterThread

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
