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
people; what an aggregate or a rule refuses is kept by the follower, for somebody to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

from msgspec import UNSET

from adapters.postgres.facts import FactLoader
from adapters.postgres.reader import Reader
from adapters.processes.subscription import Wish
from adapters.reference.tenants import TenantTerms
from chain.entry import Entry
from domain.contracts.assembly import chosen
from domain.contracts.contract.commands import AssembleContract, FulfilContract, TerminateContract
from domain.contracts.contract.events import ContractExecuted
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import IN_FORCE, ContractState
from domain.contracts.contract.values import BUYOUT, DEVICE_LOCK, Party, PartyRole
from domain.contracts.cross_rules import accepted_offer_needs, application
from domain.contracts.library import entries, entries_about, library_needs
from domain.contracts.offered import Agreed, contract_stream, key_terms_of
from domain.intake.application.commands import CompleteApplication, StartContracting
from domain.intake.application.events import ContractingStarted, OfferAccepted
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase, ApplicationState
from domain.intake.offers import offer_of
from domain.kernel.event import Event
from domain.kernel.money import PPM
from domain.kernel.needs import Facts, FirstEvent, Need, StreamState
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

    def __init__(self, facts: FactLoader, reader: Reader, terms: Callable[[UUID], TenantTerms]) -> None:
        self._facts = facts
        self._reader = reader
        self._terms = terms

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
        facts = await self._facts.facts(entry.tenant, partial(accepted_offer_needs, entry.stream))
        found: ApplicationState | None = facts[application(entry.stream)]
        if found is None or found.phase is not ApplicationPhase.OFFER_ACCEPTED or _offer_of(found, facts) is None:
            return ()
        key = f"application:{entry.stream.hex}:contracting"
        return (Wish(decider=APPLICATION, stream=entry.stream, key=key, command=StartContracting()),)

    async def _contract(self, entry: Entry) -> Sequence[Wish]:
        def needs(facts: Facts) -> Iterable[Need]:
            yield from accepted_offer_needs(entry.stream, facts)
            yield from library_needs(entry.tenant, (), facts)

        facts = await self._facts.facts(entry.tenant, needs)
        found: ApplicationState | None = facts[application(entry.stream)]
        if found is None or found.subject is None or found.phase is not ApplicationPhase.CONTRACTING:
            return ()
        made = _offer_of(found, facts)
        if made is None:
            return ()
        command = self._assembled(entry, found.subject, *made, facts)
        key = f"application:{entry.stream.hex}:contract"
        return (Wish(decider=CONTRACT, stream=contract_stream(entry.stream), key=key, command=command),)

    def _assembled(self, entry: Entry, lessee: UUID, plan: Plan, offer: Offer, facts: Facts) -> AssembleContract:
        terms = self._terms(entry.tenant)
        options = {clause for consent, clause in terms.clause_of_consent.items() if consent in plan.consents}
        lock = offer.asset_kind in terms.lock_assets
        options |= ({BUYOUT} if offer.buyout_fen is not None else set()) | ({DEVICE_LOCK} if lock else set())
        clauses = chosen(plan.form, entries(facts), entry.business_date, options)
        return AssembleContract(
            reference=reference_of(terms, entry),
            form=plan.form,
            plan=plan.id,
            plan_digest=digest_of(plan),
            parties=(
                Party(role=PartyRole.LESSEE, id=lessee, turn=1),
                Party(role=PartyRole.LESSOR, id=terms.lessor or entry.tenant, turn=2),
            ),
            key_terms=key_terms_of(
                offer, plan, Agreed(lock=lock, forum=terms.forum, early_settlement_rate=settlement_rate())
            ),
            clauses=clauses,
            library=entries_about(facts, {held.clause for held in clauses}),
            application=entry.stream,
        )

    async def _lease(self, entry: Entry) -> Sequence[Wish]:
        need = StreamState(CONTRACT.name, entry.stream)

        def needs(facts: Facts) -> Iterable[Need]:
            yield need
            contract: ContractState | None = facts.get(need)
            if contract is not None and contract.application is not None:
                yield from accepted_offer_needs(contract.application, facts)

        facts = await self._facts.facts(entry.tenant, needs)
        contract: ContractState | None = facts[need]
        if contract is None or contract.application is None:
            return ()
        found: ApplicationState | None = facts[application(contract.application)]
        made = None if found is None else _offer_of(found, facts)
        if made is None:
            return ()
        plan, offer = made
        payee = self._terms(entry.tenant).down_payment_to
        command = lease_of(offer, plan, contract, entry.stream, payee)
        key = f"contract:{entry.stream.hex}:lease"
        return (Wish(decider=LEASE, stream=lease_stream(entry.stream), key=key, command=command),)

    async def _completed(self, entry: Entry) -> Sequence[Wish]:
        need = FirstEvent(LEASE.name, entry.stream)

        def needs(facts: Facts) -> Iterable[Need]:
            yield need
            created = facts.get(need)
            if isinstance(created, LeaseCreated) and created.application is not None:
                yield application(created.application)

        facts = await self._facts.facts(entry.tenant, needs)
        created = facts[need]
        if not isinstance(created, LeaseCreated) or created.application is None:
            return ()
        found: ApplicationState | None = facts[application(created.application)]
        if found is None or found.phase is not ApplicationPhase.CONTRACTING:
            return ()
        key = f"lease:{entry.stream.hex}:application"
        return (Wish(decider=APPLICATION, stream=created.application, key=key, command=CompleteApplication()),)

    async def _performed(self, entry: Entry) -> Sequence[Wish]:
        """A contract whose lease is settled ends with it: performed, or for the reason that ended the lease."""
        events = [one.event() async for one in self._reader.stream_entries(entry.stream)]
        created = next((event for event in events if isinstance(event, LeaseCreated)), None)
        if created is None or created.contract is None:
            return ()
        reason = reason_of({type(event) for event in events})
        need = StreamState(CONTRACT.name, created.contract)
        contract: ContractState | None = (await self._facts.facts(entry.tenant, lambda _: (need,)))[need]
        if contract is None or contract.phase not in IN_FORCE:
            return ()
        command = FulfilContract() if reason is None else TerminateContract(reason=reason)
        key = f"lease:{entry.stream.hex}:contract"
        return (Wish(decider=CONTRACT, stream=created.contract, key=key, command=command),)


def _offer_of(found: ApplicationState, facts: Facts) -> tuple[Plan, Offer] | None:
    """The plan and the offer that was accepted, worked out again; None where nobody priced it."""
    if found.offer is None or found.offer.terms.priced is UNSET:
        return None
    made = offer_of(found.offer.terms.priced, facts)
    return None if isinstance(made, Refusal) else made


def reason_of(happened: Collection[type[Event]]) -> str | None:
    """Why a contract is terminated with its lease; None when it was performed."""
    if LeaseActivated not in happened:
        return NOT_BEGUN
    return next((why for kind, why in ENDED_OTHERWISE.items() if kind in happened), None)


def reference_of(terms: TenantTerms, entry: Entry) -> str:
    """A contract's number: prefix, day, the random end of the application's id in groups too short to be a person's."""
    tail = entry.stream.hex[-3 * _HEX_GROUP :]
    groups = [tail[at : at + _HEX_GROUP] for at in range(0, len(tail), _HEX_GROUP)]
    return "-".join([terms.reference_prefix, f"{entry.business_date:%Y%m%d}", *groups])


def settlement_rate() -> str:
    """What settling early costs under the policy that new leases live under, as a share of the remaining principal."""
    whole, rest = divmod(CURRENT_POLICY.settlement_fee_ppm, PPM)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")
