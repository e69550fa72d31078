"""Stories of leases for tests of read models: the domain's own cases as happenings on their days."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from domain.kernel.event import Event
from projections.accounting.journal import JOURNAL
from projections.engine.runner import Runner
from projections.leasing.ageing import AGEING
from projections.leasing.bills import BILLS
from projections.leasing.lease_book import LEASE_BOOK
from tests.domain.leasing import cases
from tests.projections.accounting.book_keeping import BookKeeper, Happening, stream
from tests.projections.leasing.lease_histories import Book, noon

__all__ = ["AUTO_STORY", "bring_up_to_date", "happened", "lived", "stream", "told"]


def lived(*steps: cases.Step, number: int = 1) -> list[Happening]:
    """What the commands of one lease lead to, each on its day; every one of them must be granted."""
    book = Book()
    for on, command in steps:
        before = len(book.happened)
        book.do(number, command, cases.day(on))
        if len(book.happened) == before:
            pytest.fail(f"refused on day {on}: {command}")
    return book.happened


def happened(*events: tuple[int, Event], number: int = 1) -> list[Happening]:
    """Events of one lease on days counted from the start."""
    return [(stream(number), noon(cases.day(on)), event) for on, event in events]


def told(*stories: list[Happening]) -> list[Happening]:
    """Several stories in the order of their days."""
    return sorted((one for story in stories for one in story), key=lambda one: one[1])


AUTO_STORY = lived(*cases.RUNNING, cases.bill(1), cases.pay(1, 106_000, 30), cases.bill(2), cases.pay(2, 50_000, 65))
"""A vehicle: bill 1 paid on its day, bill 2 (due on day 60) paid in part on day 65."""


def bring_up_to_date(connection: Connection[Any], books: BookKeeper, *happenings: Happening) -> int:
    """Write the happenings and project them; the size of the ledger."""
    size = books.write(*happenings)
    runner = Runner(connection, [LEASE_BOOK, BILLS, AGEING, JOURNAL])
    runner.prepare()
    runner.catch_up()
    return size
