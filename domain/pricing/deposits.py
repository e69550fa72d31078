"""Deposits (押金): waived by credit scores (信用免押), graded by a score, or fixed; all of it data of a plan.

    scores ──waiver: any of, all of──▶ met            no deposit
                                       not met        by the band of the score, or no such plan
                                       not evaluated  likewise; nobody's score is made up

A score is a number of a named source, each on that source's own scale. A source that said nothing is missing, which is
neither a low score nor zero: it meets no threshold and fails none. Who has no score of the source that grades a deposit
pays the share that the plan names for that case.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from domain.kernel.money import Rounding
from domain.pricing.amounts import share_of

SCORE_MAX = 1_000
"""No source has a higher score; that of the tenant's own decision is scaled to 0 … 1000."""

Share = Annotated[str, Meta(pattern=r"^(0|1|[1-9][0-9]?)(\.[0-9]{1,10})?$(?!\n)", max_length=13)]
"""A share of an amount as a decimal string; `0.2` is a fifth. Not negative."""

Score = Annotated[int, Meta(ge=0, le=SCORE_MAX)]


class ScoreSource(StrEnum):
    """Who gave a score."""

    DECISION = "decision"
    """The tenant's own decision."""
    ZHIMA = "zhima"
    """芝麻分."""
    PAY_SCORE = "pay_score"
    """微信支付分."""
    BUREAU = "bureau"
    """A licensed credit bureau."""


class Scored(Struct, frozen=True, forbid_unknown_fields=True):
    """One score of a person."""

    source: Annotated[ScoreSource, Meta(description="Whose score it is.")]
    score: Annotated[Score, Meta(description="The score, on its source's own scale.")]


Scores = tuple[Scored, ...]


def score_of(scores: Scores, source: ScoreSource) -> int | None:
    """The score that a source gave, the lowest of several, `None` when it gave none."""
    return min((one.score for one in scores if one.source is source), default=None)


class Answer(StrEnum):
    """Outcome of a threshold or of a waiver."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_EVALUATED = "not_evaluated"
    """A score is missing, and the others do not decide."""


class Threshold(Struct, frozen=True, forbid_unknown_fields=True):
    """At least this score of this source."""

    source: ScoreSource
    score_min: Score

    def judge(self, scores: Scores) -> Answer:
        """Whether the scores meet it."""
        score = score_of(scores, self.source)
        if score is None:
            return Answer.NOT_EVALUATED
        return Answer.MET if score >= self.score_min else Answer.NOT_MET


class Need(StrEnum):
    """How many thresholds a waiver needs."""

    ANY = "any"
    ALL = "all"


class Waiver(Struct, frozen=True, forbid_unknown_fields=True):
    """免押条件: who meets any, or all, of these thresholds pays no deposit."""

    need: Need
    thresholds: tuple[Threshold, ...]

    def judge(self, scores: Scores) -> Answer:
        """Any of: one that is met decides. All of: one that is not met decides. Else what is missing is missing."""
        answers = {threshold.judge(scores) for threshold in self.thresholds}
        deciding, otherwise = (Answer.MET, Answer.NOT_MET) if self.need is Need.ANY else (Answer.NOT_MET, Answer.MET)
        if deciding in answers:
            return deciding
        return Answer.NOT_EVALUATED if Answer.NOT_EVALUATED in answers else otherwise


class Hold(StrEnum):
    """How a deposit is secured."""

    CASH = "cash"
    """Paid in and paid back: it takes part in the cash flows that a rate is computed from."""
    PREAUTHORISED = "preauthorised"
    """Frozen on an account and released: no money moves unless it is captured."""


class FreeDeposit(Struct, frozen=True, forbid_unknown_fields=True, tag="free", tag_field="mode"):
    """免押: no deposit, for lessees who meet the waiver; without a waiver for everybody."""

    waiver: Waiver | None = None


class DepositBand(Struct, frozen=True, forbid_unknown_fields=True):
    """From this score on, this share of the price."""

    score_min: Score
    share: Share


class GradedDeposit(Struct, frozen=True, forbid_unknown_fields=True, tag="graded", tag_field="mode"):
    """阶梯押金: nothing for who meets the waiver, else a share of the price by a source's score, highest band first.

    The last band begins at 0. Who has no score of that source pays `unscored_share`.
    """

    hold: Hold
    bands: tuple[DepositBand, ...]
    unscored_share: Share = "1"
    source: ScoreSource = ScoreSource.DECISION
    waiver: Waiver | None = None


class FixedDeposit(Struct, frozen=True, forbid_unknown_fields=True, tag="fixed", tag_field="mode"):
    """固定押金: the same share of the price for everybody."""

    hold: Hold
    share: Share


Deposit = FreeDeposit | GradedDeposit | FixedDeposit


def waiver_of(rule: Deposit) -> Waiver | None:
    """The waiver of a rule, if it has one."""
    return None if isinstance(rule, FixedDeposit) else rule.waiver


def judged(rule: Deposit, scores: Scores) -> Answer | None:
    """What becomes of a rule's waiver with these scores; `None` where it has none."""
    waiver = waiver_of(rule)
    return None if waiver is None else waiver.judge(scores)


def share_for(rule: Deposit, scores: Scores) -> str:
    """The share of the price that a rule asks for."""
    if isinstance(rule, FixedDeposit):
        return rule.share
    if isinstance(rule, FreeDeposit) or judged(rule, scores) is Answer.MET:
        return "0"
    score = score_of(scores, rule.source)
    return rule.unscored_share if score is None else _band(rule.bands, score).share


def _band(bands: Sequence[DepositBand], score: int) -> DepositBand:
    """The highest band that a score reaches; the last one reaches everybody."""
    return next((band for band in bands if score >= band.score_min), bands[-1])


def deposit_fen(rule: Deposit, price_fen: int, scores: Scores) -> int:
    """What a rule asks for, rounded half up. Whether a free deposit is for this person is judged before."""
    return share_of(price_fen, share_for(rule, scores), Rounding.HALF_UP)


def mode_of(rule: Deposit) -> str:
    """`free`, `graded` or `fixed`."""
    return str(rule.__struct_config__.tag)
