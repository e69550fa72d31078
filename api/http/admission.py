"""What the service itself adds to a command, and what it looks at elsewhere before the command is decided.

    members ─▶ fill (catalogue, clause library) ─▶ command ─▶ guard (consents, contract, portfolio) ─▶ decide

A decider sees its own stream only. What another stream or the catalogue has to say is read here: streams as fresh as
the ledger, the lease book after it reached the ledger's head. A withdrawal that is recorded between this look and the
append comes too late; bookings of one tenant take turns, so that within one process none is missed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.catalogue.clauses import shipped_clauses
from adapters.catalogue.plans import shipped_plans
from adapters.postgres.schema import SHARD
from api.http.models import Members
from api.http.problems import Problem
from api.http.services import Services
from api.http.surroundings import surroundings
from domain.application import APPLICATION
from domain.application import refusals as application_refusals
from domain.contracting.clauses import CLAUSE, ClauseState
from domain.contracting.contract import (
    CONTRACT,
    ContractState,
    LibraryClause,
    SignatureMethod,
)
from domain.contracting.contract import refusals as contract_refusals
from domain.contracting.plans import Plan, digest_of
from domain.kernel import Decider, Refusal
from domain.leasing.admission import plan_in_force, wrong_consents, wrong_contract
from domain.leasing.lease import LEASE, ActivateLease, CreateLease
from domain.leasing.lease import Phase as LeasePhase
from domain.leasing.lease import refusals as lease_refusals
from domain.leasing.values import Business
from domain.parties.consent import CONSENT, ConsentState, Purpose, permits_any
from domain.parties.consent import refusals as consent_refusals
from domain.payments.payment import InitiatePayment
from domain.payments.payment.values import Source
from domain.portfolio import Exposure, check_booking
from projections import catalog, portfolio
from projections.lease_book import LEASE_BOOK


class Asked(Struct, frozen=True):
    """One request: whose stream, on which business date, and what was given."""

    tenant: UUID
    stream: UUID
    on: date
    members: Members


Fill = Callable[[Services, Asked], Awaitable[Members | Refusal]]
Guard = Callable[[Services, Asked, Any], Awaitable[Refusal | None]]


async def state_of(of: Services, decider: Decider[Any], stream: UUID) -> Any:
    """The state of a stream as the ledger has it now, whoever wrote to it last."""
    state = decider.initial
    async for event in of.running.reader.stream_events(stream):
        state = decider.evolve(state, event)
    return state


async def _owned(of: Services, asked: Asked, stream: UUID | None, aggregate: str) -> bool:
    """Whether a stream is one of this aggregate and of this tenant."""
    if stream is None:
        return False
    try:
        await of.owner_of(stream, asked.tenant, aggregate)
    except Problem:
        return False
    return True


# ------------------------------------------------------------------------------------------------------ filled in


def _plan(asked: Asked) -> Plan | Refusal:
    return plan_in_force(shipped_plans(), asked.members["plan"], asked.on)


async def plan_of_lease(_: Services, asked: Asked) -> Members | Refusal:
    """Which business a plan belongs to, and the digest of its exact terms."""
    plan = _plan(asked)
    return plan if isinstance(plan, Refusal) else {"plan_digest": digest_of(plan), "business": plan.business.value}


async def plan_of_contract(of: Services, asked: Asked) -> Members | Refusal:
    """The form of lease that a plan has, the digest of its exact terms, and the clause library."""
    plan = _plan(asked)
    if isinstance(plan, Refusal):
        return plan
    return {"plan_digest": digest_of(plan), "form": plan.form.value, **await clause_library(of, asked)}


async def clause_library(of: Services, asked: Asked) -> Members:
    """What the tenant's clause streams say; a clause without a stream is as the shipped library has it.

    Clauses that are neither named in the command nor mandatory are of no consequence and are left out.
    """
    streams = await of.queries.run(of.directory.clauses, asked.tenant)
    states: list[ClauseState] = [await state_of(of, CLAUSE, stream) for stream in streams]
    own = {state.clause for state in states}
    entries = [entry for state in states for entry in _entries(state)]
    entries += [clause.entry for clause in shipped_clauses() if clause.clause not in own]
    named = {held["clause"] for held in asked.members["clauses"]}
    wanted = [entry for entry in entries if entry.mandatory or entry.clause in named]
    return {"library": msgspec.to_builtins(wanted)}


def _entries(state: ClauseState) -> Iterable[LibraryClause]:
    for version in state.versions:
        yield LibraryClause(
            clause=state.clause,
            version=version.number,
            digest=version.digest,
            title=version.title,
            forms=version.forms,
            mandatory=version.mandatory,
            effective_from=version.effective_from,
            withdrawn_from=version.withdrawn_from,
        )


async def signed_on_trust(_: Services, asked: Asked) -> Members | Refusal:
    """Adds nothing: whoever says that somebody signed elsewhere does not say that it was checked here."""
    claimed = asked.members["signature"]["method"]
    return contract_refusals.SIGNATURE_UNVERIFIED() if claimed is SignatureMethod.PADES else {}


async def looked_up(*_: object) -> Members:
    """What a person records of a payment was looked up at the provider."""
    return {"source": Source.QUERY.value}


# ---------------------------------------------------------------------------------------------------------- guards


async def _consents(of: Services, tenant: UUID, subject: UUID) -> list[ConsentState]:
    streams = await of.queries.run(of.directory.consents, tenant, subject)
    return [await state_of(of, CONSENT, stream) for stream in streams]


def provider_asked(purpose: Purpose) -> Guard:
    """A guard of commands that record a provider's answer about an applicant: the consent names that provider."""

    async def guard(of: Services, asked: Asked, command: Any) -> Refusal | None:
        application = await state_of(of, APPLICATION, asked.stream)
        if application.subject is None:
            return consent_refusals.MISSING(purpose=purpose)
        consents = await _consents(of, asked.tenant, application.subject)
        return permits_any(consents, purpose, command.provider, asked.on)

    return guard


