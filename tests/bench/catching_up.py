"""Row 4: a read model that catches up with the ledger, against the library's ProjectionRunner on the same server.

    ours: windows of 5,000 events ─▶ fold ─▶ one upsert, compare-and-set of the position ─▶ one transaction
    peer: one event ─▶ process_event ─▶ one upsert, tracking ─▶ one transaction, again and again

Both keep one row for each application with its state, version and times. The peer gets fewer events, because it needs
milliseconds for each; its rate does not depend on their number.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL, Identifier

from adapters.postgres.connections import connect
from api.compose import Base
from projections.engine.runner import Runner
from projections.intake.application_book import APPLICATION_BOOK
from projections.registry import PROJECTIONS
from tests.bench.importing import import_all
from tests.bench.model import Bar, Result, check, compare, result
from tests.bench.place import Place, scalar
from tests.bench.stock import environment

BAR = Bar("projections", "events/s", 100.0)
PEER_TIMEOUT_S = 600.0
EVENTS_OF_A_CASE = 10


def run(place: Place) -> list[Result]:
    """Events per second of both, by turns."""
    sizes = place.sizes
    with place.ledger("projections") as on, place.database("projections_stock") as url:
        _, events = import_all(on, place.cases())
        last = fill(url, sizes.peer_events)
        ours, peer = compare(
            lambda: catch_up(on, events), lambda: library_catch_up(url, sizes.peer_events, last), sizes.rounds
        )
        everything = catch_up(on, events, everything=True)
    return [
        result(
            BAR,
            ours,
            peer,
            against="eventsourcing ProjectionRunner, one event for each transaction",
            measured=f"ours {events} events, peer {sizes.peer_events}",
            note=f"one read model each (application book); all {len(PROJECTIONS)} of ours together: "
            f"{everything:,.0f} events/s",
        )
    ]


def empty_read_models(on: Base) -> None:
    """Drop every read model: what catches up next begins with nothing."""
    with connect(on.url, role=None) as admin:
        admin.execute("DROP SCHEMA read CASCADE")
        admin.execute("CREATE SCHEMA read AUTHORIZATION leaseledger_app")
        admin.execute("GRANT USAGE ON SCHEMA read TO leaseledger_reader")
        admin.execute(
            "ALTER DEFAULT PRIVILEGES FOR ROLE leaseledger_app IN SCHEMA read "
            "GRANT SELECT ON TABLES TO leaseledger_reader"
        )


def catch_up(on: Base, events: int, *, everything: bool = False) -> float:
    """Events per second of our runner from an empty read schema. Raises `Broken` when rows are missing."""
    empty_read_models(on)
    with connect(on.url) as connection:
        runner = Runner(connection, PROJECTIONS if everything else (APPLICATION_BOOK,))
        runner.prepare()
        started = time.perf_counter()
        done = runner.catch_up()
        seconds = time.perf_counter() - started
        check("events folded", events, done)
        cases = scalar(connection, "SELECT count(*) FROM ledger.stream_heads")
        check("rows of the application book", cases, scalar(connection, f"SELECT count(*) FROM read.{_BOOK}"))
    return events / seconds


_BOOK = APPLICATION_BOOK.table


# ------------------------------------------------------------------------------------------- the library's side


class Case(Aggregate):
    """An application as the library would have it."""

    @event("Opened")
    def __init__(self, reference: str) -> None:
        self.reference = reference
        self.state = "draft"

    @event("Moved")
    def move(self, state: str) -> None:
        """Go to another state."""
        self.state = state


class Cases(Application[UUID]):
    """The library's application around it."""


class BookView(PostgresTrackingRecorder):
    """The library's kind of read model: a table of its own, written together with the tracking."""

    def __init__(self, datastore: PostgresDatastore, **options: Any) -> None:
        super().__init__(datastore, **options)
        table = (Identifier(datastore.schema), Identifier("book"))
        self.sql_create_statements.append(SQL(_CREATE_BOOK).format(*table))
        self._upsert = SQL(_UPSERT_BOOK).format(*table, Identifier("book"))

    def record(self, row: tuple[UUID, str, int, datetime], tracking: Tracking) -> None:
        """Write one row and how far the projection is, in one transaction."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(self._upsert, row, prepare=True)


class Book(Projection[BookView]):
    """Folds one event at a time, as the library's runner hands them over."""

    name = "book"
    expected = 0
    finished = threading.Event()

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Write the application's row as it is after this event."""
        state = getattr(domain_event, "state", "draft")
        row = (domain_event.originator_id, state, domain_event.originator_version, domain_event.timestamp)
        self.view.record(row, tracking)
        if tracking.notification_id >= Book.expected:
            Book.finished.set()


def fill(url: str, events: int) -> int:
    """Store the library's events, several for each case; the id of the last one."""
    application = Cases(environment(url))
    cases = []
    for _ in range(-(-events // EVENTS_OF_A_CASE)):
        case = Case(reference="BENCH-2026-000001")
        for nth in range(EVENTS_OF_A_CASE - 1):
            case.move(f"state_{nth}")
        cases.append(case)
    recordings = application.save(*cases)
    application.close()
    return int(recordings[-1].notification.id)


def library_catch_up(url: str, events: int, last: int) -> float:
    """Events per second of the library's runner from an empty view. Raises `Broken` when rows are missing."""
    with connect(url, role=None) as admin:
        admin.execute("DROP TABLE IF EXISTS book, book_tracking, notification_tracking")
    Book.expected, Book.finished = last, threading.Event()
    started = time.perf_counter()
    with ProjectionRunner(application_class=Cases, projection_class=Book, view_class=BookView, env=environment(url)):
        finished = Book.finished.wait(PEER_TIMEOUT_S)
        seconds = time.perf_counter() - started
    check("the library's projection", True, finished)
    with connect(url, role=None) as admin:
        rows = scalar(admin, "SELECT count(*) FROM book")
    check("rows of the library's book", -(-events // EVENTS_OF_A_CASE), rows)
    return last / seconds


_CREATE_BOOK = """
CREATE TABLE IF NOT EXISTS {0}.{1} (
    id uuid PRIMARY KEY, state text NOT NULL, version bigint NOT NULL, changed_at timestamptz NOT NULL)"""
_UPSERT_BOOK = """
INSERT INTO {0}.{1} AS {2} VALUES (%s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, version = excluded.version, changed_at = excluded.changed_at"""
