"""Rules on contracts that look elsewhere: at the plan, the accepted offer of the application, and the clause library.

AssembleContract   plan and library as they are; of an application: its accepted offer, its lessee, its one stream
PresentContract, AcknowledgeDisclosure, SignContract   of an application: it is still contracting
PresentContract    the paper that was set of this version, where one was set here
WithdrawApplication, ExpireApplication (of an application)   its contract is not in force
ProposeAmendment   the library as it is
DraftClause        a further clause has room in the tenant's library
PublishClause      one more mandatory clause leaves a contract of its forms room for others
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from msgspec import UNSET

from domain.contracts import library, offered
from domain.contracts.clause import ClauseState, ClauseVersion, DraftClause, PublishClause
from domain.contracts.contract.commands import (
    AcknowledgeDisclosure,
    AssembleContract,
    PresentContract,
    ProposeAmendment,
    SignContract,
)
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import IN_FORCE, ContractState
from domain.contracts.contract.values import LibraryClause, PartyRole
from domain.intake import offers
from domain.intake.application import refusals as application_refusals
from domain.intake.application.commands import ExpireApplication, WithdrawApplication
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase, ApplicationState
from domain.kernel.needs import Candidate, CrossRule, Facts, Need, Reference, StreamState
from domain.kernel.refusal import Refusal
from domain.pricing.matching import plan_in_force
from domain.pricing.offer import Offer
from domain.pricing.plans import Plan, digest_of
from domain.pricing.quoting import PLANS

PAPERS = "papers"
"""The reference to the digests of papers that were set, by the contract's stream and its root."""

ACCEPTED = frozenset({ApplicationPhase.OFFER_ACCEPTED, ApplicationPhase.CONTRACTING})


def application(stream: UUID) -> StreamState:
    """An application, as whoever makes its contract needs it."""
    return StreamState(APPLICATION.name, stream)


def accepted_offer_needs(stream: UUID, facts: Facts) -> Iterable[Need]:
    """An application, and what its offer was made of."""
    need = application(stream)
    yield need
    state: ApplicationState | None = facts.get(need)
    if state is not None and state.offer is not None and state.offer.terms.priced is not UNSET:
        yield from offers.offer_needs(state.offer.terms.priced, facts)


def _assembly_needs(candidate: Candidate, facts: Facts) -> Iterable[Need]:
    stream = candidate.command.application
    yield from _library_needs(candidate, facts)
    yield from [PLANS] if stream is None else accepted_offer_needs(stream, facts)


def _assembled(candidate: Candidate, facts: Facts) -> Refusal | None:
    command: AssembleContract = candidate.command
    if command.application is None:
        wrong = _wrong_plan(command, plan_in_force(facts[PLANS], command.plan, candidate.context.business_date))
    else:
        wrong = _wrong_application(candidate, command.application, facts)
    return wrong or _wrong_library(candidate, facts)


def _wrong_application(candidate: Candidate, stream: UUID, facts: Facts) -> Refusal | None:
    found: ApplicationState | None = facts[application(stream)]
    if found is None:
        return application_refusals.UNKNOWN()
    if found.phase not in ACCEPTED or found.offer is None:
        return offered.OFFER_NOT_ACCEPTED(phase=found.phase)
    if candidate.stream != offered.contract_stream(stream):
        return offered.NOT_OF_ITS_APPLICATION()
    if found.offer.terms.priced is UNSET:
        return offered.OFFER_NOT_ACCEPTED(phase=found.phase)
    offer = offers.offer_of(found.offer.terms.priced, facts)
    return offer if isinstance(offer, Refusal) else _wrong_offer(candidate.command, found, *offer)


def _wrong_offer(command: AssembleContract, found: ApplicationState, plan: Plan, offer: Offer) -> Refusal | None:
    lessees = [party.id for party in command.parties if party.role is PartyRole.LESSEE]
    if lessees != [found.subject]:
        return offered.CONTRACT_OFFER_DIFFERS(field="lessee")
    return _wrong_plan(command, plan) or offered.wrong_key_terms(command.key_terms, offer, plan)


def _wrong_plan(command: AssembleContract, plan: Plan | Refusal) -> Refusal | None:
    if isinstance(plan, Refusal):
        return plan
    said = (command.plan, command.plan_digest, command.form)
    return None if said == (plan.id, digest_of(plan), plan.form) else offered.CONTRACT_PLAN_DIFFERS(plan=plan.id)


def _wrong_library(candidate: Candidate, facts: Facts) -> Refusal | None:
    command: AssembleContract | ProposeAmendment = candidate.command
    held = {(one.clause, one.version) for one in command.clauses}
    known = library.entries_about(facts, held, candidate.context.business_date)
    return None if set(map(_entry, known)) == set(map(_entry, command.library)) else offered.LIBRARY_DIFFERS()


