"""Keys in files: made at the first start, mode 0600, in a directory of their own.

    vault.kek        32 bytes, hex: wraps the subject keys (AES-256-GCM, the subject's id as associated data)
    payload-0002.key 32 bytes, hex: digests the payloads of commands, by which a repeated one is known (HMAC-SHA-256)
    log-0001.seed    32 bytes, hex: Ed25519 seed that signs checkpoints; the highest number signs, all stay valid
                     for the checkpoints they signed
    log.signed       the newest checkpoint that was signed here, so that no database makes the log sign a fork of it
    console.key      32 bytes, hex: seals the console's sessions; a new one logs everybody out
    provider-<name>.key  32 bytes, hex: the secret that a payment provider signs its callbacks with

`KeyProvider` is the port; a key management service takes the file's place by implementing it.
"""

from __future__ import annotations

import hmac
import re
import stat
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.files import replace_private, write_once
from adapters.system import random_bytes
from chain.checkpoint import Checkpoint
from chain.entry import PAYLOAD_KEY, PAYLOAD_KEY_BEFORE
from chain.errors import Malformed
from chain.note import Ed25519Signer
from chain.personal import NONCE_BYTES, SUBJECT_KEY_BYTES

KEY_BYTES = 32
SIGNED = "log.signed"

_WRAPPED, _EPOCH = b"\x02", (1).to_bytes(2)
_WRAPPED_BEFORE_BYTES = NONCE_BYTES + SUBJECT_KEY_BYTES + 16
_PROVIDER = re.compile(r"[a-z][a-z0-9_]{0,39}")


class KeyFileError(RuntimeError):
    """A key file that is missing, readable by others or not of its form; the message names file and remedy."""


class KeyProvider(Protocol):
    """Wraps and unwraps subject keys, and digests payloads that may hold personal data."""

    def wrap(self, tenant: UUID, subject: UUID, key: bytes) -> bytes:
        """The key of a tenant's subject, encrypted for storage beside the data."""
        ...

    def unwrap(self, tenant: UUID, subject: UUID, wrapped: bytes) -> bytes:
        """Inverse of `wrap`; raises when the wrapped key is another subject's or was changed."""
        ...

    def digest(self, payload: bytes, key: int = PAYLOAD_KEY) -> bytes:
        """32 bytes that identify a payload to this installation and tell nobody else what it was, by a numbered key."""
        ...


