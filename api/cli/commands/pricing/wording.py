"""Tables of plans and offers, and what is said beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from api.cli.wording.words import money, table
from api.language import Language, current, message, text, text_in

if TYPE_CHECKING:
    from rich.console import Console

    from api.queries.pricing.answers import PlanAgainst, QuoteAnswer, QuotedOffer
    from domain.pricing.plans import Plan

QUOTE = ("quote",)
"""The context of words that head the columns of plans and offers."""

_ELSEWHERE = frozenset({"plan.asset_not_covered", "plan.customer_not_covered"})
"""Reasons that say no more than that a plan is for somebody else."""


def percent(rate: str) -> str:
    """`12.68 %` of `0.1268250301`, cut after four digits."""
    from decimal import Decimal

    return f"{(Decimal(rate) * 100).quantize(Decimal('0.01')):f} %"


def show_plans(out: Console, found: Sequence[Plan]) -> None:
    """The plans as one table, grouped by what they lease."""
    from domain.pricing.parts import AssetKind

    groups: dict[str, list[Plan]] = {}
    for plan in sorted(found, key=lambda plan: list(AssetKind).index(plan.asset_kinds[0])):
        groups.setdefault(text(", ").join(map(_code, plan.asset_kinds)), []).append(plan)
    heads = (message("plan"), message("for"), message("term"), message("price"), message("rate"), message("deposit"))
    head = [*(text_in(QUOTE, one) for one in heads), text("at the end")]
    rows = [row for kinds, listed in groups.items() for row in _group(kinds, listed)]
    out.print(table("lllrrll", rows, head=head), soft_wrap=True)
    legend = text(
        "{count} plans. For: i individual, s sole trader, c company, d dealer. Rate: a year, or for rentals the "
        "rent a month or day, of the price.",
        count=len(found),
    )
    out.print(legend, soft_wrap=True, style="dim")


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
    unit = text_in(QUOTE, f"{term.unit}s")
    if term.min == term.max:
        return f"{term.min} {unit}"
    return f"{term.min}–{term.max} {unit}" + (text(", by {step}", step=term.step) if term.step > 1 else "")


def _deposit(plan: Plan) -> str:
    from domain.pricing.deposits import FixedDeposit, FreeDeposit, GradedDeposit

    rule = plan.deposit
    if isinstance(rule, FixedDeposit):
        return f"{percent(rule.share)} {_code(rule.hold)}"
    if isinstance(rule, GradedDeposit):
        return text("by score")
    assert isinstance(rule, FreeDeposit), "there are three rules"
    return text("none") if rule.waiver is None else text("none, by score")


def _end(plan: Plan) -> str:
    from domain.pricing.parts import BuyOutPrice, BuyOutShare, Gift

    rule = plan.buyout
    if isinstance(rule, BuyOutShare):
        return text("buy at {price}", price=percent(rule.share))
    if isinstance(rule, BuyOutPrice):
        return text("buy at {price}", price=money(rule.fen))
    return text("a gift") if isinstance(rule, Gift) else _returned() if plan.business == "rental" else "–"


def _returned() -> str:
    return text_in(QUOTE, message("returned"))


def _code(value: str) -> str:
    """A code of a plan as it is, in Chinese in words."""
    return text_in(QUOTE, value.replace("_", " ")) if current() is Language.ZH else value


def show_plan(out: Console, plan: Plan) -> None:
    """Everything about one plan, by the names of its members."""
    import msgspec

    from domain.pricing.plans import digest_of

    for name, value in {**msgspec.structs.asdict(plan), "digest": digest_of(plan)}.items():
        shown = value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
        shown = "–" if value is None else shown
        out.print(f"{name:<22}{shown}", soft_wrap=True)


def show_quote(out: Console, found: QuoteAnswer, *, whole: bool) -> None:
    """The offers with their costs, on request whole, and the plans that make none."""
    policy = found.policy
    out.print(_quoted_under(found), style="bold")
    if policy.cap is None:
        out.print(text("Look the loan prime rate up and say so in DATA/pricing.json; the README has an example."))
    heads = (
        message("bills"), message("first bill"), message("at the end"), message("deposit"), message("total"),
        message("cost"), message("a year"), message("effective"),
    )  # fmt: skip
    head = (text_in(QUOTE, "plan"), text_in(QUOTE, "name"), *(text_in(QUOTE, one) for one in heads))
    if found.offers:
        out.print(table("llrrrrrrrr", [_offer_row(one) for one in found.offers], head=head), soft_wrap=True)
    if whole:
        for one in found.offers:
            _show_schedule(out, one)
    _show_against(out, found.against)


def _quoted_under(found: QuoteAnswer) -> str:
    policy = found.policy
    cap = text("no cap is known") if policy.cap is None else text("cap {rate}", rate=percent(policy.cap))
    if policy.lpr is not None:
        lpr = {"rate": percent(policy.lpr.one_year), "day": policy.lpr.published_on}
        cap += text(", one-year LPR {rate} of {day}", **lpr)
    return text(
        "Quotes of {day}: policy version {version}, {cap}", day=found.business_date, version=policy.version, cap=cap
    )


def _offer_row(one: QuotedOffer) -> tuple[str, ...]:
    nominal, effective = (
        ("–", "–") if one.rates is None
        else (percent(one.rates.nominal_annual_rate), percent(one.rates.effective_annual_rate))
    )  # fmt: skip
    returned = one.buyout_fen is None and one.business == "rental"
    end = _returned() if returned else money(one.buyout_fen or 0)
    # What comes back is not bought: there is nothing to compare the rents with.
    amounts = (one.deposit.fen, one.total_fen, 0 if returned else one.total_cost_fen)
    first = money(one.bills[0].total_fen)
    return (one.plan, _named(one), str(len(one.bills)), first, end, *map(money, amounts), nominal, effective)


def _show_schedule(out: Console, one: QuotedOffer) -> None:
    out.print()
    lines: list[tuple[str, int]] = [
        (text("price"), one.price_fen), (text("down payment"), one.down_payment_fen),
        (text("financed, or all rents"), one.financed_fen),
        *((_with_code(_named(fee), fee.timing), fee.fen) for fee in one.fees),
        (_with_code(text("deposit"), one.deposit.mode), one.deposit.fen), (text("at the end"), one.buyout_fen or 0),
    ]  # fmt: skip
    out.print(table("lr", [(name, money(fen)) for name, fen in lines], head=("", one.currency)), soft_wrap=True)
    out.print()
    heads = (message("principal"), message("interest"), message("fee"), message("bill"), message("left"))
    head = (text("no."), text("due"), *(text_in(QUOTE, one) for one in heads))
    rows = [
        (str(bill.number), str(bill.due_on), *map(money, amounts))
        for bill in one.bills
        for amounts in [(bill.principal_fen, bill.interest_fen, bill.fee_fen, bill.total_fen, bill.balance_fen)]
    ]
    out.print(table("rlrrrrr", rows, head=head), soft_wrap=True)
    for verdict in one.guards:
        facts = text(", ").join(f"{name} {value}" for name, value in verdict.facts.items())
        passed = text("passes {guard}: {facts}", guard=_code(verdict.guard), facts=facts)
        out.print(passed, soft_wrap=True, style="dim")


def _show_against(out: Console, against: Sequence[PlanAgainst]) -> None:
    near = [one for one in against if not _ELSEWHERE & {reason.code for reason in one.reasons}]
    if near:
        out.print()
        rows = [(one.plan, reason.code, _named(reason), _said(reason.facts)) for one in near for reason in one.reasons]
        out.print(table("llll", rows, head=(text("not offered"), text("rule"), "", "")), soft_wrap=True)
    if rest := len(against) - len(near):
        out.print(text("{count} plans are for other assets or customers.", count=rest), style="dim")


def _named(one: Any) -> str:
    """What something is called in the reader's language, of the two that it has."""
    return str(one.zh if current() is Language.ZH else one.en)


def _with_code(name: str, code: str) -> str:
    return text("{what}, {state}", what=name, state=_code(code))


def _said(facts: dict[str, str]) -> str:
    return text(", ").join(f"{name}={value}" for name, value in facts.items() if name != "plan")
