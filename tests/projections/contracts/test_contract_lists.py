"""Lists of contracts and clauses: filters, pages, tenants, and what a filter says of the past."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from psycopg import Connection

from domain.contracts.clause import effective
from domain.contracts.contract.events import ContractExecuted, ContractTerminated
from projections.contracts import clause_library
from projections.contracts.clause_library import CLAUSE_LIBRARY
from projections.contracts.contract_book import CONTRACT_BOOK
from projections.engine.pages import NotProjectedYet, Where, listing
from projections.engine.runner import Runner
from tests.domain.contracts.clause import library
from tests.domain.contracts.contract import contracts
from tests.domain.intake.scenario import TODAY
from tests.projections.accounting.book_keeping import OTHER_TENANT, TENANT, BookKeeper, Happening, at, stream
from tests.projections.given import given

A, B, C = stream(1), stream(2), stream(3)


def told(of: Any, *events: Any) -> list[Happening]:
    return [(of, at(n), event) for n, event in enumerate(events)]


def project(connection: Connection[Any]) -> None:
    runner = Runner(connection, [CONTRACT_BOOK, CLAUSE_LIBRARY])
    runner.prepare()
    runner.catch_up()


def agreed(connection: Connection[Any], past: int | None = None, **where: Any) -> list[Any]:
    page = listing(connection, CONTRACT_BOOK, TENANT, where=Where(where), limit=100, as_of_position=past)
    return [row.id for row in page.rows]


def clauses(connection: Connection[Any], past: int | None = None, *, on: date | None = None, **where: Any) -> list[Any]:
    holds = None if on is None else (lambda row: effective(clause_library.versions_of(row), on) is not None)
    page = listing(connection, CLAUSE_LIBRARY, TENANT, where=Where(where, holds), limit=100, as_of_position=past)
    return [row.clause for row in page.rows]


def test_a_contract_without_its_beginning_is_parked() -> None:
    got = given(CONTRACT_BOOK, *told(A, contracts.PRESENTED))
    assert [error for _, error in got.parked()] == [
        f"ProjectionError: stream {A}: expected contract.assembled first, got contract.presented.v1"
    ]
    got = given(CLAUSE_LIBRARY, *told(A, library.PUBLISHED))
    assert "expected clause.drafted first" in got.parked()[0][1]


def test_an_amendment_shows_its_terms_once_everybody_signed() -> None:
    before = given(CONTRACT_BOOK, *told(A, *contracts.TO_ANCHORED, contracts.PROPOSED)).row(A)
    assert (before.total_cost_fen, before.amendment_pending) == (contracts.KEY_TERMS.total_cost_fen, True)
    after = given(CONTRACT_BOOK, *told(A, *contracts.TO_AMENDED)).row(A)
    assert (after.total_cost_fen, after.amendment_pending) == (contracts.NEW_TERMS.total_cost_fen, False)
    assert (after.state, after.root) == ("amended", contracts.NEW_ROOT)


def test_an_end_takes_the_pending_amendment_with_it() -> None:
    end = ContractTerminated(reason="early_settlement", terminated_on=TODAY)
    row = given(CONTRACT_BOOK, *told(A, *contracts.TO_ANCHORED, contracts.PROPOSED, end)).row(A)
    assert (row.state, row.amendment_pending) == ("terminated", False)
    assert row.ended_on == at().date()


def test_contracts_by_what_is_known_of_them(app_connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*told(A, *contracts.TO_EXECUTED), *told(B, contracts.ASSEMBLED), *told(C, *contracts.TO_PRESENTED))
    project(app_connection)
    assert agreed(app_connection) == [A, B, C]
    assert agreed(app_connection, state="executed") == [A]
    assert agreed(app_connection, plan="phone_return") == [A, B, C]
    assert agreed(app_connection, plan="other") == agreed(app_connection, reference="other") == []
    assert agreed(app_connection, lessee=contracts.LESSEE, state="assembled") == [B]
    assert agreed(app_connection, lessee=contracts.LESSOR) == []
    assert agreed(app_connection, id=C) == [C]


def test_a_filter_is_about_the_past_that_is_asked(app_connection: Connection[Any], books: BookKeeper) -> None:
    """What is executed today was assembled once; what was not there then is not listed."""
    books.write(*told(A, *contracts.TO_EXECUTED))
    books.write(*told(B, contracts.ASSEMBLED))
    project(app_connection)
    size = len(contracts.TO_EXECUTED)
    assert isinstance(contracts.TO_EXECUTED[-1], ContractExecuted)
    assert agreed(app_connection, size - 1, state="partially_signed") == [A]
    assert agreed(app_connection, size - 1, state="executed") == []
    assert agreed(app_connection, 1, state="assembled") == [A]
    assert agreed(app_connection, 0) == []
    with pytest.raises(NotProjectedYet):
        agreed(app_connection, size + 2)


def test_clauses_by_what_is_known_of_them(app_connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*told(A, library.DRAFTED, library.PUBLISHED, library.SECOND))
    project(app_connection)
    assert clauses(app_connection, clause="dispute") == ["dispute"]
    assert clauses(app_connection, state="drafted") == ["dispute"]
    assert clauses(app_connection, state="published") == []
    assert clauses(app_connection, clause="rent") == []
    assert clauses(app_connection, 2, state="published") == ["dispute"]
    assert clauses(app_connection, on=TODAY) == ["dispute"]
    assert clauses(app_connection, on=TODAY - timedelta(days=1)) == []
    assert clauses(app_connection, 1, on=TODAY) == []


def test_lists_of_tenants_are_apart(app_connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*told(A, contracts.ASSEMBLED), *told(B, library.DRAFTED), tenant=OTHER_TENANT)
    project(app_connection)
    assert agreed(app_connection) == clauses(app_connection) == []
