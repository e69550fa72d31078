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
from adapters.signing.pades import LocalSigner
from adapters.signing.port import Signatory, SignatureInvalid, SignedDocument, Signer, SigningError, digest_of
from adapters.signing.typeset import TypesettingError, signature_box, typeset
from adapters.signing.verify import SignatureFacts, verify_signatures

__all__ = [
    "ClauseLine",
    "ContractDocument",
    "Credential",
    "DocumentError",
    "FontSet",
    "LocalAuthority",
    "LocalSigner",
    "NoChineseFont",
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
    "schedule_digest",
    "signature_box",
    "typeset",
    "verify_signatures",
]
