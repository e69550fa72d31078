"""Plans (产品方案): what may be offered to whom, as versioned data that a person has reviewed.

A plan is checked when it is loaded and named by its digest from then on: an event that says plan, version and digest
says every number of it. A plan that is in use never changes; another version of the same id follows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from domain.application.values import Code, Rate
from domain.contracting.dates import DayCount
from domain.contracting.parts import (
    RENTS,
    AssetKind,
    Balloon,
    Business,
    BuyOut,
    CustomerClass,
    DailyRent,
    Deposit,
    Fee,
    Form,
    GradedDeposit,
    Name,
    NoBuyOut,
    RateBand,
    Share,
    Stepped,
    SteppedRent,
    Structure,
    Term,
    TermUnit,
)
from domain.contracting.schedules import Component
from domain.kernel import Currency, Fen

_ENCODER = msgspec.json.Encoder(order="sorted")

MONTH_DAYS = range(28, 32)
"""Billing intervals that count as a month when a rate per month is asked for."""


class Plan(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of one plan. Amounts are the asset's price (rental, direct) or what is paid out, in fen."""

    id: Code
    version: Annotated[int, Meta(ge=1)]
    effective_from: date
    en: Name
    zh: Name
    business: Business
    form: Form
    asset_kinds: tuple[AssetKind, ...]
    customer_classes: tuple[CustomerClass, ...]
    structure: Structure
    term: Term
    amount_min_fen: Fen
    amount_max_fen: Fen
    currency: Currency
    rates: tuple[RateBand, ...]
    day_count: DayCount
    down_payment_min: Share
    fees: tuple[Fee, ...]
    deposit: Deposit
    buyout: BuyOut
    allocation: tuple[Component, ...]
    late_fee_daily_rate: Rate
    grace_days: Annotated[int, Meta(ge=0, le=90)]
    bill_lead_days: Annotated[int, Meta(ge=0, le=60)]
    consents: tuple[Code, ...]
    clause_set: Code

    def rate(self, term: int) -> str:
        """The rate of a term: that of the first band that reaches so far. Raises `StopIteration` past the last."""
        return next(band.rate for band in self.rates if term <= band.up_to)


class PlanFault(StrEnum):
    """What can be wrong with a plan that is well-formed."""

    NOTHING_COVERED = "nothing_covered"
    TERM_RANGE = "term_range"
    AMOUNT_RANGE = "amount_range"
    RATE_BANDS = "rate_bands"
    STRUCTURE_BUSINESS = "structure_business"
    FORM_BUSINESS = "form_business"
    TERM_UNIT = "term_unit"
    STEPS = "steps"
    BALLOON_SHARE = "balloon_share"
    DEPOSIT_BANDS = "deposit_bands"
    DAILY_BUYOUT = "daily_buyout"
    FEE_CODES = "fee_codes"
    ALLOCATION = "allocation"
    CONSENTS = "consents"
    DOUBLE = "double"
    DOWN_PAYMENT = "down_payment"


class PlanError(ValueError):
    """A plan that contradicts itself: which plan, which fault, what was expected and what came."""

    def __init__(self, plan: str, fault: PlanFault, expected: str, got: object) -> None:
        super().__init__(f"plan {plan}: {fault}: expected {expected}, got {got}")
        self.plan = plan
        self.fault = fault
        self.expected = expected
        self.got = str(got)


def canonical(plan: Plan) -> bytes:
    """The canonical JSON of a plan (RFC 8785): sorted keys, no white space, UTF-8."""
    return _ENCODER.encode(plan)


def digest_of(plan: Plan) -> str:
    """SHA-256 of the canonical JSON, 64 lower-case hex digits."""
    return hashlib.sha256(canonical(plan)).hexdigest()


Finding = tuple[PlanFault, str, object]


def _covers(plan: Plan) -> Iterator[Finding]:
    for what, listed in (("asset kinds", plan.asset_kinds), ("customer classes", plan.customer_classes)):
        if not listed or len(set(listed)) != len(listed):
            yield PlanFault.NOTHING_COVERED, f"at least one of its {what}, each once", [str(one) for one in listed]


