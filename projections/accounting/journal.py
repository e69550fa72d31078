"""The journal and what follows from it: one row per money event, trial balance and income at any position and date.

    money event ──domain.accounting.post──▶ lines (account, debit | credit) ─▶ one row, never changed again

A row is an entry of the journal with all of its lines: `accounts` and `fen` are PostgreSQL array literals of equal
length, an amount in debit is positive, one in credit negative, each account once; they add up to zero. Rows only come,
so the books at an earlier position, or at the end of an earlier business date, are a WHERE clause: exact and as quick
as today's. `cash_fen` is what of an entry is cash, on the day from which the money counts (`cash_on`).

There is no state to fold: a row follows from its own event, through the posting that is the domain's.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from domain.accounting.chart import ACCOUNTS, CASH, AccountKind
from domain.accounting.posting import MONEY_EVENTS, Line, amounts
from domain.accounting.provision import provision_stream
from domain.kernel.event import Event
from domain.leasing.bill_changes import bill_changes
from projections.engine.model import Key, Projection, Recorded, Row
from projections.engine.pages import resolve
from projections.engine.tables import row_maker, rows_of, select_list
from projections.leasing.currencies import Currencies, in_currency


class JournalRow(Row, frozen=True, kw_only=True):
    """One entry of the journal: the event at `position` on `business_date`, and its lines.

    `stream` is the lease, or the provisions of the tenant in a currency; the first word of `type` says which.
    """

    tenant: UUID
    stream: UUID
    business_date: date
    type: str
    accounts: str
    fen: str
    cash_on: date | None = None
    cash_fen: int | None = None


class JournalPage(Struct, frozen=True):
    """Some entries in ledger order, valid at `position`; `next_after` is where to go on, if there is more."""

    position: int
    entries: tuple[JournalRow, ...]
    next_after: int | None


def lines_of(entry: JournalRow) -> tuple[Line, ...]:
    """The lines of an entry, accounts in the order of the posting."""
    amounts = map(int, entry.fen[1:-1].split(","))
    return tuple(
        Line(account, max(0, fen), max(0, -fen))
        for account, fen in zip(entry.accounts[1:-1].split(","), amounts, strict=True)
    )


# --------------------------------------------------------------------------------------------------- fold


_uuid = lru_cache(maxsize=100_000)(UUID)
"""Entries of a lease come again and again, and reading an id costs a fifth of a fold."""


def position_key(recorded: Recorded) -> Key:
    """One row per event."""
    return (str(recorded.position),)


def fold(row: JournalRow | None, event: Event, recorded: Recorded) -> JournalRow | None:
    """The entry of an event; none when nothing is to be posted. Raises `Unbalanced`."""
    changes = amounts(event)
    if not changes:
        return None
    cash = changes.get(CASH)
    on = recorded.envelope.business_date
    return JournalRow(
        position=recorded.position,
        tenant=_uuid(recorded.envelope.tenant),
        stream=_uuid(recorded.envelope.stream),
        business_date=on,
        type=recorded.envelope.type,
        accounts="{" + ",".join(changes) + "}",
        fen="{" + ",".join(map(str, changes.values())) + "}",
        cash_on=None if cash is None else bill_changes(event).cash_on,
        cash_fen=cash,
    )


JOURNAL = Projection(
    name="journal",
    version=1,
    row=JournalRow,
    key=("position",),
    key_of=position_key,
    stream="stream",
    append_only=True,
    events=MONEY_EVENTS,
    fold=fold,
    indexes=(("stream", "position"),),
)


# ------------------------------------------------------------------------------------------------ queries


class JournalCriteria(Struct, frozen=True, kw_only=True):
    """Criteria of journal entries."""

    lease: UUID | None = None
    account: str | None = None
    first_date: date | None = None
    last_date: date | None = None


ALL = JournalCriteria()
_SELECT = f"SELECT {select_list(JOURNAL)} FROM read.{JOURNAL.table} t"
_make = row_maker(JOURNAL)


def entries(
    connection: Connection[Any],
    tenant: UUID,
    *,
    where: JournalCriteria = ALL,
    limit: int,
    starting_after: int = 0,
    as_of_position: int | None = None,
    shard: int = 0,
) -> JournalPage:
    """A page of the tenant's journal in ledger order, now or at an earlier position.

    Raises `NotProjectedYet` for a position ahead of the journal.
    """
    position = resolve(connection, JOURNAL, shard, as_of_position)
    condition = "t.shard = %s AND t.tenant = %s AND t.position > %s AND t.position <= %s"
    values: list[Any] = [shard, tenant, starting_after, position]
    for sql, value in (
        ("t.stream = %s", where.lease),
        ("%s = ANY(t.accounts::text[])", where.account),
        ("t.business_date >= %s", where.first_date),
        ("t.business_date <= %s", where.last_date),
    ):
        if value is not None:
            condition, values = f"{condition} AND {sql}", [*values, value]
    query = f"{_SELECT} WHERE {condition} ORDER BY t.position LIMIT %s"
    found = tuple(rows_of(connection, _make, query, (*values, limit + 1)))
    return JournalPage(position, found[:limit], found[limit - 1].position if len(found) > limit else None)


class Balance(Struct, frozen=True):
    """One account: turnover on both sides and the balance (debits less credits) in fen."""

    account: str
    name: str
    name_zh: str
    kind: str
    debit_fen: int
    credit_fen: int
    balance_fen: int


class TrialBalance(Struct, frozen=True):
    """The accounts that were ever posted to, in one currency, at the end of business date `as_of` (`None`: no bound).

    `sum_fen`, the sum of all balances, is zero: every entry balances.
    """

    position: int
    as_of: date | None
    currency: str | None
    other_currencies: tuple[str, ...]
    entries: int
    accounts: tuple[Balance, ...]

    @property
    def sum_fen(self) -> int:
        """Zero."""
        return sum(account.balance_fen for account in self.accounts)


# Entries of a kind share their accounts, so those are split once for a kind and only amounts once for an entry.
_TOTALS = f"""
SELECT accounts, month, at, sum(greatest(fen, 0))::bigint, sum(greatest(-fen, 0))::bigint, count(*)
FROM (
    SELECT t.accounts, {{month}} AS month, u.fen, u.at
    FROM read.{JOURNAL.table} t, unnest(t.fen::bigint[]) WITH ORDINALITY AS u(fen, at)
    WHERE t.shard = %s AND t.tenant = %s AND t.position <= %s AND t.business_date <= %s AND {{currency}}
) AS lines
GROUP BY accounts, month, at"""

_ANY_DAY = date.max


def trial_balance(
    connection: Connection[Any],
    tenant: UUID,
    as_of: date | None = None,
    *,
    currency: str | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> TrialBalance:
    """The tenant's trial balance, now, at an earlier position, or at the end of an earlier business date.

    By default in the currency of most leases. Raises `NotProjectedYet` for a position ahead of the journal.
    """
    position = resolve(connection, JOURNAL, shard, as_of_position)
    currencies = Currencies.of(connection, tenant, currency, shard, position)
    sums: dict[str, tuple[int, int]] = {}
    entry_count = 0
    for account, _, debit, credit, first_of_entries in _totals(
        connection, tenant, currencies, position, as_of, shard, monthly=False
    ):
        before = sums.get(account, (0, 0))
        sums[account] = before[0] + debit, before[1] + credit
        entry_count += first_of_entries
    accounts = tuple(_balance(code, *sums[code]) for code in sorted(sums))
    return TrialBalance(position, as_of, currencies.chosen, currencies.others, entry_count, accounts)


def _totals(
    connection: Connection[Any],
    tenant: UUID,
    currencies: Currencies,
    position: int,
    as_of: date | None,
    shard: int,
    *,
    monthly: bool,
) -> list[tuple[str, str, int, int, int]]:
    """(account, month, debits, credits, entries whose first line this is)."""
    condition, values = entries_in(currencies, tenant, shard)
    month = "to_char(t.business_date, 'YYYY-MM')" if monthly else "''"
    parameters = (shard, tenant, position, as_of or _ANY_DAY, *values)
    rows = connection.execute(_TOTALS.format(month=month, currency=condition), parameters).fetchall()
    return [
        (accounts[1:-1].split(",")[at - 1], of_month, debit, credit, count if at == 1 else 0)
        for accounts, of_month, at, debit, credit, count in rows
    ]


def _balance(code: str, debit_fen: int, credit_fen: int) -> Balance:
    known = ACCOUNTS[code]
    return Balance(code, known.en, known.zh, known.kind.value, debit_fen, credit_fen, debit_fen - credit_fen)


def entries_in(currencies: Currencies, tenant: UUID, shard: int) -> tuple[str, list[Any]]:
    """A condition, with its parameters, that an entry is in the chosen currency: that of its lease or provisions."""
    condition, values = in_currency(currencies, tenant, shard, "t.stream")
    if not values or currencies.chosen is None:
        return condition, values
    return f"({condition} OR t.stream = %s)", [*values, provision_stream(tenant, currencies.chosen)]


class MonthIncome(Struct, frozen=True):
    """Income recognised in a month of business dates (`2005-07`) on one account, in fen."""

    month: str
    account: str
    name: str
    fen: int


class Income(Struct, frozen=True):
    """Income recognised by month of business dates and account, in one currency, valid at `position`."""

    position: int
    currency: str | None
    other_currencies: tuple[str, ...]
    months: tuple[MonthIncome, ...]


def income(
    connection: Connection[Any],
    tenant: UUID,
    as_of: date | None = None,
    *,
    currency: str | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> Income:
    """The revenue schedule as far as it is recognised: income by month and account, and the position it is valid at."""
    position = resolve(connection, JOURNAL, shard, as_of_position)
    currencies = Currencies.of(connection, tenant, currency, shard, position)
    sums: dict[tuple[str, str], int] = {}
    for account, month, debit, credit, _ in _totals(
        connection, tenant, currencies, position, as_of, shard, monthly=True
    ):
        if ACCOUNTS[account].kind is AccountKind.INCOME:
            sums[month, account] = sums.get((month, account), 0) + credit - debit
    months = tuple(MonthIncome(month, code, ACCOUNTS[code].en, fen) for (month, code), fen in sorted(sums.items()))
    return Income(position, currencies.chosen, currencies.others, months)
