"""Prices: from a quote and two rates to an offer, whose every number can be computed again.

    Request ──quote──▶ Quote ──solver, outside──▶ two rates as text ──price──▶ Offer

The rates are verified against the cash flows, never believed (`domain.pricing.rates`). The guards of
`domain.pricing.guards` stand between an offer and the person it is for.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from msgspec import Struct

from domain.kernel.money import Currency, Fen
from domain.kernel.refusal import refusal
from domain.kernel.values import Business, Digest, Rate
from domain.pricing.deposits import FreeDeposit, mode_of
from domain.pricing.parts import AssetKind, Form, TermUnit
from domain.pricing.plans import digest_of
from domain.pricing.quoting import Quote
from domain.pricing.rates import (
    Rates,
    effective_annual_rate,
    monthly_rate_of,
    nominal_annual_rate,
    verify_apr,
    verify_rate,
)
from domain.pricing.schedules import Schedule

RATE_UNKNOWN = refusal(
    "offer.rate_unknown",
    "No rate of what this costs can be stated and proved",
    "无法给出并验证该报价的年化利率",
)
RATE_BELOW = Decimal(10_000)
"""A rate of an offer has at most four digits before the point; a million per cent is beyond all of them."""


class RateBeyond(ValueError):
    """Cash flows that cost more than a rate of an offer can say."""


class Offer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price: everything the lessee has to know, and everything a guard has to check.

    `total_fen` is all that is paid and does not come back, down payment included; `total_cost_fen` is how much more
    that is than what was got for it. `deposit_rule` is `free`, `graded` or `fixed`; `deposit_mode` says how it is
    secured: `waived`, `preauthorised` or `cash`. `rates` is None where the quote has no cash flows.
    """

    plan: str
    plan_version: int
    plan_digest: Digest
    business: Business
    form: Form
    asset_kind: AssetKind
    currency: Currency
    term: int
    term_unit: TermUnit
    start: date
    price_fen: Fen
    market_price_fen: Fen | None
    down_payment_fen: Fen
    financed_fen: Fen
    paid_out_fen: Fen | None
    upfront_fees_fen: Fen
    deposit_fen: Fen
    deposit_rule: str
    deposit_mode: str
    buyout_fen: Fen | None
    schedule: Schedule
    total_fen: Fen
    total_cost_fen: int
    late_fee_daily_rate: Rate
    contract_rate: Rate
    rates: Rates | None


def price(worked_out: Quote, monthly_rate: str | None = None, apr: str | None = None) -> Offer:
    """The offer of a quote, with rates that somebody solved for.

    `monthly_rate` is needed exactly when the quote has monthly flows, `apr` exactly when it has dated ones. Raises
    `RateMismatch` or `AmbiguousCashFlows` when a rate is not that of the cash flows, `RateBeyond` for one that no offer
    can say, `ValueError` when one is missing or there is nothing for it to be a rate of.
    """
    request = worked_out.request
    return Offer(
        plan=request.plan.id,
        plan_version=request.plan.version,
        plan_digest=digest_of(request.plan),
        business=request.plan.business,
        form=request.plan.form,
        asset_kind=request.asset.kind,
        currency=request.plan.currency,
        term=request.term,
        term_unit=request.plan.term.unit,
        start=request.start,
        price_fen=request.price_fen,
        market_price_fen=request.market_price_fen,
        down_payment_fen=request.down_payment_fen,
        financed_fen=worked_out.financed_fen,
        paid_out_fen=worked_out.received_fen if request.plan.form is Form.LEASEBACK else None,
        upfront_fees_fen=worked_out.upfront_fees_fen,
        deposit_fen=worked_out.deposit_fen,
        deposit_rule=mode_of(request.plan.deposit),
        deposit_mode=_mode(worked_out),
        buyout_fen=worked_out.buyout_fen,
        schedule=worked_out.schedule,
        total_fen=worked_out.cost_fen + worked_out.received_fen + request.down_payment_fen,
        total_cost_fen=worked_out.cost_fen,
        late_fee_daily_rate=request.plan.late_fee_daily_rate,
        contract_rate=worked_out.contract_rate,
        rates=_rates(worked_out, monthly_rate, apr),
    )


def _mode(worked_out: Quote) -> str:
    deposit = worked_out.request.plan.deposit
    return "waived" if isinstance(deposit, FreeDeposit) or not worked_out.deposit_fen else deposit.hold.value


def _rates(worked_out: Quote, monthly_rate: str | None, apr: str | None) -> Rates | None:
    for name, given, flows in (
        ("monthly rate", monthly_rate, worked_out.flows),
        ("apr", apr, worked_out.dated_flows),
    ):
        if (given is not None) != bool(flows):
            raise ValueError(f"{name}: expected {'one' if flows else 'none'}, got {given}")
    if apr is None:
        return None
    verify_apr(worked_out.dated_flows, apr)
    if monthly_rate is None:
        found = _from_dates(apr)
    else:
        verify_rate(worked_out.flows, monthly_rate)
        found = Rates(monthly_rate, nominal_annual_rate(monthly_rate), effective_annual_rate(monthly_rate), apr)
    if Decimal(found.effective_annual_rate) >= RATE_BELOW or Decimal(apr) >= RATE_BELOW:
        raise RateBeyond(f"expected rates below {RATE_BELOW}, got {found.effective_annual_rate} and {apr}")
    return found


def _from_dates(apr: str) -> Rates:
    """The rates where bills do not fall on whole months: the yearly one is by dates, and the others follow from it."""
    monthly_rate = monthly_rate_of(apr)
    return Rates(monthly_rate, nominal_annual_rate(monthly_rate), apr, apr)
