"""What an event changes: total over every event of the aggregate, judging nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from domain.contracts.contract import events as e
from domain.contracts.contract.roots import Head
from domain.contracts.contract.state import Amendment, ContractState, Phase, Round
from domain.contracts.contract.values import Signature
from domain.kernel.event import Event

State = ContractState


def _next(state: State, **changes: Any) -> State:
    return replace(state, version=state.version + 1, **changes)


def _assembled(state: State, event: e.ContractAssembled) -> State:
    head = Head(
        contract=event.reference,
        form=event.form,
        plan=event.plan,
        plan_digest=event.plan_digest,
        parties=event.parties,
    )
    return _next(
        state,
        phase=Phase.ASSEMBLED,
        head=head,
        key_terms=event.key_terms,
        clauses=event.clauses,
        root=event.root,
        application=event.application,
    )


def _presented(state: State, event: e.ContractPresented) -> State:
    """Whatever was confirmed of an earlier showing counts no more."""
    return _next(state, phase=Phase.PRESENTED, round=Round(document=event.document, disclosed=event.disclosed))


def _acknowledged(state: State, event: e.DisclosureAcknowledged) -> State:
    round_ = state.round or Round(document="")
    confirmed = replace(round_, acknowledged=round_.acknowledged | {event.party})
    phase = Phase.DISCLOSURE_ACKNOWLEDGED if state.addressed() <= confirmed.acknowledged else state.phase
    return _next(state, phase=phase, round=confirmed)


def _signed(state: State, event: e.ContractSigned) -> State:
    round_ = state.round or Round(document="")
    return _next(state, phase=Phase.PARTIALLY_SIGNED, round=_with_signature(round_, event.signature))


def _with_signature(round_: Round, signature: Signature) -> Round:
    return replace(round_, document=signature.signed, signed=(*round_.signed, signature.party))


def _executed(state: State, event: e.ContractExecuted) -> State:
    return _next(state, phase=Phase.EXECUTED, executed_on=event.executed_on)


def _anchored(state: State, event: e.ContractAnchored) -> State:
    return _next(state, phase=Phase.ANCHORED)


def _amendment_proposed(state: State, event: e.AmendmentProposed) -> State:
    pending = Amendment(
        number=event.number,
        key_terms=event.key_terms,
        clauses=event.clauses,
        root=event.root,
        round=Round(document=event.document, disclosed=event.disclosed),
    )
    return _next(state, amendments=event.number, amendment=pending)


def _amendment_signed(state: State, event: e.AmendmentSigned) -> State:
    pending = state.amendment
    if pending is None:
        return _next(state)
    return _next(state, amendment=replace(pending, round=_with_signature(pending.round, event.signature)))


def _amended(state: State, event: e.ContractAmended) -> State:
    pending = state.amendment
    if pending is None:
        return _next(state)
    return _next(
        state,
        phase=Phase.AMENDED,
        head=replace(state.head, amends=state.root) if state.head is not None else None,
        key_terms=pending.key_terms,
        clauses=pending.clauses,
        root=pending.root,
        round=pending.round,
        amendment=None,
    )


def _amendment_lapsed(state: State, event: e.AmendmentLapsed) -> State:
    return _next(state, amendment=None)


def _tampered(state: State, event: e.TamperAlarmRaised) -> State:
    return _next(state, alarms=state.alarms + 1)


def _confirmed(state: State, event: e.TextsConfirmed) -> State:
    return _next(state)


def _closed(phase: Phase) -> Callable[[State, Event], State]:
    """The end of a contract takes a pending amendment with it."""
    return lambda state, event: _next(state, phase=phase, amendment=None)


_EVOLVE: dict[type[Event], Callable[[State, Any], State]] = {
    e.ContractAssembled: _assembled,
    e.ContractPresented: _presented,
    e.DisclosureAcknowledged: _acknowledged,
    e.ContractSigned: _signed,
    e.ContractExecuted: _executed,
    e.ContractAnchored: _anchored,
    e.AmendmentProposed: _amendment_proposed,
    e.AmendmentSigned: _amendment_signed,
    e.ContractAmended: _amended,
    e.AmendmentLapsed: _amendment_lapsed,
    e.TamperAlarmRaised: _tampered,
    e.TextsConfirmed: _confirmed,
    e.ContractTerminated: _closed(Phase.TERMINATED),
    e.ContractFulfilled: _closed(Phase.FULFILLED),
    e.ContractVoided: _closed(Phase.VOID),
}


def evolve(state: ContractState, event: Event) -> ContractState:
    """The state after one event. Raises `TypeError` for an event of another aggregate."""
    apply = _EVOLVE.get(type(event))
    if apply is None:
        raise TypeError(f"expected an event of a contract, got {type(event).__name__}")
    return apply(state, event)
