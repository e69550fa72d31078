"""Verifying a signed contract: every signature holds, and nothing but signatures was added after the first one.

Nothing at all may follow the last one, not even a note or another title.

Trust comes from whoever verifies: a certificate inside the file is a claim. No revocation data is asked for over a
network; a verifier with a list of revoked certificates hands it in.

A file that was signed is the file before with an update at its end (ISO 32000-1 §7.5.6): what was signed first is found
inside what was signed last, byte for byte. That its bytes are there says nothing of what a reader shows: the contract's
file is compared with each update behind it, the first signer's too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from uuid import UUID

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtensionOID, NameOID
from msgspec import Struct
from pyhanko.keys.internal import translate_pyca_cryptography_cert_to_asn1
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import EmbeddedPdfSignature, PdfSignatureStatus, validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from adapters.documents.added import check_sizes, followed_by_signatures, room_behind, stands_under
from adapters.documents.port import Flaw, SignatureInvalid, digest_of
from domain.contracts.contract.values import Signature, SignatureLevel, SignatureMethod

PADES = "/ETSI.CAdES.detached"
"""SubFilter of a PAdES signature (ETSI EN 319 142-1 §5.3)."""

_OWN_CERTIFICATE = frozenset({"signing_certificate", "signing_certificate_v2"})
"""Signed attributes, one of which every level demands (ETSI EN 319 142-1 §6.3)."""

CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of ours a signer's clock may be."""

