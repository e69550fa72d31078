"""Contracts to test with: one command and one history for every need, all about the same telephone.

`python -m tests.domain.contracts.contract.contracts` writes the table that `contract_table.txt` is compared with.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from msgspec.structs import replace

from domain.contracts.contract.commands import (
    AcknowledgeDisclosure,
    AnchorContract,
    AssembleContract,
    CheckTexts,
    FulfilContract,
    LapseAmendment,
    PresentContract,
    ProposeAmendment,
    SignAmendment,
    SignContract,
    TerminateContract,
    VoidContract,
)
from domain.contracts.contract.events import (
    AmendmentProposed,
    AmendmentSigned,
    ContractAmended,
    ContractAnchored,
    ContractAssembled,
    ContractExecuted,
    ContractFulfilled,
    ContractPresented,
    ContractSigned,
    ContractTerminated,
    ContractVoided,
    DisclosureAcknowledged,
)
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import ContractPhase
from domain.contracts.contract.values import (
    Disclosure,
    GivenText,
    KeyTerms,
    LibraryClause,
    Party,
    PartyRole,
    Signature,
    SignatureLevel,
    SignatureMethod,
)
from domain.contracts.roots import Head, contract_root
from domain.contracts.texts import text_digest
from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.kernel.values import ClauseRef
from domain.pricing.parts import Form
from domain.pricing.schedules import Component
from tests.domain.parties.table import table
from tests.given import TODAY, scenarios

given = scenarios(CONTRACT)

LESSOR, LESSEE, GUARANTOR, STRANGER = UUID(int=70), UUID(int=71), UUID(int=72), UUID(int=79)
PARTIES = (
    Party(role=PartyRole.LESSEE, id=LESSEE, turn=1),
    Party(role=PartyRole.GUARANTOR, id=GUARANTOR, turn=1),
    Party(role=PartyRole.LESSOR, id=LESSOR, turn=2),
)
"""The lessor signs last."""

TEXTS = {
    "evidence": "各方同意以电子数据保存证据；每一记录均可核验。",
    "object_rental": "出租人将设备出租给承租人使用。",
    "rent": "租金按支付表支付，逾期计收违约金。",
    "device_lock": "逾期并经通知后，出租人可以锁定设备。",
    "buyout": "期满支付价款后，所有权转移。",
    "dispute": "各方应当先行协商；协商不成的，提交仲裁。",
}
MANDATORY = frozenset({"evidence", "object_rental", "rent", "dispute"})
DAY = timedelta(days=1)
NEW_RENT = "租金按支付表支付，逾期不计收违约金。"
NEW_REFERENCE = ClauseRef(clause="rent", version=2, digest=text_digest(NEW_RENT))


def reference(code: str) -> ClauseRef:
    """Version 1 of a clause."""
    return ClauseRef(clause=code, version=1, digest=text_digest(TEXTS[code]))


def entry(code: str) -> LibraryClause:
    """What the library says of version 1 of a clause."""
    return LibraryClause(
        clause=code,
        version=1,
        digest=text_digest(TEXTS[code]),
        title=code,
        forms=(Form.OPERATING,),
        mandatory=code in MANDATORY,
        effective_from=date(2026, 1, 1),
    )


CLAUSES = tuple(map(reference, TEXTS))
LIBRARY = tuple(map(entry, TEXTS))
WIDER = (*LIBRARY, replace(entry("rent"), version=2, digest=NEW_REFERENCE.digest, mandatory=True))
KEY_TERMS = KeyTerms(
    currency="CNY",
    financed_fen=599_900,
    total_cost_fen=702_000,
    deposit_fen=0,
    instalments=12,
    first_due_on=date(2026, 4, 2),
    last_due_on=date(2027, 3, 2),
    apr="0.1377",
    irr="0.1467",
    schedule_digest="5" * 64,
    lock=True,
    late_fee_daily_rate="0.0003",
    grace_days=3,
    allocation=(Component.LATE_FEE, Component.FEE, Component.INTEREST, Component.PRINCIPAL),
    early_settlement_rate="0",
    buyout_fen=20_000,
    forum="华东仲裁委员会",
)
ALL_SHOWN = tuple(Disclosure)
HEAD = Head(contract="HT-2026-000173", form=Form.OPERATING, plan="phone_return", plan_digest="1" * 64, parties=PARTIES)
ROOT = contract_root(HEAD, KEY_TERMS, CLAUSES)
OTHER_ROOT = "0" * 64
DOCUMENT = "d" * 64


def file_after(count: int) -> str:
    """Digest of the file that so many parties signed."""
    return f"{count:064x}" if count else DOCUMENT


def signature(party: UUID, before: int = 0) -> Signature:
    """The signature of a party under a file that `before` others signed."""
    return Signature(
        party=party,
        document=file_after(before),
        signed=file_after(before + 1),
        certificate="ce" * 32,
        level=SignatureLevel.B_B,
        method=SignatureMethod.PADES,
    )


def faithful(clauses: Sequence[ClauseRef] = CLAUSES) -> tuple[GivenText, ...]:
    """A copy as agreed."""
    return tuple(GivenText(clause=held.clause, text=TEXTS[held.clause]) for held in clauses)


# ------------------------------------------------------------------------------------------------- commands

ASSEMBLE = AssembleContract(
    reference="HT-2026-000173",
    form=Form.OPERATING,
    plan="phone_return",
    plan_digest="1" * 64,
    parties=PARTIES,
    key_terms=KEY_TERMS,
    clauses=CLAUSES,
    library=LIBRARY,
)
PRESENT = PresentContract(root=ROOT, document=DOCUMENT, disclosed=ALL_SHOWN, channel="app")
ACKNOWLEDGE = AcknowledgeDisclosure(party=LESSEE, root=ROOT, items=ALL_SHOWN)
SIGN = SignContract(signature=signature(LESSEE))
ANCHOR = AnchorContract(root=ROOT, anchor="rfc3161", receipt="a" * 64)
NEW_CLAUSES = tuple(NEW_REFERENCE if held.clause == "rent" else held for held in CLAUSES)
NEW_TERMS = replace(KEY_TERMS, total_cost_fen=690_000)
PROPOSE = ProposeAmendment(
    key_terms=NEW_TERMS,
    clauses=NEW_CLAUSES,
    library=WIDER,
    document=DOCUMENT,
    disclosed=ALL_SHOWN,
    reason="hardship",
)
SIGN_AMENDMENT = SignAmendment(signature=signature(LESSEE), acknowledged=ALL_SHOWN)
CHECK = CheckTexts(texts=faithful())

SAMPLES: tuple[Command, ...] = (
    ASSEMBLE,
    PRESENT,
    ACKNOWLEDGE,
    SIGN,
    ANCHOR,
    PROPOSE,
    SIGN_AMENDMENT,
    LapseAmendment(reason="no_agreement"),
    CHECK,
    TerminateContract(reason="early_settlement"),
    FulfilContract(),
    VoidContract(reason="fraud"),
)
"""One command of each type, in the aggregate's own order."""

