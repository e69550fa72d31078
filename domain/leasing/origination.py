"""Origination: the process manager that takes an accepted offer to a running lease, each step exactly once.

application.offer_accepted, priced      ─▶ application StartContracting    application:<hex>:contracting
application.contracting_started, priced ─▶ contract AssembleContract       application:<hex>:contract
    people: show, confirm, sign
application.withdrawn, application.expired ─▶ contract VoidContract        application:<hex>:ended
contract.executed, of an application    ─▶ lease CreateLease               contract:<hex>:lease
contract.voided, .terminated, .fulfilled ─▶ application WithdrawApplication, from its accepted offer on
                                                                           contract:<hex>:application
    people: deposit, delivery, activation
lease.activated                         ─▶ application CompleteApplication lease:<hex>:application
lease.closed                            ─▶ contract FulfilContract, or TerminateContract when it ended otherwise
                                                                           lease:<hex>:contract
                                        ─▶ application WithdrawApplication, where its contract had ended before
contract.amended, .amendment_lapsed     ─▶ the same, of a lease that was settled while the amendment was pending

Contract and lease have streams that follow from the application and the contract, so that there is one of each, whoever
makes it. Terms that nobody priced (imported ones) and a contract made by hand are people's own business. Where a step
should follow and cannot be asked for, that is kept for people (`Unanswered`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from uuid import UUID

from msgspec import UNSET

from domain.contracts.assembly import chosen
from domain.contracts.contract.commands import AssembleContract, FulfilContract, TerminateContract, VoidContract
from domain.contracts.contract.events import (
    AmendmentLapsed,
    ContractAmended,
    ContractExecuted,
    ContractFulfilled,
    ContractTerminated,
    ContractVoided,
)
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import IN_FORCE, ContractPhase, ContractState
from domain.contracts.contract.state import OPEN as OPEN_CONTRACT
from domain.contracts.contract.values import BUYOUT, CLAUSES_MAX, DEVICE_LOCK, LIBRARY_MAX, Party, PartyRole
from domain.contracts.cross_rules import ACCEPTED, accepted_offer_needs, application, contract_of, not_contracting
from domain.contracts.library import entries, entries_about, library_needs
from domain.contracts.offered import (
    CONTRACT_IN_FORCE,
    LEASE_NOT_SETTLED,
    LIBRARY_TOO_LARGE,
    OFFER_NOT_ACCEPTED,
    ContractConditions,
    contract_stream,
    key_terms_of,
)
from domain.intake.application import refusals as application_refusals
from domain.intake.application.commands import CompleteApplication, StartContracting, WithdrawApplication
from domain.intake.application.events import (
    ApplicationExpired,
    ApplicationWithdrawn,
    ContractingStarted,
    OfferAccepted,
)
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase, ApplicationState
from domain.intake.offers import offer_of
from domain.kernel.decider import fold
from domain.kernel.event import Event
from domain.kernel.money import PPM
from domain.kernel.needs import Facts, FirstEvent, Need, StreamEvents, StreamState
from domain.kernel.process import Followed, FollowUp, Occurrence, ProcessManager, Reaction, Unanswered
from domain.kernel.refusal import Refusal
from domain.leasing.admission import lease_of, lease_stream
from domain.leasing.lease.events.lifecycle import AssetTotallyLost, LeaseCreated, LeaseEarlySettled, LeaseTerminated
from domain.leasing.lease.events.money import LeaseActivated, LeaseClosed
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import OPEN as OPEN_LEASE
from domain.leasing.lease.state import LeaseState
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

WITH_ITS_APPLICATION: dict[type[Event], str] = {
    ApplicationWithdrawn: "application_withdrawn",
    ApplicationExpired: "application_expired",
}
"""Why a contract that nobody is bound by yet is given up, by what ended its application."""

WITH_ITS_CONTRACT: dict[ContractPhase, str] = {
    ContractPhase.VOID: "contract_voided",
    ContractPhase.TERMINATED: "contract_terminated",
    ContractPhase.FULFILLED: "contract_fulfilled",
}
"""Why an application is given up that comes to nothing, by how its contract ended."""

_HEX_GROUP = 4

# ------------------------------------------------------------------------------------------------- application


def _application_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    return accepted_offer_needs(occurrence.stream, facts)


def _contracting(occurrence: Occurrence, facts: Facts) -> Followed:
    stream = occurrence.stream
    found: ApplicationState | None = facts[application(stream)]
    if found is None or found.phase is not ApplicationPhase.OFFER_ACCEPTED:
        return ()
    key = f"application:{stream.hex}:contracting"
    priced = _offer_of(found, facts)
    if priced is None:
        return ()
    if isinstance(priced, Refusal):
        return _unanswered(stream, key, priced)
    return (FollowUp(decider=APPLICATION, stream=stream, key=key, command=StartContracting()),)


# ---------------------------------------------------------------------------------------------------- contract


def _contract_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    yield from (TERMS_OF_BUSINESS, FirstEvent(CONTRACT.name, contract_stream(occurrence.stream)))
    yield from accepted_offer_needs(occurrence.stream, facts)
    yield from library_needs(occurrence.tenant, (), facts)


def _contract(occurrence: Occurrence, facts: Facts) -> Followed:
    stream = occurrence.stream
    found: ApplicationState | None = facts[application(stream)]
    contract, key = contract_stream(stream), f"application:{stream.hex}:contract"
    made = facts[FirstEvent(CONTRACT.name, contract)] is not None
    if made or found is None or found.phase is not ApplicationPhase.CONTRACTING:
        return ()
    priced = _offer_of(found, facts)
    if priced is None:
        return ()
    if isinstance(priced, Refusal):
        return _unanswered(contract, key, priced)
    if found.subject is None:
        return _unanswered(contract, key, application_refusals.SUBJECT_MISSING())
    command = _assembly(occurrence, found.subject, *priced, facts)
    if len(command.clauses) > CLAUSES_MAX or len(command.library) > LIBRARY_MAX:
        return _unanswered(contract, key, LIBRARY_TOO_LARGE(limit=CLAUSES_MAX, clauses=len(command.clauses)))
    return (FollowUp(decider=CONTRACT, stream=contract, key=key, command=command),)


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
        library=entries_about(facts, {(held.clause, held.version) for held in clauses}, occurrence.business_date),
        application=occurrence.stream,
    )


def _giving_up_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    return (contract_of(occurrence.stream),)


def _given_up(occurrence: Occurrence, facts: Facts) -> Followed:
    """A contract that is not in force ends with its application; that one in force is left is for people."""
    stream = occurrence.stream
    contract: ContractState | None = facts[contract_of(stream)]
    if contract is None or contract.application != stream or contract.phase not in OPEN_CONTRACT:
        return ()
    key = f"application:{stream.hex}:ended"
    if contract.phase in IN_FORCE:
        return _unanswered(contract_stream(stream), key, CONTRACT_IN_FORCE(phase=contract.phase))
    void = VoidContract(reason=WITH_ITS_APPLICATION[type(occurrence.event)])
    return (FollowUp(decider=CONTRACT, stream=contract_stream(stream), key=key, command=void),)


# ------------------------------------------------------------------------------------------------------- lease


def _lease_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    need = StreamState(CONTRACT.name, occurrence.stream)
    yield from (TERMS_OF_BUSINESS, need, FirstEvent(LEASE.name, lease_stream(occurrence.stream)))
    contract: ContractState | None = facts.get(need)
    if contract is not None and contract.application is not None:
        yield from accepted_offer_needs(contract.application, facts)


def _lease(occurrence: Occurrence, facts: Facts) -> Followed:
    """A signed contract of an application, while it binds, has its lease, or people hear why it has none."""
    stream = occurrence.stream
    contract: ContractState | None = facts[StreamState(CONTRACT.name, stream)]
    made = facts[FirstEvent(LEASE.name, lease_stream(stream))] is not None
    if made or contract is None or contract.application is None or contract.phase not in IN_FORCE:
        return ()
    key = f"contract:{stream.hex}:lease"
    found: ApplicationState | None = facts[application(contract.application)]
    if (wrong := not_contracting(found)) is not None:
        return _unanswered(lease_stream(stream), key, wrong)
    assert found is not None, "an application that is contracting is there"
    priced = _offer_of(found, facts) or OFFER_NOT_ACCEPTED(phase=found.phase)
    if isinstance(priced, Refusal):
        return _unanswered(lease_stream(stream), key, priced)
    plan, offer = priced
    command = lease_of(offer, plan, contract, stream, facts[TERMS_OF_BUSINESS].down_payment_to)
    return (FollowUp(decider=LEASE, stream=lease_stream(stream), key=key, command=command),)


# ---------------------------------------------------------------------------------------------------- its ends


def _completion_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    need = FirstEvent(LEASE.name, occurrence.stream)
    yield need
    created = facts.get(need)
    if isinstance(created, LeaseCreated) and created.application is not None:
        yield application(created.application)


def _completed(occurrence: Occurrence, facts: Facts) -> Followed:
    """Once; that an application was given up whose lease begins is refused, and kept for people."""
    created = facts[FirstEvent(LEASE.name, occurrence.stream)]
    if not isinstance(created, LeaseCreated) or created.application is None:
        return ()
    found: ApplicationState | None = facts[application(created.application)]
    if found is None or found.phase is ApplicationPhase.COMPLETED:
        return ()
    key = f"lease:{occurrence.stream.hex}:application"
    return (FollowUp(decider=APPLICATION, stream=created.application, key=key, command=CompleteApplication()),)


def _end_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    yield from _settled_needs(occurrence.stream, facts)


def _ended(occurrence: Occurrence, facts: Facts) -> Followed:
    return _settled(occurrence.stream, facts)


def _settled_needs(lease: UUID, facts: Facts) -> Iterable[Need]:
    need = StreamEvents(LEASE.name, lease)
    yield need
    created = _created(facts.get(need, ()))
    if created is not None and created.contract is not None:
        yield from _contracts_needs(created.contract, facts)


def _settled(lease: UUID, facts: Facts) -> Followed:
    """A contract whose lease is settled ends with it, performed or not; if it had ended before, the application does.

    One that was opened again since is asked about when it is settled again.
    """
    events: Sequence[Event] = facts[StreamEvents(LEASE.name, lease)]
    created = _created(events)
    if created is None or created.contract is None or fold(LEASE, events).phase in OPEN_LEASE:
        return ()
    contract: ContractState | None = facts[StreamState(CONTRACT.name, created.contract)]
    if contract is None or contract.phase not in IN_FORCE:
        begun = any(isinstance(event, LeaseActivated) for event in events)
        return () if begun else _without_contract(created.contract, facts)
    reason = reason_of({type(event) for event in events})
    command = FulfilContract() if reason is None else TerminateContract(reason=reason)
    key = f"lease:{lease.hex}:contract"
    return (FollowUp(decider=CONTRACT, stream=created.contract, key=key, command=command),)


def _amendment_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    return _settled_needs(lease_stream(occurrence.stream), facts)


def _amendment_over(occurrence: Occurrence, facts: Facts) -> Followed:
    """What ended the lease could not end the contract while an amendment was pending."""
    return _settled(lease_stream(occurrence.stream), facts)


def _lease_of(occurrence: Occurrence) -> StreamState:
    return StreamState(LEASE.name, lease_stream(occurrence.stream))


def _contracts_end_needs(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    yield from (_lease_of(occurrence), _lease_events(occurrence))
    yield from _contracts_needs(occurrence.stream, facts)


def _contracts_needs(stream: UUID, facts: Facts) -> Iterable[Need]:
    need = StreamState(CONTRACT.name, stream)
    yield need
    contract: ContractState | None = facts.get(need)
    if contract is not None and contract.application is not None:
        yield application(contract.application)


def _contract_ended(occurrence: Occurrence, facts: Facts) -> Followed:
    """Without a contract an application comes to nothing; a lease that runs on under a void one is for people."""
    lease: LeaseState | None = facts[_lease_of(occurrence)]
    if lease is not None and lease.phase in OPEN_LEASE and isinstance(occurrence.event, ContractVoided):
        wrong = LEASE_NOT_SETTLED(phase=lease.phase)
        return _unanswered(lease_stream(occurrence.stream), _without_key(occurrence.stream), wrong)
    if any(isinstance(event, LeaseActivated) for event in facts[_lease_events(occurrence)]):
        return ()  # the lease completed its application when it began
    return _without_contract(occurrence.stream, facts)


def _lease_events(occurrence: Occurrence) -> StreamEvents:
    return StreamEvents(LEASE.name, lease_stream(occurrence.stream))


def _without_contract(stream: UUID, facts: Facts) -> Followed:
    """People may have made the contract, and ended it, before contracting was begun here."""
    contract: ContractState | None = facts[StreamState(CONTRACT.name, stream)]
    if contract is None or contract.application is None or (why := WITH_ITS_CONTRACT.get(contract.phase)) is None:
        return ()
    found: ApplicationState | None = facts[application(contract.application)]
    if found is None or found.phase not in ACCEPTED:
        return ()
    withdraw, key = WithdrawApplication(reason=why), _without_key(stream)
    return (FollowUp(decider=APPLICATION, stream=contract.application, key=key, command=withdraw),)


def _without_key(contract: UUID) -> str:
    return f"contract:{contract.hex}:application"


def _unanswered(stream: UUID, key: str, refusal: Refusal) -> Followed:
    return (Unanswered(stream=stream, key=key, refusal=refusal),)


def _created(events: Iterable[Event]) -> LeaseCreated | None:
    return next((event for event in events if isinstance(event, LeaseCreated)), None)


def _offer_of(found: ApplicationState, facts: Facts) -> tuple[Plan, Offer] | Refusal | None:
    """The plan and the offer that was accepted, worked out again, or why it cannot be; None where nobody priced it."""
    if found.offer is None or found.offer.terms.priced is UNSET:
        return None
    return offer_of(found.offer.terms.priced, facts)


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
        **dict.fromkeys(WITH_ITS_APPLICATION, Reaction(_given_up, _giving_up_needs)),
        **dict.fromkeys(
            (ContractVoided, ContractTerminated, ContractFulfilled), Reaction(_contract_ended, _contracts_end_needs)
        ),
        **dict.fromkeys((ContractAmended, AmendmentLapsed), Reaction(_amendment_over, _amendment_needs)),
    },
)
