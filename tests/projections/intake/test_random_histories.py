"""Random histories, in batches of random sizes: every way of folding gives the same rows."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from projections.engine.comparing import compare
from projections.engine.dead_letters import dead_letters
from projections.engine.folding import Folded, fold_batch, keyed
from projections.engine.model import Key, Projection
from projections.engine.pages import listing
from projections.engine.runner import Runner
from projections.engine.tables import Table
from projections.intake.application_book import APPLICATION_BOOK
from projections.registry import PROJECTIONS
from tests.ledger import empty
from tests.projections.accounting.book_keeping import TENANT, BookKeeper, Happening, recorded
from tests.projections.engine.toys import tally
from tests.projections.histories import histories, states_of
from tests.sampling import examples

POISON = {"Call the dealer"}
with_database = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(25))


def one_by_one(projection: Projection[Any], happened: list[Happening]) -> Folded[Any]:
    """The rows and parked events when every event is a batch of its own."""
    rows: dict[Key, Any] = {}
    parked: list[Any] = []
    for one in keyed(projection, recorded(happened)):
        folded = fold_batch(projection, rows, [one], {letter.key for letter in parked})
        rows.update(folded.changed)
        parked += folded.dead_letters
    return Folded(rows, parked)


@given(histories())
def test_the_book_says_what_the_aggregate_says(happened: list[Happening]) -> None:
    states = states_of(happened)
    rows = fold_batch(APPLICATION_BOOK, {}, keyed(APPLICATION_BOOK, recorded(happened))).changed
    assert {key for (key,) in rows} == {str(of) for of in states}
    for row in rows.values():
        assert row is not None
        state = states[row.id]
        assert (row.state, row.version, row.lane) == (state.phase.value, state.version, state.lane)
        assert (row.offers, row.review_pending) == (
            state.offers,
            state.review_pending,
        )
        assert row.amount_fen == state.amount_fen


@with_database
@given(happened=histories(), batch_rows=st.integers(1, 40), cut=st.floats(0, 1))
def test_batches_equal_one_by_one(
    connection: Connection[Any],
    superuser: Connection[Any],
    happened: list[Happening],
    batch_rows: int,
    cut: float,
) -> None:
    """With a restart in the middle, a poison lane, and a comparison at the end."""
    empty(superuser)
    projections = (*PROJECTIONS, tally(POISON))
    books = BookKeeper(connection)
    half = int(len(happened) * cut)
    for part in (happened[:half], happened[half:]):
        runner = Runner(connection, projections, batch_rows=batch_rows)
        runner.prepare()
        books.write(*part)
        runner.catch_up()
    for projection in projections:
        expected = one_by_one(projection, happened)
        rows = {key: row for key, row in expected.changed.items() if row is not None}
        assert Table(projection).load(connection, 0, expected.changed) == rows
        assert dead_letters(connection, projection.table, 0) == expected.dead_letters
        compared = compare(connection, projection)
        assert (compared.first, compared.rows) == (None, len(rows))


@with_database
@given(happened=histories(), chance=st.randoms())
def test_the_past_is_a_shorter_history(
    connection: Connection[Any], superuser: Connection[Any], happened: list[Happening], chance: random.Random
) -> None:
    empty(superuser)
    BookKeeper(connection).write(*happened)
    runner = Runner(connection, [APPLICATION_BOOK])
    runner.prepare()
    runner.catch_up()
    position = chance.randint(0, len(happened))
    expected = one_by_one(APPLICATION_BOOK, happened[:position]).changed
    page = listing(connection, APPLICATION_BOOK, TENANT, limit=1_000, as_of_position=position)
    assert {(str(row.id),): row for row in page.rows} == expected
