"""Signatures: real PAdES by every party, checked by pyHanko and by OpenSSL, and every way to tamper is seen."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.timestamps import DummyTimeStamper

from adapters.documents.authority import NOT_AFTER, NOT_BEFORE, Credential, LocalAuthority
from adapters.documents.pades import LocalSigner, _pyhanko_signer
from adapters.documents.port import Signatory, SignatureInvalid, SignedDocument, SigningError, digest_of
from adapters.documents.verify import verify_signatures
from domain.contracts.contract.values import PartyRole, Signature, SignatureLevel, SignatureMethod
from tests.adapters.documents import papers
from tests.adapters.documents.test_typeset import pages_of

FIELDS = [signatory.field for signatory in papers.SIGNATORIES]
Steps = tuple[SignedDocument, ...]


def test_every_party_signs_and_all_hold(authority: LocalAuthority, signed: Steps) -> None:
    facts = verify_signatures(signed[-1].pdf, [authority.root], FIELDS, at=papers.SIGNED_AT)
    assert [fact.covers for fact in facts] == [step.digest for step in signed]
    assert [fact.certificate for fact in facts] == [step.certificate for step in signed]
    assert {fact.signed_at for fact in facts} == {papers.SIGNED_AT}
    assert not any(fact.stamped for fact in facts)


def test_signatures_form_a_chain_of_files(unsigned: bytes, signed: Steps) -> None:
    """Each file begins with the one before, byte for byte; the events hold the digests of both."""
    before = unsigned
    for step, signatory in zip(signed, papers.SIGNATORIES, strict=True):
        assert step.pdf.startswith(before)
        assert step.signature == Signature(
            party=signatory.id,
            document=digest_of(before),
            signed=digest_of(step.pdf),
            certificate=step.certificate,
            level=SignatureLevel.B_B,
            method=SignatureMethod.PADES,
        )
        before = step.pdf


def test_text_is_the_same_after_signing(unsigned: bytes, signed: Steps) -> None:
    assert pages_of(signed[-1].pdf) == pages_of(unsigned)


def test_baseline_b(signed: Steps) -> None:
    """ETSI EN 319 142-1 §6.3: the subfilter, /M for the time, signing-certificate-v2, and no signing-time attribute."""
    for embedded in PdfFileReader(BytesIO(signed[-1].pdf)).embedded_signatures:
        assert embedded.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
        assert str(embedded.sig_object["/M"]).startswith("D:20260302013015")
        attributes = {attribute["type"].native for attribute in embedded.signer_info["signed_attrs"]}
        assert {"content_type", "message_digest", "signing_certificate_v2"} <= attributes
        assert "signing_time" not in attributes
        assert embedded.signer_info["digest_algorithm"]["algorithm"].native == "sha256"


def test_signature_itself_depends_on_nothing_but_bytes_and_key(signer: LocalSigner, unsigned: bytes) -> None:
    """RSA PKCS #1 v1.5 draws no lots: what differs between two signings is the file's own id, and what follows."""
    one, other = (signer.sign(unsigned, papers.SIGNATORIES[0]).pdf for _ in range(2))
    assert len(one) == len(other)
    assert (one.startswith(unsigned), other.startswith(unsigned)) == (True, True)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="OpenSSL is not installed")
def test_openssl_agrees(authority: LocalAuthority, signed: Steps, tmp_path: Path) -> None:
    """The detached CMS over the byte range, verified by a program that knows nothing of PDF."""
    pdf = signed[-1].pdf
    root = tmp_path / "root.pem"
    root.write_bytes(authority.root.public_bytes(serialization.Encoding.PEM))
    for number, embedded in enumerate(PdfFileReader(BytesIO(pdf)).embedded_signatures):
        start, length, resume, rest = embedded.byte_range
        content, container = tmp_path / f"{number}.bin", tmp_path / f"{number}.cms"
        content.write_bytes(pdf[start : start + length] + pdf[resume : resume + rest])
        container.write_bytes(embedded.pkcs7_content)
        command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", str(container)]
        command += ["-content", str(content), "-CAfile", str(root), "-purpose", "any", "-out", "/dev/null"]
        assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0
        content.write_bytes(content.read_bytes()[:-1] + b"!")
        assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode != 0


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="poppler's pdfsig is not installed")
def test_pdfsig_agrees(signed: Steps, tmp_path: Path) -> None:
    path = tmp_path / "signed.pdf"
    path.write_bytes(signed[-1].pdf)
    told = subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True, check=False, timeout=60)
    assert told.stdout.count("Signature is Valid") == len(FIELDS)


