"""Random histories of contracts and clauses: rows say what the aggregates say, in any batches, for whatever past."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from domain.contracts.clause import effective
from projections.contracts.clause_library import CLAUSE_LIBRARY, versions_of
from projections.contracts.contract_book import CONTRACT_BOOK
from projections.engine.comparing import compare
from projections.engine.folding import fold_batch, keyed
from projections.engine.model import Projection
from projections.engine.pages import listing
from projections.engine.runner import Runner
from tests.given import TODAY
from tests.ledger import empty
from tests.projections.accounting.book_keeping import TENANT, BookKeeper, Happening, recorded
from tests.projections.contracts.contract_histories import Book, clause_books, contract_books
from tests.sampling import examples

with_database = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(30), deadline=None
)


def folded(projection: Projection[Any], happened: list[Happening]) -> dict[str, Any]:
    """The rows a projection makes of a history, by their first key."""
    result = fold_batch(projection, {}, keyed(projection, recorded(happened)))
    assert result.dead_letters == []
    return {key[0]: row for key, row in result.changed.items() if row is not None}


@given(contract_books())
def test_the_contract_book_says_what_the_contracts_say(book: Book) -> None:
    rows = folded(CONTRACT_BOOK, book.happened)
    assert rows.keys() == {str(of) for of in book.states}
    for of, state in book.states.items():
        row, terms = rows[str(of)], state.key_terms
        assert (row.state, row.version, row.root) == (state.phase.value, state.version, state.root)
        assert (row.reference, row.plan, row.form) == (state.head.contract, state.head.plan, state.head.form)
        assert (row.document, row.signed) == (
            (state.round.document, len(state.round.signed)) if state.round else ("", 0)
        )
        assert row.addressed == len(state.addressed())
        assert (row.amendments, row.amendment_pending) == (state.amendments, state.amendment is not None)
        assert (row.total_cost_fen, row.apr, row.last_due_on) == (terms.total_cost_fen, terms.apr, terms.last_due_on)
        assert (row.alarms, row.executed_on) == (state.alarms, state.executed_on)


@given(contract_books())
def test_confirmations_are_counted_until_everybody_confirmed(book: Book) -> None:
    rows = folded(CONTRACT_BOOK, book.happened)
    for of, state in book.states.items():
        if state.round is not None and not state.amendments:
            assert rows[str(of)].acknowledged == len(state.round.acknowledged)


@given(clause_books())
def test_the_clause_library_says_what_the_clauses_say(book: Book) -> None:
    rows = folded(CLAUSE_LIBRARY, book.happened)
    assert rows.keys() == {str(of) for of in book.states}
    for of, state in book.states.items():
        row = rows[str(of)]
        assert (row.clause, row.version, row.newest) == (state.clause, state.version, len(state.versions))
        assert [
            (one.number, one.title, one.digest, one.forms, one.mandatory, one.effective_from, one.withdrawn_from)
            for one in versions_of(row)
        ] == [
            (one.number, one.title, one.digest, one.forms, one.mandatory, one.effective_from, one.withdrawn_from)
            for one in state.versions
        ]
        found, expected = effective(versions_of(row), TODAY), state.effective(TODAY)
        assert (found and found.number) == (expected and expected.number)


@with_database
@given(
    contracts=contract_books(), clauses=clause_books(), batch_rows=st.integers(1, 40),
    chance=st.randoms(use_true_random=False),
)  # fmt: skip
def test_batches_and_pasts(
    connection: Connection[Any],
    superuser: Connection[Any],
    contracts: Book,
    clauses: Book,
    batch_rows: int,
    chance: random.Random,
) -> None:
    """Whatever the batches: the rows of a rebuild; whatever the past: the rows of a history that ended there."""
    for projection, book in ((CONTRACT_BOOK, contracts), (CLAUSE_LIBRARY, clauses)):
        empty(superuser)
        BookKeeper(connection).write(*book.happened)
        runner = Runner(connection, [projection], batch_rows=batch_rows)
        runner.prepare()
        runner.catch_up()
        compared = compare(connection, projection)
        assert (compared.first, compared.parked, compared.rows) == (None, 0, len(book.states))
        for past in (None, chance.randint(0, len(book.happened))):
            rows = folded(projection, book.happened[:past])
            assert listed(connection, projection, past) == rows


def listed(connection: Connection[Any], projection: Projection[Any], past: int | None) -> dict[str, Any]:
    """All rows of a list, page by page, now or at a position."""
    found: dict[str, Any] = {}
    after = None
    while True:
        page = listing(connection, projection, TENANT, limit=2, starting_after=after, as_of_position=past)
        found |= {str(row.id): row for row in page.rows}
        after = page.next_after
        if after is None:
            return found
