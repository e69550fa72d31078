"""C2SP tlog-cosignature with ML-DSA-44 (type 0x06): checkpoint signatures that outlive quantum computers."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from chain.checkpoint import Checkpoint
from chain.errors import MalformedNote
from chain.note import ED25519, ML_DSA_44, SEED_SIZE, Ed25519Verifier, Verifier, VerifierKey, wrong_signature

ML_DSA_44_SIZE = 2420
"""Bytes of one ML-DSA-44 signature (FIPS 204 table 2)."""

MAX_TIME_S = 2**63 - 1
"""Largest POSIX time of a cosignature, in seconds."""

_LABEL = b"subtree/v1\n\0"
_TIME_SIZE = 8
_MAX_NAME_SIZE = 255


class MlDsa44Signer:
    """Signs checkpoints with ML-DSA-44 as of one moment; the signature is hedged, so two are not alike."""

    def __init__(self, name: str, seed: bytes, time_s: int = 0) -> None:
        """Take the 32-byte seed (FIPS 204 ξ) from the caller.

        `time_s` is the POSIX time to state; 0 makes no statement that this is the largest tree of its time.
        """
        if len(seed) != SEED_SIZE:
            raise MalformedNote("seed of the key", f"{SEED_SIZE} bytes", f"{len(seed)} bytes")
        if not 0 <= time_s <= MAX_TIME_S:
            raise MalformedNote("time of the cosignature", f"0 to {MAX_TIME_S}", time_s)
        self._private = MLDSA44PrivateKey.from_seed_bytes(seed)
        self._time_s = time_s
        self.vkey = VerifierKey(name, ML_DSA_44, self._private.public_key().public_bytes_raw())

    def sign(self, text: str) -> bytes:
        """Time (8 bytes) and signature (2,420 bytes) over the checkpoint that `text` is."""
        time = self._time_s.to_bytes(_TIME_SIZE)
        return time + self._private.sign(_message(self.vkey.name, time, text))


class MlDsa44Verifier:
    """Checks ML-DSA-44 cosignatures (type 0x06) over checkpoints."""

    def __init__(self, vkey: VerifierKey) -> None:
        if vkey.type != ML_DSA_44:
            raise MalformedNote("signature type of the verifier key", ML_DSA_44, vkey.type)
        self.vkey = vkey
        self._public = MLDSA44PublicKey.from_public_bytes(vkey.public)

    def verify(self, text: str, signature: bytes) -> None:
        """Raise `SignatureMismatch` where this key did not sign the checkpoint at the time that is stated."""
        time = signature[:_TIME_SIZE]
        if len(signature) != _TIME_SIZE + ML_DSA_44_SIZE or int.from_bytes(time) > MAX_TIME_S:
            raise wrong_signature(self.vkey, signature)
        try:
            self._public.verify(signature[_TIME_SIZE:], _message(self.vkey.name, time, text))
        except InvalidSignature:
            raise wrong_signature(self.vkey, signature) from None


def verifier_of(vkey: VerifierKey | str) -> Verifier:
    """The verifier for a key, in its text form or parsed, whichever type it has."""
    key = VerifierKey.parse(vkey) if isinstance(vkey, str) else vkey
    return Ed25519Verifier(key) if key.type == ED25519 else MlDsa44Verifier(key)


def _message(name: str, time: bytes, text: str) -> bytes:
    """The `cosigned_message` structure: the cosigner, the time, and the tree from leaf 0 to its size."""
    checkpoint = Checkpoint.parse(text)
    return b"".join(
        (
            _LABEL,
            _short("key name", name),
            time,
            _short("origin", checkpoint.origin),
            bytes(8),
            checkpoint.size.to_bytes(8),
            checkpoint.root,
        )
    )


def _short(what: str, text: str) -> bytes:
    """UTF-8 after its length in one byte."""
    data = text.encode()
    if not 1 <= len(data) <= _MAX_NAME_SIZE:
        raise MalformedNote(f"{what} of a cosignature", f"1 to {_MAX_NAME_SIZE} bytes", len(data))
    return bytes([len(data)]) + data