async def lease_made(of: Services, asked: Asked, command: CreateLease) -> Refusal | None:
    """A lease needs a contract in force that says the same, its plan's consents, and room in the portfolio."""
    if not await _owned(of, asked, command.contract, "contract") or command.contract is None:
        return contract_refusals.UNKNOWN()
    contract: ContractState = await state_of(of, CONTRACT, command.contract)
    if (wrong := wrong_contract(command, contract)) is not None:
        return wrong
    assert command.subject is not None, "the lessee of the contract"
    if command.application is not None and not await _owned(of, asked, command.application, "application"):
        return application_refusals.UNKNOWN()
    plan = _plan(asked)
    assert isinstance(plan, Plan), "the plan was found a moment ago"
    consents = await _consents(of, asked.tenant, command.subject)
    if (missing := wrong_consents(plan.consents, consents, asked.on)) is not None:
        return missing
    if command.business is not Business.FINANCE:
        return None
    return await _room(of, asked, Exposure(lessee=command.subject, fen=command.principal_fen), command.currency)


async def lease_booked(of: Services, asked: Asked, _: ActivateLease) -> Refusal | None:
    """A finance lease enters the books when it begins to run; there must be room in the portfolio then, too."""
    lease = await state_of(of, LEASE, asked.stream)
    if lease.business is not Business.FINANCE or lease.phase is not LeasePhase.AWAITING_DELIVERY:
        return None
    booking = Exposure(lessee=lease.subject or asked.stream, fen=lease.principal_fen)
    return await _room(of, asked, booking, lease.currency)


async def _room(of: Services, asked: Asked, booking: Exposure, currency: str) -> Refusal | None:
    """The first portfolio limit that a booking would break, on the lease book as of the ledger's head."""
    head = await of.running.reader.size()

    async def reached() -> int:
        return (await of.queries.run(catalog.live, LEASE_BOOK, SHARD)).position

    await of.wait_for(head, reached)
    around = surroundings(of.running.settings.data, asked.tenant)
    _, before = await of.queries.run(portfolio.snapshot, asked.tenant, around, currency=currency)
    member = msgspec.structs.replace(
        booking, group=around.group_of.get(booking.lessee), related=booking.lessee in around.related
    )
    return next(iter(check_booking(before, member, portfolio.NEWEST_LIMITS)), None)


async def lease_collected(of: Services, asked: Asked, command: InitiatePayment) -> Refusal | None:
    """Money is collected for a lease of the tenant."""
    return None if await _owned(of, asked, command.lease, "lease") else lease_refusals.UNKNOWN()
