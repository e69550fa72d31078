"""Personal data outside the ledger: SD-JWT digests (RFC 9901), derived salts, sealed values.

    subject key (32 random bytes, one per person)
      ├─ salt_i  = HKDF-Expand(key, "leaseledger.salt/1"  ‖ eid ‖ path)          16 bytes
      ├─ decoy_i = HKDF-Expand(key, "leaseledger.decoy/1" ‖ eid ‖ i)             32 bytes
      └─ value   = AES-256-GCM(HKDF-Expand(key, "leaseledger.vault/1"), value, AAD = eid ‖ path ‖ digest)

Destroying the one key destroys values and salts together, so that the digests left in the ledger cannot be guessed
even for data with as little entropy as a mobile number. The subject key is uniformly random, so the extract step of
HKDF may be skipped (RFC 5869 §3.3).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from chain.b64 import b64url
from domain.kernel.values import canonical_json

SUBJECT_KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12
MAX_DECOYS = 3

_SALT, _DECOY, _VAULT = b"leaseledger.salt/1", b"leaseledger.decoy/1", b"leaseledger.vault/1"


class VaultError(ValueError):
    """A vault value that is not what was sealed; the message has expected and got, never the value."""


class Sealed(Struct, frozen=True):
    """One personal field as the vault keeps it: field path, digest in the entry, nonce and ciphertext."""

    path: str
    digest: str
    nonce: bytes
    ciphertext: bytes


def _expand(key: bytes, info: bytes) -> bytes:
    """HKDF-Expand with SHA-256 for at most 32 bytes: T(1) (RFC 5869 §2.3)."""
    return hmac.digest(key, info + b"\x01", "sha256")


@lru_cache(maxsize=1024)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(_expand(key, _VAULT))


def disclosure(key: bytes, eid: UUID, path: str, value: str) -> str:
    """`base64url(JSON [salt, name, value])` (RFC 9901 §4.2.1): what a holder shows to prove one field."""
    salt = b64url(_expand(key, _SALT + eid.bytes + path.encode())[:SALT_BYTES])
    return b64url(canonical_json([salt, path, value]))


def disclosure_digest(disclosed: str) -> str:
    """`base64url(SHA-256(ascii(disclosure)))` (RFC 9901 §4.2.3): what the entry's `_sd` holds."""
    return b64url(sha256(disclosed.encode("ascii")).digest())


def decoys(key: bytes, eid: UUID) -> tuple[str, ...]:
    """Zero to three decoys (RFC 9901 §4.2.5), so that the number of digests does not tell the number of fields."""
    count = _expand(key, _DECOY + eid.bytes)[0] % (MAX_DECOYS + 1)
    return tuple(b64url(_expand(key, _DECOY + eid.bytes + bytes([i + 1]))) for i in range(count))


def seal_fields(
    key: bytes, eid: UUID, fields: Mapping[str, str], nonces: bytes
) -> tuple[tuple[Sealed, ...], tuple[str, ...]]:
    """Seal the personal fields of one event: `(vault rows, digests for the entry with decoys)`.

    `nonces` holds 12 random bytes for each field, in order. Raises `VaultError` for a wrong length.
    """
    if len(key) != SUBJECT_KEY_BYTES or len(nonces) != NONCE_BYTES * len(fields):
        raise VaultError(
            f"expected a key of {SUBJECT_KEY_BYTES} bytes and {NONCE_BYTES} nonce bytes for each of {len(fields)} "
            f"fields, got {len(key)} and {len(nonces)}"
        )
    rows = []
    for number, (path, value) in enumerate(fields.items()):
        digest = disclosure_digest(disclosure(key, eid, path, value))
        nonce = nonces[number * NONCE_BYTES : (number + 1) * NONCE_BYTES]
        ciphertext = _cipher(key).encrypt(nonce, value.encode(), eid.bytes + path.encode() + digest.encode())
        rows.append(Sealed(path, digest, nonce, ciphertext))
    return tuple(rows), tuple(row.digest for row in rows) + decoys(key, eid)


def open_field(key: bytes, eid: UUID, sealed: Sealed) -> str:
    """The value of one sealed field, after checking cipher tag and digest. Raises `VaultError`."""
    try:
        aad = eid.bytes + sealed.path.encode() + sealed.digest.encode()
        value = _cipher(key).decrypt(sealed.nonce, sealed.ciphertext, aad).decode()
    except (InvalidTag, ValueError):
        raise VaultError(
            f"{sealed.path} of event {eid}: expected the sealed bytes, got others (tag mismatch)"
        ) from None
    digest = disclosure_digest(disclosure(key, eid, sealed.path, value))
    if digest != sealed.digest:
        raise VaultError(f"{sealed.path} of event {eid}: expected digest {sealed.digest}, got {digest}")
    return value
