"""Collection positions of leases at the end of a day: dues, attempts under way, mandates; one SQL statement.

    bills (issued, due by the day, open) ─┐
    mandates that stand ──────────────────┼─ by lease ─▶ CollectionPosition ─▶ `domain.payments.collection.moves`
    payments under way, waiting, stopped ─┤
    receipts that are not posted ─────────┘

Only leases where something may be done come out: money due under a mandate that stands, or a payment whose next attempt
may begin. The read models must have been brought up to the ledger's head before. A lease of which one of them has dead
letters does not come out: its rows say what was owed once, and it would be debited for it again and again.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from psycopg import Connection

from domain.payments.collection import CollectionPosition, Debit, WaitingPayment
from domain.payments.payment.values import CollectionPolicy
from projections.engine.model import Projection
from projections.leasing.bills import BILLS
from projections.payments.mandates import MANDATES
from projections.payments.movements import MOVEMENTS
from projections.payments.payments import PAYMENTS

READS: tuple[Projection[Any], ...] = (BILLS, MANDATES, PAYMENTS, MOVEMENTS)
"""The read models that this question is put to."""

_POSITIONS = f"""
WITH mandates AS MATERIALIZED (
    SELECT lease, reference, policy, limit_fen FROM read.{MANDATES.table}
    WHERE shard = %(shard)s AND tenant = %(tenant)s AND state = 'granted'
      AND (valid_until IS NULL OR valid_until >= %(day)s)
), waiting AS MATERIALIZED (
    SELECT lease, array_agg(id ORDER BY id) AS ids, array_agg(attempt ORDER BY id) AS attempts,
           array_agg(amount_fen ORDER BY id) AS wished, array_agg(mandate ORDER BY id) AS mandates,
           array_agg(bill IS NULL ORDER BY id) AS advances
    FROM read.{PAYMENTS.table}
    WHERE shard = %(shard)s AND tenant = %(tenant)s AND state = 'waiting' AND not_before <= %(day)s GROUP BY lease
), busy AS MATERIALIZED (
    SELECT lease, sum(fen)::bigint AS fen FROM (
        SELECT lease, under_way_fen AS fen FROM read.{PAYMENTS.table}
        WHERE shard = %(shard)s AND tenant = %(tenant)s AND under_way_fen > 0
        UNION ALL
        SELECT lease, amount_fen FROM read.{MOVEMENTS.table}
        WHERE shard = %(shard)s AND tenant = %(tenant)s AND position > %(posted_to)s AND movement = 'collection'
        UNION ALL
        SELECT m.lease, m.amount_fen - left_at.known_fen
        FROM unnest(%(positions)s::bigint[], %(known_fen)s::bigint[]) AS left_at(position, known_fen)
        JOIN read.{MOVEMENTS.table} AS m ON m.shard = %(shard)s AND m.tenant = %(tenant)s
            AND m.position = left_at.position AND m.position <= %(posted_to)s AND m.movement = 'collection'
        WHERE m.amount_fen > left_at.known_fen AND NOT EXISTS (
            SELECT FROM read.{MOVEMENTS.table} AS back WHERE back.shard = m.shard AND back.payment = m.payment
                AND back.movement = 'chargeback' AND back.number = m.number)
    ) AS moving GROUP BY lease
), stale AS MATERIALIZED (
    SELECT stream FROM read.dead_letters WHERE shard = %(shard)s AND table_name = ANY(%(tables)s)
), unknown AS MATERIALIZED (
    SELECT stream AS lease FROM stale UNION
    -- Without nested loops a join would read the first event of every stream there is.
    SELECT (SELECT (convert_from(e.entry, 'UTF8')::json -> 'body' ->> 'lease')::uuid FROM ledger.events AS e
            WHERE e.shard = %(shard)s AND e.stream = stale.stream AND e.seq = 1 LIMIT 1)
    FROM stale
), asked AS MATERIALIZED (
    SELECT lease FROM (SELECT lease FROM mandates UNION SELECT lease FROM waiting) AS every
    WHERE NOT EXISTS (SELECT FROM unknown WHERE unknown.lease = every.lease)
), due AS MATERIALIZED (
    SELECT b.id AS lease, sum(u.open_fen)::bigint AS fen, max(u.due_on) AS newest
    FROM read.{BILLS.table} AS b JOIN asked ON asked.lease = b.id
    CROSS JOIN LATERAL unnest((b.due_on::date[])[:b.issued], (b.open_fen::bigint[])[:b.issued]) AS u(due_on, open_fen)
    WHERE b.shard = %(shard)s AND b.tenant = %(tenant)s AND u.open_fen > 0 AND u.due_on <= %(day)s GROUP BY b.id
), begun AS MATERIALIZED (
    SELECT p.lease, max(p.rests_since) AS rests_since,
           bool_or(coalesce(p.asked_on >= %(day)s, false) OR p.under_way_fen > 0 OR p.state = 'waiting') AS collecting
    FROM read.{PAYMENTS.table} AS p JOIN due ON due.lease = p.lease
    WHERE p.shard = %(shard)s AND p.tenant = %(tenant)s AND p.mandate <> '' GROUP BY p.lease
)
SELECT asked.lease, coalesce(due.fen, 0), due.newest, coalesce(busy.fen, 0), coalesce(begun.collecting, false),
       begun.rests_since, m.reference, m.policy, m.limit_fen,
       w.ids, w.attempts, w.wished, w.mandates, w.advances
