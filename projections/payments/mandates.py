"""Mandates: one row for each lease that has, or had, one.

    mandate.granted ─▶ granted ⇄ suspended ─▶ revoked | expired ─granted again─▶ granted

`policy` is the JSON of the collection policy: what a debit under the mandate follows.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.kernel.event import Event
from domain.kernel.fields import shown, states
from domain.payments import mandate as e
from domain.payments.mandate import MANDATE, MandatePhase
from domain.payments.payment.values import CollectionPolicy
from projections.engine.model import Projection, ProjectionError, Recorded, Row


class Mandate(Row, frozen=True, kw_only=True):
    """One mandate: the terms that were granted last, and its state."""

    id: UUID
    tenant: UUID
    lease: UUID
    state: Annotated[str, states(MandatePhase)]
    first_position: int
    reference: str
    policy: Annotated[str, shown(CollectionPolicy)]
    limit_fen: int | None
    valid_until: date | None
    granted_on: date


_encode = msgspec.json.Encoder(order="sorted").encode
_STATE: dict[type[Event], MandatePhase] = {
    e.MandateSuspended: MandatePhase.SUSPENDED,
    e.MandateResumed: MandatePhase.GRANTED,
    e.MandateRevoked: MandatePhase.REVOKED,
    e.MandateExpired: MandatePhase.EXPIRED,
}


def fold(row: Mandate | None, event: Event, recorded: Recorded) -> Mandate | None:
    """The row after one event. Raises `ProjectionError` for a mandate that does not begin with its grant."""
    if isinstance(event, e.MandateGranted):
        return Mandate(
            position=recorded.position,
            id=recorded.stream,
            tenant=recorded.tenant,
            lease=event.lease,
            state=MandatePhase.GRANTED.value,
            first_position=recorded.position if row is None else row.first_position,
            reference=event.reference,
            policy=_encode(event.policy).decode(),
            limit_fen=event.limit_fen,
            valid_until=event.valid_until,
            granted_on=event.granted_on,
        )
    if row is None:
        raise ProjectionError(f"stream {recorded.stream}: expected mandate.granted, got {recorded.envelope.type}")
    return replace(row, position=recorded.position, state=_STATE[type(event)].value)


MANDATES = Projection(
    name="mandates",
    version=1,
    row=Mandate,
    key=("id",),
    events=frozenset(MANDATE.events),
    fold=fold,
    indexes=(("tenant", "id"), ("tenant", "lease")),
)
