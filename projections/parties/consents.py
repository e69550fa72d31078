"""Consents by person: one row per consent, for whoever asks what somebody agreed to, and for rules.

    consent.requested ─▶ row ─every later event of the consent─▶ row (state, recipients, last day, version, position)

A row says what stands in the stream; whether an act is carried on a day is asked of the stream's own state
(`domain.parties.permission`). Whoever must not miss a consent asks `BY_PERSON`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from msgspec.structs import replace

from domain.kernel.event import Event
from domain.kernel.fields import INTERNAL, noun, shown, states
from domain.parties.consent import (
    CONSENT,
    ConsentDeclined,
    ConsentExpired,
    ConsentGranted,
    ConsentRenewed,
    ConsentRequested,
    ConsentWithdrawn,
)
from domain.parties.consent import ConsentPhase as State
from domain.parties.purposes import Purpose
from projections.engine.model import Projection, ProjectionError, Recorded, Row
from projections.engine.pages import Relation


class Consent(Row, frozen=True, kw_only=True):
    """One consent; `person` is the random id that the vault knows the person by.

    `recipients` and `uses` are codes joined by spaces; `expires_on` is the last day it was asked or granted until,
    `withdrawn_on` the first day without it.
    """

    id: UUID
    tenant: UUID
    person: Annotated[UUID, noun("subject")]
    purpose: Annotated[str, states(Purpose)]
    state: Annotated[str, states(State)]
    recipients: Annotated[str, shown(tuple[str, ...])]
    uses: Annotated[str, shown(tuple[str, ...])]
    clause: Annotated[str, INTERNAL]
    clause_version: Annotated[int, INTERNAL]
    granted_on: date | None = None
    expires_on: date
    withdrawn_on: date | None = None
    version: int
    first_position: int


# --------------------------------------------------------------------------------------------------- fold

Change = dict[str, Any]


def _requested(event: ConsentRequested, recorded: Recorded) -> Consent:
    return Consent(
        id=recorded.stream,
        tenant=recorded.tenant,
        person=event.subject,
        purpose=event.purpose.value,
        state=State.REQUESTED.value,
        recipients=" ".join(event.recipients),
        uses=" ".join(event.uses),
        clause=event.clause.clause,
        clause_version=event.clause.version,
        expires_on=event.expires_on,
        version=recorded.envelope.seq,
        first_position=recorded.position,
        position=recorded.position,
    )


def _granted(row: Consent, event: ConsentGranted) -> Change:
    return {
        "state": State.GRANTED.value,
        "recipients": " ".join(event.recipients),
        "uses": " ".join(event.uses),
        "granted_on": event.granted_on,
        "expires_on": event.expires_on,
    }


def _renewed(row: Consent, event: ConsentRenewed) -> Change:
    clause = {"clause": event.clause.clause, "clause_version": event.clause.version}
    return {"state": State.GRANTED.value, "expires_on": event.expires_on, **clause}


def _withdrawn(row: Consent, event: ConsentWithdrawn) -> Change:
    return {"state": State.WITHDRAWN.value, "withdrawn_on": event.withdrawn_on}


_CHANGES: dict[type[Event], Callable[[Consent, Any], Change]] = {
    ConsentGranted: _granted,
    ConsentRenewed: _renewed,
    ConsentWithdrawn: _withdrawn,
    ConsentDeclined: lambda row, event: {"state": State.DECLINED.value},
    ConsentExpired: lambda row, event: {"state": State.EXPIRED.value},
}


def fold(row: Consent | None, event: Event, recorded: Recorded) -> Consent | None:
    """The row after one event. Raises `ProjectionError` for a consent that does not begin with its request."""
    if isinstance(event, ConsentRequested):
        return _requested(event, recorded)
    if row is None:
        got = recorded.envelope.type
        raise ProjectionError(f"stream {recorded.stream}: expected consent.requested first, got {got}")
    change = _CHANGES[type(event)](row, event)
    return replace(row, version=recorded.envelope.seq, position=recorded.position, **change)


CONSENTS = Projection(
    name="consents",
    version=1,
    row=Consent,
    key=("id",),
    events=frozenset(CONSENT.events),
    fold=fold,
    indexes=(("tenant", "id"), ("tenant", "person", "first_position")),
    fillfactor=70,
)

BY_PERSON = Relation(CONSENTS, ConsentRequested, "person", lambda event: event.subject)
"""The streams of a person's consents."""
