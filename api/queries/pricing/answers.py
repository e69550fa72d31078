"""Inquiries for a lease and their quotes: the same types over HTTP and on the command line.

Amounts are fen beside the plan's currency, rates decimal strings, dates business dates in Asia/Shanghai.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from msgspec import Meta, Struct

from domain.intake.application.values import Terms
from domain.kernel.fields import MonthEndField, OptionalFirstDueOnField, OptionalPaidOutFenField
from domain.kernel.money import Amount, Fen
from domain.kernel.refusal import Refusal
from domain.kernel.values import Business, Code, Digest, Rate
from domain.pricing.dates import Adjustment
from domain.pricing.deposits import Answer, Scored, Scores, ScoreSource, judged, mode_of, share_for, waiver_of
from domain.pricing.guards import Cap, CostPolicy, Guard, Lessor, Verdict, cap_on
from domain.pricing.offer import Offer
from domain.pricing.parts import AssetKind, CustomerClass, FeeTiming, Form, TermUnit
from domain.pricing.plans import Plan, digest_of
from domain.pricing.rates import Rates

SCORES_MAX = 8
TEXTS_MAX = 20
TEXT_MAX_CHARS = 20_000
TERM_MAX = 1_000


class OfferText(Struct, frozen=True, forbid_unknown_fields=True):
    """Words that go with an offer, such as an advertisement, and the name of their place."""

    place: Annotated[Code, Meta(description="Where the words stand, such as `title` or `advertisement`.")]
    words: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX_CHARS, description="The words.")]


class QuoteInquiry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody would like to lease, and how. Without `plan` every plan of the catalogue is tried.

    `business_date` is that of catalogue and policy, today by default; the lease starts on `start`, by default then.
    Without a down payment it is the plan's least. The market price is what the asset costs elsewhere on that day.
    """

    asset_kind: Annotated[AssetKind, Meta(description="What is to be leased.")]
    customer_class: Annotated[CustomerClass, Meta(description="Who leases.")]
    price_fen: Annotated[Amount, Meta(description="Price in fen.")]
    term: Annotated[int, Meta(ge=1, le=TERM_MAX, description="How long, in `term_unit`.")]
    term_unit: Annotated[
        TermUnit | None,
        Meta(description="What the term is counted in: by default what the plan counts in, else months."),
    ] = None
    plan: Annotated[
        Code | None, Meta(description="Code of a plan of the catalogue; its newest version in force is taken.")
    ] = None
    business_date: Annotated[date | None, Meta(description="Business date in Asia/Shanghai; today by default.")] = None
    start: Annotated[
        date | None, Meta(description="The day on which the lease begins; the business date by default.")
    ] = None
    first_due_on: OptionalFirstDueOnField = None
    market_price_fen: Annotated[
        Amount | None,
        Meta(description="What the asset costs elsewhere on the day, in fen, from a source that is not the lessor."),
    ] = None
    down_payment_fen: Annotated[
        Fen | None,
        Meta(description="Down payment (首付), not financed, in fen; of a quote by default the plan's least."),
    ] = None
    paid_out_fen: OptionalPaidOutFenField = None
    month_end: MonthEndField = False
    adjustment: Annotated[
        Adjustment,
        Meta(description="Where a due date goes that is no business day (ISDA 2006 §4.12; Chinese holidays)."),
    ] = Adjustment.NONE
    scores: Annotated[
        tuple[Scored, ...],
        Meta(
            max_length=SCORES_MAX,
            description="Credit scores that are known; a source that is left out is missing, which is not zero.",
        ),
    ] = ()
    wording: Annotated[
        tuple[OfferText, ...],
        Meta(
            max_length=TEXTS_MAX,
            description="Words that go with the offer; those about vehicles are searched for forbidden ones.",
        ),
    ] = ()


class QuotedBill(Struct, frozen=True):
    """One bill to come; `balance_fen` is the principal that is left after it."""

    number: int
    due_on: date
    principal_fen: Fen
    interest_fen: Fen
    fee_fen: Fen
    total_fen: Fen
    balance_fen: Fen


class QuotedFee(Struct, frozen=True):
    """One fee of the plan, worked out."""

    code: str
    en: str
    zh: str
    timing: FeeTiming
    fen: Fen


class QuotedThreshold(Struct, frozen=True):
    """One threshold of a waiver and what became of it."""

    source: ScoreSource
    score_min: int
    answer: Answer


class QuotedDeposit(Struct, frozen=True):
    """The deposit, and why: `waiver` is None where the rule has none."""

    fen: Fen
    share: str
    rule: str
    mode: str
    waiver: Answer | None
    thresholds: tuple[QuotedThreshold, ...]


class GuardVerdict(Struct, frozen=True):
    """What one guard compared; every guard of an offer passed."""

    guard: Guard
    facts: dict[str, str]


class QuotedOffer(Struct, frozen=True, kw_only=True):
    """One offer that may be made: every cost, the schedule, the rates, and what the guards compared.

    `total_fen` is all that is paid and does not come back, `total_cost_fen` how much more that is than what is got.
    `terms` are what an application takes to be made this offer.
    """

    plan: str
    plan_version: int
    plan_digest: Digest
    en: str
    zh: str
    business: Business
    form: Form
    asset_kind: AssetKind
    currency: str
    term: int
    term_unit: TermUnit
    start: date
    price_fen: Fen
    market_price_fen: Fen | None
    down_payment_fen: Fen
    financed_fen: Fen
    paid_out_fen: Fen | None
    upfront_fees_fen: Fen
    fees: tuple[QuotedFee, ...]
    deposit: QuotedDeposit
    buyout_fen: Fen | None
    bills: tuple[QuotedBill, ...]
    total_fen: Fen
    total_cost_fen: int
    contract_rate: Rate
    late_fee_daily_rate: Rate
    rates: Rates | None
    guards: tuple[GuardVerdict, ...]
    consents: tuple[str, ...]
    clause_set: str
    terms: Terms