FROM asked LEFT JOIN due USING (lease) LEFT JOIN busy USING (lease) LEFT JOIN begun USING (lease)
     LEFT JOIN mandates AS m USING (lease) LEFT JOIN waiting AS w USING (lease)
WHERE due.fen IS NOT NULL OR w.ids IS NOT NULL
ORDER BY asked.lease"""


class Unposted(Struct, frozen=True):
    """Money that arrived and is not posted to its lease: all behind a ledger position, and some before it.

    `left` has the positions of the latter, each with what the lease knows of that money all the same, in fen. Whoever
    asks finds this out before the read models are brought up to the head: what is posted meanwhile counts twice then,
    and never not at all.
    """

    position: int
    left: tuple[tuple[int, int], ...] = ()


_policy = msgspec.json.Decoder(CollectionPolicy).decode


def collection_positions(
    connection: Connection[Any], tenant: UUID, day: date, unposted: Unposted, *, shard: int = 0
) -> list[CollectionPosition]:
    """The leases of a tenant where something may be collected or given up, in the order of their ids."""
    positions, known_fen = [at for at, _ in unposted.left], [fen for _, fen in unposted.left]
    values = {"shard": shard, "tenant": tenant, "day": day, "posted_to": unposted.position}
    values |= {"positions": positions, "known_fen": known_fen, "tables": [one.table for one in READS]}
    with connection.transaction():
        # Read models that were filled a moment ago have no statistics yet; nested loops over them take minutes.
        connection.execute("SET LOCAL enable_nestloop = off")
        rows = connection.cursor(binary=True).execute(_POSITIONS, values).fetchall()
    policies: dict[str, CollectionPolicy] = {}
    return [_position(row, policies) for row in rows]


def _position(row: tuple[Any, ...], policies: dict[str, CollectionPolicy]) -> CollectionPosition:
    lease, due_fen, newest, busy_fen, collecting, rests_since, reference, policy, limit_fen, *waiting = row
    debit = None
    if reference is not None:
        # Thousands of mandates share a handful of policies.
        if policy not in policies:
            policies[policy] = _policy(policy)
        debit = Debit(reference=reference, policy=policies[policy], limit_fen=limit_fen)
    return CollectionPosition(
        lease=lease,
        due_fen=due_fen,
        newest_due_on=newest,
        busy_fen=busy_fen,
        collecting=collecting,
        rests_since=rests_since,
        debit=debit,
        waiting=_waiting(*waiting) if waiting[0] is not None else (),
    )


def _waiting(
    ids: list[UUID], attempts: list[int], wished: list[int], mandates: list[str], advances: list[bool]
) -> tuple[WaitingPayment, ...]:
    return tuple(
        WaitingPayment(payment=payment, attempt=attempt, initiated_fen=fen, mandate=mandate or None, advance=advance)
        for payment, attempt, fen, mandate, advance in zip(ids, attempts, wished, mandates, advances, strict=True)
    )
