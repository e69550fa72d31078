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
from tests.domain.contracts import clauses
from tests.domain.contracts.contract import contracts
from tests.given import TODAY, given
from tests.projections.accounting.book_keeping import OTHER_TENANT, TENANT, BookKeeper, Happening, at, stream

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


def listed_clauses(
    connection: Connection[Any], past: int | None = None, *, on: date | None = None, **where: Any
) -> list[Any]:
    holds = None if on is None else (lambda row: effective(clause_library.versions_of(row), on) is not None)
    page = listing(connection, CLAUSE_LIBRARY, TENANT, where=Where(where, holds), limit=100, as_of_position=past)
    return [row.clause for row in page.rows]


def test_a_contract_without_its_beginning_is_parked() -> None:
    got = given(CONTRACT_BOOK, *told(A, contracts.PRESENTED))
    assert [error for _, error in got.parked()] == [
        f"ProjectionError: stream {A}: expected contract.assembled first, got contract.presented.v1"
    ]
    got = given(CLAUSE_LIBRARY, *told(A, clauses.PUBLISHED))
    assert "expected clause.drafted first" in got.parked()[0][1]


def test_an_amendment_shows_its_terms_once_everybody_signed() -> None:
    before = given(CONTRACT_BOOK, *told(A, *contracts.TO_ANCHORED, contracts.PROPOSED)).row(A)
    assert (before.total_cost_fen, before.amendment_pending) == (contracts.KEY_TERMS.total_cost_fen, True)
    after = given(CONTRACT_BOOK, *told(A, *contracts.TO_AMENDED)).row(A)
    assert (after.total_cost_fen, after.amendment_pending) == (contracts.NEW_TERMS.total_cost_fen, False)
    assert (after.state, after.root) == ("amended", contracts.NEW_ROOT)
    assert after.acknowledged == before.acknowledged == after.addressed > 0, (
        "who confirmed the contract has confirmed it"
    )


def test_an_end_takes_the_pending_amendment_with_it() -> None:
    end = ContractTerminated(reason="early_settlement", terminated_on=TODAY)
    row = given(CONTRACT_BOOK, *told(A, *contracts.TO_ANCHORED, contracts.PROPOSED, end)).row(A)
    assert (row.state, row.amendment_pending) == ("terminated", False)
    assert row.ended_on == at().date()


def test_contracts_by_what_is_known_of_them(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*told(A, *contracts.TO_EXECUTED), *told(B, contracts.ASSEMBLED), *told(C, *contracts.TO_PRESENTED))
    project(connection)
    assert agreed(connection) == [A, B, C]
    assert agreed(connection, state="executed") == [A]
    assert agreed(connection, plan="phone_return") == [A, B, C]
    assert agreed(connection, plan="other") == agreed(connection, reference="other") == []
    assert agreed(connection, lessee=contracts.LESSEE, state="assembled") == [B]
    assert agreed(connection, lessee=contracts.LESSOR) == []
    assert agreed(connection, id=C) == [C]


def test_a_filter_is_about_the_past_that_is_asked(connection: Connection[Any], books: BookKeeper) -> None:
    """What is executed today was assembled once; what was not there then is not listed."""
    books.write(*told(A, *contracts.TO_EXECUTED))
    books.write(*told(B, contracts.ASSEMBLED))
    project(connection)
    size = len(contracts.TO_EXECUTED)
    assert isinstance(contracts.TO_EXECUTED[-1], ContractExecuted)
    assert agreed(connection, size - 1, state="partially_signed") == [A]
    assert agreed(connection, size - 1, state="executed") == []
    assert agreed(connection, 1, state="assembled") == [A]
    assert agreed(connection, 0) == []
    with pytest.raises(NotProjectedYet):
        agreed(connection, size + 2)


def test_clauses_by_what_is_known_of_them(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*told(A, clauses.DRAFTED, clauses.PUBLISHED, clauses.SECOND))
    project(connection)
    assert listed_clauses(connection, clause="dispute") == ["dispute"]
    assert listed_clauses(connection, state="drafted") == ["dispute"]
    assert listed_clauses(connection, state="published") == []
    assert listed_clauses(connection, clause="rent") == []
    assert listed_clauses(connection, 2, state="published") == ["dispute"]
    assert listed_clauses(connection, on=TODAY) == ["dispute"]
    assert listed_clauses(connection, on=TODAY - timedelta(days=1)) == []
    assert listed_clauses(connection, 1, on=TODAY) == []


def test_lists_of_tenants_are_apart(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*told(A, contracts.ASSEMBLED), *told(B, clauses.DRAFTED), tenant=OTHER_TENANT)
    project(connection)
    assert agreed(connection) == listed_clauses(connection) == []
