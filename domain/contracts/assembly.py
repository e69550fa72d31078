"""Assembly rules of a contract: its parties, key terms and clauses are judged against the clause library."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from domain.contracts.contract import refusals as r
from domain.contracts.contract.values import (
    BUYOUT,
    DEVICE_LOCK,
    EVIDENCE,
    Disclosure,
    KeyTerms,
    LibraryClause,
    Party,
    PartyRole,
)
from domain.kernel.ids import looks_personal
from domain.kernel.refusal import Refusal
from domain.kernel.values import ClauseRef, is_line
from domain.pricing.parts import Form
from domain.pricing.schedules import Component


def wrong_reference(reference: str) -> Refusal | None:
    """A contract number says nothing about a person."""
    return r.REFERENCE_PERSONAL() if looks_personal(reference) else None


def wrong_parties(parties: Sequence[Party]) -> Refusal | None:
    """Exactly one lessor and one lessee, nobody twice."""
    roles = [party.role for party in parties]
    if roles.count(PartyRole.LESSOR) != 1 or roles.count(PartyRole.LESSEE) != 1:
        return r.PARTIES_INCOMPLETE(lessors=roles.count(PartyRole.LESSOR), lessees=roles.count(PartyRole.LESSEE))
    if len({party.id for party in parties}) < len(parties):
        return r.PARTY_TWICE()
    return None


def wrong_terms(terms: KeyTerms) -> Refusal | None:
    """Terms that contradict themselves."""
    if terms.last_due_on < terms.first_due_on:
        return r.TERMS_CONTRADICT(first_due_on=terms.first_due_on, last_due_on=terms.last_due_on)
    if terms.total_cost_fen < (terms.buyout_fen or 0):
        return r.TERMS_CONTRADICT(total_cost_fen=terms.total_cost_fen, buyout_fen=terms.buyout_fen)
    if terms.total_cost_fen < terms.upfront_fee_fen + terms.down_payment_fen:
        return r.TERMS_CONTRADICT(
            total_cost_fen=terms.total_cost_fen,
            upfront_fee_fen=terms.upfront_fee_fen,
            down_payment_fen=terms.down_payment_fen,
        )
    if sorted(terms.allocation) != sorted(Component):
        return r.TERMS_CONTRADICT(allocation=" ".join(terms.allocation))
    if terms.forum is not None and not is_line(terms.forum):
        return r.FORUM_NOT_EXACT()
    return None


def wrong_clauses(
    form: Form,
    terms: KeyTerms,
    clauses: Sequence[ClauseRef],
    library: Sequence[LibraryClause],
    on: date,
    agreed: Sequence[ClauseRef] = (),
) -> Refusal | None:
    """The first rule that a choice of clauses breaks on this business date.

    In order: a clause twice, each clause by itself from the first to the last, the evidence clause, mandatory clauses,
    the clauses that the key terms need and those that they must mention. What was `agreed` already may stay, even if
    it was withdrawn from the library since.
    """
    if len({chosen.clause for chosen in clauses}) < len(clauses):
        return r.CLAUSE_TWICE()
    fresh = [chosen for chosen in clauses if chosen not in agreed]
    if (wrong := _first_wrong(fresh, library, form, on)) is not None:
        return wrong
    codes = {chosen.clause for chosen in clauses}
    if EVIDENCE not in codes:
        return r.EVIDENCE_CLAUSE_MISSING()
    if missing := sorted(_mandatory(form, library, on) - codes):
        return r.CLAUSES_MISSING(clauses=" ".join(missing))
    return _not_as_the_terms_say(terms, codes)


def _first_wrong(
    clauses: Sequence[ClauseRef], library: Sequence[LibraryClause], form: Form, on: date
) -> Refusal | None:
    known = {(entry.clause, entry.version): entry for entry in library}
    answers = (_wrong_clause(held, known.get((held.clause, held.version)), form, on) for held in clauses)
    return next(filter(None, answers), None)


def _wrong_clause(held: ClauseRef, entry: LibraryClause | None, form: Form, on: date) -> Refusal | None:
    named = {"clause": held.clause, "version": held.version}
    if entry is None:
        return r.CLAUSE_UNKNOWN(**named)
    if entry.digest != held.digest:
        return r.CLAUSE_DIFFERS(**named, expected=entry.digest, got=held.digest)
    if entry.effective_from is None or on < entry.effective_from:
        return r.CLAUSE_NOT_EFFECTIVE(**named, effective_from=entry.effective_from, business_date=on)
    if entry.withdrawn_from is not None and on >= entry.withdrawn_from:
        return r.CLAUSE_WITHDRAWN(**named, withdrawn_from=entry.withdrawn_from, business_date=on)
    if form not in entry.forms:
        return r.CLAUSE_OF_OTHER_FORM(**named, form=form)
    return None


def _mandatory(form: Form, library: Sequence[LibraryClause], on: date) -> set[str]:
    """Clauses without which no contract of this form is made on this business date."""
    return {entry.clause for entry in library if entry.mandatory and form in entry.forms and usable_on(entry, on)}


def usable_on(entry: LibraryClause, on: date) -> bool:
    """Whether a version took effect and was not withdrawn by a business date."""
    if entry.effective_from is None or on < entry.effective_from:
        return False
    return entry.withdrawn_from is None or on < entry.withdrawn_from


def _not_as_the_terms_say(terms: KeyTerms, codes: set[str]) -> Refusal | None:
    """A lock and a price to buy stand in the key terms exactly when they stand in the clauses."""
    if terms.lock != (DEVICE_LOCK in codes):
        return r.LOCK_CLAUSE_DIFFERS(key_terms=terms.lock, clauses=DEVICE_LOCK in codes)
    if (terms.buyout_fen is not None) != (BUYOUT in codes):
        return r.BUYOUT_CLAUSE_DIFFERS(key_terms=terms.buyout_fen is not None, clauses=BUYOUT in codes)
    return None


def chosen(form: Form, library: Sequence[LibraryClause], on: date, options: Collection[str]) -> tuple[ClauseRef, ...]:
    """The clauses of a contract of this form on a business date, in the order of the library.

    All mandatory ones and, of the others, those in `options`; of each the version that took effect last.
    """
    newest: dict[str, LibraryClause] = {}
    for entry in library:
        if form in entry.forms and usable_on(entry, on) and (entry.mandatory or entry.clause in options):
            known = newest.setdefault(entry.clause, entry)
            newest[entry.clause] = max(known, entry, key=lambda one: (one.effective_from or on, one.version))
    return tuple(ClauseRef(clause=one.clause, version=one.version, digest=one.digest) for one in newest.values())


def undisclosed(items: Sequence[Disclosure]) -> tuple[Disclosure, ...]:
    """What a showing, or a confirmation, leaves out."""
    return tuple(item for item in Disclosure if item not in items)
