"""Receipts and the reconciliation board: our side of a statement, every run and break, now and then."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from psycopg import Connection

from domain.kernel.event import Event
from domain.payments.matching import BreakKind, Money, Movement
from domain.payments.payment.events import PaymentOverpaid
from domain.payments.reconciliation import (
    BreakFound,
    BreakResolved,
    ReconciliationClosed,
    Resolution,
    StatementLoaded,
    StatementMatched,
)
from projections.engine.comparing import compare
from projections.engine.pages import NotProjectedYet
from projections.engine.runner import Runner
from projections.payments.movements import MOVEMENTS, MovementRow, received
from projections.payments.reconciliation_board import (
    CLOSED,
    LOADED,
    MATCHED,
    OPEN,
    RECONCILIATION_BOARD,
    RESOLVED,
    Line,
    breaks,
    open_breaks,
    runs,
)
from tests.domain.payments.cases import FEN, LEASE, REF_2, charged_back, refunded, succeeded
from tests.given import TODAY, given
from tests.projections.accounting.book_keeping import OTHER_TENANT, TENANT, BookKeeper, Happening, at, stream

RUN, NEXT_RUN = stream(1), stream(2)
DAY = date(2026, 11, 21)
REF = "a" * 64


def loaded(day: date = DAY, provider: str = "bank_a") -> StatementLoaded:
    return StatementLoaded(provider=provider, day=day, digest="d" * 64, rows=3, total_fen=18)


STORY: tuple[Event, ...] = (
    loaded(),
    StatementMatched(count=1, fen=7, ours=2, ours_fen=12, breaks=2),
    BreakFound(number=1, movement=Movement.COLLECTION, kind=BreakKind.AMOUNT, ref=REF, expected_fen=5, got_fen=4),
    BreakFound(
        number=2, movement=Movement.CHARGEBACK, kind=BreakKind.MISSING_HERE, ref="b" * 64, expected_fen=0, got_fen=7
    ),
    BreakResolved(number=1, how=Resolution.WRITTEN_OFF),
    BreakResolved(number=2, how=Resolution.POSTED),
    ReconciliationClosed(),
)


def happened(events: tuple[Event, ...] = STORY) -> list[Happening]:
    return [(RUN, at(n), event) for n, event in enumerate(events)]


def project(connection: Connection[Any]) -> None:
    runner = Runner(connection, [MOVEMENTS, RECONCILIATION_BOARD])
    runner.prepare()
    runner.catch_up()


def line(number: int, upto: int = len(STORY)) -> Line:
    row = given(RECONCILIATION_BOARD, *happened(STORY[:upto])).row(RUN, number)
    assert isinstance(row, Line)
    return row


def test_a_run_goes_its_way() -> None:
    assert [line(0, upto).state for upto in (1, 2, 7)] == [LOADED, MATCHED, CLOSED]
    row = line(0)
    assert (row.provider, row.day, row.rows, row.matched, row.breaks) == ("bank_a", DAY, 3, 1, 2)
    assert (row.got_fen, row.expected_fen, row.digest) == (18, 12, "d" * 64)


def test_a_break_is_found_and_resolved() -> None:
    row = line(1, 4)
    assert (row.state, row.kind, row.ref, row.expected_fen, row.got_fen) == (OPEN, "amount", REF, 5, 4)
    assert (line(1).state, line(1).resolution) == (RESOLVED, "written_off")


def test_a_run_without_its_beginning_is_parked() -> None:
    got = given(RECONCILIATION_BOARD, *happened(STORY[1:2]))
    assert [error for _, error in got.parked()] == [
        f"ProjectionError: stream {RUN}: expected its beginning first, got reconciliation.matched.v1"
    ]


def test_runs_and_breaks_now(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*happened(STORY[:5]), (NEXT_RUN, at(9), loaded(DAY + timedelta(days=1), "bank_b")))
    project(connection)
    board = runs(connection, TENANT, DAY, DAY + timedelta(days=1))
    assert board.position == 6
    assert [(one.provider, one.state) for one in board.lines] == [("bank_a", MATCHED), ("bank_b", LOADED)]
    assert [one.run for one in runs(connection, TENANT, DAY, DAY).lines] == [RUN]
    assert [(one.number, one.state) for one in breaks(connection, TENANT, RUN).lines] == [(1, RESOLVED), (2, OPEN)]
    assert [one.number for one in open_breaks(connection, TENANT).lines] == [2]


def test_the_past_is_what_it_was(connection: Connection[Any], books: BookKeeper) -> None:
    """Asked at every position, it answers what it answered when that position was the last."""
    answers = []
    for happening in happened():
        books.write(happening)
        project(connection)
        found = runs(connection, TENANT, DAY, DAY), breaks(connection, TENANT, RUN)
        answers.append([one.lines for one in (*found, open_breaks(connection, TENANT))])
    assert any(still_open for *_, still_open in answers)
    for position, (then_runs, then_breaks, then_open) in enumerate(answers, start=1):
        assert open_breaks(connection, TENANT, as_of_position=position).lines == then_open
        assert runs(connection, TENANT, DAY, DAY, as_of_position=position).lines == then_runs
        assert breaks(connection, TENANT, RUN, as_of_position=position).lines == then_breaks
    with pytest.raises(NotProjectedYet):
        runs(connection, TENANT, DAY, DAY, as_of_position=99)


def test_tenants_are_apart(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*happened(STORY[:4]), tenant=OTHER_TENANT)
    project(connection)
    assert runs(connection, TENANT, DAY, DAY).lines == ()
    assert open_breaks(connection, TENANT).lines == ()
    assert len(open_breaks(connection, OTHER_TENANT).lines) == 2


# ----------------------------------------------------------------------------------------------- receipts

ON_TOP = PaymentOverpaid(lease=LEASE, attempt=2, channel="bank_b", amount_fen=5, value_date=TODAY, provider_ref=REF_2)


def test_every_attempt_that_brought_money_has_a_row() -> None:
    got = given(MOVEMENTS, (RUN, at(0), succeeded()), (RUN, at(1), ON_TOP))
    first, second = got.row(RUN, "collection", 1), got.row(RUN, "collection", 2)
    assert isinstance(first, MovementRow)
    assert isinstance(second, MovementRow)
    assert (first.amount_fen, first.channel, first.on_top, first.lease) == (FEN, "bank_a", False, LEASE)
    assert (second.amount_fen, second.channel, second.on_top) == (5, "bank_b", True)


def test_money_that_went_back_has_rows_of_its_own() -> None:
    """By the refund's number, and by the attempt whose money was taken back."""
    told = ((RUN, at(n), event) for n, event in enumerate((succeeded(), refunded(7, number=3), charged_back())))
    got = given(MOVEMENTS, *told)
    refund, back = got.row(RUN, "refund", 3), got.row(RUN, "chargeback", 1)
    assert isinstance(refund, MovementRow)
    assert isinstance(back, MovementRow)
    assert (refund.amount_fen, refund.ref) == (7, REF_2)
    assert (back.amount_fen, back.ref, back.on_top) == (FEN, succeeded().provider_ref, False)


def test_an_attempt_brings_money_once() -> None:
    got = given(MOVEMENTS, (RUN, at(0), succeeded()), (RUN, at(1), succeeded()))
    assert [position for position, _ in got.parked()] == [2]


def test_received_is_of_one_provider_and_day(connection: Connection[Any], books: BookKeeper) -> None:
    books.write((RUN, at(0), succeeded()), (RUN, at(1), ON_TOP), (NEXT_RUN, at(2), succeeded()))
    project(connection)
    one = Money(Movement.COLLECTION, succeeded().provider_ref, FEN)
    assert received(connection, TENANT, "bank_a", TODAY) == [one, one]
    assert received(connection, TENANT, "bank_b", TODAY) == [Money(Movement.COLLECTION, REF_2, 5)]
    assert received(connection, TENANT, "bank_a", TODAY + timedelta(days=1)) == []
    assert received(connection, OTHER_TENANT, "bank_a", TODAY) == []


def test_a_rebuild_gives_the_same(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*happened(), (NEXT_RUN, at(20), succeeded()))
    project(connection)
    assert (compare(connection, RECONCILIATION_BOARD).first, compare(connection, MOVEMENTS).first) == (
        None,
        None,
    )
