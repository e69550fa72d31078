"""Transitions of a contract: each event gives the next state, for every event type and without judging it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from domain.contracts.contract import events as e
from domain.contracts.contract.state import Amendment, ContractPhase, ContractState, Round
from domain.contracts.contract.values import Signature
from domain.contracts.roots import Head
from domain.kernel.event import Event


def _assembled(state: ContractState, event: e.ContractAssembled) -> ContractState:
    head = Head(
        contract=event.reference,
        form=event.form,
        plan=event.plan,
        plan_digest=event.plan_digest,
        parties=event.parties,
    )
    return replace(
        state,
        phase=ContractPhase.ASSEMBLED,
        head=head,
        key_terms=event.key_terms,
        clauses=event.clauses,
        root=event.root,
        application=event.application,
    )


def _presented(state: ContractState, event: e.ContractPresented) -> ContractState:
    """Whatever was confirmed of an earlier showing counts no more."""
    return replace(
        state, phase=ContractPhase.PRESENTED, round=Round(document=event.document, disclosed=event.disclosed)
    )


def _acknowledged(state: ContractState, event: e.DisclosureAcknowledged) -> ContractState:
    round_ = state.round or Round(document="")
    confirmed = replace(round_, acknowledged=round_.acknowledged | {event.party})
    phase = ContractPhase.DISCLOSURE_ACKNOWLEDGED if state.addressed() <= confirmed.acknowledged else state.phase
    return replace(state, phase=phase, round=confirmed)


def _signed(state: ContractState, event: e.ContractSigned) -> ContractState:
    round_ = state.round or Round(document="")
    return replace(state, phase=ContractPhase.PARTIALLY_SIGNED, round=_with_signature(round_, event.signature))


def _with_signature(round_: Round, signature: Signature) -> Round:
    return replace(round_, document=signature.signed, signed=(*round_.signed, signature.party))


def _executed(state: ContractState, event: e.ContractExecuted) -> ContractState:
    return replace(state, phase=ContractPhase.EXECUTED, executed_on=event.executed_on)


def _anchored(state: ContractState, event: e.ContractAnchored) -> ContractState:
    return replace(state, phase=ContractPhase.ANCHORED)


def _amendment_proposed(state: ContractState, event: e.AmendmentProposed) -> ContractState:
    pending = Amendment(
        number=event.number,
        key_terms=event.key_terms,
        clauses=event.clauses,
        root=event.root,
        round=Round(document=event.document, disclosed=event.disclosed),
    )
    return replace(state, amendments=event.number, amendment=pending)


def _amendment_signed(state: ContractState, event: e.AmendmentSigned) -> ContractState:
    pending = state.amendment
    if pending is None:
        return state
    return replace(state, amendment=replace(pending, round=_with_signature(pending.round, event.signature)))


def _amended(state: ContractState, event: e.ContractAmended) -> ContractState:
    pending = state.amendment
    if pending is None:
        return state
    return replace(
        state,
        phase=ContractPhase.AMENDED,
        head=replace(state.head, amends=state.root) if state.head is not None else None,
        key_terms=pending.key_terms,
        clauses=pending.clauses,
        root=pending.root,
        round=pending.round,
        amendment=None,
    )


def _amendment_lapsed(state: ContractState, event: e.AmendmentLapsed) -> ContractState:
    return replace(state, amendment=None)


def _tampered(state: ContractState, event: e.TamperAlarmRaised) -> ContractState:
    return replace(state, alarms=state.alarms + 1)


def _confirmed(state: ContractState, event: e.TextsConfirmed) -> ContractState:
    return state


def _closed(phase: ContractPhase) -> Callable[[ContractState, Event], ContractState]:
    """The end of a contract takes a pending amendment with it."""
    return lambda state, event: replace(state, phase=phase, amendment=None)


EVOLVE: dict[type[Event], Callable[[ContractState, Any], ContractState]] = {
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
    e.ContractTerminated: _closed(ContractPhase.TERMINATED),
    e.ContractFulfilled: _closed(ContractPhase.FULFILLED),
    e.ContractVoided: _closed(ContractPhase.VOID),
}
