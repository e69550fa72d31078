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
from itertools import pairwise
from typing import Annotated

from msgspec import Meta, Struct

from domain.kernel.money import Currency, Fen
from domain.kernel.values import Business, Code, Rate, canonical_json, is_line
from domain.pricing.dates import DayCount
from domain.pricing.deposits import Deposit, GradedDeposit, Share, waiver_of
from domain.pricing.parts import (
    EVERY_MONTHS,
    RENTS,
    AssetKind,
    Balloon,
    BuyOut,
    Curtailed,
    CustomerClass,
    DailyRent,
    Fee,
    Form,
    Name,
    RateBand,
    Stepped,
    SteppedRent,
    Structure,
    Term,
    TermUnit,
    every_months,
)
from domain.pricing.schedules import Component


class Plan(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of one plan. Amounts are the asset's price (rental, direct) or what is paid out, in fen.

    It is offered from `effective_from` until the next version is, or for the last time on `effective_to`.
    """

    id: Code
    version: Annotated[int, Meta(ge=1)]
    effective_from: date
    effective_to: date | None = None
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
    """Fault of a plan that is well-formed."""

    NOTHING_COVERED = "nothing_covered"
    TERM_RANGE = "term_range"
    AMOUNT_RANGE = "amount_range"
    RATE_BANDS = "rate_bands"
    STRUCTURE_BUSINESS = "structure_business"
    FORM_BUSINESS = "form_business"
    TERM_UNIT = "term_unit"
    EVERY_MONTHS = "every_months"
    STEPS = "steps"
    BALLOON_SHARE = "balloon_share"
    CURTAILMENTS = "curtailments"
    DEPOSIT_BANDS = "deposit_bands"
    WAIVER = "waiver"
    FEE_CODES = "fee_codes"
    ALLOCATION = "allocation"
    CONSENTS = "consents"
    EFFECTIVE = "effective"
    DOUBLE = "double"
    DOWN_PAYMENT = "down_payment"
    NAMES = "names"


class PlanError(ValueError):
    """A plan that contradicts itself or another: which plan, which fault, what was expected and what came."""

    def __init__(self, plan: str, fault: PlanFault, expected: str, got: object) -> None:
        super().__init__(f"plan {plan}: {fault}: expected {expected}, got {got}")
        self.plan = plan
        self.fault = fault
        self.expected = expected
        self.got = str(got)


def canonical(plan: Plan) -> bytes:
    """The canonical JSON of a plan (RFC 8785): sorted keys, no white space, UTF-8."""
    return canonical_json(plan)


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


def _effective(plan: Plan) -> Iterator[Finding]:
    if plan.effective_to is not None and plan.effective_to < plan.effective_from:
        yield PlanFault.EFFECTIVE, f"a last day on {plan.effective_from} or later", plan.effective_to


def _structure(plan: Plan) -> Iterator[Finding]:
    structure = plan.structure
    if isinstance(structure, RENTS) != (plan.business is Business.RENTAL):
        yield PlanFault.STRUCTURE_BUSINESS, f"a structure of {plan.business}", type(structure).__name__
    if (plan.form is Form.OPERATING) != (plan.business is Business.RENTAL):
        yield PlanFault.FORM_BUSINESS, f"a form of {plan.business}", plan.form
    months = every_months(structure)
    if months not in EVERY_MONTHS:
        yield PlanFault.EVERY_MONTHS, f"one of {EVERY_MONTHS}", months
    elif any(term % months for term in plan.term.all()):
        yield PlanFault.EVERY_MONTHS, f"terms of whole instalments of {months} months", list(plan.term.all())


def _parts(plan: Plan) -> Iterator[Finding]:
    structure = plan.structure
    if isinstance(structure, (Stepped, SteppedRent)) and not sum(Decimal(step.weight) for step in structure.steps):
        yield PlanFault.STEPS, "a step whose weight is above 0", "none"
    if isinstance(structure, Balloon) and not 0 < Decimal(structure.share) < 1:
        yield PlanFault.BALLOON_SHARE, "between 0 and 1", structure.share
    if isinstance(structure, Curtailed):
        yield from _curtailments(plan, structure)


def _curtailments(plan: Plan, structure: Curtailed) -> Iterator[Finding]:
    days = [one.after_days for one in structure.curtailments]
    shares = [Decimal(one.share) for one in structure.curtailments]
    if plan.form is not Form.FLOOR_PLAN:
        yield PlanFault.CURTAILMENTS, f"the form {Form.FLOOR_PLAN}", plan.form
    if not days or days != sorted(set(days)):
        yield PlanFault.CURTAILMENTS, "days that rise", days
    if not all(shares) or sum(shares) >= 1:
        yield PlanFault.CURTAILMENTS, "shares above 0, less than 1 in all", [str(share) for share in shares]


def _deposit(plan: Plan) -> Iterator[Finding]:
    if isinstance(plan.deposit, GradedDeposit):
        scores = [band.score_min for band in plan.deposit.bands]
        shares = [Decimal(band.share) for band in plan.deposit.bands]
        if not scores or scores != sorted(set(scores), reverse=True) or scores[-1] != 0:
            yield PlanFault.DEPOSIT_BANDS, "scores that fall to 0", scores
        elif shares != sorted(shares):
            yield PlanFault.DEPOSIT_BANDS, "shares that rise as scores fall", [str(share) for share in shares]


def _waiver(plan: Plan) -> Iterator[Finding]:
    waiver = waiver_of(plan.deposit)
    if waiver is None:
        return
    sources = [threshold.source.value for threshold in waiver.thresholds]
    if not sources or len(set(sources)) != len(sources):
        yield PlanFault.WAIVER, "at least one threshold, each source once", sources


def _lists(plan: Plan) -> Iterator[Finding]:
    codes = [fee.code for fee in plan.fees]
    if len(set(codes)) != len(codes):
        yield PlanFault.FEE_CODES, "each fee once", codes
    if sorted(plan.allocation) != sorted(Component):
        yield PlanFault.ALLOCATION, "an order of all components", [str(part) for part in plan.allocation]
    if not plan.consents or len(set(plan.consents)) != len(plan.consents):
        yield PlanFault.CONSENTS, "at least one consent, each once", list(plan.consents)


def _names(plan: Plan) -> Iterator[Finding]:
    """What people read of a plan: it stands on offers and contracts."""
    for name in (plan.en, plan.zh, *(name for fee in plan.fees for name in (fee.en, fee.zh))):
        if not is_line(name):
            yield PlanFault.NAMES, "names that show all of their characters", ascii(name)


CHECKS: tuple[Callable[[Plan], Iterator[Finding]], ...] = (
    *(_effective, _covers, _term, _amounts, _rates),
    *(_structure, _parts, _deposit, _waiver, _lists, _names),
)


def check_plan(plan: Plan) -> None:
    """Raise `PlanError` for the first contradiction in a plan."""
    for check in CHECKS:
        for fault, expected, got in check(plan):
            raise PlanError(plan.id, fault, expected, got)


def check_catalogue(plans: Iterable[Plan]) -> None:
    """Raise `PlanError` for the first plan that contradicts itself or another.

    An id and version stand once; a later version of an id begins after the earlier one began, and after it ended where
    it has a last day.
    """
    versions: dict[str, dict[int, Plan]] = {}
    for plan in plans:
        check_plan(plan)
        if plan.version in versions.setdefault(plan.id, {}):
            raise PlanError(plan.id, PlanFault.DOUBLE, "each version once", plan.version)
        versions[plan.id][plan.version] = plan
    for known in versions.values():
        for earlier, later in pairwise(sorted(known.values(), key=lambda plan: plan.version)):
            _check_succession(earlier, later)


def _check_succession(earlier: Plan, later: Plan) -> None:
    last = earlier.effective_from if earlier.effective_to is None else earlier.effective_to
    if later.effective_from <= last:
        expected = f"version {later.version} to begin after {last}, where version {earlier.version} has that day"
        raise PlanError(later.id, PlanFault.EFFECTIVE, expected, later.effective_from)
