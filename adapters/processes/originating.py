"""The chain from an accepted offer to a running lease: what follows from each step is done, once, without a person.

application.offer_accepted, priced      ─▶ application StartContracting    application:<hex>:contracting
application.contracting_started, priced ─▶ contract AssembleContract       application:<hex>:contract
    people: show, confirm, sign
contract.executed, of an application    ─▶ lease CreateLease               contract:<hex>:lease
    people: deposit, delivery, activation
lease.activated                         ─▶ application CompleteApplication lease:<hex>:application
lease.closed                            ─▶ contract FulfilContract, or TerminateContract when it ended otherwise
                                                                           lease:<hex>:contract

Contract and lease have streams that follow from the application and the contract, so that there is one of each, whoever
makes it. Where something is missing (terms without a plan, a contract made by hand) the process leaves the step to
people; what an aggregate or the gate refuses is kept by the follower, for somebody to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar
from uuid import UUID

from msgspec import UNSET

from adapters.gate.offers import Offers
from adapters.gate.streams import Streams
from adapters.processes.subscription import Wish
from adapters.reference.library import ClauseLibrary
from adapters.reference.tenants import TenantTerms
from chain.entry import Entry
from domain.contracts.assembly import chosen
from domain.contracts.contract.commands import AssembleContract, FulfilContract, TerminateContract
from domain.contracts.contract.events import ContractExecuted
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import IN_FORCE
from domain.contracts.contract.values import BUYOUT, DEVICE_LOCK, Party, PartyRole
from domain.contracts.offered import Agreed, contract_stream, key_terms_of
from domain.intake.application.commands import CompleteApplication, StartContracting
from domain.intake.application.events import ContractingStarted, OfferAccepted
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase, ApplicationState
from domain.kernel.event import Event
from domain.kernel.money import PPM
from domain.kernel.refusal import Refusal
from domain.leasing.admission import lease_of, lease_stream
from domain.leasing.lease.events.lifecycle import AssetTotallyLost, LeaseCreated, LeaseEarlySettled, LeaseTerminated
from domain.leasing.lease.events.money import LeaseActivated, LeaseClosed
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.policies import CURRENT_POLICY
from domain.pricing.offer import Offer
from domain.pricing.plans import Plan, digest_of

INTEREST: frozenset[type[Event]] = frozenset(
    {OfferAccepted, ContractingStarted, ContractExecuted, LeaseActivated, LeaseClosed}
)
"""The events this process acts on."""

NOT_BEGUN = "not_begun"
ENDED_OTHERWISE: dict[type[Event], str] = {
    LeaseEarlySettled: "early_settlement",
    LeaseTerminated: "default",
    AssetTotallyLost: "total_loss",
}
"""Why a contract is terminated and not fulfilled, by what happened to its lease."""

_HEX_GROUP = 4

E = TypeVar("E", bound=Event)


class Originating:
    """The process; `react` is a reactor of a follower, without effects of its own."""

    def __init__(
        self, streams: Streams, offers: Offers, library: ClauseLibrary, houses: Callable[[UUID], TenantTerms]
    ) -> None:
        self._streams = streams
        self._offers = offers
        self._library = library
        self._houses = houses

    async def react(self, event: Event, entry: Entry) -> Sequence[Wish]:
        """What follows from one event."""
        match event:
            case OfferAccepted():
                return await self._contracting(entry)
            case ContractingStarted():
                return await self._contract(entry)
            case ContractExecuted():
                return await self._lease(entry)
            case LeaseActivated():
                return await self._completed(entry)
            case LeaseClosed():
                return await self._performed(entry)
            case _:
                return ()

    async def _contracting(self, entry: Entry) -> Sequence[Wish]:
        application = await self._application(entry.stream, entry.tenant)
        if application is None or application.phase is not ApplicationPhase.OFFER_ACCEPTED:
            return ()
        if self._offer_of(application, entry.tenant) is None:
            return ()
        key = f"application:{entry.stream.hex}:contracting"
        return (Wish(decider=APPLICATION, stream=entry.stream, key=key, command=StartContracting()),)

    async def _contract(self, entry: Entry) -> Sequence[Wish]:
        application = await self._application(entry.stream, entry.tenant)
        if application is None or application.subject is None or application.phase is not ApplicationPhase.CONTRACTING:
            return ()
        made = self._offer_of(application, entry.tenant)
        if made is None:
            return ()
        command = await self._assembled(entry, application.subject, *made)
        key = f"application:{entry.stream.hex}:contract"
        return (Wish(decider=CONTRACT, stream=contract_stream(entry.stream), key=key, command=command),)

    async def _assembled(self, entry: Entry, lessee: UUID, plan: Plan, offer: Offer) -> AssembleContract:
        house = self._houses(entry.tenant)
        options = {clause for consent, clause in house.clause_of_consent.items() if consent in plan.consents}
        lock = offer.asset_kind in house.lock_assets
        options |= ({BUYOUT} if offer.buyout_fen is not None else set()) | ({DEVICE_LOCK} if lock else set())
        library = await self._library.entries(entry.tenant)
        clauses = chosen(plan.form, library, entry.business_date, options)
        return AssembleContract(
            reference=reference_of(house, entry),
            form=plan.form,
            plan=plan.id,
            plan_digest=digest_of(plan),
            parties=(
                Party(role=PartyRole.LESSEE, id=lessee, turn=1),
                Party(role=PartyRole.LESSOR, id=house.lessor or entry.tenant, turn=2),
            ),
            key_terms=key_terms_of(
                offer, plan, Agreed(lock=lock, forum=house.forum, early_settlement_rate=settlement_rate())
            ),
            clauses=clauses,
            library=await self._library.about(entry.tenant, {held.clause for held in clauses}),
            application=entry.stream,
        )

    async def _lease(self, entry: Entry) -> Sequence[Wish]:
        contract = await self._streams.state(CONTRACT, entry.stream, entry.tenant)
        if contract is None or contract.application is None:
            return ()
        application = await self._application(contract.application, entry.tenant)
        made = None if application is None else self._offer_of(application, entry.tenant)
        if made is None:
            return ()
        plan, offer = made
        payee = self._houses(entry.tenant).down_payment_to
        command = lease_of(offer, plan, contract, entry.stream, payee)
        key = f"contract:{entry.stream.hex}:lease"
        return (Wish(decider=LEASE, stream=lease_stream(entry.stream), key=key, command=command),)

    async def _completed(self, entry: Entry) -> Sequence[Wish]:
        created = await self._first(entry)
        if created is None or created.application is None:
            return ()
        application = await self._application(created.application, entry.tenant)
        if application is None or application.phase is not ApplicationPhase.CONTRACTING:
            return ()
        key = f"lease:{entry.stream.hex}:application"
        return (Wish(decider=APPLICATION, stream=created.application, key=key, command=CompleteApplication()),)

    async def _performed(self, entry: Entry) -> Sequence[Wish]:
        """A contract whose lease is settled ends with it: performed, or for the reason that ended the lease."""
        events = [one.event() for one in await self._streams.entries(LEASE.name, entry.stream, entry.tenant)]
        created = next((event for event in events if isinstance(event, LeaseCreated)), None)
        if created is None or created.contract is None:
            return ()
        reason = reason_of({type(event) for event in events})
        contract = await self._streams.state(CONTRACT, created.contract, entry.tenant)
        if contract is None or contract.phase not in IN_FORCE:
            return ()
        command = FulfilContract() if reason is None else TerminateContract(reason=reason)
        key = f"lease:{entry.stream.hex}:contract"
        return (Wish(decider=CONTRACT, stream=created.contract, key=key, command=command),)

    async def _first(self, entry: Entry) -> LeaseCreated | None:
        entries = await self._streams.entries(LEASE.name, entry.stream, entry.tenant)
        event = entries[0].event() if entries else None
        return event if isinstance(event, LeaseCreated) else None

    async def _application(self, stream: UUID, tenant: UUID) -> ApplicationState | None:
        return await self._streams.state(APPLICATION, stream, tenant)

    def _offer_of(self, application: ApplicationState, tenant: UUID) -> tuple[Plan, Offer] | None:
        """The plan and the offer that was accepted, worked out again; None where nobody priced it."""
        if application.offer is None or application.offer.terms.priced is UNSET:
            return None
        found = self._offers.of(application.offer.terms.priced, tenant)
        return None if isinstance(found, Refusal) else found


def reason_of(happened: Collection[type[Event]]) -> str | None:
    """Why a contract is terminated with its lease; None when it was performed."""
    if LeaseActivated not in happened:
        return NOT_BEGUN
    return next((why for kind, why in ENDED_OTHERWISE.items() if kind in happened), None)


def reference_of(house: TenantTerms, entry: Entry) -> str:
    """A contract's number: prefix, day, the random end of the application's id in groups too short to be a person's."""
    tail = entry.stream.hex[-3 * _HEX_GROUP :]
    groups = [tail[at : at + _HEX_GROUP] for at in range(0, len(tail), _HEX_GROUP)]
    return "-".join([house.reference_prefix, f"{entry.business_date:%Y%m%d}", *groups])


def settlement_rate() -> str:
    """What settling early costs under the policy that new leases live under, as a share of the remaining principal."""
    whole, rest = divmod(CURRENT_POLICY.settlement_fee_ppm, PPM)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")
