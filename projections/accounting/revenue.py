"""Revenue to come by month, from the lease book: that of all leases in one question, exact to the fen.

schedule, period_start, accrued ─▶ interest of each period spread over its days ─▶ a month gets the difference of
                                   two running totals, each rounded half up ─▶ what is accrued goes off in front
schedule of a rental            ─▶ rent by the month in which it falls due
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from domain.kernel.values import Business
from projections.engine.pages import at_position, resolve
from projections.leasing.currencies import Currencies
from projections.leasing.lease_book import LEASE_BOOK


class RevenueMonth(Struct, frozen=True):
    """One calendar month (`2026-03`), in fen: interest that it will earn, and rent that will fall due in it."""

    month: str
    interest_fen: int
    rent_fen: int


class RevenueSchedule(Struct, frozen=True):
    """Months with revenue to come, in order, in one currency, valid at `position`."""

    position: int
    currency: str | None
    other_currencies: tuple[str, ...]
    months: tuple[RevenueMonth, ...]


_INSTALMENTS = """
SELECT t.id, t.business, t.accrued_fen, i.number,
       (i.rest ->> 0)::date AS due_on, (i.rest ->> 1)::bigint AS principal_fen, (i.rest ->> 2)::bigint AS interest_fen,
       lag((i.rest ->> 0)::date, 1, t.period_start) OVER (PARTITION BY t.id ORDER BY i.number) AS begins_on
FROM {book}, jsonb_array_elements(t.schedule::jsonb) WITH ORDINALITY AS i(rest, number)
WHERE t.currency = %s AND t.period_start IS NOT NULL"""

# A period of no days earns everything on its last one. Half up: twice the numerator plus the divisor, halved.
_EARNED = """
CASE WHEN {on} <= begins_on AND span > 0 THEN 0 WHEN span <= 0 OR {on} >= due_on THEN interest_fen
     ELSE (2 * interest_fen * ({on} - begins_on) + span) / (2 * span) END"""

_INTEREST = f"""
SELECT month, sum(fen - greatest(0, least(fen, accrued_fen - before_fen)))::bigint AS fen
FROM (
    SELECT month, accrued_fen, sum(fen) AS fen,
           sum(sum(fen)) OVER (PARTITION BY id ORDER BY month) - sum(fen) AS before_fen
    FROM (
        SELECT p.id, p.accrued_fen, m.month,
               {_EARNED.format(on="(m.month + interval '1 month' - interval '1 day')::date")}
               - CASE WHEN span <= 0 THEN 0 ELSE {_EARNED.format(on="(m.month - 1)")} END AS fen
        FROM (SELECT *, due_on - begins_on AS span FROM instalments WHERE business = %s AND interest_fen > 0) AS p,
             LATERAL (
                 SELECT generate_series(
                     date_trunc('month', CASE WHEN span <= 0 THEN due_on ELSE begins_on END::timestamp),
                     due_on::timestamp, interval '1 month'
                 )::date AS month
             ) AS m
    ) AS shares
    GROUP BY id, accrued_fen, month
) AS of_lease
GROUP BY month"""

_RENT = """
SELECT date_trunc('month', due_on::timestamp)::date AS month, sum(principal_fen + interest_fen)::bigint AS fen
FROM instalments WHERE business = %s GROUP BY 1"""

_QUERY = f"""
WITH instalments AS MATERIALIZED ({_INSTALMENTS}), interest AS ({_INTEREST}), rent AS ({_RENT})
SELECT to_char(month, 'YYYY-MM'), coalesce(interest.fen, 0), coalesce(rent.fen, 0)
FROM interest FULL JOIN rent USING (month)
WHERE coalesce(interest.fen, 0) <> 0 OR coalesce(rent.fen, 0) <> 0
ORDER BY month"""


def revenue_schedule(
    connection: Connection[Any],
    tenant: UUID,
    *,
    currency: str | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> RevenueSchedule:
    """The tenant's revenue to come, as schedules have it now or had it at an earlier position.

    By default in the currency of most leases. Raises `NotProjectedYet` for a position ahead of the lease book and
    `TooMuchPast` when too much changed since.
    """
    position = resolve(connection, LEASE_BOOK, shard, as_of_position)
    currencies = Currencies.of(connection, tenant, currency, shard, position)
    book, parameters = at_position(connection, LEASE_BOOK, tenant, position, shard, past=as_of_position is not None)
    values = (*parameters, currencies.chosen, Business.FINANCE.value, Business.RENTAL.value)
    rows = connection.execute(_QUERY.format(book=book), values).fetchall()
    months = tuple(RevenueMonth(*row) for row in rows)
    return RevenueSchedule(position, currencies.chosen, currencies.others, months)