_LONG_FORM = 0x80
_PARTY = re.compile(r"(?:Party |urn:uuid:)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_ROOM = re.compile(rb"<(?:[0-9A-F]*|[0-9a-f]*)>")
"""Where a signature stands in a file, spelled in one way: no signature covers these bytes."""

_END = re.compile(rb"%%EOF(?:\r\n|\n|\r)?")
_EXPIRED = frozenset(
    {
        AdESIndeterminate.EXPIRED,
        AdESIndeterminate.NOT_YET_VALID,
        AdESIndeterminate.OUT_OF_BOUNDS_NO_POE,
        AdESIndeterminate.OUT_OF_BOUNDS_NOT_REVOKED,
    }
)
_REVOKED = frozenset({AdESIndeterminate.REVOKED_NO_POE, AdESIndeterminate.REVOKED_CA_NO_POE})


class SignatureFacts(Struct, frozen=True, kw_only=True):
    """What one signature in a file says, once it holds.

    `covers` is the SHA-256 of the file's bytes up to the end of this signature, which is the file that the signer
    handed back; `certificate` that of the signer's certificate. `party` is whom the certificate names, if it names a
    party by its id. `room` is how many signatures it lets follow: 0, or `None` for any number.
    """

    field: str
    certificate: str
    party: UUID | None
    signed_at: datetime
    covers: str
    stamped: bool
    room: int | None


def verify_signatures(
    pdf: bytes,
    roots: Sequence[x509.Certificate],
    expected: Sequence[str] | None = None,
    *,
    at: datetime | None = None,
    crls: Sequence[bytes] = (),
) -> tuple[SignatureFacts, ...]:
    """Check that each signature of a PDF holds, in the order of signing, and that no more was added but signatures.

    With `expected`, it must have exactly these, by field. `at` is the instant at which certificates must be valid, by
    default now; `crls` are revocation lists (DER). Raises `SignatureInvalid` at the first that does not hold, also for
    a file that is no PDF.
    """
    found = examined(pdf, roots, at=at, crls=crls)
    names = [one.field for one in found]
    if expected is not None and names != list(expected):
        raise SignatureInvalid(Flaw.OTHER_SIGNATURES, "(all)", " ".join(expected) or "none", " ".join(names) or "none")
    for one in found:
        if isinstance(one, SignatureInvalid):
            raise one
    return tuple(one for one in found if isinstance(one, SignatureFacts))


def examined(
    pdf: bytes, roots: Sequence[x509.Certificate], *, at: datetime | None = None, crls: Sequence[bytes] = ()
) -> tuple[SignatureFacts | SignatureInvalid, ...]:
    """Every signature of a PDF in the order of signing: its facts, or why it does not hold.

    Raises `SignatureInvalid` for a file that is no PDF.
    """
    lists = [x509.load_der_x509_crl(crl) for crl in crls]
    signatures = _signatures(pdf)
    trusted = [translate_pyca_cryptography_cert_to_asn1(root) for root in roots]
    context = ValidationContext(trust_roots=trusted, allow_fetching=False, moment=at)
    found: list[SignatureFacts | SignatureInvalid] = []
    for one in signatures:
        try:
            facts = _verified(pdf, one, context, roots, at, last=one is signatures[-1])
            if one is signatures[0] and not followed_by_signatures(pdf, one):
                raise SignatureInvalid(Flaw.CHANGED_AFTER, facts.field, "nothing but signatures after it", "more")
            _check_revocation(facts.field, x509.load_der_x509_certificate(one.signer_cert.dump()), roots, lists)
        except SignatureInvalid as error:
            found.append(error)
        else:
            found.append(facts)
    return tuple(found)


def received(
    pdf: bytes,
    roots: Sequence[x509.Certificate],
    known: Collection[str],
    *,
    at: datetime,
    crls: Sequence[bytes] = (),
    waiting: Collection[UUID] = (),
) -> tuple[Signature, tuple[SignatureFacts, ...]]:
    """The last signature of a file as the contract's event says it, and the facts of all of them.

    `known` are digests of the contract's earlier files: one of them must be what was signed. Raises `SignatureInvalid`
    for a file in which anything does not hold, which names no party, which is another document, or in which no more
    may sign, or can within the limits, though others than the last one are `waiting` to.
    """
    facts = verify_signatures(pdf, roots, at=at, crls=crls)
    if not facts:
        raise SignatureInvalid(Flaw.UNSIGNED, "(all)", "a signature", "none")
    last = facts[-1]
    if last.party is None:
        raise SignatureInvalid(Flaw.WRONG_PARTY, last.field, "a certificate that names a party by its id", "another")
    for one in facts:
        if _claims_another(one):
            raise SignatureInvalid(Flaw.WRONG_PARTY, one.field, f"the field of party {one.party}", one.field)
    end = signed_until(pdf, known)
    if end is None or not stands_under(pdf, pdf[:end]):
        raise SignatureInvalid(Flaw.OTHER_DOCUMENT, last.field, "a signature under the contract's file", "another file")
    others = sum(party != last.party for party in waiting)
    _check_room(facts, others)
    check_sizes(pdf, PdfFileReader(BytesIO(pdf)), others)
    signature = Signature(
        party=last.party,
        document=digest_of(pdf[:end]),
        signed=digest_of(pdf),
        certificate=last.certificate,
        level=SignatureLevel.B_T if last.stamped else SignatureLevel.B_B,
        method=SignatureMethod.PADES,
    )
    return signature, facts


def _check_room(facts: Sequence[SignatureFacts], others: int) -> None:
    for one in facts:
        if one.room is not None and one.room < others:
            raise SignatureInvalid(Flaw.FORBIDS_MORE, one.field, f"room for signatures: {others}", one.room)


def signed_until(pdf: bytes, known: Collection[str]) -> int | None:
    """The size of the longest known file that this one begins with; `None` when it begins with none."""
    hasher, done, found = sha256(), 0, None
    for end in _ends(pdf):
        hasher.update(memoryview(pdf)[done:end])
        done = end
        if end < len(pdf) and hasher.hexdigest() in known:
            found = end
    return found


def _ends(pdf: bytes) -> Iterator[int]:
    """Where a revision of the file may end: behind each mark of an end, with and without the line break after it."""
    for match in _END.finditer(pdf):
        yield from range(match.start() + len(b"%%EOF"), match.end() + 1)


def _claims_another(facts: SignatureFacts) -> bool:
    """Whether a field in our own form names somebody else than the certificate."""
    ours = re.fullmatch(r"Signature_([0-9a-f]{32})", facts.field)
    return ours is not None and (facts.party is None or ours[1] != facts.party.hex)


def _signatures(pdf: bytes) -> list[EmbeddedPdfSignature]:
    try:
        reader = PdfFileReader(BytesIO(pdf))
        check_sizes(pdf, reader)
        return list(reader.embedded_signatures)
    except (SignatureInvalid, MemoryError):
        raise
    except Exception as error:
        # A file from outside may raise anything in a reader, and is then no PDF.
        raise SignatureInvalid(Flaw.NOT_A_PDF, "(file)", "a PDF", "a file that cannot be read") from error


def _verified(
    pdf: bytes,
    signature: EmbeddedPdfSignature,
    context: ValidationContext,
    roots: Sequence[x509.Certificate],
    at: datetime | None,
    *,
    last: bool,
) -> SignatureFacts:
    field = str(signature.field_name)
    kind = str(signature.sig_object.get("/SubFilter"))
    if kind != PADES:
        raise SignatureInvalid(Flaw.NOT_PADES, field, PADES, kind)
    try:
        status = validate_pdf_signature(signature, signer_validation_context=context)
        start, length, resume, rest = signature.byte_range
        signed_at = signature.self_reported_timestamp
        room = room_behind(signature)
    except MemoryError:
        raise
    except Exception as error:
        # A damaged signature raises whatever its reader stumbles over.
        raise SignatureInvalid(Flaw.CHANGED, field, "a signature that can be checked", type(error).__name__) from error
    _check(field, status, at or datetime.now(UTC), last=last)
    if _ROOM.fullmatch(pdf, length, resume) is None:
        raise SignatureInvalid(Flaw.CHANGED, field, "a signature in hexadecimal digits of one case", "other bytes")
    _check_length(field, signature)
    _check_container(field, signature, roots)
    if not _vouches_for_its_certificate(signature):
        raise SignatureInvalid(Flaw.NOT_PADES, field, " or ".join(sorted(_OWN_CERTIFICATE)), "neither")
    _check_time(field, signed_at, at)
    assert signed_at is not None, "checked a moment ago"
    if start != 0 or not length < resume:
        raise SignatureInvalid(Flaw.CHANGED, field, "a byte range from the beginning", signature.byte_range)
    return SignatureFacts(
        field=field,
        certificate=status.signing_cert.sha256.hex(),
        party=party_of(x509.load_der_x509_certificate(status.signing_cert.dump())),
        signed_at=signed_at,
        covers=digest_of(pdf[: resume + rest]),
        stamped=status.timestamp_validity is not None,
        room=room,
    )


def party_of(certificate: x509.Certificate) -> UUID | None:
    """The party that a certificate names by its id: `urn:uuid:…` as alternative name, or `Party …` as common name."""
    try:
        names = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
        assert isinstance(names, x509.SubjectAlternativeName), "that is what this extension holds"
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except x509.ExtensionNotFound:
        uris = []
    common = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    matches = filter(None, map(_PARTY.fullmatch, [*uris, *common]))
    return next((UUID(match[1]) for match in matches), None)


def _check(field: str, status: PdfSignatureStatus, at: datetime, *, last: bool) -> None:
    """Each question by itself, so that the answer says what is wrong."""
    if not status.intact:
        raise SignatureInvalid(Flaw.CHANGED, field, "the bytes that were signed", "other bytes")
    if not status.valid:
        raise SignatureInvalid(Flaw.CHANGED, field, "a signature by the certificate's key", "another signature")
    if not status.trusted:
        problem = status.trust_problem_indic
        raise SignatureInvalid(_distrust(status, at), field, "a certificate of a trusted root", problem or "none")
    level = status.modification_level or ModificationLevel.NONE
    if not status.docmdp_ok or level > _MORE_SIGNATURES or (last and not _is_whole(status)):
        raise SignatureInvalid(Flaw.CHANGED_AFTER, field, "nothing but signatures after it", level.name)
    if status.timestamp_validity is not None and not status.timestamp_validity.valid:
        raise SignatureInvalid(Flaw.TIME, field, "a time stamp that holds", "one that does not")
    if not status.bottom_line:
        raise SignatureInvalid(Flaw.CHANGED, field, "a valid signature", status.summary())


def _check_length(field: str, signature: EmbeddedPdfSignature) -> None:
    if signature.pkcs7_content[1] == _LONG_FORM:
        raise SignatureInvalid(Flaw.NOT_PADES, field, "a container in DER", "one of a length that is not said")


def _check_container(field: str, signature: EmbeddedPdfSignature, roots: Sequence[x509.Certificate]) -> None:
    """What no signature covers: the room it was written into, the algorithms it names, the certificates beside it."""
    try:
        behind, named, used, carried = _container(signature)
    except MemoryError:
        raise
    except Exception as error:
        # As above: whatever a damaged container raises.
        raise SignatureInvalid(Flaw.CHANGED, field, "a container that can be read", type(error).__name__) from error
    if any(behind):
        raise SignatureInvalid(Flaw.CHANGED, field, "nothing behind the signature", "other bytes")
    if named != used:
        raise SignatureInvalid(Flaw.CHANGED, field, " ".join(sorted(used)), "other algorithms")
    issuers = (*carried, *roots)
    if not all(any(_issued(one, issuer) for issuer in issuers) for one in carried):
        raise SignatureInvalid(Flaw.CHANGED, field, "certificates that hold", "one that does not")


def _vouches_for_its_certificate(signature: EmbeddedPdfSignature) -> bool:
    """Whether which certificate it is to be checked with was signed too: what level B-B begins with."""
    return any(one["type"].native in _OWN_CERTIFICATE for one in signature.signer_info["signed_attrs"])


def _container(signature: EmbeddedPdfSignature) -> tuple[bytes, set[str], set[str], list[x509.Certificate]]:
    """The bytes behind the container, the algorithms that it names and that its signers use, its certificates."""
    signed = signature.signed_data
    return (
        signature.pkcs7_content[_der_length(signature.pkcs7_content) :],
        {one["algorithm"].native for one in signed["digest_algorithms"]},
        {one["digest_algorithm"]["algorithm"].native for one in signed["signer_infos"]},
        [x509.load_der_x509_certificate(one.chosen.dump()) for one in signed["certificates"]],
    )


def _der_length(content: bytes) -> int:
    """How many bytes the first value of a DER text has (X.690 §8.1.3)."""
    size = content[1]
    if size < _LONG_FORM:
        return 2 + size
    places = size - _LONG_FORM
    return 2 + places + int.from_bytes(content[2 : 2 + places], "big")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


_MORE_SIGNATURES = ModificationLevel.FORM_FILLING
"""What the signatures of later parties are to the one before."""


def _is_whole(status: PdfSignatureStatus) -> bool:
    """Whether a signature covers everything up to the end of the file but its own room."""
    return status.coverage is SignatureCoverageLevel.ENTIRE_FILE


def _distrust(status: PdfSignatureStatus, at: datetime) -> Flaw:
    """The commonest reasons apart: out of its time, revoked; everything else leads to no trusted root."""
    certificate = status.signing_cert
    if not certificate.not_valid_before <= at <= certificate.not_valid_after:
        return Flaw.EXPIRED
    if status.trust_problem_indic in _EXPIRED:
        return Flaw.EXPIRED
    return Flaw.REVOKED if status.revoked or status.trust_problem_indic in _REVOKED else Flaw.UNKNOWN_ROOT


def _check_revocation(
    field: str,
    certificate: x509.Certificate,
    roots: Sequence[x509.Certificate],
    lists: Sequence[x509.CertificateRevocationList],
) -> None:
    """The lists that were handed in count, whether or not the certificate says where to find one."""
    for crl in lists:
        issuers = (root for root in roots if root.subject == crl.issuer == certificate.issuer)
        signed = any(crl.is_signature_valid(root.public_key()) for root in issuers)  # type: ignore[arg-type]
        if signed and crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            raise SignatureInvalid(Flaw.REVOKED, field, "a certificate that was not revoked", "one that was")


def _check_time(field: str, signed_at: datetime | None, at: datetime | None) -> None:
    if signed_at is None:
        raise SignatureInvalid(Flaw.TIME, field, "a signing time", "none")
    if at is not None and signed_at > at + CLOCK_SKEW:
        raise SignatureInvalid(Flaw.TIME, field, f"a signing time up to {at}", signed_at)
