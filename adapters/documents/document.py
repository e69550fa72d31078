"""Document model of a typeset contract: values only, so that the same contract gives the same bytes.

Names come from the vault just before typesetting and stay in the file; nothing here goes into an event.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from itertools import zip_longest
from uuid import UUID

from msgspec import Struct

from domain.contracts.contract.state import ContractState
from domain.contracts.contract.values import KeyTerms, Party, PartyRole
from domain.contracts.roots import schedule_digest
from domain.pricing.parts import Form
from domain.pricing.schedules import Instalment

TITLES: dict[Form, str] = {
    Form.OPERATING: "设备租赁合同",
    Form.DIRECT: "融资租赁合同（直接租赁）",
    Form.LEASEBACK: "融资租赁合同（售后回租）",
    Form.FLOOR_PLAN: "库存车辆融资合同",
}

ROLES: dict[PartyRole, str] = {
    PartyRole.LESSOR: "出租人",
    PartyRole.LESSEE: "承租人",
    PartyRole.CO_LESSEE: "共同承租人",
    PartyRole.GUARANTOR: "保证人",
    PartyRole.SUPPLIER: "供货人",
    PartyRole.DEALER: "经销商",
}

UNNAMED = "（姓名或名称由保管库另行提供）"


class DocumentError(ValueError):
    """A contract that cannot be set: says what was expected and what came."""


class PartyLine(Struct, frozen=True, kw_only=True):
    """A party on paper; `name` is what the vault knows, or None where it may not be shown."""

    id: UUID
    role: PartyRole
    name: str | None = None


class ClauseLine(Struct, frozen=True, kw_only=True):
    """A clause on paper, with its version and the SHA-256 of its exact text."""

    clause: str
    version: int
    title: str
    text: str
    digest: str


class ContractDocument(Struct, frozen=True, kw_only=True):
    """A contract ready to be set. `thing` is what is leased, as pairs of label and value."""

    reference: str
    form: Form
    plan: str
    root: str
    made_on: date
    parties: tuple[PartyLine, ...]
    key_terms: KeyTerms
    clauses: tuple[ClauseLine, ...]
    schedule: tuple[Instalment, ...]
    thing: tuple[tuple[str, str], ...] = ()


def check_document(document: ContractDocument, state: ContractState) -> None:
    """Raise `DocumentError` unless this paper says exactly what the contract's events say, byte for byte."""
    agreed = [(held.clause, held.version, held.digest) for held in state.clauses]
    printed = [(line.clause, line.version, sha256(line.text.encode()).hexdigest()) for line in document.clauses]
    for expected, got in zip_longest(agreed, printed):
        if expected != got:
            raise DocumentError(f"clauses: expected {expected}, got {got}")
    for name, (want, have) in _facts(document, state).items():
        if want != have:
            raise DocumentError(f"{name}: expected {want}, got {have}")


def _facts(document: ContractDocument, state: ContractState) -> dict[str, tuple[object, object]]:
    """Everything beside the clauses: what the events say, what the paper says."""
    head, terms = state.head, state.key_terms
    return {
        "root": (state.root, document.root),
        "reference": (head and head.contract, document.reference),
        "form": (head and head.form, document.form),
        "key terms": (terms, document.key_terms),
        "parties": (_signers(state.parties), _signers(document.parties)),
        "schedule": (terms and terms.schedule_digest, schedule_digest(document.schedule)),
    }


def _signers(parties: Sequence[Party | PartyLine]) -> list[tuple[UUID, PartyRole]]:
    return [(party.id, party.role) for party in parties]
