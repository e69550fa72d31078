"""Batches are folded in order, and a poison event stops its own key only."""

from __future__ import annotations

from domain.intake.application.events import WorkScheduled
from projections.engine.folding import DeadLetter, fold_batch, keyed, sorted_out
from projections.engine.reading import Unreadable
from projections.intake.application_book import APPLICATION_BOOK
from tests.given import given
from tests.projections.accounting.book_keeping import at, recorded, stream
from tests.projections.engine.toys import lane_count, tally

A, B = stream(1), stream(2)


def work(lane: str) -> WorkScheduled:
    return WorkScheduled(lane=lane)


def test_events_fold_in_order() -> None:
    row = given(tally(), (A, at(), work("x")), (B, at(), work("y")), (A, at(), work("z"))).row(A)
    assert (row.times, row.lanes, row.position) == (2, "x;z;", 3)


def test_a_row_that_is_gone_can_come_again() -> None:
    history = ((A, at(), work("x")), (A, at(), work("end")), (A, at(), work("y")))
    assert given(tally(gone="end"), *history[:2]).row(A) is None
    assert given(tally(gone="end"), *history).row(A).lanes == "y;"


def test_a_poison_event_parks_its_key_and_nothing_else() -> None:
    got = given(
        tally({"bad"}), (A, at(), work("x")), (A, at(), work("bad")), (B, at(), work("y")), (A, at(), work("z"))
    )
    assert got.folded.dead_letters == [
        DeadLetter(2, str(A), str(A), "Poisoned: bad"),
        DeadLetter(4, str(A), str(A), ""),
    ]
    assert got.changed(A).lanes == "x;"
    assert got.changed(B).lanes == "y;"


def test_a_key_that_is_parked_already_waits() -> None:
    events = keyed(tally(), recorded([(A, at(), work("x")), (B, at(), work("y"))]))
    folded = fold_batch(tally(), {}, events, parked={str(A)})
    assert [letter.position for letter in folded.dead_letters] == [1]
    assert list(folded.changed) == [(str(B),)]


def test_a_key_over_several_streams_waits_in_all_of_them() -> None:
    got = given(lane_count({1}), (A, at(), work("x")), (B, at(), work("x")), (A, at(), work("y")))
    assert got.parked() == [(1, "Poisoned: 1"), (2, "")]
    assert [letter.key for letter in got.folded.dead_letters] == ["x", "x"]
    assert got.changed("y").times == 1


def test_an_event_without_a_key_parks_its_stream() -> None:
    got = given(lane_count(), (A, at(), work("keyless")), (A, at(), work("x")), (B, at(), work("x")))
    assert got.parked() == [(1, "Poisoned: no key"), (2, "")]
    assert {letter.key for letter in got.folded.dead_letters} == {str(A)}
    assert got.changed("x").position == 3


def test_an_unreadable_event_parks_its_stream() -> None:
    later = list(recorded([(A, at(), work("w")), (A, at(), work("x")), (B, at(), work("y"))]))[1:]
    folded = fold_batch(
        tally(),
        {},
        keyed(tally(), [Unreadable(1, str(A), "ValidationError: no", "application.work_scheduled.v1"), *later]),
    )
    assert folded.dead_letters == [
        DeadLetter(1, str(A), str(A), "ValidationError: no"),
        DeadLetter(2, str(A), str(A), ""),
    ]
    assert list(folded.changed) == [(str(B),)]


def test_an_unreadable_event_is_nothing_to_those_who_do_not_want_it() -> None:
    """Else what is parked would depend on which other projections share the reading."""
    broken = Unreadable(1, str(A), "ValidationError: no", "application.approved.v1")
    events = list(recorded([(A, at(), work("w")), (A, at(), work("x"))]))[1:]
    assert sorted_out([tally(), APPLICATION_BOOK], [broken, *events]) == [events, [broken, *events]]
    assert fold_batch(tally(), {}, keyed(tally(), [broken, *events])).dead_letters == []


def test_the_given_row_is_what_is_folded_onto() -> None:
    first, second = keyed(tally(), recorded([(A, at(), work("x")), (A, at(), work("y"))]))
    rows = {key: row for key, row in fold_batch(tally(), {}, [first]).changed.items() if row is not None}
    assert fold_batch(tally(), rows, [second]).changed[(str(A),)] == given(
        tally(), (A, at(), work("x")), (A, at(), work("y"))
    ).row(A)


def test_a_number_that_no_column_holds_parks_its_key_and_nothing_else() -> None:
    """The database would refuse the whole batch, of all tenants, again and again."""
    over = tally(step=2**62)
    history = ((A, at(), work("x")), (B, at(), work("y")), (A, at(), work("z")), (A, at(), work("late")))
    got = given(over, *history)
    assert [(letter.position, letter.key) for letter in got.folded.dead_letters] == [(3, str(A)), (4, str(A))]
    assert got.folded.dead_letters[0].error.startswith("ProjectionError: tally_v1: expected times within 64 bits")
    assert (got.changed(A).times, got.changed(B).times) == (2**62, 2**62)
