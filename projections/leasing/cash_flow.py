"""The cash-flow calendar: by day, what is expected from bills and what moved, from two read models.

    bills    due date ─▶ expected (owed, scheduled ones too) and still open
    journal  day from which money counts ─▶ actual (cash account, in and out)

It has no rows of its own: both are exact for an earlier position by themselves.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from projections.accounting.journal import JOURNAL, entries_in
from projections.engine.model import ProjectionError
from projections.engine.pages import at_position, resolve
from projections.leasing.bills import BILLS
from projections.leasing.currencies import Currencies, in_currency

DAYS_MAX = 400
"""Days that one answer covers at most."""


class Day(Struct, frozen=True):
    """One day, in fen: what is or was expected (`open_fen` of it is still unpaid), what came in and what went out."""

    on: date
    expected_fen: int
    open_fen: int
    in_fen: int
    out_fen: int


class CashFlow(Struct, frozen=True):
    """The days on which anything is expected or moved, in one currency, valid at `position`."""

    position: int
    first: date
    last: date
    currency: str | None
    other_currencies: tuple[str, ...]
    days: tuple[Day, ...]


_EXPECTED = """
SELECT u.due_on, sum(u.owed_fen)::bigint, sum(u.open_fen)::bigint
FROM {bills}, unnest(t.due_on::date[], t.owed_fen::bigint[], t.open_fen::bigint[]) AS u(due_on, owed_fen, open_fen)
WHERE u.due_on BETWEEN %s AND %s AND {currency}
GROUP BY u.due_on"""

_ACTUAL = f"""
SELECT t.cash_on, sum(greatest(t.cash_fen, 0))::bigint, sum(greatest(-t.cash_fen, 0))::bigint
FROM read.{JOURNAL.table} t
WHERE t.shard = %s AND t.tenant = %s AND t.position <= %s AND t.cash_on BETWEEN %s AND %s AND {{currency}}
GROUP BY t.cash_on"""


def cash_flow(
    connection: Connection[Any],
    tenant: UUID,
    first: date,
    last: date,
    *,
    currency: str | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> CashFlow:
    """The tenant's calendar from `first` to `last`, now or at an earlier position.

    By default in the currency of most leases. Raises `ProjectionError` for a span that is not 1 … `DAYS_MAX` days,
    `NotProjectedYet` for a position ahead of the read models and `TooMuchPast` when too much changed since.
    """
    if not timedelta(0) <= last - first < timedelta(days=DAYS_MAX):
        raise ProjectionError(f"expected 1 … {DAYS_MAX} days, got {first} to {last}")
    position = min(resolve(connection, model, shard, as_of_position) for model in (BILLS, JOURNAL))
    currencies = Currencies.of(connection, tenant, currency, shard, position)
    bills, at = at_position(connection, BILLS, tenant, position, shard, past=as_of_position is not None)
    condition, values = in_currency(currencies, tenant, shard)
    expected = connection.execute(
        _EXPECTED.format(bills=bills, currency=condition), (*at, first, last, *values)
    ).fetchall()
    condition, values = entries_in(currencies, tenant, shard)
    actual = connection.execute(
        _ACTUAL.format(currency=condition), (shard, tenant, position, first, last, *values)
    ).fetchall()
    sums = {on: [owed, still_open, 0, 0] for on, owed, still_open in expected}
    for on, came, went in actual:
        sums.setdefault(on, [0, 0, 0, 0])[2:] = [came, went]
    days = tuple(Day(on, *sums[on]) for on in sorted(sums))
    return CashFlow(position, first, last, currencies.chosen, currencies.others, days)
