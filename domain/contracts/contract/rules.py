"""Decider of a contract: each command gives events, or the refusal of the first rule that says no.

The order of refusals is fixed: existence (`unknown`, `exists`), the end (`closed`), the phase, then the command's own
rules, top to bottom as written in its function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from domain.contracts.assembly import undisclosed, wrong_clauses, wrong_parties, wrong_reference, wrong_terms
from domain.contracts.contract import commands as c
from domain.contracts.contract import events as e
from domain.contracts.contract import refusals as r
from domain.contracts.contract.evolve import EVOLVE
from domain.contracts.contract.state import CLOSED, EXISTING, IN_FORCE, ContractPhase, ContractState, Round
from domain.contracts.contract.values import AMENDMENTS_MAX, EVIDENCE, Disclosure, Signature
from domain.contracts.roots import Head, contract_root
from domain.contracts.tampering import compare
from domain.kernel.command import Context
from domain.kernel.decider import Answer, Decider, Rule
from domain.kernel.refusal import Refusal

Handler = Callable[[Any, ContractState, Context], Answer]

# --------------------------------------------------------------------------------------- making the contract


def _assemble(command: c.AssembleContract, state: ContractState, context: Context) -> Answer:
    wrong = (
        wrong_reference(command.reference)
        or wrong_parties(command.parties)
        or wrong_terms(command.key_terms)
        or wrong_clauses(command.form, command.key_terms, command.clauses, command.library, context.business_date)
    )
    if wrong is not None:
        return wrong
    head = Head(
        contract=command.reference,
        form=command.form,
        plan=command.plan,
        plan_digest=command.plan_digest,
        parties=command.parties,
    )
    return (
        e.ContractAssembled(
            reference=command.reference,
            form=command.form,
            plan=command.plan,
            plan_digest=command.plan_digest,
            parties=command.parties,
            key_terms=command.key_terms,
            clauses=command.clauses,
            evidence_clause=next(held for held in command.clauses if held.clause == EVIDENCE),
            root=contract_root(head, command.key_terms, command.clauses),
            assembled_on=context.business_date,
            application=command.application,
        ),
    )


def _present(command: c.PresentContract, state: ContractState, context: Context) -> Answer:
    if command.root != state.root:
        return r.ROOT_DIFFERS(expected=state.root, got=command.root)
    if missing := undisclosed(command.disclosed):
        return _incomplete(missing)
    return (
        e.ContractPresented(
            root=command.root,
            document=command.document,
            disclosed=command.disclosed,
            channel=command.channel,
        ),
    )


def _acknowledge(command: c.AcknowledgeDisclosure, state: ContractState, context: Context) -> Answer:
    if state.party(command.party) is None:
        return r.NOT_A_PARTY(party=command.party)
    if command.party not in state.addressed():
        return r.NOT_ADDRESSED(party=command.party)
    if state.round is not None and command.party in state.round.acknowledged:
        return r.ACKNOWLEDGED_ALREADY(party=command.party)
    if command.root != state.root:
        return r.ROOT_DIFFERS(expected=state.root, got=command.root)
    if missing := undisclosed(command.items):
        return _incomplete(missing)
    return (e.DisclosureAcknowledged(party=command.party, root=command.root, items=command.items),)


def _sign(command: c.SignContract, state: ContractState, context: Context) -> Answer:
    """The last signature puts the contract into force."""
    round_ = state.round
    assert round_ is not None, "a contract is shown before it is signed"
    if (wrong := _wrong_signature(command.signature, round_, state)) is not None:
        return wrong
    signed = e.ContractSigned(signature=command.signature)
    if not _is_last(round_, state):
        return (signed,)
    executed = e.ContractExecuted(root=state.root, document=command.signature.signed, executed_on=context.business_date)
    return (signed, executed)


def _wrong_signature(signature: Signature, round_: Round, state: ContractState) -> Refusal | None:
    party = state.party(signature.party)
    if party is None:
        return r.NOT_A_PARTY(party=signature.party)
    if party.id in round_.signed:
        return r.SIGNED_ALREADY(party=party.id)
    waiting = [other for other in state.parties if other.id not in round_.signed and other.turn < party.turn]
    if waiting:
        return r.OUT_OF_TURN(party=party.id, waits_for=" ".join(sorted(str(other.id) for other in waiting)))
    if signature.document != round_.document:
        return r.DOCUMENT_DIFFERS(expected=round_.document, got=signature.document)
    return r.DOCUMENT_UNCHANGED() if signature.signed == signature.document else None


def _is_last(round_: Round, state: ContractState) -> bool:
    return len(round_.signed) + 1 == len(state.parties)


def _incomplete(missing: tuple[Disclosure, ...]) -> Refusal:
    return r.DISCLOSURE_INCOMPLETE(missing=" ".join(missing))


def _anchor(command: c.AnchorContract, state: ContractState, context: Context) -> Answer:
    if command.root != state.root:
        return r.ROOT_DIFFERS(expected=state.root, got=command.root)
    return (e.ContractAnchored(root=command.root, anchor=command.anchor, receipt=command.receipt),)


# ------------------------------------------------------------------------------------------------ amendments


def _propose(command: c.ProposeAmendment, state: ContractState, context: Context) -> Answer:
    head = state.head
    assert head is not None, "a contract in force was assembled"
    if state.amendment is not None:
        return r.AMENDMENT_PENDING(number=state.amendment.number)
    if state.amendments >= AMENDMENTS_MAX:
        return r.AMENDMENTS_FULL(limit=AMENDMENTS_MAX)
    if (command.key_terms, command.clauses) == (state.key_terms, state.clauses):
        return r.AMENDMENT_EMPTY()
    wrong = wrong_terms(command.key_terms) or wrong_clauses(
        head.form,
        command.key_terms,
        command.clauses,
        command.library,
        context.business_date,
        agreed=state.clauses,
    )
    if wrong is not None:
        return wrong
    if missing := undisclosed(command.disclosed):
        return _incomplete(missing)
    return (
        e.AmendmentProposed(
            number=state.amendments + 1,
            key_terms=command.key_terms,
            clauses=command.clauses,
            root=contract_root(replace(head, amends=state.root), command.key_terms, command.clauses),
            document=command.document,
            disclosed=command.disclosed,
            reason=command.reason,
        ),
    )


def _sign_amendment(command: c.SignAmendment, state: ContractState, context: Context) -> Answer:
    """A party that terms are put to confirms them with its signature; the last signature amends the contract."""
    pending = state.amendment
    if pending is None:
        return r.NO_AMENDMENT()
    if (wrong := _wrong_signature(command.signature, pending.round, state)) is not None:
        return wrong
    addressed = command.signature.party in state.addressed()
    if addressed and (missing := undisclosed(command.acknowledged)):
        return _incomplete(missing)
    signed = e.AmendmentSigned(number=pending.number, signature=command.signature, acknowledged=command.acknowledged)
    if not _is_last(pending.round, state):
        return (signed,)
    amended = e.ContractAmended(
        number=pending.number,
        root=pending.root,
        document=command.signature.signed,
        amended_on=context.business_date,
    )
    return (signed, amended)


def _lapse(command: c.LapseAmendment, state: ContractState, context: Context) -> Answer:
    if state.amendment is None:
        return r.NO_AMENDMENT()
    return (e.AmendmentLapsed(number=state.amendment.number, reason=command.reason),)


# ------------------------------------------------------------------------------------------ evidence and end


def _check(command: c.CheckTexts, state: ContractState, context: Context) -> Answer:
    """A copy may be checked in any phase: disputes outlive contracts."""
    return compare(state.clauses, command.texts) or (e.TextsConfirmed(root=state.root),)


def _terminate(command: c.TerminateContract, state: ContractState, context: Context) -> Answer:
    return (e.ContractTerminated(reason=command.reason, terminated_on=context.business_date),)


def _fulfil(command: c.FulfilContract, state: ContractState, context: Context) -> Answer:
    if state.amendment is not None:
        return r.AMENDMENT_PENDING(number=state.amendment.number)
    return (e.ContractFulfilled(fulfilled_on=context.business_date),)


def _void(command: c.VoidContract, state: ContractState, context: Context) -> Answer:
    """A judgement comes whenever it comes, also after a contract was performed; without one, what is over is over."""
    if command.basis is None and state.phase in CLOSED:
        return r.CLOSED(phase=state.phase)
    if command.basis is None and state.phase in IN_FORCE:
        return r.BASIS_MISSING(phase=state.phase)
    return (e.ContractVoided(reason=command.reason, basis=command.basis),)


def _only(*phases: ContractPhase) -> frozenset[ContractPhase]:
    return frozenset(phases)


def _not_acknowledged(*, phase: str) -> Refusal:
    """A contract in force was acknowledged and signed; saying it was not would mislead."""
    return r.IN_FORCE_ALREADY(phase=phase) if phase in IN_FORCE else r.NOT_ACKNOWLEDGED(phase=phase)


CONTRACT = Decider(
    name="contract",
    initial=ContractState(),
    unknown=r.UNKNOWN,
    closed=(CLOSED, r.CLOSED),
    rules={
        c.AssembleContract: Rule(_only(ContractPhase.ABSENT), r.EXISTS, _assemble),
        c.PresentContract: Rule(_only(ContractPhase.ASSEMBLED, ContractPhase.PRESENTED), r.NOT_PRESENTABLE, _present),
        c.AcknowledgeDisclosure: Rule(_only(ContractPhase.PRESENTED), r.NOT_PRESENTED, _acknowledge),
        c.SignContract: Rule(
            _only(ContractPhase.DISCLOSURE_ACKNOWLEDGED, ContractPhase.PARTIALLY_SIGNED),
            _not_acknowledged,
            _sign,
        ),
        c.AnchorContract: Rule(IN_FORCE, r.NOT_IN_FORCE, _anchor),
        c.ProposeAmendment: Rule(IN_FORCE, r.NOT_IN_FORCE, _propose),
        c.SignAmendment: Rule(IN_FORCE, r.NOT_IN_FORCE, _sign_amendment),
        c.LapseAmendment: Rule(IN_FORCE, r.NOT_IN_FORCE, _lapse),
        c.CheckTexts: Rule(EXISTING, r.UNKNOWN, _check),
        c.TerminateContract: Rule(IN_FORCE, r.NOT_IN_FORCE, _terminate),
        c.FulfilContract: Rule(IN_FORCE, r.NOT_IN_FORCE, _fulfil),
        c.VoidContract: Rule(EXISTING - {ContractPhase.VOID}, r.CLOSED, _void),
    },
    evolve=EVOLVE,
)
