"""A signed file as it comes in: who signed what, and every way in which it is not what it should be."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from adapters.documents.authority import LocalAuthority
from adapters.documents.kept import KeptPapers, KeptSchedules, trusted_roots
from adapters.documents.pades import LocalSigner
from adapters.documents.port import Flaw, Signatory, SignatureInvalid, SignedDocument, TrustUnusable, digest_of
from adapters.documents.verify import SignatureFacts, examined, party_of, received, signed_until
from domain.contracts.contract.values import PartyRole
from domain.contracts.roots import schedule_digest
from tests.adapters.documents import papers
from tests.sampling import examples

Steps = tuple[SignedDocument, ...]
LESSEE = papers.PARTIES[0].id


def flaw(pdf: bytes, authority: LocalAuthority, known: set[str], **more: object) -> Flaw:
    """In which way a file is refused."""
    moment = {"at": papers.SIGNED_AT} | more
    with pytest.raises(SignatureInvalid) as raised:
        received(pdf, [authority.root], known, **moment)  # type: ignore[arg-type]
    return raised.value.flaw


def test_the_last_signature_is_the_one_that_is_new(authority: LocalAuthority, unsigned: bytes, signed: Steps) -> None:
    """Each step of a ceremony gives what the signer itself said, out of the file alone."""
    known = {digest_of(unsigned), *(step.digest for step in signed)}
    facts: Sequence[SignatureFacts] = ()
    for step in signed:
        signature, facts = received(step.pdf, [authority.root], known, at=papers.SIGNED_AT)
        assert signature == step.signature
        assert facts[-1].party == step.signatory
    assert len(facts) == len(signed)


def test_what_was_signed_is_the_longest_file_that_is_known(unsigned: bytes, signed: Steps) -> None:
    first, second, third = (step.digest for step in signed)
    assert signed_until(signed[2].pdf, {digest_of(unsigned), first, second, third}) == len(signed[1].pdf)
    assert signed_until(signed[2].pdf, {digest_of(unsigned)}) == len(unsigned)
    assert signed_until(signed[2].pdf, {third}) is None
    assert signed_until(b"", {digest_of(b"")}) is None


@pytest.mark.parametrize("end", [b"%%EOF", b"%%EOF\n", b"%%EOF\r\n", b"%%EOF\r"])
def test_a_file_may_end_with_a_line_break_of_any_kind(end: bytes) -> None:
    before = b"%PDF-1.7\n" + end
    assert signed_until(before + b"\nmore\n%%EOF\n", {digest_of(before)}) == len(before)


def test_every_way_has_its_name(authority: LocalAuthority, unsigned: bytes, signed: Steps, tmp_path: Path) -> None:
    known = {digest_of(unsigned)}
    good = signed[0].pdf
    stranger = LocalAuthority(tmp_path / "other", papers.KEY_BITS)
    assert flaw(b"PK", authority, known) is Flaw.NOT_A_PDF
    assert flaw(unsigned, authority, known) is Flaw.UNSIGNED
    assert flaw(good, stranger, known) is Flaw.UNKNOWN_ROOT
    assert flaw(good, authority, {"0" * 64}) is Flaw.OTHER_DOCUMENT
    assert flaw(good, authority, known, at=papers.SIGNED_AT + timedelta(days=366 * 90)) is Flaw.EXPIRED
    assert flaw(good, authority, known, at=papers.SIGNED_AT - timedelta(days=366 * 40)) is Flaw.EXPIRED
    assert flaw(good, authority, known, at=papers.SIGNED_AT - timedelta(hours=1)) is Flaw.TIME


def revocations(authority: LocalAuthority) -> bytes:
    """The authority's list with the lessee's certificate."""
    revoked = (
        x509.RevokedCertificateBuilder()
        .serial_number(authority.credential(LESSEE).certificate.serial_number)
        .revocation_date(papers.SIGNED_AT - timedelta(days=1))
        .build()
    )
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.root.subject)
        .last_update(papers.SIGNED_AT - timedelta(hours=1))
        .next_update(papers.SIGNED_AT + timedelta(days=1))
        .add_revoked_certificate(revoked)
        .sign(authority._authority.key, hashes.SHA256())
    )
    return crl.public_bytes(Encoding.DER)


def test_a_revoked_certificate(authority: LocalAuthority, unsigned: bytes, signed: Steps) -> None:
    assert flaw(signed[0].pdf, authority, {digest_of(unsigned)}, crls=[revocations(authority)]) is Flaw.REVOKED


def test_another_partys_field(authority: LocalAuthority, unsigned: bytes) -> None:
    """The field says who signs, the certificate who signed."""

    class Forged(Signatory, frozen=True, kw_only=True):
        @property
        def field(self) -> str:
            return f"Signature_{UUID(int=72).hex}"

    signer = LocalSigner(authority, lambda: papers.SIGNED_AT)
    pdf = signer.sign(unsigned, Forged(id=LESSEE, role=PartyRole.LESSEE)).pdf
    assert flaw(pdf, authority, {digest_of(unsigned)}) is Flaw.WRONG_PARTY


@given(chance=st.randoms(use_true_random=False))
@settings(max_examples=examples(60))
def test_whatever_is_done_to_a_file_is_a_flaw(
    authority: LocalAuthority, unsigned: bytes, signed: Steps, chance: random.Random
) -> None:
    """Bytes flipped, cut out or put in within what was signed: never accepted, never another exception."""
    pdf = bytearray(signed[0].pdf)
    (embedded,) = PdfFileReader(BytesIO(bytes(pdf))).embedded_signatures
    _, length, resume, _ = embedded.byte_range
    at = chance.choice([chance.randrange(length), chance.randrange(resume, len(pdf))])
    match chance.randrange(3):
        case 0:
            pdf[at] ^= 1 << chance.randrange(8)
        case 1:
            del pdf[at : at + chance.randint(1, 50)]
        case _:
            pdf[at:at] = chance.randbytes(chance.randint(1, 50))
    assert flaw(bytes(pdf), authority, {digest_of(unsigned)}) in Flaw


def test_no_signature_covers_its_own_room(authority: LocalAuthority, unsigned: bytes, signed: Steps) -> None:
    """Digits changed in the container: in the certificate beside, in the signer's, in the signature, in the padding."""
    good = signed[0].pdf
    (embedded,) = PdfFileReader(BytesIO(good)).embedded_signatures
    length = embedded.byte_range[1]
    for offset in (59, 401, 1_001, 2_003, 2_901, 3_607, 4_501, 9_001, 16_001):
        at = length + offset
        changed = bytearray(good)
        changed[at] = ord("1") if changed[at] != ord("1") else ord("2")
        assert flaw(bytes(changed), authority, {digest_of(unsigned)}) is Flaw.CHANGED, offset


