"""Contract steps of people, after its assembly: show, confirm item by item, sign by both, check copies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from adapters.documents.authority import LocalAuthority
from adapters.documents.document import ClauseLine, ContractDocument, PartyLine, check_document
from adapters.documents.fonts import NoChineseFont
from adapters.documents.pades import LocalSigner
from adapters.documents.port import Signatory, SignedDocument, digest_of
from adapters.documents.typeset import typeset
from adapters.documents.verify import verify_signatures
from adapters.reference.clauses import ShippedClause, shipped_clauses
from api.demonstration.origination import Person
from api.demonstration.scene import APPLICANT, OPERATOR, Demonstration
from domain.contracts.contract.commands import AcknowledgeDisclosure, CheckTexts, PresentContract, SignContract
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import ContractState
from domain.contracts.contract.values import Disclosure, GivenText, PartyRole, SignatureLevel
from domain.contracts.offered import contract_stream
from domain.pricing.offer import Offer
from domain.pricing.plans import Plan

KEY_BITS = 2048
"""Smaller keys than in use: making one is a matter of luck and time."""

ALL_ITEMS = tuple(Disclosure)


@dataclass(frozen=True)
class Deal:
    """What a contract is about, beside what the ledger says of it."""

    plan: Plan
    offer: Offer
    thing: tuple[tuple[str, str], ...]
    lessee: Person
    lessor: str


async def sign_contract(demo: Demonstration, application: UUID, deal: Deal, keys: Path) -> UUID:
    """Set what the process assembled, show, confirm, sign by lessee and lessor; the signatures are real PAdES where a
    font is found. With the last one the process makes the lease.
    """
    stream = contract_stream(application)
    state: ContractState = await demo.state(CONTRACT, stream)
    demo.say(f"{len(state.clauses)} clauses of the library, key terms and parties are bound by one root")
    texts = {clause.clause: clause for clause in shipped_clauses()}
    chosen = [texts[held.clause] for held in state.clauses]
    paper = _paper(demo, deal, chosen, state)
    check_document(paper, state)
    await _ceremony(demo, stream, paper, keys)
    await _copies(demo, stream, chosen)
    return stream


def _paper(demo: Demonstration, deal: Deal, clauses: Sequence[ShippedClause], state: ContractState) -> ContractDocument:
    assert state.head is not None, "the process assembled the contract"
    assert state.key_terms is not None, "a contract has key terms"
    return ContractDocument(
        reference=state.head.contract,
        form=deal.plan.form,
        plan=deal.plan.zh,
        root=state.root,
        made_on=demo.today,
        parties=(
            PartyLine(id=demo.id("lessee"), role=PartyRole.LESSEE, name=deal.lessee.name),
            PartyLine(id=demo.tenant, role=PartyRole.LESSOR, name=deal.lessor),
        ),
        key_terms=state.key_terms,
        clauses=tuple(
            ClauseLine(
                clause=one.clause, version=one.version, title=one.title, text=one.text, digest=one.reference.digest
            )
            for one in clauses
        ),
        schedule=deal.offer.schedule,
        thing=deal.thing,
    )


async def _ceremony(demo: Demonstration, stream: UUID, paper: ContractDocument, keys: Path) -> None:
    signers = _Signers(demo, paper, keys)
    unsigned = await asyncio.to_thread(signers.set)
    lessee, lessor = (Signatory(id=one.id, role=one.role, place=at) for at, one in enumerate(paper.parties))
    signed = await asyncio.to_thread(signers.sign, unsigned, lessee)
    demo.say("It is set as a PDF; nobody signs before the key terms are shown and confirmed one by one")
    await demo.refuse(
        CONTRACT, stream, SignContract(signature=signed.signature), "contract.not_acknowledged", by=APPLICANT
    )
    shown = PresentContract(root=paper.root, document=digest_of(unsigned), disclosed=ALL_ITEMS, channel="app")
    confirmed = AcknowledgeDisclosure(party=lessee.id, root=paper.root, items=ALL_ITEMS)
    await demo.ask(CONTRACT, stream, shown)
    hasty = AcknowledgeDisclosure(party=lessee.id, root=paper.root, items=ALL_ITEMS[1:])
    await demo.refuse(CONTRACT, stream, hasty, "contract.disclosure_incomplete", by=APPLICANT)
    await demo.ask(CONTRACT, stream, confirmed, by=APPLICANT)
    demo.say("The lessee signs, then the lessor, and both signatures verify")
    await demo.ask(CONTRACT, stream, SignContract(signature=signed.signature), by=APPLICANT)
    countersigned = await asyncio.to_thread(signers.sign, signed.pdf, lessor)
    await demo.ask(CONTRACT, stream, SignContract(signature=countersigned.signature), by=OPERATOR)
    await asyncio.to_thread(signers.check, countersigned.pdf, (lessee, lessor))


class _Signers:
    """The local signer on the demonstration's day; without a Chinese font, one that signs in name only."""

    def __init__(self, demo: Demonstration, paper: ContractDocument, keys: Path) -> None:
        self._paper = paper
        self._at = datetime(demo.today.year, demo.today.month, demo.today.day, 3, 0, tzinfo=UTC)
        self._authority = LocalAuthority(keys, KEY_BITS)
        self._signer = LocalSigner(self._authority, lambda: self._at)
        self._real = True

    def set(self) -> bytes:
        """The contract as a PDF."""
        try:
            return typeset(self._paper)
        except NoChineseFont:
            self._real = False
            return self._paper.root.encode()

    def sign(self, document: bytes, signatory: Signatory) -> SignedDocument:
        """One party's signature."""
        if self._real:
            return self._signer.sign(document, signatory)
        after = document + signatory.field.encode()
        return SignedDocument(
            pdf=after,
            before=digest_of(document),
            digest=digest_of(after),
            certificate=digest_of(signatory.id.bytes),
            level=SignatureLevel.B_B,
            signatory=signatory.id,
            signed_at=self._at,
        )

    def check(self, pdf: bytes, signatories: Sequence[Signatory]) -> None:
        """Both signatures hold, and nothing else was added."""
        if self._real:
            verify_signatures(pdf, [self._authority.root], [one.field for one in signatories], at=self._at)


async def _copies(demo: Demonstration, stream: UUID, clauses: Sequence[ShippedClause]) -> None:
    """A faithful copy, and one with another full stop in the clause on rent."""
    demo.say("Two copies turn up: one is faithful, in the other the first 。 of the clause on rent became a ，")
    for before, after in (("", ""), ("。", "，")):
        texts = tuple(
            GivenText(clause=one.clause, text=one.text.replace(before, after, 1) if one.clause == "rent" else one.text)
            for one in clauses
        )
        await demo.ask(CONTRACT, stream, CheckTexts(texts=texts))
