"""What is known about a consent, and how each event changes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.contracts.clause.values import ClauseRef
from domain.kernel.event import Event
from domain.parties.consent import events as e
from domain.parties.consent.values import Purpose


class Phase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    REQUESTED = "requested"
    GRANTED = "granted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Period(Struct, frozen=True):
    """Business dates on which a consent stood: from the first, up to and including the last."""

    first: date
    last: date


class ConsentState(Struct, frozen=True, kw_only=True):
    """One consent.

    `periods` are those it stood in, oldest first, disjoint; a withdrawal does not shorten them, `withdrawn_on` is the
    first day without it. `asked_until` is what the request proposed.
    """

    version: int = 0
    phase: Phase = Phase.ABSENT
    subject: UUID | None = None
    purpose: Purpose | None = None
    recipients: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    clause: ClauseRef | None = None
    asked_until: date | None = None
    periods: tuple[Period, ...] = ()
    withdrawn_on: date | None = None

    @property
    def expires_on(self) -> date | None:
        """The last business date of the latest period."""
        return self.periods[-1].last if self.periods else None


State = ConsentState


def _requested(state: State, event: e.ConsentRequested) -> State:
    return replace(
        state,
        version=state.version + 1,
        phase=Phase.REQUESTED,
        subject=event.subject,
        purpose=event.purpose,
        recipients=event.recipients,
        uses=event.uses,
        clause=event.clause,
        asked_until=event.expires_on,
    )


def _granted(state: State, event: e.ConsentGranted) -> State:
    return replace(
        state,
        version=state.version + 1,
        phase=Phase.GRANTED,
        purpose=event.purpose,
        recipients=event.recipients,
        uses=event.uses,
        clause=event.clause,
        periods=(*state.periods, Period(event.granted_on, event.expires_on)),
    )


def _renewed(state: State, event: e.ConsentRenewed) -> State:
    """A renewal in time prolongs the last period; a late one begins another and leaves the gap a gap."""
    last = state.periods[-1] if state.periods else None
    if last is not None and event.renewed_on <= last.last:
        periods = (*state.periods[:-1], Period(last.first, event.expires_on))
    else:
        periods = (*state.periods, Period(event.renewed_on, event.expires_on))
    return replace(state, version=state.version + 1, phase=Phase.GRANTED, clause=event.clause, periods=periods)


def _withdrawn(state: State, event: e.ConsentWithdrawn) -> State:
    return replace(state, version=state.version + 1, phase=Phase.WITHDRAWN, withdrawn_on=event.withdrawn_on)


def _ended(phase: Phase) -> Callable[[State, Event], State]:
    return lambda state, event: replace(state, version=state.version + 1, phase=phase)


_EVOLVE: dict[type[Event], Callable[[State, Any], State]] = {
    e.ConsentRequested: _requested,
    e.ConsentGranted: _granted,
    e.ConsentDeclined: _ended(Phase.DECLINED),
    e.ConsentRenewed: _renewed,
    e.ConsentWithdrawn: _withdrawn,
    e.ConsentExpired: _ended(Phase.EXPIRED),
}


def evolve(state: ConsentState, event: Event) -> ConsentState:
    """The state after one event. Raises `TypeError` for an event of another aggregate."""
    apply = _EVOLVE.get(type(event))
    if apply is None:
        raise TypeError(f"expected an event of a consent, got {type(event).__name__}")
    return apply(state, event)
