"""The transcript of a life: events and journal lines as text that a person can follow and recompute.

Amounts are in yuan. What is drawn by lot (ids, keys, digests) is left out, so that every telling is the same.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from enum import Enum
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct

from api.language import amount
from domain.accounting.chart import ACCOUNTS
from domain.accounting.posting import Line
from domain.contracts.contract.values import KeyTerms, Signature
from domain.intake.application.values import Terms
from domain.kernel.event import Event, type_of
from domain.leasing.values import Applied, Part, QuotePart
from domain.pricing.offer import Offer
from domain.pricing.schedules import Instalment
from projections.accounting.journal import TrialBalance
from projections.portfolio.exposures import Provisions

WIDTH = 118
_DIGEST = re.compile(r"[0-9a-f]{64}")


def lines_of(text: str, indent: int, hang: int = 2) -> list[str]:
    """A text, indented, broken into lines where it is too long."""
    return textwrap.wrap(
        text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + hang), break_long_words=False
    )


def told(position: int, event: Event, journal: Sequence[Line]) -> Iterator[str]:
    """One event with its position, and what it does to the books."""
    facts = ", ".join(_facts(event))
    yield from lines_of(f"#{position:<4} {type_of(event)}{': ' * bool(facts)}{facts}", 4, 6)
    for line in journal:
        side, fen = ("Dr", line.debit_fen) if line.debit_fen else ("Cr", line.credit_fen)
        yield f"{'':12}{side} {line.account:<7}{ACCOUNTS[line.account].en:<36}{amount(fen):>14}"


def _facts(event: Struct) -> Iterator[str]:
    for name in event.__struct_fields__:
        text = _fact(name, getattr(event, name))
        if text:
            yield text


def _fact(name: str, value: Any) -> str:
    """One field as words; nothing for what is empty, drawn by lot, or said elsewhere."""
    if value is UNSET or value in (None, "", ()) or isinstance(value, (bool, UUID)):
        return ""
    label = name.removesuffix("_fen").replace("_", " ")
    if isinstance(value, Struct):
        return _nested(value)
    if isinstance(value, tuple):
        return _listed(label, value)
    if name == "fen" or name.endswith("_fen"):
        return f"{label if label != 'fen' else 'amount'} {amount(value)}" if value else ""
    return "" if _DIGEST.fullmatch(str(value)) else f"{label} {_word(value)}"


def _nested(value: Struct) -> str:
    if isinstance(value, (Terms, KeyTerms)):
        return ", ".join(_facts(value))
    return f"PAdES {value.level.value}" if isinstance(value, Signature) else ""


def _word(value: Any) -> str:
    return str(value.value) if isinstance(value, Enum) else str(value)


def _listed(label: str, values: tuple[Any, ...]) -> str:
    first = values[0]
    if isinstance(first, (Applied, Part)):
        return "; ".join(f"bill {one.number} {one.component.value} {amount(one.fen)}" for one in values)
    if isinstance(first, QuotePart):
        return "; ".join(f"{one.kind.value} {amount(one.fen)}" for one in values)
    if isinstance(first, Instalment):
        return f"{len(values)} instalments"
    if isinstance(first, (str, int)):
        return f"{label} {' '.join(map(_word, values))}"
    return f"{len(values)} {label}"


def schedule(instalments: Iterable[Instalment]) -> Iterator[str]:
    """A schedule to the fen, with its sums."""
    yield f"    {'no':>4}  {'due':<10}{'principal':>14}{'interest':>12}{'fee':>10}{'total':>14}"
    sums, rows = [0, 0, 0, 0], tuple(instalments)
    for row in rows:
        parts = (row.principal_fen, row.interest_fen, row.fee_fen, row.total_fen)
        sums = [one + more for one, more in zip(sums, parts, strict=True)]
        yield f"    {row.number:>4}  {row.due_on}{_columns(parts)}"
    yield f"    {'':>4}  {'sum':<10}{_columns(sums)}"


def _columns(amounts: Iterable[int]) -> str:
    return "".join(f"{amount(fen):>{width}}" for fen, width in zip(amounts, (14, 12, 10, 14), strict=True))


def offer(made: Offer) -> Iterator[str]:
    """Everything an offer costs."""
    assert made.rates is not None, "both lives are about offers with a rate"
    amounts = {
        "price": made.price_fen,
        "down payment": made.down_payment_fen,
        "financed": made.financed_fen,
        "fees up front": made.upfront_fees_fen,
        "deposit": made.deposit_fen,
        "price at the end": made.buyout_fen or 0,
        "everything paid": made.total_fen,
        "which is more than what is got for it by": made.total_cost_fen,
    }
    for name, fen in amounts.items():
        yield f"    {name:<42}{amount(fen):>14}"
    rates = {
        "internal rate of a month": made.rates.monthly_irr,
        "× 12, nominal a year": made.rates.nominal_annual_rate,
        "(1 + i)^12 − 1, effective a year": made.rates.effective_annual_rate,
        "APR by dates, Actual/365": made.rates.apr,
    }
    for name, rate in rates.items():
        yield f"    {name:<42}{rate:>14}"
    yield from schedule(made.schedule)


def balance(of: TrialBalance) -> Iterator[str]:
    """A trial balance: every account, debits less credits, and the sum."""
    for account in of.accounts:
        yield f"    {account.account:<8}{account.name:<40}{amount(account.balance_fen):>16}"
    yield f"    {'':<8}{'sum':<40}{amount(of.sum_fen):>16}"


def provisions(of: Provisions) -> Iterator[str]:
    """The five classes with what they are about."""
    yield f"    {'class':<30}{'leases':>8}{'exposure':>16}{'to set aside':>16}"
    for one in of.classes:
        name = f"{one.five_class} {one.name_zh}"
        wide = len(one.name_zh)
        yield f"    {name:<{30 - wide}}{one.leases:>8}{amount(one.exposure_fen):>16}{amount(one.provision_fen):>16}"


def days(first: date, last: date) -> str:
    """A run of days in which nothing happened."""
    count = (last - first).days + 1
    return f"{first}  closed" if count == 1 else f"{first} … {last}  {count} days closed"