class FileKeys:
    """Keys in one directory. With `make`, missing ones are made; nothing existing is ever overwritten.

    Without it a missing file is an error: a ledger that has events cannot be read or continued with other keys. Of a
    ledger whose payloads had no key of their own yet, that one alone is made (`make_payload_key`).
    """

    def __init__(self, directory: Path, *, make: bool = True, make_payload_key: bool = False) -> None:
        self._directory = directory
        if make:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._kek = _read_or_make(directory / "vault.kek", make=make)
        self._payload_key = _read_or_make(directory / f"payload-{PAYLOAD_KEY:04d}.key", make=make or make_payload_key)
        if not self.log_seeds():
            _read_or_make(directory / "log-0001.seed", make=make)

    def log_seeds(self) -> list[bytes]:
        """Ed25519 seeds of the log, oldest first; the last one signs."""
        return [_read(path) for path in sorted(self._directory.glob("log-*.seed"))]

    def log_signer(self, origin: str) -> LogSigner:
        """Whoever signs checkpoints of the log now; older keys stay valid for what they signed."""
        return LogSigner(origin, self.log_seeds()[-1], self._directory / SIGNED)

    def rotate_log_key(self) -> bytes:
        """Make the next signing seed. Checkpoints signed before stay valid under the older key."""
        newest = max(self._directory.glob("log-*.seed")).stem.removeprefix("log-")
        return _read_or_make(self._directory / f"log-{int(newest) + 1:04d}.seed")

    def provider_secret(self, name: str, *, make: bool = False) -> bytes | None:
        """The secret that a provider's callbacks are signed with; `None` for a provider that nobody gave one.

        With `make` a missing one is made, which is right for a sandbox only: a real provider hands its secret out.
        """
        if not _PROVIDER.fullmatch(name):
            return None
        path = self._directory / f"provider-{name}.key"
        return _read_or_make(path) if make or path.exists() else None

    def console_secret(self) -> bytes:
        """The secret that the console's sessions are sealed with; made when it is missing."""
        return _read_or_make(self._directory / "console.key")

    def check(self) -> None:
        """Read every key file that there is. Raises `KeyFileError` for the first that is no key or that others read."""
        for path in sorted(self._directory.glob("*.key")):
            _read(path)

    def wrap(self, tenant: UUID, subject: UUID, key: bytes) -> bytes:
        """See `KeyProvider.wrap`: form (1 byte), epoch of the wrapping key (2), nonce (12), ciphertext and tag."""
        nonce = random_bytes(NONCE_BYTES)
        sealed = AESGCM(self._kek).encrypt(nonce, key, _bound_to(_EPOCH, tenant, subject))
        return _WRAPPED + _EPOCH + nonce + sealed

    def unwrap(self, tenant: UUID, subject: UUID, wrapped: bytes) -> bytes:
        """See `KeyProvider.unwrap`; also what was wrapped before tenants had persons apart. Raises `KeyFileError`."""
        bound = subject.bytes
        if len(wrapped) != _WRAPPED_BEFORE_BYTES:
            form, epoch, wrapped = wrapped[:1], wrapped[1:3], wrapped[3:]
            bound = _bound_to(epoch, tenant, subject) if (form, epoch) == (_WRAPPED, _EPOCH) else b""
        try:
            key = AESGCM(self._kek).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound)
        except (InvalidTag, ValueError):  # ValueError: too short for a nonce
            raise KeyFileError(
                f"the key of subject {subject} was not wrapped by this vault.kek, or was changed"
            ) from None
        if len(key) != SUBJECT_KEY_BYTES:
            raise KeyFileError(f"the key of subject {subject}: expected {SUBJECT_KEY_BYTES} bytes, got {len(key)}")
        return key

    def digest(self, payload: bytes, key: int = PAYLOAD_KEY) -> bytes:
        """See `KeyProvider.digest`: HMAC-SHA-256, because a plain hash of a phone number can be guessed."""
        if key == PAYLOAD_KEY:
            return hmac.digest(self._payload_key, b"leaseledger.payload/2" + payload, "sha256")
        if key == PAYLOAD_KEY_BEFORE:
            return hmac.digest(self._kek, b"leaseledger.payload/1" + payload, "sha256")
        return sha256(payload).digest()


def _bound_to(epoch: bytes, tenant: UUID, subject: UUID) -> bytes:
    return b"leaseledger.wrap/2" + epoch + tenant.bytes + subject.bytes


class LogSigner(Ed25519Signer):
    """Signs the log's checkpoints, and keeps the newest one beside the key, outside of the database.

    C2SP tlog-checkpoint: a log must not sign what is inconsistent with what it signed before, and a database that was
    put back or rewritten does not tell.
    """

    def __init__(self, origin: str, seed: bytes, file: Path) -> None:
        super().__init__(origin, seed)
        self._file = file

    def signed(self) -> Checkpoint | None:
        """The newest checkpoint that was signed; `None` before the first. Raises `KeyFileError`."""
        try:
            return Checkpoint.parse(self._file.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (Malformed, UnicodeDecodeError) as error:
            raise KeyFileError(f"{self._file}: expected the newest signed checkpoint, got {error}") from error

    def keep(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint, before anybody else is shown it; a smaller one than is kept changes nothing."""
        kept = self.signed()
        if kept is None or kept.size <= checkpoint.size:
            replace_private(self._file, checkpoint.body().encode())


def _read_or_make(path: Path, *, make: bool = True) -> bytes:
    if not path.exists():
        if not make:
            raise KeyFileError(f"{path}: expected the key this ledger was made with, got no file; restore it")
        write_once(path, f"{random_bytes(KEY_BYTES).hex()}\n".encode())
    return _read(path)


def _read(path: Path) -> bytes:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise KeyFileError(f"{path}: expected mode 0600, got {mode:04o}; run chmod 600 on it")
    if not path.is_file():
        raise KeyFileError(f"{path}: expected a file of {2 * KEY_BYTES} hex digits, got something else of that name")
    raw = path.read_bytes().strip()
    try:
        key = bytes.fromhex(raw.decode("ascii"))
    except ValueError:  # no hexadecimal digits, or no text at all
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyFileError(f"{path}: expected {2 * KEY_BYTES} hex digits, got {len(raw)} bytes")
    return key
