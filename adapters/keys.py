"""Keys in files: made at the first start, mode 0600, in a directory of their own.

    vault.kek        32 bytes, hex: wraps the subject keys (AES-256-GCM, the subject's id as associated data)
    payload-0002.key 32 bytes, hex: digests the payloads of commands, by which a repeated one is known (HMAC-SHA-256)
    log-0001.seed    32 bytes, hex: Ed25519 seed that signs checkpoints; the highest number signs, all stay valid
                     for the checkpoints they signed
    log-0002.note    the rotation to a seed: its public key, signed by the key before (C2SP signed-note)
    log.signed       the newest checkpoint that was signed here, so that no database makes the log sign a fork of it
    console.key      32 bytes, hex: seals the console's sessions; a new one logs everybody out
    provider-<name>.key  32 bytes, hex: the secret that a payment provider signs its callbacks with

`KeyProvider` is the port; a key management service takes the file's place by implementing it.
"""

from __future__ import annotations

import hmac
import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from adapters.files import alone_in, sweep, write_once, write_private
from adapters.system import random_bytes
from chain.b64 import b64encode
from chain.checkpoint import Checkpoint
from chain.entry import PAYLOAD_KEY, PAYLOAD_KEY_BEFORE
from chain.errors import ChainError, Malformed
from chain.note import ED25519, Ed25519Signer, Ed25519Verifier, VerifierKey, open_note, sign_note
from chain.personal import NONCE_BYTES, SUBJECT_KEY_BYTES

KEY_BYTES = 32
SIGNED = "log.signed"

_WRAPPED, _EPOCH = b"\x02", (1).to_bytes(2)
_WRAPPED_BEFORE_BYTES = NONCE_BYTES + SUBJECT_KEY_BYTES + 16
_PROVIDER = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SEED = re.compile(r"log-([0-9]{4,8})\.seed")
_ROTATION = "leaseledger.log-key"
"""The name that a log's key signs a rotation under; the text begins with a line that no checkpoint begins with."""


class KeyFileError(RuntimeError):
    """A key file that is missing, readable by others or not of its form; the message names file and remedy."""


class WrongKey(KeyFileError):
    """A well-formed file that is not this ledger's: which file, what was expected, what came, and what to do."""

    def __init__(self, path: Path, expected: str, got: str, do: str) -> None:
        super().__init__(f"{path}: expected {expected}, got {got}; {do}")
        self.path, self.expected, self.got, self.do = path, expected, got, do


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

    @property
    def directory(self) -> Path:
        """Where the files are."""
        return self._directory

    def tidy(self) -> None:
        """Remove what programs that died while they wrote a file have left beside it."""
        sweep(self._directory)

    def log_seeds(self) -> list[bytes]:
        """Ed25519 seeds of the log, oldest first; the last one signs."""
        return [_read(path) for _, path in _seed_files(self._directory)]

    def log_signer(self, origin: str) -> LogSigner:
        """Whoever signs checkpoints of the log now; older keys stay valid for what they signed."""
        seeds = [(path, _read(path)) for _, path in _seed_files(self._directory)]
        if not seeds:
            raise KeyFileError(
                f"{self._directory}: expected the key this ledger was made with, got no file; restore it"
            )
        return LogSigner(origin, seeds, self._directory / SIGNED)

    def rotate_log_key(self) -> bytes:
        """Make the next signing seed, and before it the note that makes it one of this log.

        Checkpoints signed before stay valid under the older key.
        """
        with alone_in(self._directory):
            newest, older = _seed_files(self._directory)[-1]
            path = self._directory / f"log-{newest + 1:04d}.seed"
            seed = random_bytes(KEY_BYTES)
            note = sign_note(_rotation(_public(seed)), [Ed25519Signer(_ROTATION, _read(older))])
            write_private(path.with_suffix(".note"), note)
            write_once(path, _line(seed))
            return _read(path)

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


class _SeedFile(Struct, frozen=True):
    """A seed of the log with its public key."""

    path: Path
    public: bytes


class LogSigner(Ed25519Signer):
    """Signs the log's checkpoints, and keeps the newest one beside the key, outside of the database.

    C2SP tlog-checkpoint: a log must not sign what is inconsistent with what it signed before, and a database that was
    put back or rewritten does not tell.
    """

    def __init__(self, origin: str, seeds: Sequence[tuple[Path, bytes]], file: Path) -> None:
        """Take the seeds with their files, oldest first, of which the last one signs, and where to keep what it did."""
        super().__init__(origin, seeds[-1][1])
        self._seeds = [_SeedFile(path, _public(seed)) for path, seed in seeds]
        self._file = file

    def expect(self, known: Sequence[VerifierKey]) -> None:
        """Raise `WrongKey` unless the seeds are those of the log of these keys, oldest first, and the newest one signs.

        A log without keys takes any. A seed that the log does not know yet is one of its own where a key of the log, or
        one that is by a note itself, has signed for it; the one that signs must come after the newest of the log.
        """
        if not known:
            return
        before: dict[bytes, bytes] = {}
        ours = [vkey.public for vkey in known if vkey.name == self.vkey.name]
        newest = known[-1].public
        for seed in self._seeds:
            if seed.public not in ours:
                older = _rotated_from(seed, [*ours, *before])
                if older is None:
                    raise self._wrong(seed, known[-1])
                before[seed.public] = older
        signs = self._seeds[-1].public
        while signs != newest and signs in before:
            signs = before[signs]
        if signs != newest:
            raise self._wrong(self._seeds[-1], known[-1])

    def _wrong(self, seed: _SeedFile, newest: VerifierKey) -> WrongKey:
        got = VerifierKey(self.vkey.name, ED25519, seed.public)
        expected = f"{newest}, which signed this ledger last, or a key that it was rotated to"
        do = "restore the ledger's own seeds and take others away: only `leaseledger keys rotate` gives it another"
        return WrongKey(seed.path, expected, str(got), do)

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
            write_private(self._file, checkpoint.body().encode())


def _read_or_make(path: Path, *, make: bool = True) -> bytes:
    if not path.exists():
        if not make:
            raise KeyFileError(f"{path}: expected the key this ledger was made with, got no file; restore it")
        write_once(path, _line(random_bytes(KEY_BYTES)))
    return _read(path)


def _line(key: bytes) -> bytes:
    return f"{key.hex()}\n".encode()


def _seed_files(directory: Path) -> list[tuple[int, Path]]:
    """The seeds of a log by their numbers, oldest first; what only begins like one is none."""
    found = [(_SEED.fullmatch(path.name), path) for path in directory.glob("log-*.seed")]
    return sorted((int(name[1]), path) for name, path in found if name)


def _public(seed: bytes) -> bytes:
    return Ed25519Signer(_ROTATION, seed).vkey.public


def _rotation(public: bytes) -> str:
    return f"leaseledger log key/1\n{b64encode(public).decode()}\n"


def _rotated_from(seed: _SeedFile, older: Sequence[bytes]) -> bytes | None:
    """The key among older ones that signed the rotation to a seed; `None` where there is no such note."""
    try:
        note = seed.path.with_suffix(".note").read_bytes()
    except OSError:
        return None
    for public in older:
        with suppress(ChainError):
            opened = open_note(note, [Ed25519Verifier(VerifierKey(_ROTATION, ED25519, public))])
            if opened.text == _rotation(seed.public):
                return public
    return None


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
