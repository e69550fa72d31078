"""Verifying a signed contract: every signature holds, and nothing but signatures was added after the first one.

Trust comes from whoever verifies: a certificate inside the file is a claim. No revocation data is asked for over a
network; a verifier with a list of revoked certificates hands it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO

from cryptography import x509
from msgspec import Struct
from pyhanko.keys.internal import translate_pyca_cryptography_cert_to_asn1
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature, PdfSignatureStatus, validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko_certvalidator import ValidationContext

from adapters.signing.port import SignatureInvalid, digest_of

PADES = "/ETSI.CAdES.detached"
"""SubFilter of a PAdES signature (ETSI EN 319 142-1 §5.3)."""


class SignatureFacts(Struct, frozen=True, kw_only=True):
    """What one signature in a file says, once it holds.

    `covers` is the SHA-256 of the file's bytes up to the end of this signature, which is the file that the signer
    handed back; `certificate` that of the signer's certificate.
    """

    field: str
    certificate: str
    signed_at: datetime
    covers: str
    stamped: bool


def verify_signatures(
    pdf: bytes,
    roots: Sequence[x509.Certificate],
    expected: Sequence[str],
    *,
    at: datetime | None = None,
    crls: Sequence[bytes] = (),
) -> tuple[SignatureFacts, ...]:
    """Check that a PDF has exactly the signatures `expected`, by field in the order of signing, and that each holds.

    `at` is the instant at which certificates must be valid, by default now; `crls` are revocation lists (DER). Raises
    `SignatureInvalid` at the first that does not hold, also for a file that is no PDF.
    """
    try:
        reader = PdfFileReader(BytesIO(pdf))
        signatures = list(reader.embedded_signatures)
    except (PdfError, ValueError, KeyError, TypeError) as error:
        raise SignatureInvalid("(file)", "a PDF", error) from error
    names = [str(signature.field_name) for signature in signatures]
    if names != list(expected):
        raise SignatureInvalid("(all)", " ".join(expected) or "none", " ".join(names) or "none")
    trusted = [translate_pyca_cryptography_cert_to_asn1(root) for root in roots]
    context = ValidationContext(trust_roots=trusted, allow_fetching=False, moment=at, crls=list(crls))
    return tuple(_verified(pdf, signature, context) for signature in signatures)


def _verified(pdf: bytes, signature: EmbeddedPdfSignature, context: ValidationContext) -> SignatureFacts:
    field = str(signature.field_name)
    kind = str(signature.sig_object.get("/SubFilter"))
    if kind != PADES:
        raise SignatureInvalid(field, PADES, kind)
    try:
        status = validate_pdf_signature(signature, signer_validation_context=context)
    except (PdfError, SignatureValidationError, ValueError) as error:
        raise SignatureInvalid(field, "a signature that can be checked", error) from error
    _check(field, status)
    signed_at = signature.self_reported_timestamp
    if signed_at is None:
        raise SignatureInvalid(field, "a signing time", "none")
    start, length, resume, rest = signature.byte_range
    if start != 0 or not length < resume:
        raise SignatureInvalid(field, "a byte range from the beginning", signature.byte_range)
    return SignatureFacts(
        field=field,
        certificate=status.signing_cert.sha256.hex(),
        signed_at=signed_at,
        covers=digest_of(pdf[: resume + rest]),
        stamped=status.timestamp_validity is not None,
    )


def _check(field: str, status: PdfSignatureStatus) -> None:
    """Each question by itself, so that the answer says what is wrong."""
    if not status.intact:
        raise SignatureInvalid(field, "the bytes that were signed", "other bytes")
    if not status.valid:
        raise SignatureInvalid(field, "a signature by the certificate's key", "another signature")
    if not status.trusted:
        raise SignatureInvalid(field, "a certificate of a trusted root", status.trust_problem_indic or "untrusted")
    if not status.docmdp_ok:
        raise SignatureInvalid(field, "nothing but signatures after it", status.modification_level)
    if status.timestamp_validity is not None and not status.timestamp_validity.valid:
        raise SignatureInvalid(field, "a time stamp that holds", "one that does not")
    if not status.bottom_line:
        raise SignatureInvalid(field, "a valid signature", status.summary())