def _term(plan: Plan) -> Iterator[Finding]:
    term = plan.term
    if term.min > term.max or (term.max - term.min) % term.step:
        yield PlanFault.TERM_RANGE, "min + k × step = max", f"{term.min} … {term.max} by {term.step}"
    daily = isinstance(plan.structure, DailyRent)
    if daily != (term.unit is TermUnit.DAY):
        yield PlanFault.TERM_UNIT, "a term in days for daily rent, in months for all others", term.unit


def _amounts(plan: Plan) -> Iterator[Finding]:
    if not 0 < plan.amount_min_fen <= plan.amount_max_fen:
        yield PlanFault.AMOUNT_RANGE, "0 < min ≤ max", f"{plan.amount_min_fen} … {plan.amount_max_fen}"
    if Decimal(plan.down_payment_min) >= 1 or (plan.business is Business.RENTAL and Decimal(plan.down_payment_min)):
        yield PlanFault.DOWN_PAYMENT, "less than 1, and 0 for a rental", plan.down_payment_min


def _rates(plan: Plan) -> Iterator[Finding]:
    ends = [band.up_to for band in plan.rates]
    if not ends or ends != sorted(set(ends)) or ends[-1] < plan.term.max:
        yield PlanFault.RATE_BANDS, f"rising bands that reach {plan.term.max}", ends


def _structure(plan: Plan) -> Iterator[Finding]:
    structure = plan.structure
    if isinstance(structure, RENTS) != (plan.business is Business.RENTAL):
        yield PlanFault.STRUCTURE_BUSINESS, f"a structure of {plan.business}", type(structure).__name__
    if (plan.form is Form.OPERATING) != (plan.business is Business.RENTAL):
        yield PlanFault.FORM_BUSINESS, f"a form of {plan.business}", plan.form
    if isinstance(structure, (Stepped, SteppedRent)) and not sum(Decimal(step.weight) for step in structure.steps):
        yield PlanFault.STEPS, "a step whose weight is above 0", "none"
    if isinstance(structure, Balloon) and not 0 < Decimal(structure.share) < 1:
        yield PlanFault.BALLOON_SHARE, "between 0 and 1", structure.share


def _deposit(plan: Plan) -> Iterator[Finding]:
    if isinstance(plan.deposit, GradedDeposit):
        scores = [band.score_min for band in plan.deposit.bands]
        shares = [Decimal(band.share) for band in plan.deposit.bands]
        if not scores or scores != sorted(set(scores), reverse=True) or scores[-1] != 0:
            yield PlanFault.DEPOSIT_BANDS, "scores that fall to 0", scores
        elif shares != sorted(shares):
            yield PlanFault.DEPOSIT_BANDS, "shares that rise as scores fall", [str(share) for share in shares]


def _buyout(plan: Plan) -> Iterator[Finding]:
    if isinstance(plan.buyout, NoBuyOut) or not isinstance(plan.structure, DailyRent):
        return
    if plan.structure.every_days not in MONTH_DAYS:
        yield PlanFault.DAILY_BUYOUT, "bills of 28 … 31 days where a rate is shown", plan.structure.every_days


def _lists(plan: Plan) -> Iterator[Finding]:
    codes = [fee.code for fee in plan.fees]
    if len(set(codes)) != len(codes):
        yield PlanFault.FEE_CODES, "each fee once", codes
    if sorted(plan.allocation) != sorted(Component):
        yield PlanFault.ALLOCATION, "an order of all components", [str(part) for part in plan.allocation]
    if not plan.consents or len(set(plan.consents)) != len(plan.consents):
        yield PlanFault.CONSENTS, "at least one consent, each once", list(plan.consents)


CHECKS: tuple[Callable[[Plan], Iterator[Finding]], ...] = (
    *(_covers, _term, _amounts, _rates),
    *(_structure, _deposit, _buyout, _lists),
)


def check_plan(plan: Plan) -> None:
    """Raise `PlanError` for the first contradiction in a plan."""
    for check in CHECKS:
        for fault, expected, got in check(plan):
            raise PlanError(plan.id, fault, expected, got)


def check_catalogue(plans: Iterable[Plan]) -> None:
    """Raise `PlanError` for the first plan that contradicts itself or another: an id and version stand once."""
    seen: dict[tuple[str, int], date] = {}
    for plan in plans:
        check_plan(plan)
        if (plan.id, plan.version) in seen:
            raise PlanError(plan.id, PlanFault.DOUBLE, "each version once", plan.version)
        seen[plan.id, plan.version] = plan.effective_from
