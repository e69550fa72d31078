"""What must stand elsewhere before a lease is made: the plan, the contract, the lessee's consents. Pure rules.

A lease's own stream does not know them; whoever takes the command loads them and asks here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from domain.contracting.contract import ContractState, KeyTerms
from domain.contracting.contract import refusals as contract_refusals
from domain.contracting.contract.state import IN_FORCE
from domain.contracting.contract.values import PartyRole
from domain.kernel import Refusal, refusal
from domain.leasing.lease import CreateLease
from domain.parties.consent import ConsentState, Purpose, permits_any
from domain.parties.consent import refusals as consent_refusals

CONTRACT_DIFFERS = refusal(
    "lease.contract_differs", "The lease is not what its contract says", "租赁内容与合同约定不一致"
)

_SAME = ("currency", "deposit_fen", "late_fee_daily_rate", "grace_days", "allocation")
"""Fields that have one name in a lease and in the key terms of its contract."""


def wrong_consents(purposes: Iterable[str], consents: Sequence[ConsentState], on: date) -> Refusal | None:
    """None when a consent stands on this day for each purpose, whoever is named in it; else the first that does not.

    The consents are those of one person. Whatever hands data over asks `domain.parties.consent.permits` again, for its
    recipient.
    """
    answers = (_wrong_consent(Purpose(purpose), consents, on) for purpose in sorted(purposes))
    return next(filter(None, answers), None)


def _wrong_consent(purpose: Purpose, consents: Sequence[ConsentState], on: date) -> Refusal | None:
    nearest: Refusal | None = None
    for state in consents:
        recipient, use = next(iter(state.recipients), ""), next(iter(state.uses), None)
        answer = permits_any((state,), purpose, recipient, on, use=use)
        if answer is None:
            return None
        if answer.kind is not consent_refusals.MISSING:
            nearest = answer
    return nearest or consent_refusals.MISSING(purpose=purpose)


def wrong_contract(lease: CreateLease, contract: ContractState) -> Refusal | None:
    """None when a lease is what a contract in force says: plan, lessee, money, late fees, right to buy."""
    head, terms = contract.head, contract.key_terms
    if head is None or terms is None:
        return contract_refusals.UNKNOWN()
    if contract.phase not in IN_FORCE:
        return contract_refusals.NOT_IN_FORCE(phase=contract.phase)
    lessees = [party.id for party in head.parties if party.role is PartyRole.LESSEE]
    if lease.subject not in lessees:
        return CONTRACT_DIFFERS(field="subject")
    if (lease.plan, lease.plan_digest) != (head.plan, head.plan_digest):
        return CONTRACT_DIFFERS(field="plan")
    return _wrong_terms(lease, terms)


def _wrong_terms(lease: CreateLease, terms: KeyTerms) -> Refusal | None:
    for name in _SAME:
        if getattr(lease, name) != getattr(terms, name):
            return CONTRACT_DIFFERS(field=name)
    days = [instalment.due_on for instalment in lease.schedule]
    if (len(days), days[0], days[-1]) != (terms.instalments, terms.first_due_on, terms.last_due_on):
        return CONTRACT_DIFFERS(field="schedule")
    return CONTRACT_DIFFERS(field="buyout_fen") if lease.buyout_fen != (terms.buyout_fen or 0) else None