def _entry(clause: LibraryClause) -> tuple[object, ...]:
    """An entry as a value that can be a member of a set."""
    return tuple(getattr(clause, name) for name in clause.__struct_fields__)


def _library_needs(candidate: Candidate, facts: Facts) -> Iterable[Need]:
    named = {held.clause for held in candidate.command.clauses}
    return library.library_needs(candidate.context.tenant, named, facts)


# ------------------------------------------------------------------------------------------- room in the library


def _draft_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    return () if candidate.state.versions else (library.SOME_OWN_CLAUSES,)


def _has_room(candidate: Candidate, facts: Facts) -> Refusal | None:
    if candidate.state.versions or len(facts[library.SOME_OWN_CLAUSES]) < library.OWN_CLAUSES_MAX:
        return None
    return library.LIBRARY_FULL(limit=library.OWN_CLAUSES_MAX)


def _publishing(candidate: Candidate) -> ClauseVersion | None:
    """The version that is published, if contracts will not be without it."""
    state: ClauseState = candidate.state
    version = state.numbered(candidate.command.version)
    return version if version is not None and version.mandatory else None


def _publish_needs(candidate: Candidate, facts: Facts) -> Iterable[Need]:
    return () if _publishing(candidate) is None else library.library_needs(candidate.context.tenant, (), facts)


def _leaves_room(candidate: Candidate, facts: Facts) -> Refusal | None:
    if (version := _publishing(candidate)) is None:
        return None
    for form in version.forms:
        others = library.mandatory_clauses(facts, form, candidate.context.business_date) - {candidate.state.clause}
        if len(others) >= library.MANDATORY_MAX:
            return library.MANDATORY_FULL(form=form, limit=library.MANDATORY_MAX)
    return None


# ----------------------------------------------------------------------------------------- one case, two streams


def contract_of(stream: UUID) -> StreamState:
    """The contract of an application, as whoever gives the application up needs it."""
    return StreamState(CONTRACT.name, offered.contract_stream(stream))


def not_contracting(found: ApplicationState | None) -> Refusal | None:
    """None while an application is contracting with its accepted offer."""
    if found is None:
        return application_refusals.UNKNOWN()
    if found.phase is ApplicationPhase.CONTRACTING and found.offer is not None:
        return None
    return offered.APPLICATION_NOT_CONTRACTING(phase=found.phase)


def _signing_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    stream = candidate.state.application
    return () if stream is None else (application(stream),)


def _still_contracting(candidate: Candidate, facts: Facts) -> Refusal | None:
    stream = candidate.state.application
    return None if stream is None else not_contracting(facts[application(stream)])


def papers_of(stream: UUID, root: str) -> Reference:
    """The papers that were set of a version of a contract."""
    return Reference(PAPERS, (stream, root))


def _paper_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    return (papers_of(candidate.stream, candidate.command.root),)


def _the_paper(candidate: Candidate, facts: Facts) -> Refusal | None:
    """A paper that was not set here (with names, by a vendor) is its owner's word, as long as none was."""
    known: frozenset[str] = facts[papers_of(candidate.stream, candidate.command.root)]
    shown = candidate.command.document
    return None if not known or shown in known else offered.NOT_THE_PAPER(expected=" ".join(sorted(known)), got=shown)


def _giving_up_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    return (contract_of(candidate.stream),) if candidate.state.phase in ACCEPTED else ()


def _not_in_force(candidate: Candidate, facts: Facts) -> Refusal | None:
    """A contract that nobody is bound by yet ends with its application; one in force is ended first."""
    if candidate.state.phase not in ACCEPTED:
        return None
    contract: ContractState | None = facts[contract_of(candidate.stream)]
    if contract is None or contract.application != candidate.stream or contract.phase not in IN_FORCE:
        return None
    return offered.CONTRACT_IN_FORCE(contract=offered.contract_stream(candidate.stream), phase=contract.phase)


CrossRule(AssembleContract, _assembly_needs, _assembled)
for _kind in (PresentContract, AcknowledgeDisclosure, SignContract):
    CrossRule(_kind, _signing_needs, _still_contracting)
CrossRule(PresentContract, _paper_needs, _the_paper)
for _end in (WithdrawApplication, ExpireApplication):
    CrossRule(_end, _giving_up_needs, _not_in_force)
CrossRule(ProposeAmendment, _library_needs, _wrong_library)
CrossRule(DraftClause, _draft_needs, _has_room)
CrossRule(PublishClause, _publish_needs, _leaves_room)
