"""Money movements through providers: one row for each collection, refund and chargeback.

    payment.succeeded, payment.overpaid ─▶ row(payment, collection, attempt)
    payment.refunded                    ─▶ row(payment, refund, number of the refund)
    payment.charged_back                ─▶ row(payment, chargeback, attempt)

This is our side of a reconciliation: what a provider's statement of a day is matched with.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.kernel.event import Event
from domain.payments.matching import Money, Movement
from domain.payments.payment.events import PaymentChargedBack, PaymentOverpaid, PaymentRefunded, PaymentSucceeded
from projections.engine.model import Key, Projection, ProjectionError, Recorded, Row


class MovementRow(Row, frozen=True, kw_only=True):
    """One movement. `number` is the attempt, of a refund its own number; `channel` is the provider, `ref` the digest of
    its reference, `on_top` that the money came on top of what the payment had brought.
    """

    payment: UUID
    movement: str
    number: int
    tenant: UUID
    lease: UUID
    channel: str
    ref: str
    amount_fen: int
    value_date: date
    booked_on: date
    on_top: bool


_Moved = PaymentSucceeded | PaymentOverpaid | PaymentRefunded | PaymentChargedBack


def _place(event: Event) -> tuple[_Moved, Movement, int]:
    match event:
        case PaymentSucceeded() | PaymentOverpaid():
            return event, Movement.COLLECTION, event.attempt
        case PaymentRefunded():
            return event, Movement.REFUND, event.number
        case PaymentChargedBack():
            return event, Movement.CHARGEBACK, event.attempt
        case _:
            raise ProjectionError(f"expected money that moved, got {type(event).__name__}")


def _key(recorded: Recorded) -> Key:
    _, movement, number = _place(recorded.event)
    return (recorded.envelope.stream, movement.value, str(number))


def fold(row: MovementRow | None, event: Event, recorded: Recorded) -> MovementRow | None:
    """The row of one movement. Raises `ProjectionError` for one that happened twice."""
    moved, movement, number = _place(event)
    if row is not None:
        raise ProjectionError(f"payment {recorded.stream}: expected one {movement} {number}, got another")
    return MovementRow(
        position=recorded.position,
        payment=recorded.stream,
        movement=movement.value,
        number=number,
        tenant=recorded.tenant,
        lease=moved.lease,
        channel=moved.channel,
        ref=moved.provider_ref,
        amount_fen=moved.amount_fen,
        value_date=moved.value_date,
        booked_on=recorded.envelope.business_date,
        on_top=isinstance(moved, PaymentOverpaid) or (isinstance(moved, PaymentChargedBack) and moved.on_top),
    )


MOVEMENTS = Projection(
    name="receipts",
    version=1,
    row=MovementRow,
    key=("payment", "movement", "number"),
    events=frozenset({PaymentSucceeded, PaymentOverpaid, PaymentRefunded, PaymentChargedBack}),
    fold=fold,
    key_of=_key,
    indexes=(("tenant", "channel", "value_date"), ("tenant", "position")),
)

_RECEIVED = f"""
SELECT movement, ref, amount_fen FROM read.{MOVEMENTS.table}
WHERE shard = %s AND tenant = %s AND channel = %s AND value_date = %s ORDER BY movement, ref, amount_fen"""


def received(connection: Connection[Any], tenant: UUID, channel: str, day: date, *, shard: int = 0) -> list[Money]:
    """Movements of a tenant's money through a channel with this value date."""
    rows = connection.cursor(binary=True).execute(_RECEIVED, (shard, tenant, channel, day)).fetchall()
    return [Money(Movement(movement), ref, amount_fen) for movement, ref, amount_fen in rows]
