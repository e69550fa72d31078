"""Rules on leases that look elsewhere: at contract, plan and consents when one is made, at the portfolio when it grows.

CreateLease     a contract in force that says the same, its one stream, its plan's consents
CreateLease, ActivateLease   portfolio limits: what a finance lease adds has room
TerminateContract, FulfilContract         no lease that is not settled
FulfilContract                            a lease that began
WithdrawApplication, ExpireApplication    no lease that is not settled, and none that began
CompleteApplication                       its lease began
WaiveDeposit, RecordDelivery, ActivateLease   its contract, if it was made of one, is in force
RenewLease, RestructureLease, TransferLease   the same of a lease that runs; what was ended otherwise stays owed
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from msgspec.structs import replace

from domain.contracts.contract import refusals as contract_refusals
from domain.contracts.contract.commands import FulfilContract, TerminateContract
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import ContractState
from domain.contracts.offered import LEASE_NOT_SETTLED, NOTHING_PERFORMED, contract_stream
from domain.intake.application import refusals as application_refusals
from domain.intake.application.commands import CompleteApplication, ExpireApplication, WithdrawApplication
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase, ApplicationState
from domain.intake.offers import plan_version
from domain.kernel.needs import Candidate, CrossRule, Facts, Need, StreamEvents, StreamState
from domain.kernel.refusal import Refusal
from domain.kernel.values import Business
from domain.leasing.admission import (
    CONTRACT_DIFFERS,
    LEASE_BEGUN,
    LEASE_NOT_BEGUN,
    LEASE_OPEN,
    NOT_OF_ITS_CONTRACT,
    lease_stream,
    needed_consents,
    wrong_contract,
)
from domain.leasing.basis import basis_needs, without_basis
from domain.leasing.lease.commands import (
    ActivateLease,
    CreateLease,
    RecordDelivery,
    RenewLease,
    RestructureLease,
    TransferLease,
    WaiveDeposit,
)
from domain.leasing.lease.events.money import LeaseActivated
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import OPEN, LeasePhase, LeaseState
from domain.parties.needs import consents_of
from domain.parties.permission import wrong_consents
from domain.portfolio.limits import NEWEST_LIMITS, Exposure, PrudentialData, check_exposure
from domain.portfolio.needs import PRUDENTIAL_DATA, portfolio_in
from domain.pricing.quoting import PLANS

# ---------------------------------------------------------------------------------------------- what it is made of


def _origin_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    command: CreateLease = candidate.command
    yield PLANS
    if command.contract is not None:
        yield StreamState(CONTRACT.name, command.contract)
    if command.application is not None:
        yield StreamState(APPLICATION.name, command.application)
    if command.subject is not None:
        yield consents_of(command.subject)


def _made_of_its_contract(candidate: Candidate, facts: Facts) -> Refusal | None:
    command: CreateLease = candidate.command
    if command.contract is None:
        return contract_refusals.UNKNOWN()
    contract: ContractState | None = facts[StreamState(CONTRACT.name, command.contract)]
    if contract is None:
        return contract_refusals.UNKNOWN()
    if (wrong := wrong_contract(command, contract)) is not None:
        return wrong
    if candidate.stream != lease_stream(command.contract):
        return NOT_OF_ITS_CONTRACT()
    return _wrong_plan(candidate, facts)


def _wrong_plan(candidate: Candidate, facts: Facts) -> Refusal | None:
    """The plan as the catalogue has it, and the consents that it needs."""
    command: CreateLease = candidate.command
    plan = plan_version(facts[PLANS], command.plan, command.plan_digest)
    if isinstance(plan, Refusal):
        return plan
    if command.business.value != plan.business.value:
        return CONTRACT_DIFFERS(field="business")
    application: ApplicationState | None = None
    if command.application is not None:
        application = facts[StreamState(APPLICATION.name, command.application)]
        if application is None:
            return application_refusals.UNKNOWN()
    consents = () if command.subject is None else facts[consents_of(command.subject)]
    return wrong_consents(needed_consents(plan, application), consents, candidate.context.business_date)


# ------------------------------------------------------------------------------------------------- portfolio limits


def _booking(candidate: Candidate) -> tuple[Exposure, str] | None:
    """What a command adds to the portfolio, and in which currency; rentals are no exposure."""
    command, lease = candidate.command, candidate.state
    if isinstance(command, CreateLease):
        assert command.subject is not None, "the lessee of the contract"
        business, subject, fen, currency = command.business, command.subject, command.principal_fen, command.currency
    else:
        assert isinstance(lease, LeaseState), "a lease is activated"
        if lease.phase is not LeasePhase.AWAITING_DELIVERY:
            return None
        business, fen, currency = lease.business, lease.principal_fen, lease.currency
        subject = lease.subject or candidate.stream
    return (Exposure(lessee=subject, fen=fen), currency) if business is Business.FINANCE else None


def _limit_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    booking = _booking(candidate)
    return () if booking is None else (PRUDENTIAL_DATA, portfolio_in(booking[1]))


def _has_room(candidate: Candidate, facts: Facts) -> Refusal | None:
    """The first portfolio limit that a booking would break."""
    booking = _booking(candidate)
    if booking is None:
        return None
    exposure, currency = booking
    data: PrudentialData = facts[PRUDENTIAL_DATA]
    lessee = exposure.lessee
    exposure = replace(exposure, group=data.group_of.get(lessee), related=lessee in data.related)
    return next(iter(check_exposure(facts[portfolio_in(currency)], exposure, NEWEST_LIMITS)), None)


# ------------------------------------------------------------------------------- what a lease holds up as it runs


def lease_need(contract: UUID) -> StreamState:
    """The lease of a contract, as whoever ends what stands before it needs it."""
    return StreamState(LEASE.name, lease_stream(contract))


def _lease_phase(contract: UUID, facts: Facts) -> LeasePhase:
    lease: LeaseState | None = facts[lease_need(contract)]
    return LeasePhase.ABSENT if lease is None else lease.phase


def _contracts_lease(candidate: Candidate, _: Facts) -> Iterable[Need]:
    return (lease_need(candidate.stream),)


def _lease_settled(candidate: Candidate, facts: Facts) -> Refusal | None:
    phase = _lease_phase(candidate.stream, facts)
    return LEASE_NOT_SETTLED(lease=lease_stream(candidate.stream), phase=phase) if phase in OPEN else None


def _leases_events(candidate: Candidate) -> StreamEvents:
    return StreamEvents(LEASE.name, lease_stream(contract_stream(candidate.stream)))


def _applications_lease(candidate: Candidate, facts: Facts) -> Iterable[Need]:
    if candidate.state.phase is not ApplicationPhase.CONTRACTING:
        return
    need = lease_need(contract_stream(candidate.stream))
    yield need
    lease: LeaseState | None = facts.get(need)
    if lease is not None and lease.phase not in OPEN:
        yield _leases_events(candidate)


def _nothing_leased(candidate: Candidate, facts: Facts) -> Refusal | None:
    """A case whose lease began is performed: it is completed, however late, and never given up."""
    if candidate.state.phase is not ApplicationPhase.CONTRACTING:
        return None
    contract = contract_stream(candidate.stream)
    phase = _lease_phase(contract, facts)
    if phase in OPEN:
        return LEASE_OPEN(lease=lease_stream(contract), phase=phase)
    begun = any(isinstance(event, LeaseActivated) for event in facts.get(_leases_events(candidate), ()))
    return LEASE_BEGUN(lease=lease_stream(contract)) if begun else None


def _leases_events_need(candidate: Candidate, _: Facts) -> Iterable[Need]:
    return (_leases_events(candidate),)


def _lease_begun(candidate: Candidate, facts: Facts) -> Refusal | None:
    """Whatever became of the lease since: a case is completed late rather than never."""
    need = _leases_events(candidate)
    begun = any(isinstance(event, LeaseActivated) for event in facts[need])
    return None if begun else LEASE_NOT_BEGUN(lease=need.stream)


def _contracts_leases_events(candidate: Candidate) -> StreamEvents:
    return StreamEvents(LEASE.name, lease_stream(candidate.stream))


def _contracts_leases_events_need(candidate: Candidate, _: Facts) -> Iterable[Need]:
    return (_contracts_leases_events(candidate),)


def _performed(candidate: Candidate, facts: Facts) -> Refusal | None:
    """A contract whose lease never was or never began is ended, and not performed."""
    need = _contracts_leases_events(candidate)
    begun = any(isinstance(event, LeaseActivated) for event in facts[need])
    return None if begun else NOTHING_PERFORMED(lease=need.stream)


# -------------------------------------------------------------------------------- what stands on its contract


def _leases_contract(candidate: Candidate, facts: Facts) -> Iterable[Need]:
    return basis_needs(candidate.stream, facts)


def _on_its_contract(candidate: Candidate, facts: Facts) -> Refusal | None:
    return without_basis(candidate.stream, candidate.state.phase, facts)


CrossRule(CreateLease, _origin_needs, _made_of_its_contract)
CrossRule(CreateLease, _limit_needs, _has_room)
for _on_it in (WaiveDeposit, RecordDelivery, ActivateLease, RenewLease, RestructureLease, TransferLease):
    CrossRule(_on_it, _leases_contract, _on_its_contract)
CrossRule(ActivateLease, _limit_needs, _has_room)
for _end in (TerminateContract, FulfilContract):
    CrossRule(_end, _contracts_lease, _lease_settled)
CrossRule(FulfilContract, _contracts_leases_events_need, _performed)
for _giving_up in (WithdrawApplication, ExpireApplication):
    CrossRule(_giving_up, _applications_lease, _nothing_leased)
CrossRule(CompleteApplication, _leases_events_need, _lease_begun)
