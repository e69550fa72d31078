"""Consents by person: one row per consent, for whoever asks what somebody agreed to, and for the gate.

    consent.requested ─▶ row ─every later event of the consent─▶ row (state, recipients, last day, version, position)

A row says what stands in the stream; whether an act is carried on a day is asked of the stream's own state
(`domain.parties.permission`). Whoever must not miss a consent asks `streams_of`, which reads what the ledger holds
behind the read model, too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from msgspec.structs import replace
from psycopg import Connection

from domain.kernel.event import Event
from domain.kernel.fields import INTERNAL, noun, shown, states
from domain.parties.consent import (
    ConsentDeclined,
    ConsentExpired,
    ConsentGranted,
    ConsentRenewed,
    ConsentRequested,
    ConsentWithdrawn,
)
from domain.parties.consent import ConsentPhase as State
from domain.parties.purposes import Purpose
from projections.engine.catalog import live
from projections.engine.model import Projection, ProjectionError, Recorded, Row
from projections.engine.pages import SCAN_ROWS_MAX, Window
from projections.engine.reading import head_size, window

BEHIND_MAX = 5_000
"""Events that `streams_of` reads behind the read model; one that is further behind is brought up to date first."""


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
    events=frozenset({ConsentRequested, *_CHANGES}),
    fold=fold,
    ddl="""
CREATE TABLE {table} (
    shard          smallint NOT NULL,
    position       bigint   NOT NULL,
    id             uuid     NOT NULL,
    tenant         uuid     NOT NULL,
    person         uuid     NOT NULL,
    purpose        text     NOT NULL,
    state          text     NOT NULL,
    recipients     text     NOT NULL,
    uses           text     NOT NULL,
    clause         text     NOT NULL,
    clause_version bigint   NOT NULL,
    granted_on     date,
    expires_on     date     NOT NULL,
    withdrawn_on   date,
    version        bigint   NOT NULL,
    first_position bigint   NOT NULL,
    PRIMARY KEY (shard, id)
) WITH (fillfactor = 70);
CREATE INDEX ON {table} (shard, tenant, id);
CREATE INDEX ON {table} (shard, tenant, person, first_position);
""",
)

# ------------------------------------------------------------------------------------------------ queries


def is_near(connection: Connection[Any], shard: int = 0) -> bool:
    """Whether the read model is near enough to the ledger's head for `streams_of`. Raises `NotLive`."""
    return head_size(connection, shard) - live(connection, CONSENTS, shard).position <= BEHIND_MAX


def streams_of(connection: Connection[Any], tenant: UUID, subject: UUID, *, shard: int = 0) -> tuple[UUID, ...]:
    """The streams of a person's consents with a tenant, oldest first, as fresh as the ledger."""
    # The position is read first: rows that come later are found twice, never not at all.
    position, head = live(connection, CONSENTS, shard).position, head_size(connection, shard)
    rows = Window(CONSENTS, tenant, shard).rows(connection, "t.person = %s", [subject], SCAN_ROWS_MAX)
    found = {row.id: row.first_position for row in rows}
    for read in window(connection, shard, position, head, {"consent.requested.v1"}):
        if isinstance(read, Recorded) and read.tenant == tenant:
            assert isinstance(read.event, ConsentRequested), "the window is of this type"
            if read.event.subject == subject:
                found.setdefault(read.stream, read.position)
    return tuple(sorted(found, key=found.__getitem__))
