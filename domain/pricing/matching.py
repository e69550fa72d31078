"""Matching of plans with a customer, an asset, an amount and a term; in a fixed order, with reasons against the others.

Order of what fits: no deposit before a deposit, then the smaller deposit, then the lower rate, then the plan made for
fewer kinds of asset and of customer, then the id. Nothing else decides, so that two people in the same position are
shown the same (个人信息保护法 24).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from msgspec import Struct

from domain.kernel.refusal import Refusal, refusal
from domain.pricing.deposits import Answer, FreeDeposit, Scored, Scores, ScoreSource, Threshold, Waiver, deposit_fen
from domain.pricing.parts import AssetKind, CustomerClass, TermUnit
from domain.pricing.plans import Plan

PLAN_UNKNOWN = refusal("plan.unknown", "There is no such plan in the catalogue", "方案目录中没有该方案")
NOT_EFFECTIVE = refusal("plan.not_effective", "The plan is not in force yet", "方案尚未生效")
ENDED = refusal("plan.ended", "The plan is not offered any more", "方案已停止提供")
SUPERSEDED = refusal("plan.superseded", "A later version of the plan is in force", "方案已有更新版本生效")
ASSET_NOT_COVERED = refusal("plan.asset_not_covered", "The plan is not for this asset", "方案不适用于该租赁物")
CUSTOMER_NOT_COVERED = refusal(
    "plan.customer_not_covered", "The plan is not for this kind of customer", "方案不适用于该类客户"
)
AMOUNT_BELOW = refusal("plan.amount_below", "The amount is below the plan's least", "金额低于方案下限")
AMOUNT_ABOVE = refusal("plan.amount_above", "The amount is above the plan's most", "金额高于方案上限")
TERM_UNIT = refusal("plan.term_unit", "The plan counts its term differently", "方案的期限单位不同")
TERM_NOT_OFFERED = refusal("plan.term_not_offered", "The plan is not offered for this term", "方案不提供该期限")
SCORE_TOO_LOW = refusal(
    "plan.score_too_low", "The plan's waived deposit needs a higher score", "信用评分未达到方案免押门槛"
)
SCORE_MISSING = refusal(
    "plan.score_missing",
    "The plan's waived deposit needs a score that is not known; a missing score is not a low one",
    "方案免押所需的信用评分缺失；缺失不等于低分",
)


class Customer(Struct, frozen=True):
    """Who asks: the class, the score of the decision scaled to 0 … 1000, if there is one, and other sources' scores."""

    customer_class: CustomerClass
    score: int | None = None
    others: Scores = ()

    @property
    def scores(self) -> Scores:
        """All that is known."""
        own = () if self.score is None else (Scored(ScoreSource.DECISION, self.score),)
        return (*own, *self.others)


class Asset(Struct, frozen=True):
    """What is asked for."""

    kind: AssetKind


class Financing(Struct, frozen=True):
    """How it is asked for: the amount in fen, the term and its unit, and the day of the offer."""

    amount_fen: int
    term: int
    on: date
    unit: TermUnit = TermUnit.MONTH


class Fit(Struct, frozen=True):
    """A plan that fits, with the rate of the term and the deposit in fen."""

    plan: Plan
    rate: str
    deposit_fen: int


class Misfit(Struct, frozen=True):
    """A plan that does not, and every reason."""

    plan: Plan
    reasons: tuple[Refusal, ...]


class Matches(Struct, frozen=True):
    """All plans, once each: those that fit, best first, and the others in the order of their ids."""

    fits: tuple[Fit, ...]
    misfits: tuple[Misfit, ...]


def in_force(plans: Iterable[Plan], on: date) -> tuple[Plan, ...]:
    """The version of each plan that is in force on a business date, in the order of their ids."""
    newest: dict[str, Plan] = {}
    for plan in plans:
        if plan.effective_from <= on and plan.version >= newest.get(plan.id, plan).version:
            newest[plan.id] = plan
    return tuple(plan for _, plan in sorted(newest.items()) if plan.effective_to is None or on <= plan.effective_to)


