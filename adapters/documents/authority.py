"""A certificate authority for one installation: made at the first start, for tests and for parties without their own.

    signing/ca.pem           key and certificate of the authority, mode 0600
    signing/<id>.pem         key and certificate of one party, mode 0600; the id as 32 hex digits

RSA-3072 with SHA-256, because every reader of PDF verifies it. A certificate names a party by its id, never a person.
It says so itself that nobody vouches for it: a court weighs it as a signature of the installation (电子签名法 13, 34).
Certificates are valid from 2000 to 2099, so that a calendar that runs in the past can sign too.
"""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID, ObjectIdentifier

from adapters.documents.port import SigningError
from adapters.files import written_aside
from adapters.system import random_bytes

KEY_BITS = 3072
_EXPONENT = 65537
_SERIAL_BYTES = 16

NOT_BEFORE = datetime(2000, 1, 1, tzinfo=UTC)
NOT_AFTER = datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)
DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""Extended key usage for signing documents (RFC 9336)."""


@dataclass(frozen=True)
class Credential:
    """A private key and its certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def certificate_digest(self) -> str:
        """SHA-256 of the certificate (DER), 64 lower-case hex digits."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()


class LocalAuthority:
    """Keys in one directory. Creating it makes what is missing; nothing existing is ever overwritten."""

    def __init__(self, directory: Path, key_bits: int = KEY_BITS) -> None:
        self._directory = directory
        self._key_bits = key_bits
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._authority = self._read_or_make(directory / "ca.pem", None)

    @property
    def root(self) -> x509.Certificate:
        """The authority's own certificate; a verifier brings it from elsewhere."""
        return self._authority.certificate

    def credential(self, party: UUID) -> Credential:
        """The key and certificate of a party, made when it is asked for first. Raises `SigningError`."""
        return self._read_or_make(self._directory / f"{party.hex}.pem", party)

    def _read_or_make(self, path: Path, party: UUID | None) -> Credential:
        """Two processes may start at once: the file appears whole or not at all, and the first one counts."""
        if not path.exists():
            key = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=self._key_bits)
            certificate = _self_signed(key) if party is None else _issued(key, party, self._authority)
            _write_once(path, _pem(Credential(key, certificate)))
        return _read(path)


def _write_once(path: Path, content: bytes) -> None:
    # Where another process was quicker, its key is the one.
    with written_aside(path, content) as aside, suppress(FileExistsError):
        path.hardlink_to(aside)


def _pem(credential: Credential) -> bytes:
    key = credential.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key + credential.certificate.public_bytes(serialization.Encoding.PEM)


def _read(path: Path) -> Credential:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise SigningError(f"{path}: expected mode 0600, got {mode:04o}; run chmod 600 on it")
    content = path.read_bytes()
    try:
        key = serialization.load_pem_private_key(content, password=None)
        certificate = x509.load_pem_x509_certificate(content)
    except ValueError as error:
        raise SigningError(f"{path}: expected a private key and a certificate in PEM, got: {error}") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SigningError(f"{path}: expected an RSA key, got {type(key).__name__}")
    if key.public_key() != certificate.public_key():
        raise SigningError(f"{path}: expected the certificate of this key, got that of another")
    return Credential(key, certificate)


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Leaseledger local authority (vouched for by nobody)"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(int.from_bytes(random_bytes(_SERIAL_BYTES), "big") or 1)
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=signs,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs,
        crl_sign=not signs,
        encipher_only=False,
        decipher_only=False,
    )


def _self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = _name("Root")
    return (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .sign(key, hashes.SHA256())
    )


def _issued(key: rsa.RSAPrivateKey, party: UUID, authority: Credential) -> x509.Certificate:
    return (
        _builder(_name(f"Party {party}"), authority.certificate.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([DOCUMENT_SIGNING]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
