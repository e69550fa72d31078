"""Receipts: money that arrived through providers, one row for each attempt that brought some.

    payment.succeeded, payment.overpaid ─▶ row(payment, attempt: channel, reference, amount, value date)

This is our side of a reconciliation: what a provider's statement of a day is matched with.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.kernel import Event
from domain.payments.payment.events import PaymentOverpaid, PaymentSucceeded
from domain.payments.reconciliation.matching import Money
from projections.model import Key, Projection, ProjectionError, Recorded, Row


class Receipt(Row, frozen=True, kw_only=True):
    """One receipt. `channel` is the provider, `ref` the digest of its reference, `late` that it came on top."""

    payment: UUID
    attempt: int
    tenant: UUID
    lease: UUID
    channel: str
    ref: str
    amount_fen: int
    value_date: date
    booked_on: date
    on_top: bool


def _key(recorded: Recorded) -> Key:
    event = recorded.event
    assert isinstance(event, (PaymentSucceeded, PaymentOverpaid)), "no other event is declared"
    return (recorded.envelope.stream, str(event.attempt))


def fold(row: Receipt | None, event: Event, recorded: Recorded) -> Receipt | None:
    """The row of one receipt. Raises `ProjectionError` for an attempt that brought money twice."""
    if row is not None:
        raise ProjectionError(f"payment {recorded.stream}: expected one receipt of attempt {row.attempt}, got another")
    assert isinstance(event, (PaymentSucceeded, PaymentOverpaid)), "no other event is declared"
    return Receipt(
        position=recorded.position,
        payment=recorded.stream,
        attempt=event.attempt,
        tenant=recorded.tenant,
        lease=event.lease,
        channel=event.channel,
        ref=event.provider_ref,
        amount_fen=event.amount_fen,
        value_date=event.value_date,
        booked_on=recorded.envelope.business_date,
        on_top=isinstance(event, PaymentOverpaid),
    )


RECEIPTS = Projection(
    name="receipts",
    version=1,
    row=Receipt,
    key=("payment", "attempt"),
    events=frozenset({PaymentSucceeded, PaymentOverpaid}),
    fold=fold,
    key_of=_key,
    ddl="""
CREATE TABLE {table} (
    shard      smallint NOT NULL,
    position   bigint   NOT NULL,
    payment    uuid     NOT NULL,
    attempt    bigint   NOT NULL,
    tenant     uuid     NOT NULL,
    lease      uuid     NOT NULL,
    channel    text     NOT NULL,
    ref        text     NOT NULL,
    amount_fen bigint   NOT NULL,
    value_date date     NOT NULL,
    booked_on  date     NOT NULL,
    on_top     boolean  NOT NULL,
    PRIMARY KEY (shard, payment, attempt)
);
CREATE INDEX ON {table} (shard, tenant, channel, value_date);
CREATE INDEX ON {table} (shard, tenant, lease);
""",
)

_RECEIVED = f"""
SELECT ref, amount_fen FROM read.{RECEIPTS.table}
WHERE shard = %s AND tenant = %s AND channel = %s AND value_date = %s ORDER BY ref, amount_fen"""


def received(connection: Connection[Any], tenant: UUID, channel: str, day: date, *, shard: int = 0) -> list[Money]:
    """What a tenant received through a channel with this value date."""
    rows = connection.cursor(binary=True).execute(_RECEIVED, (shard, tenant, channel, day)).fetchall()
    return [Money(*row) for row in rows]
