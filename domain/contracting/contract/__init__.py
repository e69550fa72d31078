"""Contract (合同): clause versions of a plan, put together, shown, confirmed, signed by all, anchored, and ended.

    Assembled ─▶ Presented ─▶ DisclosureAcknowledged ─▶ PartiallySigned ─▶ Executed ─▶ Anchored ◀─▶ Amended
        │            │                  │                      │              └──────┬────┴────────────┘
        └────────────┴───────┬──────────┴──────────────────────┘                     ▼
                             ▼                                          Terminated | Fulfilled | Void
                            Void

One root binds parties, key terms and every clause in its order (`roots`); an amendment has its own, over the one
before. The modules follow one another: `values`, `roots`, `events`, `state`, `commands`, `refusals`, `assembly`,
`tampering`, `decide`, `evolve`.
"""

from __future__ import annotations

from domain.contracting.contract import refusals
from domain.contracting.contract.commands import (
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
from domain.contracting.contract.decide import COMMANDS, decide
from domain.contracting.contract.events import (
    AmendmentLapsed,
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
    TamperAlarmRaised,
    TextsConfirmed,
)
from domain.contracting.contract.evolve import evolve
from domain.contracting.contract.roots import Head, contract_root, merkle_root
from domain.contracting.contract.state import (
    CLOSED,
    FORMING,
    IN_FORCE,
    OPEN,
    Amendment,
    ContractState,
    Phase,
    Round,
)
from domain.contracting.contract.tampering import compare
from domain.contracting.contract.values import (
    ADDRESSED,
    Disclosure,
    GivenText,
    KeyTerms,
    LibraryClause,
    Party,
    PartyRole,
    Signature,
    SignatureLevel,
    SignatureMethod,
    Tampering,
)
from domain.kernel import Decider

CONTRACT = Decider(name="contract", initial=ContractState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""

__all__ = [
    "ADDRESSED",
    "CLOSED",
    "COMMANDS",
    "CONTRACT",
    "FORMING",
    "IN_FORCE",
    "OPEN",
    "AcknowledgeDisclosure",
    "Amendment",
    "AmendmentLapsed",
    "AmendmentProposed",
    "AmendmentSigned",
    "AnchorContract",
    "AssembleContract",
    "CheckTexts",
    "ContractAmended",
    "ContractAnchored",
    "ContractAssembled",
    "ContractExecuted",
    "ContractFulfilled",
    "ContractPresented",
    "ContractSigned",
    "ContractState",
    "ContractTerminated",
    "ContractVoided",
    "Disclosure",
    "DisclosureAcknowledged",
    "FulfilContract",
    "GivenText",
    "Head",
    "KeyTerms",
    "LapseAmendment",
    "LibraryClause",
    "Party",
    "PartyRole",
    "Phase",
    "PresentContract",
    "ProposeAmendment",
    "Round",
    "SignAmendment",
    "SignContract",
    "Signature",
    "SignatureLevel",
    "SignatureMethod",
    "TamperAlarmRaised",
    "Tampering",
    "TerminateContract",
    "TextsConfirmed",
    "VoidContract",
    "compare",
    "contract_root",
    "decide",
    "evolve",
    "merkle_root",
    "refusals",
]