# ------------------------------------------------------------------------------------------- parties in certificates


def certificate(common: str, *uris: str) -> x509.Certificate:
    key = rsa.generate_private_key(public_exponent=65537, key_size=papers.KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(5).not_valid_before(papers.SIGNED_AT).not_valid_after(papers.SIGNED_AT)
    if uris:
        names = [x509.UniformResourceIdentifier(uri) for uri in uris]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256())


def test_a_certificate_names_a_party_by_its_id() -> None:
    assert party_of(certificate(f"Party {LESSEE}")) == LESSEE
    assert party_of(certificate("somebody", "https://example.com", f"urn:uuid:{LESSEE}")) == LESSEE
    for common in ("somebody", f"Party {LESSEE}x", "Party 1"):
        assert party_of(certificate(common, "urn:uuid:1")) is None


# ----------------------------------------------------------------------------------------------------- kept files


def test_trusted_certificates_are_files(authority: LocalAuthority, tmp_path: Path) -> None:
    assert trusted_roots(tmp_path / "nothing") == ((), ())
    (tmp_path / "root.pem").write_bytes(authority.root.public_bytes(Encoding.PEM))
    revoked = revocations(authority)
    (tmp_path / "list.crl").write_bytes(revoked)
    assert trusted_roots(tmp_path) == ((authority.root,), (revoked,))
    (tmp_path / "list.crl").write_bytes(b"\x30\x00")
    with pytest.raises(TrustUnusable, match=r"list\.crl: expected a list of revoked certificates in DER"):
        trusted_roots(tmp_path)
    (tmp_path / "broken.pem").write_bytes(b"nothing")
    with pytest.raises(TrustUnusable, match=r"broken\.pem: expected certificates in PEM"):
        trusted_roots(tmp_path)


