"""Medians, ratios and bars; no clock is read here."""

from __future__ import annotations

import pytest

from tests.bench.model import FULL, SHORT, Bar, Broken, check, compare, repeat, result

RATIO = Bar("commands", "commands/s", 40.0)
RATE = Bar("proofs", "proofs/s", 3_000.0)


def test_both_sides_take_turns() -> None:
    order: list[str] = []

    def side(name: str) -> float:
        order.append(name)
        return float(len(order))

    ours, peer = compare(lambda: side("ours"), lambda: side("peer"), 3)
    assert order == ["ours", "peer"] * 3
    assert (ours, peer) == ([1.0, 3.0, 5.0], [2.0, 4.0, 6.0])


def test_without_a_peer_it_is_repeated() -> None:
    numbers = iter([1.0, 2.0, 3.0])
    assert repeat(lambda: next(numbers), 3) == [1.0, 2.0, 3.0]


def test_the_ratio_is_that_of_the_medians() -> None:
    row = result(RATIO, [900.0, 1_000.0, 5_000.0], [10.0, 20.0, 30.0], measured="m", note="n", against="a peer")
    assert (row.ours, row.peer, row.ratio) == (1_000.0, 20.0, 50.0)
    assert (row.ours_min, row.ours_max, row.peer_min, row.peer_max) == (900.0, 5_000.0, 10.0, 30.0)
    assert (row.name, row.unit, row.bar, row.rounds, row.against) == ("commands", "commands/s", 40.0, 3, "a peer")


@pytest.mark.parametrize(("peer", "met"), [(24.0, True), (25.0, True), (26.0, False)])
def test_a_bar_with_a_peer_is_a_ratio(peer: float, met: bool) -> None:
    assert result(RATIO, [1_000.0], [peer], measured="", note="").met is met


@pytest.mark.parametrize(("ours", "met"), [(2_999.0, False), (3_000.0, True)])
def test_a_bar_without_a_peer_is_a_number(ours: float, met: bool) -> None:
    row = result(RATE, [ours], measured="", note="")
    assert row.met is met
    assert row.ratio is None
    assert row.peer is None


def test_a_missed_bar_says_why() -> None:
    reached = result(RATE, [4_000.0], measured="", note="what it is", missed="the reason")
    missed = result(RATE, [2_000.0], measured="", note="what it is", missed="the reason")
    assert reached.note == "what it is"
    assert missed.note == "what it is. Missed: the reason"


def test_a_wrong_result_is_no_result() -> None:
    check("events", 3, 3)
    with pytest.raises(Broken, match="events: expected 3, got 2"):
        check("events", 3, 2)


def test_scaling_changes_counts_and_nothing_else() -> None:
    half = FULL.times(0.5)
    assert (half.stored, half.leaves, half.cases) == (2_500_000, 500_000, 6_544)
    assert (half.rounds, half.seconds, half.clients) == (FULL.rounds, FULL.seconds, FULL.clients)
    assert SHORT.times(1e-9).cases == 1
