"""What is known about a mandate, how each event changes it, and whether it permits a debit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.kernel.event import Event
from domain.kernel.refusal import Refusal
from domain.payments.mandate import events as e
from domain.payments.mandate import refusals as r
from domain.payments.payment.values import CollectionPolicy


class Phase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    GRANTED = "granted"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"


LIVE = frozenset({Phase.GRANTED, Phase.SUSPENDED})
"""The mandate has not ended; only a granted one permits debits."""


class MandateState(Struct, frozen=True, kw_only=True):
    """One mandate: the terms that were granted last."""

    version: int = 0
    phase: Phase = Phase.ABSENT
    lease: UUID | None = None
    reference: str = ""
    policy: CollectionPolicy | None = None
    limit_fen: int | None = None
    valid_until: date | None = None


State = MandateState


def permits(state: MandateState, reference: str, amount_fen: int, on: date) -> Refusal | None:
    """Why a debit under a mandate with this reference may not be made on a day; `None` when it may."""
    if state.phase is not Phase.GRANTED:
        return r.NOT_GRANTED(phase=state.phase)
    if state.valid_until is not None and state.valid_until < on:
        return r.VALIDITY_PASSED(valid_until=state.valid_until, business_date=on)
    if state.reference != reference:
        return r.REFERENCE_DIFFERS(expected=state.reference, got=reference)
    if state.limit_fen is not None and amount_fen > state.limit_fen:
        return r.BEYOND_LIMIT(limit_fen=state.limit_fen, amount_fen=amount_fen)
    return None


def _granted(state: State, event: e.MandateGranted) -> State:
    return replace(
        state,
        version=state.version + 1,
        phase=Phase.GRANTED,
        lease=event.lease,
        reference=event.reference,
        policy=event.policy,
        limit_fen=event.limit_fen,
        valid_until=event.valid_until,
    )


def _to(phase: Phase) -> Callable[[State, Event], State]:
    return lambda state, event: replace(state, version=state.version + 1, phase=phase)


_EVOLVE: dict[type[Event], Callable[[State, Any], State]] = {
    e.MandateGranted: _granted,
    e.MandateSuspended: _to(Phase.SUSPENDED),
    e.MandateResumed: _to(Phase.GRANTED),
    e.MandateRevoked: _to(Phase.REVOKED),
    e.MandateExpired: _to(Phase.EXPIRED),
}


def evolve(state: MandateState, event: Event) -> MandateState:
    """The state after one event. Raises `TypeError` for an event of another aggregate."""
    apply = _EVOLVE.get(type(event))
    if apply is None:
        raise TypeError(f"expected an event of a mandate, got {type(event).__name__}")
    return apply(state, event)
