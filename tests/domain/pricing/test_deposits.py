"""Deposits: waived by any or all of several scores, graded by one; and a score that is missing is not zero."""

from __future__ import annotations

from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.pricing.deposits import (
    SCORE_MAX,
    Answer,
    Deposit,
    DepositBand,
    FixedDeposit,
    FreeDeposit,
    GradedDeposit,
    Hold,
    Need,
    Scored,
    Scores,
    ScoreSource,
    Threshold,
    Waiver,
    deposit_fen,
    judged,
    mode_of,
    score_of,
    share_for,
)

MET, NOT_MET, NOT_EVALUATED = Answer.MET, Answer.NOT_MET, Answer.NOT_EVALUATED
THRESHOLDS = (Threshold(ScoreSource.ZHIMA, 650), Threshold(ScoreSource.PAY_SCORE, 550))
ANY, ALL = Waiver(Need.ANY, THRESHOLDS), Waiver(Need.ALL, THRESHOLDS)
BANDS = (DepositBand(700, "0"), DepositBand(600, "0.3"), DepositBand(0, "1"))
GRADED = GradedDeposit(Hold.PREAUTHORISED, BANDS, unscored_share="0.6")


def scores(zhima: int | None = None, pay_score: int | None = None, decision: int | None = None) -> Scores:
    given = ((ScoreSource.ZHIMA, zhima), (ScoreSource.PAY_SCORE, pay_score), (ScoreSource.DECISION, decision))
    return tuple(Scored(source, score) for source, score in given if score is not None)


@pytest.mark.parametrize(
    ("zhima", "pay_score", "any_of", "all_of"),
    [
        (650, 550, MET, MET),
        (650, 549, MET, NOT_MET),
        (649, 550, MET, NOT_MET),
        (649, 549, NOT_MET, NOT_MET),
        (650, None, MET, NOT_EVALUATED),
        (None, 550, MET, NOT_EVALUATED),
        (649, None, NOT_EVALUATED, NOT_MET),
        (None, 0, NOT_EVALUATED, NOT_MET),
        (None, None, NOT_EVALUATED, NOT_EVALUATED),
    ],
)
def test_waiver_has_three_answers(zhima: int | None, pay_score: int | None, any_of: Answer, all_of: Answer) -> None:
    known = scores(zhima, pay_score)
    assert (ANY.judge(known), ALL.judge(known)) == (any_of, all_of)


def test_missing_is_not_zero() -> None:
    """Zero fails a threshold; nothing neither fails nor meets it, and is graded by a share of its own."""
    assert THRESHOLDS[0].judge(scores(zhima=0)) is NOT_MET
    assert THRESHOLDS[0].judge(()) is NOT_EVALUATED
    assert deposit_fen(GRADED, 600_000, scores(decision=0)) == 600_000
    assert deposit_fen(GRADED, 600_000, ()) == 360_000
    assert deposit_fen(GRADED, 600_000, scores(zhima=900)) == 360_000, "the score of another source"


@pytest.mark.parametrize(
    ("score", "fen"), [(0, 600_000), (599, 600_000), (600, 180_000), (699, 180_000), (700, 0), (1_000, 0)]
)
def test_deposit_is_graded_by_score(score: int, fen: int) -> None:
    assert deposit_fen(GRADED, 600_000, scores(decision=score)) == fen
    by_bureau = replace(GRADED, source=ScoreSource.BUREAU)
    assert deposit_fen(by_bureau, 600_000, (Scored(ScoreSource.BUREAU, score),)) == fen


@pytest.mark.parametrize(
    ("known", "fen"),
    [
        (scores(zhima=650, decision=0), 0),
        (scores(zhima=649, decision=0), 600_000),
        (scores(zhima=649, pay_score=549, decision=650), 180_000),
        (scores(pay_score=550), 0),
        ((), 360_000),
    ],
)
def test_who_does_not_meet_the_waiver_is_graded(known: Scores, fen: int) -> None:
    assert deposit_fen(replace(GRADED, waiver=ANY), 600_000, known) == fen


def test_other_rules() -> None:
    assert deposit_fen(FreeDeposit(), 600_000, ()) == 0
    assert deposit_fen(FixedDeposit(Hold.CASH, "0.0555"), 1_001, ()) == 56
    rules: tuple[Deposit, ...] = (FreeDeposit(ANY), GRADED, FixedDeposit(Hold.CASH, "0"))
    assert [mode_of(rule) for rule in rules] == ["free", "graded", "fixed"]
    assert [judged(rule, scores(zhima=650)) for rule in rules] == [MET, None, None]


def test_of_several_scores_of_a_source_the_lowest_counts() -> None:
    twice = (*scores(zhima=700), *scores(zhima=600))
    assert score_of(twice, ScoreSource.ZHIMA) == 600
    assert ANY.judge(twice) is NOT_EVALUATED
    assert score_of(twice, ScoreSource.BUREAU) is None


def test_rules_are_data() -> None:
    rule = replace(GRADED, waiver=ALL, source=ScoreSource.ZHIMA)
    body = msgspec.json.encode(rule)
    assert b'"waiver":{"need":"all","thresholds":[{"source":"zhima","score_min":650}' in body
    assert msgspec.json.decode(body, type=Deposit) == rule
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"mode":"free","waiver":{"need":"some","thresholds":[]}}', type=Deposit)


KNOWN = st.lists(st.builds(Scored, st.sampled_from(ScoreSource), st.integers(0, SCORE_MAX)), max_size=4).map(tuple)
WAIVERS = st.builds(
    Waiver,
    st.sampled_from(Need),
    st.lists(st.builds(Threshold, st.sampled_from(ScoreSource), st.integers(0, SCORE_MAX)), min_size=1, max_size=4).map(
        tuple
    ),
)


@given(WAIVERS, KNOWN)
def test_what_is_missing_could_decide_both_ways(waiver: Waiver, known: Scores) -> None:
    """Not evaluated exactly when the missing scores could make it met or not met."""
    missing = [source for source in ScoreSource if score_of(known, source) is None]
    worlds = {
        waiver.judge((*known, *(Scored(source, score) for source, score in zip(missing, filled, strict=True))))
        for filled in product((0, SCORE_MAX), repeat=len(missing))
    }
    zero_or_less = any(one.score_min == 0 and one.source in missing for one in waiver.thresholds)
    if waiver.judge(known) is not NOT_EVALUATED:
        assert worlds == {waiver.judge(known)}
    elif not zero_or_less:
        assert worlds == {MET, NOT_MET}


@given(st.integers(1, 10**9), st.integers(0, SCORE_MAX), st.integers(0, SCORE_MAX))
def test_better_scores_never_cost_more(price_fen: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    needed = [deposit_fen(GRADED, price_fen, scores(decision=score)) for score in (low, high)]
    assert needed[0] >= needed[1]
    assert share_for(GRADED, scores(decision=high)) in {band.share for band in BANDS}