# ------------------------------------------------------------------------------------------------ tampering


@pytest.mark.parametrize("part", [0.1, 0.4, 0.9])
def test_flipped_byte_is_seen(authority: LocalAuthority, unsigned: bytes, signed: Steps, part: float) -> None:
    pdf = bytearray(signed[-1].pdf)
    pdf[int(len(unsigned) * part)] ^= 1
    with pytest.raises(SignatureInvalid):
        verify_signatures(bytes(pdf), [authority.root], FIELDS)


def test_a_comment_changed_inside_the_file_is_seen(authority: LocalAuthority, signed: Steps) -> None:
    pdf = signed[-1].pdf
    at = pdf.index(b"\x80")
    with pytest.raises(SignatureInvalid, match="the bytes that were signed"):
        verify_signatures(pdf[:at] + b"\x81" + pdf[at + 1 :], [authority.root], FIELDS)


def test_added_content_is_seen(authority: LocalAuthority, signed: Steps) -> None:
    """A later revision that is no signature: the signatures hold over their bytes, the file does not."""
    writer = IncrementalPdfFileWriter(BytesIO(signed[-1].pdf))
    pages = writer.root["/Pages"]
    pages["/Kids"].pop()
    writer.mark_update(writer.root.raw_get("/Pages"))
    out = BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    with pytest.raises(SignatureInvalid, match="nothing but signatures after it"):
        verify_signatures(out.getvalue(), [authority.root], FIELDS)


def test_missing_and_unexpected_signatures_are_named(authority: LocalAuthority, signed: Steps) -> None:
    with pytest.raises(SignatureInvalid, match=f"expected {FIELDS[0]} .*got {FIELDS[0]}"):
        verify_signatures(signed[0].pdf, [authority.root], FIELDS)
    with pytest.raises(SignatureInvalid, match="expected none"):
        verify_signatures(signed[0].pdf, [authority.root], [])


def test_unsigned_file_has_no_signatures(authority: LocalAuthority, unsigned: bytes) -> None:
    assert verify_signatures(unsigned, [authority.root], []) == ()
    with pytest.raises(SignatureInvalid, match="got none"):
        verify_signatures(unsigned, [authority.root], FIELDS)


@pytest.mark.parametrize("garbage", [b"", b"%PDF-1.7\n", b"PK\x03\x04", b"\x00" * 2_000])
def test_no_pdf_is_a_typed_answer(authority: LocalAuthority, signer: LocalSigner, garbage: bytes) -> None:
    with pytest.raises(SignatureInvalid, match="a PDF"):
        verify_signatures(garbage, [authority.root], [])
    with pytest.raises(SigningError, match="a PDF that can still be signed"):
        signer.sign(garbage, papers.SIGNATORIES[0])


def test_root_is_the_verifiers(tmp_path: Path, signed: Steps) -> None:
    stranger = LocalAuthority(tmp_path / "other", papers.KEY_BITS)
    with pytest.raises(SignatureInvalid, match="trusted root"):
        verify_signatures(signed[0].pdf, [stranger.root], FIELDS[:1])


def test_certificates_have_their_time(authority: LocalAuthority, signed: Steps) -> None:
    with pytest.raises(SignatureInvalid, match="trusted root"):
        verify_signatures(signed[0].pdf, [authority.root], FIELDS[:1], at=datetime(2101, 1, 1, tzinfo=UTC))