def plan_in_force(plans: Iterable[Plan], code: str, on: date) -> Plan | Refusal:
    """The version of a plan that is in force on a business date, or why there is none."""
    versions = [plan for plan in plans if plan.id == code]
    if not versions:
        return PLAN_UNKNOWN()
    if found := in_force(versions, on):
        return found[0]
    first = min(plan.effective_from for plan in versions)
    if on < first:
        return NOT_EFFECTIVE(plan=code, effective_from=first)
    last = max((plan for plan in versions if plan.effective_from <= on), key=lambda plan: plan.version)
    return ENDED(plan=code, effective_to=last.effective_to)


def reasons_against(plan: Plan, customer: Customer, asset: Asset, request: Financing) -> tuple[Refusal, ...]:
    """Every reason why a plan does not fit, in a fixed order; none when it does."""
    return (*_about_people(plan, customer, asset), *_about_numbers(plan, request))


def _about_people(plan: Plan, customer: Customer, asset: Asset) -> Iterator[Refusal]:
    if asset.kind not in plan.asset_kinds:
        yield ASSET_NOT_COVERED(plan=plan.id, asset=asset.kind)
    if customer.customer_class not in plan.customer_classes:
        yield CUSTOMER_NOT_COVERED(plan=plan.id, customer=customer.customer_class)
    if isinstance(plan.deposit, FreeDeposit) and plan.deposit.waiver is not None:
        yield from _about_waiver(plan, plan.deposit.waiver, customer.scores)


def _about_waiver(plan: Plan, waiver: Waiver, scores: Scores) -> Iterator[Refusal]:
    answer = waiver.judge(scores)
    if answer is Answer.MET:
        return
    thresholds = ", ".join(f"{one.source} {one.score_min}" for one in waiver.thresholds)
    facts: dict[str, object] = {"plan": plan.id, "need": waiver.need, "thresholds": thresholds}
    if answer is Answer.NOT_MET:
        yield SCORE_TOO_LOW(**facts)
    else:
        yield SCORE_MISSING(**facts, missing=", ".join(_missing(waiver.thresholds, scores)))


def _missing(thresholds: Iterable[Threshold], scores: Scores) -> list[str]:
    return [one.source.value for one in thresholds if one.judge(scores) is Answer.NOT_EVALUATED]


def _about_numbers(plan: Plan, request: Financing) -> Iterator[Refusal]:
    if request.on < plan.effective_from:
        yield NOT_EFFECTIVE(plan=plan.id, effective_from=plan.effective_from)
    if plan.effective_to is not None and request.on > plan.effective_to:
        yield ENDED(plan=plan.id, effective_to=plan.effective_to)
    if request.amount_fen < plan.amount_min_fen:
        yield AMOUNT_BELOW(plan=plan.id, amount_fen=request.amount_fen, amount_min_fen=plan.amount_min_fen)
    if request.amount_fen > plan.amount_max_fen:
        yield AMOUNT_ABOVE(plan=plan.id, amount_fen=request.amount_fen, amount_max_fen=plan.amount_max_fen)
    if request.unit is not plan.term.unit:
        yield TERM_UNIT(plan=plan.id, unit=request.unit, expected=plan.term.unit)
    elif not plan.term.allows(request.term):
        yield TERM_NOT_OFFERED(
            plan=plan.id, term=request.term, min=plan.term.min, max=plan.term.max, step=plan.term.step
        )


def match(plans: Iterable[Plan], customer: Customer, asset: Asset, request: Financing) -> Matches:
    """Every plan of the catalogue, judged; the same answer for the same question, whatever order the plans come in."""
    fits, misfits = [], []
    listed = sorted(plans, key=lambda plan: (plan.id, plan.version))
    newest = {plan.id: plan.version for plan in listed if plan.effective_from <= request.on}
    for plan in listed:
        reasons = reasons_against(plan, customer, asset, request)
        if plan.version < newest.get(plan.id, plan.version):
            reasons = (SUPERSEDED(plan=plan.id, version=newest[plan.id]), *reasons)
        if reasons:
            misfits.append(Misfit(plan, reasons))
        else:
            needed_fen = deposit_fen(plan.deposit, request.amount_fen, customer.scores)
            fits.append(Fit(plan, plan.rate(request.term), needed_fen))
    return Matches(tuple(sorted(fits, key=_rank)), tuple(misfits))


def _rank(fit: Fit) -> tuple[int, Decimal, int, int, str]:
    plan = fit.plan
    return fit.deposit_fen, Decimal(fit.rate), len(plan.asset_kinds), len(plan.customer_classes), plan.id
