"""C2SP tlog-proof: one text file that shows, offline, that an entry is in a log under a signed checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from chain.b64 import Base64Error, b64decode, b64encode
from chain.checkpoint import MAX_SIZE, Checkpoint, open_checkpoint
from chain.errors import MalformedProofFile
from chain.merkle import HASH_SIZE, leaf_hash, verify_inclusion
from chain.note import MAX_NOTE_SIZE, Verifier

HEADER = "c2sp.org/tlog-proof@v1"

MAX_HASHES = 63
"""More than the audit path in the largest tree has."""

MAX_EXTRA_SIZE = 65_536
"""Bytes of extra data; the format sets no limit, so this is ours."""

MAX_PROOF_FILE_SIZE = MAX_NOTE_SIZE + 2 * MAX_EXTRA_SIZE

_INDEX = re.compile("index (0|[1-9][0-9]{0,17})")
_EXTRA = "extra "


class TlogProof(Struct, frozen=True):
    """An inclusion proof file: the entry's index from 0, its audit path from below, the note verbatim.

    `extra` is for the application and not authenticated by anything.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse what the format cannot carry."""
        _checked("entry index", self.index, 0, MAX_SIZE)
        _checked("hashes of the proof", len(self.hashes), 0, MAX_HASHES)
        for value in self.hashes:
            _checked("bytes of a hash", len(value), HASH_SIZE, HASH_SIZE)
        if self.extra is not None:
            _checked("bytes of extra data", len(self.extra), 1, MAX_EXTRA_SIZE)
        _checked("bytes of the checkpoint", len(self.checkpoint), 1, MAX_NOTE_SIZE)

    def to_bytes(self) -> bytes:
        """The file."""
        extra = [] if self.extra is None else [_EXTRA + b64encode(self.extra).decode()]
        hashes = [b64encode(value).decode() for value in self.hashes]
        head = "\n".join([HEADER, *extra, f"index {self.index}", *hashes])
        return head.encode() + b"\n\n" + self.checkpoint

    @classmethod
    def parse(cls, data: bytes) -> TlogProof:
        """Inverse of `to_bytes`; `MalformedProofFile` for anything out of format. The note stays unread."""
        _checked("bytes of the proof file", len(data), 1, MAX_PROOF_FILE_SIZE)
        # The checkpoint has a blank line of its own, so this file ends its own part at the first one.
        head, blank, checkpoint = data.partition(b"\n\n")
        if not blank:
            raise MalformedProofFile("proof file", "a blank line before the checkpoint", "none")
        lines = _lines(head)
        extra = _decoded("extra data", lines.pop(0)[len(_EXTRA) :]) if lines[0].startswith(_EXTRA) else None
        found = _INDEX.fullmatch(lines[0]) if lines else None
        if not found:
            raise MalformedProofFile("index line", "index <decimal number>", "".join(lines[:1])[:100])
        hashes = tuple(_decoded("hash", line) for line in lines[1:])
        return cls(int(found[1]), hashes, checkpoint, extra)


def verify_proof(data: bytes, entry: bytes, verifiers: Iterable[Verifier], origin: str | None = None) -> Checkpoint:
    """Check that a proof file shows `entry` in the log that `verifiers` sign for; the checkpoint it is under.

    Raises `MalformedProofFile`, `MalformedProof`, `ProofMismatch` and whatever `open_checkpoint` does.
    """
    return verify_leaf_proof(data, leaf_hash(entry), verifiers, origin)


def verify_leaf_proof(data: bytes, leaf: bytes, verifiers: Iterable[Verifier], origin: str | None = None) -> Checkpoint:
    """`verify_proof` for who has the leaf hash (32 bytes) and not the entry."""
    proof = TlogProof.parse(data)
    checkpoint = open_checkpoint(proof.checkpoint, verifiers, origin)
    verify_inclusion(proof.index, checkpoint.size, leaf, proof.hashes, checkpoint.root)
    return checkpoint


def format_proof(index: int, hashes: Sequence[bytes], checkpoint: bytes) -> bytes:
    """The proof file without extra data."""
    return TlogProof(index, tuple(hashes), checkpoint).to_bytes()


def _lines(head: bytes) -> list[str]:
    """The lines between the header and the blank line; at least one."""
    try:
        header, *lines = head.decode().split("\n")
    except UnicodeDecodeError as error:
        raise MalformedProofFile("encoding of the proof", "UTF-8", f"{error.reason} at {error.start}") from None
    if header != HEADER:
        raise MalformedProofFile("first line", HEADER, header[:100])
    if not lines:
        raise MalformedProofFile("index line", "index <decimal number>", "none")
    return lines


def _decoded(what: str, text: str) -> bytes:
    try:
        return b64decode(text)
    except Base64Error as error:
        raise MalformedProofFile(what, "canonical Base64", error) from None


def _checked(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise MalformedProofFile(what, f"{low} to {high}" if low < high else low, value)
