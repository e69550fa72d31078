"""Guards of contracts and leases: on the offer that was accepted, from the library that there is, one lease for each.

AssembleContract   plan and library as they are; of an application: its accepted offer, its lessee, its one stream
ProposeAmendment   the library as it is
CreateLease        a contract in force that says the same, its one stream, its plan's consents, room for it
ActivateLease      room in the portfolio
InitiatePayment    a lease of the tenant
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import UNSET

from adapters.gate.bookings import Bookings
from adapters.gate.consents import Consents
from adapters.gate.offers import Offers
from adapters.gate.streams import Streams
from adapters.postgres.ledger import Request
from adapters.reference.library import ClauseLibrary
from domain.contracts import offered
from domain.contracts.contract import refusals as contract_refusals
from domain.contracts.contract.commands import AssembleContract
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.values import LibraryClause, PartyRole
from domain.intake.application import refusals as application_refusals
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase, ApplicationState
from domain.kernel.refusal import Refusal
from domain.kernel.values import ClauseRef
from domain.leasing.admission import (
    CONTRACT_DIFFERS,
    NOT_OF_ITS_CONTRACT,
    lease_stream,
    needed_consents,
    wrong_contract,
)
from domain.leasing.lease.commands import CreateLease
from domain.pricing.plans import Plan, digest_of

_ACCEPTED = frozenset({ApplicationPhase.OFFER_ACCEPTED, ApplicationPhase.CONTRACTING})


class Contracts:
    """Guards that compare a command with the streams it speaks of."""

    def __init__(
        self, streams: Streams, consents: Consents, offers: Offers, library: ClauseLibrary, bookings: Bookings
    ) -> None:
        self._streams = streams
        self._consents = consents
        self._offers = offers
        self._library = library
        self._bookings = bookings

    async def assembled(self, request: Request, _: object) -> Refusal | None:
        """A guard of `AssembleContract`."""
        command, tenant = request.command, request.context.tenant
        assert isinstance(command, AssembleContract), "this guard stands before contracts"
        if command.application is None:
            plan = self._offers.in_force(command.plan, tenant, request.context.business_date)
            wrong = _wrong_plan(command, plan)
        else:
            wrong = await self._wrong_application(request, command, command.application)
        return wrong or await self._wrong_library(tenant, command.clauses, command.library)

    async def amended(self, request: Request, _: object) -> Refusal | None:
        """A guard of `ProposeAmendment`."""
        command: Any = request.command
        return await self._wrong_library(request.context.tenant, command.clauses, command.library)

    async def leased(self, request: Request, _: object) -> Refusal | None:
        """A guard of `CreateLease`."""
        command, context = request.command, request.context
        assert isinstance(command, CreateLease), "this guard stands before leases"
        contract = await self._streams.state(CONTRACT, command.contract, context.tenant)
        if contract is None or command.contract is None:
            return contract_refusals.UNKNOWN()
        if (wrong := wrong_contract(command, contract)) is not None:
            return wrong
        if request.stream != lease_stream(command.contract):
            return NOT_OF_ITS_CONTRACT()
        plan = self._offers.plan(command.plan, command.plan_digest, context.tenant)
        if isinstance(plan, Refusal):
            return plan
        if command.business.value != plan.business.value:
            return CONTRACT_DIFFERS(field="business")
        application = await self._streams.state(APPLICATION, command.application, context.tenant)
        if application is None and command.application is not None:
            return application_refusals.UNKNOWN()
        purposes = needed_consents(plan, application)
        missing = await self._consents.wrong(context.tenant, command.subject, purposes, context.business_date)
        return missing or await self._bookings.created(request, command)

    async def _wrong_application(self, request: Request, command: AssembleContract, stream: UUID) -> Refusal | None:
        application = await self._streams.state(APPLICATION, stream, request.context.tenant)
        if application is None:
            return application_refusals.UNKNOWN()
        if application.phase not in _ACCEPTED or application.offer is None:
            return offered.OFFER_NOT_ACCEPTED(phase=application.phase)
        if request.stream != offered.contract_stream(stream):
            return offered.NOT_OF_ITS_APPLICATION()
        return self._wrong_offer(command, application, request.context.tenant)

    def _wrong_offer(self, command: AssembleContract, application: ApplicationState, tenant: UUID) -> Refusal | None:
        assert application.offer is not None, "an accepted offer is there"
        priced = application.offer.terms.priced
        if priced is UNSET:
            return offered.OFFER_NOT_ACCEPTED(phase=application.phase)
        found = self._offers.of(priced, tenant)
        if isinstance(found, Refusal):
            return found
        plan, offer = found
        lessees = [party.id for party in command.parties if party.role is PartyRole.LESSEE]
        if lessees != [application.subject]:
            return offered.CONTRACT_OFFER_DIFFERS(field="lessee")
        return _wrong_plan(command, plan) or offered.wrong_key_terms(command.key_terms, offer, plan)

    async def _wrong_library(
        self, tenant: UUID, clauses: tuple[ClauseRef, ...], given: tuple[LibraryClause, ...]
    ) -> Refusal | None:
        known = await self._library.about(tenant, {held.clause for held in clauses})
        return None if set(map(_entry, known)) == set(map(_entry, given)) else offered.LIBRARY_DIFFERS()


def _wrong_plan(command: AssembleContract, plan: Plan | Refusal) -> Refusal | None:
    if isinstance(plan, Refusal):
        return plan
    said = (command.plan, command.plan_digest, command.form)
    return None if said == (plan.id, digest_of(plan), plan.form) else offered.CONTRACT_PLAN_DIFFERS(plan=plan.id)


def _entry(clause: LibraryClause) -> tuple[object, ...]:
    """An entry as a value that can be a member of a set."""
    return tuple(getattr(clause, name) for name in clause.__struct_fields__)