# ---------------------------------------------------------------------------------------------------- events

ASSEMBLED = ContractAssembled(
    reference="HT-2026-000173",
    form=Form.OPERATING,
    plan="phone_return",
    plan_digest="1" * 64,
    parties=PARTIES,
    key_terms=KEY_TERMS,
    clauses=CLAUSES,
    evidence_clause=reference("evidence"),
    root=ROOT,
    assembled_on=TODAY,
)
PRESENTED = ContractPresented(root=ROOT, document=DOCUMENT, disclosed=ALL_SHOWN, channel="app")
ACKNOWLEDGED = DisclosureAcknowledged(party=LESSEE, root=ROOT, items=ALL_SHOWN)
CONFIRMED = DisclosureAcknowledged(party=GUARANTOR, root=ROOT, items=ALL_SHOWN)
SIGNED = ContractSigned(signature=signature(LESSEE))
COSIGNED = ContractSigned(signature=signature(GUARANTOR, 1))
COUNTERSIGNED = ContractSigned(signature=signature(LESSOR, 2))
EXECUTED = ContractExecuted(root=ROOT, document=file_after(3), executed_on=TODAY)
ANCHORED = ContractAnchored(root=ROOT, anchor="rfc3161", receipt="a" * 64)
NEW_ROOT = contract_root(replace(HEAD, amends=ROOT), NEW_TERMS, NEW_CLAUSES)
PROPOSED = AmendmentProposed(
    number=1,
    key_terms=NEW_TERMS,
    clauses=NEW_CLAUSES,
    root=NEW_ROOT,
    document=DOCUMENT,
    disclosed=ALL_SHOWN,
    reason="hardship",
)
AMENDMENT_SIGNATURES = (
    AmendmentSigned(number=1, signature=signature(LESSEE), acknowledged=ALL_SHOWN),
    AmendmentSigned(number=1, signature=signature(GUARANTOR, 1), acknowledged=ALL_SHOWN),
    AmendmentSigned(number=1, signature=signature(LESSOR, 2)),
)
AMENDED = ContractAmended(number=1, root=NEW_ROOT, document=file_after(3), amended_on=TODAY)

TO_PRESENTED: tuple[Event, ...] = (ASSEMBLED, PRESENTED, ACKNOWLEDGED)
TO_ACKNOWLEDGED = (*TO_PRESENTED, CONFIRMED)
TO_PARTIALLY = (*TO_ACKNOWLEDGED, SIGNED)
TO_EXECUTED = (*TO_PARTIALLY, COSIGNED, COUNTERSIGNED, EXECUTED)
TO_ANCHORED = (*TO_EXECUTED, ANCHORED)
TO_AMENDED = (*TO_ANCHORED, PROPOSED, *AMENDMENT_SIGNATURES, AMENDED)

HISTORIES: dict[ContractPhase, tuple[Event, ...]] = {
    ContractPhase.ABSENT: (),
    ContractPhase.ASSEMBLED: (ASSEMBLED,),
    ContractPhase.PRESENTED: (ASSEMBLED, PRESENTED),
    ContractPhase.DISCLOSURE_ACKNOWLEDGED: TO_ACKNOWLEDGED,
    ContractPhase.PARTIALLY_SIGNED: TO_PARTIALLY,
    ContractPhase.EXECUTED: TO_EXECUTED,
    ContractPhase.ANCHORED: TO_ANCHORED,
    ContractPhase.AMENDED: TO_AMENDED,
    ContractPhase.TERMINATED: (*TO_ANCHORED, ContractTerminated(reason="early_settlement", terminated_on=TODAY)),
    ContractPhase.FULFILLED: (*TO_ANCHORED, ContractFulfilled(fulfilled_on=TODAY)),
    ContractPhase.VOID: (*TO_PARTIALLY, ContractVoided(reason="changed_mind")),
}
"""A shortest sensible past for every phase, in the order of a contract's life."""


def text() -> str:
    """The table as agreed: without, and then with a pending amendment."""
    forms = {phase.value: history for phase, history in HISTORIES.items()}
    pending = {
        phase.value: (*HISTORIES[phase], PROPOSED)
        for phase in (ContractPhase.EXECUTED, ContractPhase.ANCHORED, ContractPhase.AMENDED)
    }
    return f"{table(given, SAMPLES, forms, {})}\nWith a pending amendment\n\n{table(given, SAMPLES, pending, {})}"


if __name__ == "__main__":
    sys.stdout.write(text())
