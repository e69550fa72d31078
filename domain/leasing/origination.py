"""Origination: the process manager that takes an accepted offer to a running lease, each step exactly once.

application.offer_accepted, priced      ─▶ application StartContracting    application:<hex>:contracting
application.contracting_started, priced ─▶ contract AssembleContract       application:<hex>:contract
    people: show, confirm, sign
contract.executed, of an application    ─▶ lease CreateLease               contract:<hex>:lease
    people: deposit, delivery, activation
lease.activated                         ─▶ application CompleteApplication lease:<hex>:application
lease.closed                            ─▶ contract FulfilContract, or TerminateContract when it ended otherwise
                                                                           lease:<hex>:contract

Contract and lease have streams that follow from the application and the contract, so that there is one of each, whoever
makes it. Where something is missing (terms without a plan, a contract made by hand) the step is left to people.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from uuid import UUID

from msgspec import UNSET

from domain.contracts.assembly import chosen
from domain.contracts.contract.commands import AssembleContract, FulfilContract, TerminateContract
from domain.contracts.contract.events import ContractExecuted
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import IN_FORCE, ContractState
from domain.contracts.contract.values import BUYOUT, DEVICE_LOCK, Party, PartyRole
from domain.contracts.cross_rules import accepted_offer_needs, application
from domain.contracts.library import entries, entries_about, library_needs
from domain.contracts.offered import ContractConditions, contract_stream, key_terms_of
from domain.intake.application.commands import CompleteApplication, StartContracting
from domain.intake.application.events import ContractingStarted, OfferAccepted
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase, ApplicationState
from domain.intake.offers import offer_of
from domain.kernel.event import Event
from domain.kernel.money import PPM
from domain.kernel.needs import Facts, FirstEvent, Need, StreamEvents, StreamState
from domain.kernel.process import FollowUp, Occurrence, ProcessManager, Reaction
from domain.kernel.refusal import Refusal
from domain.leasing.admission import lease_of, lease_stream
from domain.leasing.lease.events.lifecycle import AssetTotallyLost, LeaseCreated, LeaseEarlySettled, LeaseTerminated
from domain.leasing.lease.events.money import LeaseActivated, LeaseClosed
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.policies import CURRENT_POLICY
from domain.leasing.terms_of_business import TERMS_OF_BUSINESS, TenantTerms
from domain.pricing.offer import Offer
from domain.pricing.plans import Plan, digest_of

NOT_BEGUN = "not_begun"
ENDED_OTHERWISE: dict[type[Event], str] = {
    LeaseEarlySettled: "early_settlement",
    LeaseTerminated: "default",
    AssetTotallyLost: "total_loss",
}
"""Why a contract is terminated and not fulfilled, by what happened to its lease."""

_HEX_GROUP = 4

# ------------------------------------------------------------------------------------------------- application


def _application_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    return accepted_offer_needs(occurrence.stream, facts)


def _contracting(occurrence: Occurrence, facts: Facts) -> Sequence[FollowUp]:
    stream = occurrence.stream
    found: ApplicationState | None = facts[application(stream)]
    if found is None or found.phase is not ApplicationPhase.OFFER_ACCEPTED or _offer_of(found, facts) is None:
        return ()
    key = f"application:{stream.hex}:contracting"
    return (FollowUp(decider=APPLICATION, stream=stream, key=key, command=StartContracting()),)


# ---------------------------------------------------------------------------------------------------- contract


def _contract_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    yield TERMS_OF_BUSINESS
    yield from accepted_offer_needs(occurrence.stream, facts)
    yield from library_needs(occurrence.tenant, (), facts)


def _contract(occurrence: Occurrence, facts: Facts) -> Sequence[FollowUp]:
    stream = occurrence.stream
    found: ApplicationState | None = facts[application(stream)]
    if found is None or found.subject is None or found.phase is not ApplicationPhase.CONTRACTING:
        return ()
    priced = _offer_of(found, facts)
    if priced is None:
        return ()
    command = _assembly(occurrence, found.subject, *priced, facts)
    key = f"application:{stream.hex}:contract"
    return (FollowUp(decider=CONTRACT, stream=contract_stream(stream), key=key, command=command),)


def _assembly(occurrence: Occurrence, lessee: UUID, plan: Plan, offer: Offer, facts: Facts) -> AssembleContract:
    terms: TenantTerms = facts[TERMS_OF_BUSINESS]
    options = {clause for consent, clause in terms.clause_of_consent.items() if consent in plan.consents}
    lock = offer.asset_kind in terms.lock_assets
    options |= ({BUYOUT} if offer.buyout_fen is not None else set()) | ({DEVICE_LOCK} if lock else set())
    clauses = chosen(plan.form, entries(facts), occurrence.business_date, options)
    return AssembleContract(
        reference=reference_of(terms, occurrence.stream, occurrence.business_date),
        form=plan.form,
        plan=plan.id,
        plan_digest=digest_of(plan),
        parties=(
            Party(role=PartyRole.LESSEE, id=lessee, turn=1),
            Party(role=PartyRole.LESSOR, id=terms.lessor or occurrence.tenant, turn=2),
        ),
        key_terms=key_terms_of(
            offer, plan, ContractConditions(lock=lock, forum=terms.forum, early_settlement_rate=settlement_rate())
        ),
        clauses=clauses,
        library=entries_about(facts, {held.clause for held in clauses}),
        application=occurrence.stream,
    )


# ------------------------------------------------------------------------------------------------------- lease


def _lease_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    need = StreamState(CONTRACT.name, occurrence.stream)
    yield from (TERMS_OF_BUSINESS, need)
    contract: ContractState | None = facts.get(need)
    if contract is not None and contract.application is not None:
        yield from accepted_offer_needs(contract.application, facts)


def _lease(occurrence: Occurrence, facts: Facts) -> Sequence[FollowUp]:
    stream = occurrence.stream
    contract: ContractState | None = facts[StreamState(CONTRACT.name, stream)]
    if contract is None or contract.application is None:
        return ()
    found: ApplicationState | None = facts[application(contract.application)]
    priced = None if found is None else _offer_of(found, facts)
    if priced is None:
        return ()
    plan, offer = priced
    command = lease_of(offer, plan, contract, stream, facts[TERMS_OF_BUSINESS].down_payment_to)
    key = f"contract:{stream.hex}:lease"
    return (FollowUp(decider=LEASE, stream=lease_stream(stream), key=key, command=command),)


# ---------------------------------------------------------------------------------------------------- its ends


def _completion_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    need = FirstEvent(LEASE.name, occurrence.stream)
    yield need
    created = facts.get(need)
    if isinstance(created, LeaseCreated) and created.application is not None:
        yield application(created.application)


def _completed(occurrence: Occurrence, facts: Facts) -> Sequence[FollowUp]:
    created = facts[FirstEvent(LEASE.name, occurrence.stream)]
    if not isinstance(created, LeaseCreated) or created.application is None:
        return ()
    found: ApplicationState | None = facts[application(created.application)]
    if found is None or found.phase is not ApplicationPhase.CONTRACTING:
        return ()
    key = f"lease:{occurrence.stream.hex}:application"
    return (FollowUp(decider=APPLICATION, stream=created.application, key=key, command=CompleteApplication()),)


def _end_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    need = StreamEvents(LEASE.name, occurrence.stream)
    yield need
    created = _created(facts.get(need, ()))
    if created is not None and created.contract is not None:
        yield StreamState(CONTRACT.name, created.contract)


def _ended(occurrence: Occurrence, facts: Facts) -> Sequence[FollowUp]:
    """A contract whose lease is settled ends with it: performed, or for the reason that ended the lease."""
    events: Sequence[Event] = facts[StreamEvents(LEASE.name, occurrence.stream)]
    created = _created(events)
    if created is None or created.contract is None:
        return ()
    contract: ContractState | None = facts[StreamState(CONTRACT.name, created.contract)]
    if contract is None or contract.phase not in IN_FORCE:
        return ()
    reason = reason_of({type(event) for event in events})
    command = FulfilContract() if reason is None else TerminateContract(reason=reason)
    key = f"lease:{occurrence.stream.hex}:contract"
    return (FollowUp(decider=CONTRACT, stream=created.contract, key=key, command=command),)


def _created(events: Iterable[Event]) -> LeaseCreated | None:
    return next((event for event in events if isinstance(event, LeaseCreated)), None)


def _offer_of(found: ApplicationState, facts: Facts) -> tuple[Plan, Offer] | None:
    """The plan and the offer that was accepted, worked out again; None where nobody priced it."""
    if found.offer is None or found.offer.terms.priced is UNSET:
        return None
    priced = offer_of(found.offer.terms.priced, facts)
    return None if isinstance(priced, Refusal) else priced


def reason_of(happened: Collection[type[Event]]) -> str | None:
    """Why a contract is terminated with its lease; None when it was performed."""
    if LeaseActivated not in happened:
        return NOT_BEGUN
    return next((why for kind, why in ENDED_OTHERWISE.items() if kind in happened), None)


def reference_of(terms: TenantTerms, stream: UUID, on: date) -> str:
    """A contract's number: prefix, day, the random end of the application's id in groups too short to be a person's."""
    tail = stream.hex[-3 * _HEX_GROUP :]
    groups = [tail[at : at + _HEX_GROUP] for at in range(0, len(tail), _HEX_GROUP)]
    return "-".join([terms.reference_prefix, f"{on:%Y%m%d}", *groups])


def settlement_rate() -> str:
    """What settling early costs under the policy that new leases live under, as a share of the remaining principal."""
    whole, rest = divmod(CURRENT_POLICY.settlement_fee_ppm, PPM)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")


ORIGINATION = ProcessManager(
    name="originating",
    reacts={
        OfferAccepted: Reaction(_contracting, _application_needs),
        ContractingStarted: Reaction(_contract, _contract_needs),
        ContractExecuted: Reaction(_lease, _lease_needs),
        LeaseActivated: Reaction(_completed, _completion_needs),
        LeaseClosed: Reaction(_ended, _end_needs),
    },
)
