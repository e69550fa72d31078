"""`plans` and `quote`: what the catalogue offers, and what a wish comes to; neither needs a ledger."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from api.cli.books import money, wide_table
from api.cli.failures import REFUSED, Unusable
from api.cli.frame import Session, command

if TYPE_CHECKING:
    from enum import StrEnum

    from rich.console import Console

    from api.queries.pricing.answers import PlanAgainst, QuoteAnswer, QuotedOffer, QuoteWish
    from domain.kernel.refusal import Refusal
    from domain.pricing.deposits import Scored
    from domain.pricing.plans import Plan

FEN = 100
_YUAN = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2}))?")
_SCORE = re.compile(r"([a-z_]+)=([0-9]{1,4})")
_ELSEWHERE = frozenset({"plan.asset_not_covered", "plan.customer_not_covered"})
"""Reasons that say no more than that a plan is for somebody else."""

_DAY: Any = {"metavar": "DATE", "formats": ["%Y-%m-%d"], "show_default": False}


def _amount(help_text: str) -> Any:
    return Annotated[str, typer.Option(metavar="YUAN", help=help_text, show_default=False)]


On = Annotated[datetime | None, typer.Option("--on", help="Business date (default: today).", **_DAY)]
Asset = Annotated[str, typer.Option(metavar="KIND", help="Kind of asset, such as phone or new_car.")]
Customer = Annotated[str, typer.Option(metavar="CLASS", help="individual, sole_trader, company or dealer.")]

E = TypeVar("E", bound="StrEnum")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    command(app, "plans")(plans)
    command(app, "quote")(quote)


def plans(
    session: Session,
    plan: Annotated[str, typer.Argument(help="Only this one, with everything about it.", show_default=False)] = "",
    asset: Asset = "",
    customer: Customer = "",
    business: Annotated[str, typer.Option(metavar="NAME", help="rental or finance.")] = "",
    on: On = None,
) -> None:
    """Print the plans in force.

    The shipped ones and those of DATA/plans.json or DATA/plans/*.json.
    """
    from adapters.reference.plans import plans_of
    from api.queries.pricing.answers import catalogued
    from domain.kernel.values import Business
    from domain.pricing.matching import in_force
    from domain.pricing.parts import AssetKind, CustomerClass

    kind, who, side = _one_of(AssetKind, asset), _one_of(CustomerClass, customer), _one_of(Business, business)
    found = [
        one
        for one in in_force(plans_of(session.settings.data), _day(on))
        if plan in ("", one.id)
        and (kind is None or kind in one.asset_kinds)
        and (who is None or who in one.customer_classes)
        and side in (None, one.business)
    ]
    if plan and not found:
        raise Unusable(f"{plan}: expected a plan in force, see `leaseledger plans`")
    data = {"business_date": _day(on), "data": [catalogued(one) for one in found]}
    session.emit(data, lambda out: _show_plan(out, found[0]) if plan else _show_plans(out, found))


def quote(session: Session, **given: Any) -> None:
    """Print what a lease would cost.

    Offers with every cost and proved rates, lowest rate first, and why other plans make none. Exit status 1 when there
    is no offer.
    """
    from api.queries.pricing.quotes import answer, desk_of

    wish = _wish(given)
    _answer(session, answer(desk_of(session.settings.data, session.settings.tenant), wish, _day(given["on"])), wish)


_QUOTE: dict[str, tuple[Any, Any]] = {
    "asset": (Asset, inspect.Parameter.empty),
    "price": (_amount("Price in the contract, such as 5999.00."), inspect.Parameter.empty),
    "term": (
        Annotated[int, typer.Option(min=1, max=1_000, metavar="N", help="Months, or days for daily rent.")],
        inspect.Parameter.empty,
    ),
    "days": (Annotated[bool, typer.Option("--days", help="Count the term in days.", show_default=False)], False),
    "customer": (Customer, "individual"),
    "plan": (
        Annotated[str, typer.Option(metavar="ID", help="Only this plan (default: all that fit).", show_default=False)],
        "",
    ),
    "market": (_amount("What the asset costs elsewhere; rentals need it."), ""),
    "down": (_amount("Down payment (default: the plan's least)."), ""),
    "paid_out": (_amount("What a lease-back really pays out (default: all)."), ""),
    "score": (
        Annotated[
            list[str] | None,
            typer.Option(
                metavar="SOURCE=N", help="decision, zhima, pay_score or bureau; may be repeated.", show_default=False
            ),
        ],
        None,
    ),
    "start": (Annotated[datetime | None, typer.Option(help="First day (default: the business date).", **_DAY)], None),
    "first_due": (Annotated[datetime | None, typer.Option(help="First due date (default: the plan's).", **_DAY)], None),
    "adjust": (
        Annotated[
            str,
            typer.Option(metavar="HOW", help="no_adjustment, following, modified_following, preceding: business days."),
        ],
        "no_adjustment",
    ),
    "on": (On, None),
}
"""The options of `quote`: what each is, and what it is when it is not given."""

quote.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [
        inspect.Parameter("session", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Session),
        *(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
            for name, (kind, default) in _QUOTE.items()
        ),
    ]
)


def _wish(given: dict[str, Any]) -> QuoteWish:
    from api.queries.pricing.answers import QuoteWish
    from domain.pricing.dates import Adjustment
    from domain.pricing.parts import AssetKind, CustomerClass, TermUnit

    return QuoteWish(
        asset_kind=_needed(AssetKind, given["asset"]),
        customer_class=_needed(CustomerClass, given["customer"]),
        price_fen=_fen("--price", given["price"]) or 0,
        term=given["term"],
        term_unit=TermUnit.DAY if given["days"] else None,
        plan=given["plan"] or None,
        business_date=_day(given["on"]),
        start=None if given["start"] is None else given["start"].date(),
        first_due_on=None if given["first_due"] is None else given["first_due"].date(),
        market_price_fen=_fen("--market", given["market"]),
        down_payment_fen=_fen("--down", given["down"]),
        paid_out_fen=_fen("--paid-out", given["paid_out"]),
        adjustment=_needed(Adjustment, given["adjust"]),
        scores=tuple(map(_score, given["score"] or ())),
    )


def _answer(session: Session, found: QuoteAnswer | tuple[Refusal, ...], wish: QuoteWish) -> None:
    from api.queries.pricing.answers import QuoteAnswer, reason

    if isinstance(found, QuoteAnswer):
        session.emit(found, lambda out: _show_quote(out, found, whole=wish.plan is not None))
        if not found.offers:
            raise typer.Exit(REFUSED)
        return
    if session.json:
        session.emit({"ok": False, "refusals": [reason(one) for one in found]}, lambda _: None)
    for one in found:
        session.say(f"refused: {one.code}: {one.sentence()}\n         {one.sentence('zh')}")
    raise typer.Exit(REFUSED)


# ------------------------------------------------------------------------------------------------- what is given


def _day(value: datetime | None) -> date:
    from adapters.system import now
    from domain.kernel.times import business_date

    return business_date(now()) if value is None else value.date()


def _one_of(kind: type[E], text: str) -> E | None:
    return _needed(kind, text) if text else None


def _needed(kind: type[E], text: str) -> E:
    try:
        return kind(text)
    except ValueError:
        raise Unusable(f"{text!r}: expected one of {', '.join(kind)}") from None


def _fen(option: str, text: str) -> int | None:
    """An amount in yuan as fen; nothing for an option that is not given."""
    if not text:
        return None
    match = _YUAN.fullmatch(text)
    if match is None:
        raise Unusable(f"{option}: expected an amount in yuan such as 5999.00, got {text[:40]!r}")
    return int(match[1]) * FEN + int((match[2] or "0").ljust(2, "0"))


def _score(text: str) -> Scored:
    from domain.pricing.deposits import SCORE_MAX, Scored, ScoreSource

    match = _SCORE.fullmatch(text)
    if match is None or int(match[2]) > SCORE_MAX:
        raise Unusable(f"--score: expected such as zhima=680, at most {SCORE_MAX}, got {text[:40]!r}")
    return Scored(_needed(ScoreSource, match[1]), int(match[2]))


# ----------------------------------------------------------------------------------------------------- tables


def percent(rate: str) -> str:
    """`12.68 %` of `0.1268250301`, cut after four digits."""
    from decimal import Decimal

    return f"{(Decimal(rate) * 100).quantize(Decimal('0.01')):f} %"


def _show_plans(out: Console, found: Sequence[Plan]) -> None:
    from domain.pricing.parts import AssetKind

    groups: dict[str, list[Plan]] = {}
    for plan in sorted(found, key=lambda plan: list(AssetKind).index(plan.asset_kinds[0])):
        groups.setdefault(", ".join(plan.asset_kinds), []).append(plan)
    head = ("plan", "for", "term", "price", "rate", "deposit", "at the end")
    rows = [row for kinds, listed in groups.items() for row in _group(kinds, listed)]
    out.print(wide_table("lllrrll", rows, head=head), soft_wrap=True)
    out.print(
        f"{len(found)} plans. For: i individual, s sole trader, c company, d dealer. Rate: a year, or for rentals the "
        "rent a month or day, of the price.",
        soft_wrap=True,
        style="dim",
    )


def _group(kinds: str, listed: Iterable[Plan]) -> list[tuple[str, ...]]:
    return [(kinds, *[""] * 6), *map(_plan_row, listed)]


def _plan_row(plan: Plan) -> tuple[str, ...]:
    rates = [plan.rate(term) for term in plan.term.all()]
    return (
        f"  {plan.id}",
        "".join(who[0] for who in plan.customer_classes),
        _term(plan),
        f"{money(plan.amount_min_fen)[:-3]} – {money(plan.amount_max_fen)[:-3]}",
        " – ".join(dict.fromkeys(percent(rate) for rate in (rates[0], rates[-1]))),
        _deposit(plan),
        _end(plan),
    )


def _term(plan: Plan) -> str:
    term = plan.term
    unit = f"{term.unit}s"
    if term.min == term.max:
        return f"{term.min} {unit}"
    return f"{term.min}–{term.max} {unit}" + (f", by {term.step}" if term.step > 1 else "")


def _deposit(plan: Plan) -> str:
    from domain.pricing.deposits import FixedDeposit, FreeDeposit, GradedDeposit

    rule = plan.deposit
    if isinstance(rule, FixedDeposit):
        return f"{percent(rule.share)} {rule.hold}"
    if isinstance(rule, GradedDeposit):
        return "by score"
    assert isinstance(rule, FreeDeposit), "there are three rules"
    return "none" if rule.waiver is None else "none, by score"


def _end(plan: Plan) -> str:
    from domain.pricing.parts import BuyOutPrice, BuyOutShare, Gift

    rule = plan.buyout
    if isinstance(rule, BuyOutShare):
        return f"buy at {percent(rule.share)}"
    if isinstance(rule, BuyOutPrice):
        return f"buy at {money(rule.fen)}"
    return "a gift" if isinstance(rule, Gift) else "returned" if plan.business == "rental" else "–"


def _show_plan(out: Console, plan: Plan) -> None:
    """Everything about one plan, by the names of its members."""
    import msgspec

    from domain.pricing.plans import digest_of

    for name, value in {**msgspec.structs.asdict(plan), "digest": digest_of(plan)}.items():
        shown = value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
        shown = "–" if value is None else shown
        out.print(f"{name:<22}{shown}", soft_wrap=True)


def _show_quote(out: Console, found: QuoteAnswer, *, whole: bool) -> None:
    policy = found.policy
    cap = "no cap is known" if policy.cap is None else f"cap {percent(policy.cap)}"
    lpr = "" if policy.lpr is None else f", one-year LPR {percent(policy.lpr.one_year)} of {policy.lpr.published_on}"
    out.print(f"Quotes of {found.business_date}: policy version {policy.version}, {cap}{lpr}", style="bold")
    if policy.cap is None:
        out.print("Look the loan prime rate up and say so in DATA/pricing.json; the README has an example.")
    head = ("plan", "方案", "bills", "first bill", "at the end", "deposit", "total", "cost", "a year", "effective")
    if found.offers:
        out.print(wide_table("llrrrrrrrr", [_offer_row(one) for one in found.offers], head=head), soft_wrap=True)
    if whole:
        for one in found.offers:
            _show_schedule(out, one)
    _show_against(out, found.against)


def _offer_row(one: QuotedOffer) -> tuple[str, ...]:
    nominal, effective = (
        ("–", "–") if one.rates is None
        else (percent(one.rates.nominal_annual_rate), percent(one.rates.effective_annual_rate))
    )  # fmt: skip
    returned = one.buyout_fen is None and one.business == "rental"
    end = "returned" if returned else money(one.buyout_fen or 0)
    # What comes back is not bought: there is nothing to compare the rents with.
    amounts = (one.deposit.fen, one.total_fen, 0 if returned else one.total_cost_fen)
    first = money(one.bills[0].total_fen)
    return (one.plan, one.zh, str(len(one.bills)), first, end, *map(money, amounts), nominal, effective)


def _show_schedule(out: Console, one: QuotedOffer) -> None:
    out.print()
    lines: list[tuple[str, int]] = [
        ("price", one.price_fen), ("down payment", one.down_payment_fen), ("financed, or all rents", one.financed_fen),
        *((f"{fee.en}, {fee.timing}", fee.fen) for fee in one.fees),
        (f"deposit, {one.deposit.mode}", one.deposit.fen), ("at the end", one.buyout_fen or 0),
    ]  # fmt: skip
    out.print(wide_table("lr", [(name, money(fen)) for name, fen in lines], head=("", one.currency)), soft_wrap=True)
    out.print()
    head = ("no.", "due", "principal", "interest", "fee", "bill", "left")
    rows = [
        (str(bill.number), str(bill.due_on), *map(money, amounts))
        for bill in one.bills
        for amounts in [(bill.principal_fen, bill.interest_fen, bill.fee_fen, bill.total_fen, bill.balance_fen)]
    ]
    out.print(wide_table("rlrrrrr", rows, head=head), soft_wrap=True)
    for verdict in one.guards:
        facts = ", ".join(f"{name} {value}" for name, value in verdict.facts.items())
        out.print(f"passes {verdict.guard}: {facts}", soft_wrap=True, style="dim")


def _show_against(out: Console, against: Sequence[PlanAgainst]) -> None:
    near = [one for one in against if not _ELSEWHERE & {reason.code for reason in one.reasons}]
    if near:
        out.print()
        rows = [(one.plan, reason.code, reason.en, _said(reason.facts)) for one in near for reason in one.reasons]
        out.print(wide_table("llll", rows, head=("not offered", "rule", "", "")), soft_wrap=True)
    if rest := len(against) - len(near):
        out.print(f"{rest} plans are for other assets or customers.", style="dim")


def _said(facts: dict[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in facts.items() if name != "plan")
