"""Signing: a contract's values to a typeset PDF, the PDF to one that all parties signed, and the check of both."""

from __future__ import annotations

from adapters.signing.authority import Credential, LocalAuthority
from adapters.signing.document import (
    ClauseLine,
    ContractDocument,
    DocumentError,
    PartyLine,
    ScheduleLine,
    check_document,
    schedule_digest,
)
from adapters.signing.fonts import FontSet, NoChineseFont, chinese_fonts
from adapters.signing.kept import KeptSchedules, trusted_roots
from adapters.signing.pades import LocalSigner
from adapters.signing.paper import ClauseText, Missing, PaperIncomplete, paper_of
from adapters.signing.port import Flaw, Signatory, SignatureInvalid, SignedDocument, Signer, SigningError, digest_of
from adapters.signing.typeset import TypesettingError, signature_box, typeset
from adapters.signing.verify import SignatureFacts, examined, party_of, received, signed_document, verify_signatures

__all__ = [
    "ClauseLine",
    "ClauseText",
    "ContractDocument",
    "Credential",
    "DocumentError",
    "Flaw",
    "FontSet",
    "KeptSchedules",
    "LocalAuthority",
    "LocalSigner",
    "Missing",
    "NoChineseFont",
    "PaperIncomplete",
    "PartyLine",
    "ScheduleLine",
    "Signatory",
    "SignatureFacts",
    "SignatureInvalid",
    "SignedDocument",
    "Signer",
    "SigningError",
    "TypesettingError",
    "check_document",
    "chinese_fonts",
    "digest_of",
    "examined",
    "paper_of",
    "party_of",
    "received",
    "schedule_digest",
    "signature_box",
    "signed_document",
    "trusted_roots",
    "typeset",
    "verify_signatures",
]
