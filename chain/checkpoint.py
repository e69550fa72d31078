"""C2SP tlog-checkpoint: the log of this origin has so many entries and this root, as three signed lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from chain.b64 import Base64Error, b64decode, b64encode
from chain.errors import CheckpointMismatch, MalformedCheckpoint
from chain.merkle import EMPTY_ROOT, HASH_SIZE
from chain.note import Signer, Verifier, open_note, sign_note

MAX_SIZE = 10**18 - 1
"""Largest tree size: 18 digits, which fit the signed 64-bit number that other people's programs use."""

# Control characters, and halves of surrogate pairs, which have no UTF-8.
_FORBIDDEN = re.compile("[\x00-\x1f\ud800-\udfff]")
_DECIMAL = re.compile("0|[1-9][0-9]{0,17}")
_LINES = 3


class Checkpoint(Struct, frozen=True):
    """A tree head: the log's name, its number of entries and its Merkle root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        """Refuse what could not be written as three lines, and an empty tree with a root of its own."""
        if not self.origin or _FORBIDDEN.search(self.origin):
            raise MalformedCheckpoint("origin", "one line of text", repr(self.origin[:100]))
        if not 0 <= self.size <= MAX_SIZE:
            raise MalformedCheckpoint("tree size", f"0 to {MAX_SIZE}", self.size)
        if len(self.root) != HASH_SIZE:
            raise MalformedCheckpoint("root", f"{HASH_SIZE} bytes", f"{len(self.root)} bytes")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise MalformedCheckpoint("root of the empty tree", EMPTY_ROOT, self.root)

    def body(self) -> str:
        """The note text: origin, size, Base64 root, each with a newline."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Inverse of `body`; `MalformedCheckpoint` for extension lines and every other way to write it."""
        lines = text.split("\n")
        if lines.pop() or len(lines) != _LINES:
            raise MalformedCheckpoint("checkpoint", f"{_LINES} lines, each with a newline", text[:200])
        origin, size, root = lines
        if not _DECIMAL.fullmatch(size):
            raise MalformedCheckpoint("tree size", "a decimal number without leading zeros", size[:40])
        try:
            return cls(origin, int(size), b64decode(root))
        except Base64Error as error:
            raise MalformedCheckpoint("root", "canonical Base64", error) from None


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[Signer]) -> bytes:
    """The checkpoint as a signed note."""
    return sign_note(checkpoint.body(), signers)


def open_checkpoint(data: bytes, verifiers: Iterable[Verifier], origin: str | None = None) -> Checkpoint:
    """The checkpoint in a note that at least one of `verifiers` signed; see `note.open_note` for what raises.

    Where `origin` is given, `CheckpointMismatch` for any other log's checkpoint.
    """
    checkpoint = Checkpoint.parse(open_note(data, verifiers).text)
    if origin is not None and checkpoint.origin != origin:
        raise CheckpointMismatch("origin of the checkpoint", origin, checkpoint.origin)
    return checkpoint
