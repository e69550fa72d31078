"""The signing port: a document and a signatory go in, a signed document comes out.

A vendor of electronic signatures takes the local signer's place by implementing `Signer`. Everything it says becomes an
event by way of `SignedDocument.signature`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from domain.contracts.contract.values import PartyRole, Signature, SignatureLevel, SignatureMethod

FILE_MAX_BYTES = 8 << 20
"""Of a file that is handed in signed. A contract of eighty clauses with a dozen signatures has a tenth of that."""


class TrustUnusable(Exception):
    """A file of trusted certificates or of revoked ones that holds something else; says which."""


class SigningError(RuntimeError):
    """A document that could not be signed; says which and why."""


class Flaw(StrEnum):
    """In which way a signed file is not what it should be."""

    NOT_A_PDF = "not_a_pdf"
    UNSIGNED = "unsigned"
    OTHER_SIGNATURES = "other_signatures"
    NOT_PADES = "not_pades"
    CHANGED = "changed"
    CHANGED_AFTER = "changed_after"
    FORBIDS_MORE = "forbids_more"
    UNKNOWN_ROOT = "unknown_root"
    EXPIRED = "expired"
    REVOKED = "revoked"
    TIME = "time"
    WRONG_PARTY = "wrong_party"
    OTHER_DOCUMENT = "other_document"
    TOO_COSTLY = "too_costly"


class SignatureInvalid(ValueError):
    """A signature that does not hold; says which, in which way, what was expected and what came."""

    def __init__(self, flaw: Flaw, field: str, expected: str, got: object) -> None:
        super().__init__(f"signature {field}: expected {expected}, got {got}")
        self.flaw = flaw
        self.field = field
        self.expected = expected
        self.got = str(got)


class Signatory(Struct, frozen=True, kw_only=True):
    """Who signs: a party's id and role, and its place (from 0) on the page of signatures."""

    id: UUID
    role: PartyRole
    place: int = 0

    @property
    def field(self) -> str:
        """Name of its signature field in the file."""
        return f"Signature_{self.id.hex}"


class SignedDocument(Struct, frozen=True, kw_only=True):
    """A file with one more signature.

    `before` and `digest` are the SHA-256 of the file before and after, `certificate` that of the signer's certificate
    (DER), each 64 hex digits.
    """

    pdf: bytes
    before: str
    digest: str
    certificate: str
    level: SignatureLevel
    signatory: UUID
    signed_at: datetime

    @property
    def signature(self) -> Signature:
        """What the contract's event says of it."""
        return Signature(
            party=self.signatory,
            document=self.before,
            signed=self.digest,
            certificate=self.certificate,
            level=self.level,
            method=SignatureMethod.PADES,
        )


class Signer(Protocol):
    """Signs a document for one party; the signatures in it stay valid."""

    def sign(self, document: bytes, signatory: Signatory) -> SignedDocument:
        """The document with the signatory's signature. Raises `SigningError`."""
        ...


def digest_of(document: bytes) -> str:
    """SHA-256 of a file, 64 lower-case hex digits."""
    return sha256(document).hexdigest()
