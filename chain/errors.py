"""Named errors of the log format: unusable input on one side, evidence that does not agree on the other."""

from __future__ import annotations


class ChainError(ValueError):
    """Base of everything `chain` raises; says what was looked at, what was expected and what came.

    `what` names the thing that was checked; `expected` and `got` are short texts for people.
    """

    def __init__(self, what: str, expected: object, got: object) -> None:
        self.what = what
        self.expected = shown(expected)
        self.got = shown(got)
        super().__init__(f"{what}: expected {self.expected}, got {self.got}")

    def __reduce__(self) -> tuple[type[ChainError], tuple[str, str, str]]:
        """Pickle by the three parts, so that an error crosses a process boundary unchanged."""
        return type(self), (self.what, self.expected, self.got)


class Malformed(ChainError):
    """The input is not of its format, so nothing can be said about what it claims."""


class Mismatch(ChainError):
    """The input is well formed and what it claims is not so."""


class MalformedFrontier(Malformed):
    """The peaks of a tree do not fit its size."""


class MalformedProof(Malformed):
    """A Merkle proof has a hash of a wrong size, a wrong number of hashes or an impossible position."""


class MalformedTile(Malformed):
    """A tile path, a tile or an entry bundle is not of the tlog-tiles format, or does not fit its width."""


class MalformedNote(Malformed):
    """A signed note, a verifier key or a signature line is not of the signed-note format."""


class MalformedCheckpoint(Malformed):
    """A note body is not a checkpoint of exactly three lines."""


class MalformedProofFile(Malformed):
    """A tlog-proof file is not of its format."""


class ProofMismatch(Mismatch):
    """A Merkle proof does not lead to the root it was given for."""


class TileMismatch(Mismatch):
    """The tiles do not lead to the root of the checkpoint."""


class SignatureMismatch(Mismatch):
    """A known key's signature is wrong, or no known key has signed."""


class CheckpointMismatch(Mismatch):
    """A checkpoint is of another log than the one that was asked for."""


def shown(value: object) -> str:
    """A value as people compare it: bytes in hexadecimal, everything else as it prints."""
    return value.hex() if isinstance(value, bytes) else str(value)
