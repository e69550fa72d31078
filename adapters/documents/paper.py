"""Paper of a contract, from its events: the clauses' exact texts, the key terms, the schedule; nobody's name.

    ContractState + texts by digest + schedule by digest ─▶ ContractDocument ─typeset─▶ PDF

The ledger holds texts and schedules by their digests; whatever is put in here is compared with them, so that one paper
belongs to one version of a contract. Names stay out: the paper of record can be set again after a person was erased,
and nobody who reads it reads personal data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum

from msgspec import Struct

from adapters.documents.document import ClauseLine, ContractDocument, PartyLine, check_document
from domain.contracts.contract.state import ContractState
from domain.kernel.values import ClauseRef
from domain.pricing.schedules import Instalment


class ClauseText(Struct, frozen=True):
    """A clause version's title and exact text."""

    title: str
    text: str


class Missing(StrEnum):
    """Part that a paper can lack."""

    SCHEDULE = "schedule"
    TEXT = "text"


class PaperIncomplete(ValueError):
    """A paper that cannot be set: something is known by its digest only; says what, and of a clause which."""

    def __init__(self, missing: Missing, clause: str = "") -> None:
        super().__init__(f"expected the {missing} {clause}".rstrip() + ", got its digest only")
        self.missing = missing
        self.clause = clause


def paper_of(
    state: ContractState,
    made_on: date,
    plan: str,
    texts: Mapping[str, ClauseText],
    schedule: Sequence[Instalment] | None,
) -> ContractDocument:
    """A contract's paper from its state, the day it is made on, the plan's name, and texts by digest.

    Raises `PaperIncomplete` without a schedule or a text, `DocumentError` when the paper would say something else than
    the events.
    """
    assert state.head is not None, "a contract was assembled"
    assert state.key_terms is not None, "a contract was assembled"
    if schedule is None:
        raise PaperIncomplete(Missing.SCHEDULE)
    document = ContractDocument(
        reference=state.head.contract,
        form=state.head.form,
        plan=plan,
        root=state.root,
        made_on=made_on,
        parties=tuple(PartyLine(id=party.id, role=party.role) for party in state.parties),
        key_terms=state.key_terms,
        clauses=tuple(_line(held, texts.get(held.digest)) for held in state.clauses),
        schedule=tuple(schedule),
    )
    check_document(document, state)
    return document


def _line(held: ClauseRef, known: ClauseText | None) -> ClauseLine:
    if known is None:
        raise PaperIncomplete(Missing.TEXT, held.clause)
    return ClauseLine(clause=held.clause, version=held.version, title=known.title, text=known.text, digest=held.digest)