def test_other_kinds_of_signature_are_not_taken(authority: LocalAuthority, unsigned: bytes) -> None:
    credential = authority.credential(papers.SIGNATORIES[0].id)
    plain = PdfSigner(PdfSignatureMetadata(field_name=FIELDS[0]), _pyhanko_signer(credential, authority.root))
    pdf = plain.sign_pdf(IncrementalPdfFileWriter(BytesIO(unsigned))).getvalue()
    with pytest.raises(SignatureInvalid, match=re.escape("/adbe.pkcs7.detached")):
        verify_signatures(pdf, [authority.root], FIELDS[:1])


def test_nobody_signs_twice(signer: LocalSigner, signed: Steps) -> None:
    with pytest.raises(SigningError, match=FIELDS[0]):
        signer.sign(signed[0].pdf, papers.SIGNATORIES[0])


def stamping_certificate(authority: LocalAuthority, credential: Credential) -> x509.Certificate:
    """The same key with a certificate for time stamping (RFC 3161 §2.3)."""
    return (
        x509.CertificateBuilder()
        .subject_name(credential.certificate.subject)
        .issuer_name(authority.root.subject)
        .public_key(credential.key.public_key())
        .serial_number(77)
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(authority._authority.key, hashes.SHA256())
    )


def test_a_time_stamp_makes_it_b_t(authority: LocalAuthority, unsigned: bytes) -> None:
    own = authority.credential(UUID(int=99))
    stamper = _pyhanko_signer(Credential(own.key, stamping_certificate(authority, own)), authority.root)
    dummy = DummyTimeStamper(
        stamper.signing_cert, stamper.signing_key, stamper.cert_registry, fixed_dt=papers.SIGNED_AT
    )
    step = LocalSigner(authority, lambda: papers.SIGNED_AT, dummy).sign(unsigned, papers.SIGNATORIES[0])
    assert step.level is SignatureLevel.B_T
    (fact,) = verify_signatures(step.pdf, [authority.root], FIELDS[:1], at=papers.SIGNED_AT)
    assert fact.stamped
    assert fact.certificate == step.certificate


# ------------------------------------------------------------------------------------------------ authority


def test_keys_are_secret_and_stay(tmp_path: Path) -> None:
    first = LocalAuthority(tmp_path / "keys", papers.KEY_BITS)
    credential = first.credential(UUID(int=5))
    files = sorted((tmp_path / "keys").iterdir())
    assert [path.name for path in files] == [f"{UUID(int=5).hex}.pem", "ca.pem"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    again = LocalAuthority(tmp_path / "keys", papers.KEY_BITS)
    assert again.root == first.root
    assert again.credential(UUID(int=5)).certificate == credential.certificate


def test_certificate_names_a_party_by_its_id(authority: LocalAuthority) -> None:
    party = UUID(int=6)
    credential = authority.credential(party)
    assert f"Party {party}" in credential.certificate.subject.rfc4514_string()
    credential.certificate.verify_directly_issued_by(authority.root)
    assert authority.credential(UUID(int=7)).certificate.serial_number != credential.certificate.serial_number


def test_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    LocalAuthority(tmp_path, papers.KEY_BITS)
    (tmp_path / "ca.pem").chmod(0o640)
    with pytest.raises(SigningError, match=r"ca\.pem: expected mode 0600, got 0640; run chmod 600"):
        LocalAuthority(tmp_path, papers.KEY_BITS)


def test_damaged_key_file_is_named(tmp_path: Path) -> None:
    authority = LocalAuthority(tmp_path, papers.KEY_BITS)
    own, other = authority.credential(UUID(int=1)), authority.credential(UUID(int=2))
    path = tmp_path / f"{UUID(int=1).hex}.pem"
    curve = ec.derive_private_key(5, ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    certificate = own.certificate.public_bytes(serialization.Encoding.PEM)
    for content, complaint in (
        (b"nothing", "a private key and a certificate in PEM"),
        (curve.private_bytes(*form) + certificate, "an RSA key"),
        (other.key.private_bytes(*form) + certificate, "the certificate of this key"),
    ):
        path.write_bytes(content)
        with pytest.raises(SigningError, match=complaint):
            authority.credential(UUID(int=1))


def test_signatory_has_its_own_field() -> None:
    one = Signatory(id=UUID(int=1), role=PartyRole.LESSEE)
    assert one.field == f"Signature_{UUID(int=1).hex}"
