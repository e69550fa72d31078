"""`books`, `ageing`, `portfolio` and `cash-flow`: the books of the tenant, as tables or as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.frame import Session, command
from api.cli.reading import At, figures, with_position
from api.cli.wording.words import money, number, share, table
from api.language import Language, current, message, text, text_in

if TYPE_CHECKING:
    from datetime import date

    from rich.console import Console

    from api.queries.engine.read import ReadResult


BAR_CHARACTERS = 30
FIELD, JOURNAL, CASH, COUNTS = ("field",), ("field of JournalLine",), ("field of Day",), ("field of Ageing",)
"""Contexts of words that head columns."""

AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of", metavar="DATE", formats=["%Y-%m-%d"], show_default=False,
        help="At the end of this business date, as known then (default: now).",
    ),
]  # fmt: skip
Currency = Annotated[
    str | None, typer.Option(metavar="CODE", help="Default: the one of most leases.", show_default=False)
]
_DAY: Any = {"metavar": "DATE", "formats": ["%Y-%m-%d"], "show_default": False}


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    command(app, "books")(books)
    command(app, "ageing")(ageing)
    command(app, "cash-flow")(cash_flow)
    command(app, "portfolio")(portfolio)


def books(session: Session, as_of: AsOf = None, at_position: At = None, currency: Currency = None) -> None:
    """Print the trial balance.

    Turnover and balance of every account; the balances add up to zero.
    """
    with figures(session, at_position) as ask:
        found = ask("/trial-balance", day=_day(as_of), currency=currency)
    session.emit(with_position(found), lambda out: _show_books(out, found))


def ageing(session: Session, as_of: AsOf = None, at_position: At = None, currency: Currency = None) -> None:
    """Print what is unpaid by age.

    Leases and open amounts by the oldest unpaid due date, at the end of a business date as known then.
    """
    with figures(session, at_position) as ask:
        found = ask("/ageing", day=_day(as_of), currency=currency)
    session.emit(with_position(found), lambda out: _show_ageing(out, found))


def cash_flow(
    session: Session,
    first: Annotated[datetime, typer.Option("--from", help="First day.", **_DAY)],
    last: Annotated[datetime, typer.Option("--to", help="Last day.", **_DAY)],
    at_position: At = None,
    currency: Currency = None,
) -> None:
    """Print expected and actual cash by day."""
    days = {"from": str(first.date()), "to": str(last.date())}
    with figures(session, at_position) as ask:
        found = ask("/cash-flow", currency=currency, **days)
    session.emit(with_position(found), lambda out: _show_cash_flow(out, found))


def portfolio(session: Session, as_of: AsOf = None, at_position: At = None, currency: Currency = None) -> None:
    """Print what is at risk, its limits, and the provisions.

    Days overdue count to the business date; what is known is what is known now, or at a position.
    """
    with figures(session, at_position) as ask:
        asked = {
            "portfolio": ask("/portfolio", currency=currency),
            "limits": ask("/portfolio/limits", currency=currency),
        }
        if (on := _day(as_of) or ask("/ageing").value.as_of) is not None:
            asked["provisions"] = ask("/provisions", currency=currency, on=str(on))
    data = {"provisions": None} | {name: with_position(one) for name, one in asked.items()}
    session.emit(data, lambda out: _show_portfolio(out, asked))


def _day(value: datetime | None) -> date | None:
    return None if value is None else value.date()


# --------------------------------------------------------------------------------------------------- words


def _head(out: Console, title: str, currency: str | None, as_of: date | None, position: int) -> None:
    when = title if as_of is None else text("{title} at the end of {day}", title=title, day=as_of)
    out.print(when if currency is None else text("{what}, {state}", what=when, state=currency), style="bold")
    out.print(text("as known at ledger position {position}", position=number(position)), style="dim")


def _others(out: Console, others: tuple[str, ...]) -> None:
    if others:
        out.print(text("Other currencies, with --currency: {codes}", codes=text(", ").join(others)))


def _show_books(out: Console, answered: ReadResult) -> None:
    found = answered.value
    _head(out, text("Trial balance"), found.currency, found.as_of, answered.position)
    rows = [
        (one.account, *_names(one.name, one.name_zh), *map(money, (one.debit_fen, one.credit_fen, one.balance_fen)))
        for one in found.accounts
    ]
    debit_fen, credit_fen = (sum(getattr(one, side) for one in found.accounts) for side in ("debit_fen", "credit_fen"))
    entries = text("1 entry") if found.entries == 1 else text("{count} entries", count=number(found.entries))
    total = ("", *_names(entries, entries), money(debit_fen), money(credit_fen), money(found.sum_fen))
    names = _names(text("name"), text("name"))
    head = (text("account"), *names, text("debit"), text_in(JOURNAL, "credit"), text("balance"))
    out.print(table("l" * (1 + len(names)) + "rrr", [*rows, total], head=head), soft_wrap=True)
    _others(out, found.other_currencies)


_AGES = {
    "not_due": message("not due yet"),
    "current": message("nothing overdue"),
    "d1_30": message("1–30 days"),
    "d31_60": message("31–60 days"),
    "d61_90": message("61–90 days"),
    "d91_plus": message("91 days and more"),
}


def _show_ageing(out: Console, answered: ReadResult) -> None:
    found = answered.value
    _head(out, text("Ageing"), found.currency, found.as_of, answered.position)
    rows = [
        (text(_AGES[one.bucket]), number(one.leases), share(one.leases, found.leases), money(one.open_fen),
         share(one.open_fen, found.open_fen), _bar(one.open_fen, found.open_fen))
        for one in found.buckets
    ]  # fmt: skip
    total = ("", number(found.leases), "", money(found.open_fen), "", "")
    head = (text("oldest unpaid bill"), text_in(COUNTS, "leases"), "", text_in(FIELD, "open"), "", "")
    out.print(table("lrrrrl", [*rows, total], head=head), soft_wrap=True)
    _others(out, found.other_currencies)


def _bar(part: int, whole: int) -> str:
    return "█" * round(BAR_CHARACTERS * part / whole) if whole else ""


def _show_cash_flow(out: Console, answered: ReadResult) -> None:
    found = answered.value
    title = text("Cash flow {first} to {last}", first=found.first, last=found.last)
    _head(out, title, found.currency, None, answered.position)
    rows = [
        (day.on.isoformat(), money(day.expected_fen), money(day.open_fen), money(day.in_fen), money(day.out_fen))
        for day in found.days
    ]
    sums = [sum(getattr(day, name) for day in found.days) for name in ("expected_fen", "open_fen", "in_fen", "out_fen")]
    head = (text_in(FIELD, "day"), text_in(CASH, "expected"), text("still open"), text("in"), text("out"))
    out.print(table("lrrrr", [*rows, ("", *map(money, sums))], head=head), soft_wrap=True)
    _others(out, found.other_currencies)


_LIMITS = {
    "risk_assets": message("risk assets"),
    "one_lessee": message("one lessee"),
    "one_group": message("one group"),
    "one_related": message("one related party"),
    "all_related": message("all related parties"),
    "lease_assets": message("lease assets"),
}


def _show_limits(out: Console, limits: Any) -> None:
    out.print("\n" + text("Limits"), style="bold")
    known = limits.net_assets_fen is not None
    if not known:
        out.print("  " + text("portfolio.json says nothing of this tenant's assets: no finance lease is booked"))
    elif limits.net_assets_fen <= 0:
        assets = money(limits.net_assets_fen)
        out.print("  " + text("without net assets ({amount}) no finance lease is booked", amount=assets))
    rows = [
        (_limit_name(one), one.lessee or one.group or "", money(one.fen),
         *((money(one.limit_fen), money(one.headroom_fen), text("BREACHED") if one.breached else "") if known else
           ("", "", text("no limit set"))))
        for one in limits.data
    ]  # fmt: skip
    head = (text("limit"), "", text_in(FIELD, "amount"), text("may be"), text("headroom"), "")
    out.print(table("llrrrl", rows, head=head, indent=2), soft_wrap=True)


def _limit_name(one: Any) -> str:
    name = str(one.code).partition(".")[2]
    return text(_LIMITS[name]) if current() is Language.ZH else name


def _names(english: str, chinese: str) -> tuple[str, ...]:
    """A name as the reader says it; in English the Chinese one stands beside it."""
    return (chinese,) if current() is Language.ZH else (english, chinese if chinese != english else "")


def _show_portfolio(out: Console, asked: Mapping[str, ReadResult]) -> None:
    held, limits = asked["portfolio"].value, asked["limits"].value
    classes = asked["provisions"].value if "provisions" in asked else None
    _head(out, text("Portfolio"), held.currency, None, asked["portfolio"].position)
    rows = [
        (text_in(COUNTS, "leases"), number(held.leases)),
        (text("lessees"), number(held.lessees)),
        (text("risk assets"), money(held.risk_assets_fen)),
        (text("of these finance leases"), money(held.lease_assets_fen)),
        (text("without a known lessee"), money(held.unnamed_fen)),
    ]
    out.print(table("lr", rows, indent=2), soft_wrap=True)
    if held.largest:
        out.print("\n" + text("Largest lessees"), style="bold")
        largest = [
            (one.lessee, number(one.leases), money(one.fen), share(one.fen, held.risk_assets_fen))
            for one in held.largest
        ]
        out.print(
            table("lrrr", largest, head=(text("lessee"), text_in(COUNTS, "leases"), text("owes"), ""), indent=2),
            soft_wrap=True,
        )
    _show_limits(out, limits)
    if classes is not None:
        by = text("{title} at the end of {day}", title=text("Provisions by class"), day=classes.on)
        out.print("\n" + by, style="bold")
        by_class = [
            (
                *_names(one.five_class, one.name_zh),
                number(one.leases),
                *map(money, (one.exposure_fen, one.provision_fen)),
            )
            for one in classes.classes
        ]
        names = (text("class"), *[""] * (len(_names("", "")) - 1))
        head = (*names, text_in(COUNTS, "leases"), text("exposure"), text_in(FIELD, "provision"))
        out.print(table("l" * len(names) + "rrr", by_class, head=head, indent=2), soft_wrap=True)
    _others(out, held.other_currencies)
