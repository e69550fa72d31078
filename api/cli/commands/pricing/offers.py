"""`plans` and `quote`: what the catalogue offers, and what an inquiry comes to; neither needs a ledger."""

from __future__ import annotations

import inspect
import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from api.cli.commands.pricing.wording import show_plan, show_plans, show_quote
from api.cli.failures import REFUSED, Unusable
from api.cli.frame import Session, command
from api.language import Language, current, text

if TYPE_CHECKING:
    from enum import StrEnum

    from api.queries.pricing.answers import QuoteAnswer, QuoteInquiry
    from domain.kernel.refusal import Refusal
    from domain.pricing.deposits import Scored

FEN = 100
_YUAN = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2}))?")
_SCORE = re.compile(r"([a-z_]+)=([0-9]{1,4})")
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
        raise Unusable(lambda: text("{plan}: expected a plan in force, see `leaseledger plans`", plan=plan))
    data = {"business_date": _day(on), "data": [catalogued(one) for one in found]}
    session.emit(data, lambda out: show_plan(out, found[0]) if plan else show_plans(out, found))


def quote(session: Session, **given: Any) -> None:
    """Print what a lease would cost.

    Offers with every cost and proved rates, lowest rate first, and why other plans make none. Exit status 1 when there
    is no offer.
    """
    from api.queries.pricing.quotes import answer, desk_of

    inquiry = _inquiry(given)
    _answer(
        session, answer(desk_of(session.settings.data, session.settings.tenant), inquiry, _day(given["on"])), inquiry
    )


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


def _inquiry(given: dict[str, Any]) -> QuoteInquiry:
    from api.queries.pricing.answers import QuoteInquiry
    from domain.pricing.dates import Adjustment
    from domain.pricing.parts import AssetKind, CustomerClass, TermUnit

    return QuoteInquiry(
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


def _answer(session: Session, found: QuoteAnswer | tuple[Refusal, ...], inquiry: QuoteInquiry) -> None:
    from api.queries.pricing.answers import QuoteAnswer, reason

    if isinstance(found, QuoteAnswer):
        session.emit(found, lambda out: show_quote(out, found, whole=inquiry.plan is not None))
        if not found.offers:
            raise typer.Exit(REFUSED)
        return
    if session.json:
        session.emit({"ok": False, "refusals": [reason(one) for one in found]}, lambda _: None)
    for one in found:
        if current() is Language.ZH:
            session.say(text("refused: {code}: {sentence}", code=one.code, sentence=one.sentence("zh")))
        else:
            session.say(f"refused: {one.code}: {one.sentence()}\n         {one.sentence('zh')}")
    raise typer.Exit(REFUSED)


# ------------------------------------------------------------------------------------------------- what is given


def _day(value: datetime | None) -> date:
    from adapters.system import now
    from domain.kernel.times import business_date

    return business_date(now()) if value is None else value.date()


def _one_of(kind: type[E], given: str) -> E | None:
    return _needed(kind, given) if given else None


def _needed(kind: type[E], given: str) -> E:
    try:
        return kind(given)
    except ValueError:
        known = text(", ").join(kind)
        raise Unusable(lambda: text("{given}: expected one of {known}", given=repr(given), known=known)) from None


def _fen(option: str, given: str) -> int | None:
    """An amount in yuan as fen; nothing for an option that is not given."""
    if not given:
        return None
    match = _YUAN.fullmatch(given)
    if match is None:
        got = repr(given[:40])
        raise Unusable(
            lambda: text("{option}: expected an amount in yuan such as 5999.00, got {got}", option=option, got=got)
        )
    return int(match[1]) * FEN + int((match[2] or "0").ljust(2, "0"))


def _score(given: str) -> Scored:
    from domain.pricing.deposits import SCORE_MAX, Scored, ScoreSource

    match = _SCORE.fullmatch(given)
    if match is None or int(match[2]) > SCORE_MAX:
        limits = {"most": SCORE_MAX, "got": repr(given[:40])}
        raise Unusable(lambda: text("--score: expected such as zhima=680, at most {most}, got {got}", **limits))
    return Scored(_needed(ScoreSource, match[1]), int(match[2]))