def test_schedules_are_kept_by_their_digest(tmp_path: Path) -> None:
    kept = KeptSchedules(tmp_path / "schedules")
    digest = schedule_digest(papers.SCHEDULE)
    assert kept.find(digest) is None
    assert kept.keep(papers.SCHEDULE) == kept.keep(papers.SCHEDULE) == digest
    assert kept.find(digest) == papers.SCHEDULE
    path = tmp_path / "schedules" / f"{digest}.json"
    path.write_bytes(path.read_bytes().replace(b"49992", b"49993"))
    assert kept.find(digest) is None
    path.write_bytes(b"[")
    assert kept.find(digest) is None
    assert kept.find("../../etc/passwd") is None


# ------------------------------------------------------------------------------------------- each signature by itself


def test_each_signature_has_an_answer_of_its_own(authority: LocalAuthority, signed: Steps, tmp_path: Path) -> None:
    """One party's certificate is of another root: the others hold all the same, and the file as a whole does not."""
    stranger = LocalAuthority(tmp_path / "other", papers.KEY_BITS)
    signer = LocalSigner(stranger, lambda: papers.SIGNED_AT)
    pdf = signer.sign(signed[0].pdf, papers.SIGNATORIES[1]).pdf
    first, second = examined(pdf, [authority.root], at=papers.SIGNED_AT)
    assert isinstance(first, SignatureFacts)
    assert isinstance(second, SignatureInvalid)
    assert (first.party, second.flaw) == (LESSEE, Flaw.UNKNOWN_ROOT)
    both = examined(pdf, [authority.root, stranger.root], at=papers.SIGNED_AT)
    assert [type(one) for one in both] == [SignatureFacts, SignatureFacts]


def test_no_trust_no_signature(unsigned: bytes, signed: Steps) -> None:
    assert examined(unsigned, []) == ()
    assert [one.flaw for one in examined(signed[1].pdf, []) if isinstance(one, SignatureInvalid)] == [
        Flaw.UNKNOWN_ROOT,
        Flaw.UNKNOWN_ROOT,
    ]


def updated(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """The file with one more revision that is no signature."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    change(writer)
    out = BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def note(writer: IncrementalPdfFileWriter) -> None:
    """A sticky note on the last page, as any reader of PDF can leave one."""
    page = writer.root["/Pages"]["/Kids"][-1]
    annotation = generic.DictionaryObject(  # type: ignore[no-untyped-call]
        {
            generic.NameObject("/Type"): generic.NameObject("/Annot"),
            generic.NameObject("/Subtype"): generic.NameObject("/Text"),
            generic.NameObject("/Rect"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 20, 20))),
            generic.NameObject("/Contents"): generic.TextStringObject("paid in full"),
        }
    )
    page.setdefault(generic.NameObject("/Annots"), generic.ArrayObject())
    page["/Annots"].append(writer.add_object(annotation))
    writer.update_container(page)


def title(writer: IncrementalPdfFileWriter) -> None:
    """Another title among the file's properties."""
    writer.trailer["/Info"][generic.NameObject("/Title")] = generic.TextStringObject("another contract")
    writer.update_container(writer.trailer["/Info"])


@pytest.mark.parametrize("change", [note, title], ids=["a note", "a title"])
def test_whatever_is_added_behind_the_signature_is_seen(
    authority: LocalAuthority, unsigned: bytes, signed: Steps, change: Callable[[IncrementalPdfFileWriter], None]
) -> None:
    pdf = updated(signed[0].pdf, change)
    assert pdf.startswith(signed[0].pdf)
    assert flaw(pdf, authority, {digest_of(unsigned)}) is Flaw.CHANGED_AFTER


def test_papers_that_were_set_are_known_by_contract_and_version(tmp_path: Path) -> None:
    kept = KeptPapers(tmp_path / "papers")
    contract, root, other = UUID(int=1), "a" * 64, "b" * 64
    assert kept.find(contract, root) == frozenset()
    for digest in ("c" * 64, "c" * 64, "d" * 64):
        kept.keep(contract, root, digest)
    assert kept.find(contract, root) == {"c" * 64, "d" * 64}
    assert kept.find(contract, other) == kept.find(UUID(int=2), root) == frozenset()
    assert kept.find(contract, "../x") == frozenset()