class Reason(Struct, frozen=True):
    """One named refusal in both languages; `source` is its statute or policy, empty where it has none."""

    code: str
    en: str
    zh: str
    facts: dict[str, str]
    source: str


class PlanAgainst(Struct, frozen=True):
    """A plan that makes no offer for the inquiry, and every reason."""

    plan: str
    plan_version: int
    reasons: tuple[Reason, ...]


class LprUsed(Struct, frozen=True):
    """The publication of the one-year loan prime rate that the cap is a multiple of."""

    published_on: date
    one_year: Rate
    source: str


class PolicyUsed(Struct, frozen=True):
    """The version of the tenant's cost policy, and the cap that it gives on the day, if it gives one."""

    version: int
    lessor: Lessor
    cap: Rate | None
    lpr: LprUsed | None


class QuoteAnswer(Struct, frozen=True):
    """Offers, lowest rate first; the plans against which something speaks, in the order of their ids."""

    business_date: date
    policy: PolicyUsed
    offers: tuple[QuotedOffer, ...]
    against: tuple[PlanAgainst, ...]


class CataloguedPlan(Plan, frozen=True, kw_only=True):
    """One version of one plan as the catalogue has it, and the SHA-256 of its canonical JSON."""

    digest: Digest


class PlanPage(Struct, frozen=True):
    """Some plans in the order of their ids; `next` is the `starting_after` of the next page."""

    business_date: date
    data: tuple[CataloguedPlan, ...]
    has_more: bool
    next: str | None


def catalogued(plan: Plan) -> CataloguedPlan:
    """A plan as it is shown."""
    return CataloguedPlan(**{name: getattr(plan, name) for name in Plan.__struct_fields__}, digest=digest_of(plan))


def policy_used(policy: CostPolicy, on: date) -> PolicyUsed:
    """What a policy says for a day."""
    cap = cap_on(policy, on)
    found = cap if isinstance(cap, Cap) else Cap("0")
    lpr = None if found.lpr is None else LprUsed(found.lpr.published_on, found.lpr.one_year, found.lpr.source)
    return PolicyUsed(policy.version, policy.lessor, cap.rate if isinstance(cap, Cap) else None, lpr)


def reason(refusal: Refusal) -> Reason:
    """A refusal as people see it."""
    kind = refusal.kind
    return Reason(kind.code, kind.en, kind.zh, dict(refusal.facts), kind.source)


def quoted_offer(plan: Plan, offer: Offer, scores: Scores, verdicts: tuple[Verdict, ...], terms: Terms) -> QuotedOffer:
    """An offer that passed every guard, as people see it."""
    named = QuotedOffer.__struct_fields__
    same: dict[str, Any] = {name: getattr(offer, name) for name in named if hasattr(offer, name)}
    amount_fen = offer.price_fen - offer.down_payment_fen
    more: dict[str, Any] = {
        "en": plan.en,
        "zh": plan.zh,
        "fees": tuple(QuotedFee(fee.code, fee.en, fee.zh, fee.timing, fee.amount_fen(amount_fen)) for fee in plan.fees),
        "deposit": _deposit(plan, offer, scores),
        "bills": _bills(offer),
        "guards": tuple(GuardVerdict(verdict.guard, dict(verdict.facts)) for verdict in verdicts),
        "consents": plan.consents,
        "clause_set": plan.clause_set,
        "terms": terms,
    }
    return QuotedOffer(**same, **more)


def _deposit(plan: Plan, offer: Offer, scores: Scores) -> QuotedDeposit:
    rule, waiver = plan.deposit, waiver_of(plan.deposit)
    thresholds = () if waiver is None else waiver.thresholds
    return QuotedDeposit(
        fen=offer.deposit_fen,
        share=share_for(rule, scores),
        rule=mode_of(rule),
        mode=offer.deposit_mode,
        waiver=judged(rule, scores),
        thresholds=tuple(QuotedThreshold(one.source, one.score_min, one.judge(scores)) for one in thresholds),
    )


def _bills(offer: Offer) -> tuple[QuotedBill, ...]:
    balance_fen, bills = offer.financed_fen, []
    for row in offer.schedule:
        balance_fen -= row.principal_fen
        bills.append(
            QuotedBill(
                row.number, row.due_on, row.principal_fen, row.interest_fen, row.fee_fen, row.total_fen, balance_fen
            )
        )
    return tuple(bills)


def texts_of(plan: Plan, inquiry: QuoteInquiry) -> Mapping[str, str]:
    """Every word that goes with an offer: the plan's own, and those of the inquiry under their places."""
    own = {"plan.en": plan.en, "plan.zh": plan.zh, **{f"fee.{fee.code}": f"{fee.en} {fee.zh}" for fee in plan.fees}}
    return own | {f"text.{number}.{one.place}": one.words for number, one in enumerate(inquiry.wording, start=1)}
