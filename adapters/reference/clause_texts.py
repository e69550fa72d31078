"""Store of clause texts that are longer than an entry of the ledger: files named by the SHA-256 of their bytes.

`ClauseTexts` is the port; an object store takes the directory's place by implementing it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Protocol

from adapters.system import random_bytes
from domain.contracts.clause import TEXT_BYTES_MAX
from domain.contracts.texts import is_exact, text_digest

_DIGEST = re.compile(r"[0-9a-f]{64}")


class ClauseTextError(RuntimeError):
    """A text that cannot be kept, or is not there, or is not what its digest says."""


class ClauseTexts(Protocol):
    """Keeps texts by their digest; what is kept is never changed."""

    def keep(self, text: str) -> str:
        """Keep a text and give its SHA-256, 64 hex digits. Raises `ClauseTextError` for one that is not exact."""
        ...

    def text(self, digest: str) -> str:
        """The text with this digest, byte for byte. Raises `ClauseTextError`."""
        ...


class ClauseTextFiles:
    """One file for each text, in one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep(self, text: str) -> str:
        """See `ClauseTexts.keep`. The file appears whole or not at all, and survives a crash."""
        if not is_exact(text):
            raise ClauseTextError("expected visible text in Normalization Form C")
        body = text.encode()
        if len(body) > TEXT_BYTES_MAX:
            raise ClauseTextError(f"expected at most {TEXT_BYTES_MAX} bytes, got {len(body)}")
        digest = text_digest(text)
        draft = self._directory / f".{digest}.{random_bytes(8).hex()}"
        with draft.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._directory / digest)
        return digest

    def text(self, digest: str) -> str:
        """See `ClauseTexts.text`; the bytes are hashed again each time."""
        if not _DIGEST.fullmatch(digest):
            raise ClauseTextError(f"expected 64 lower-case hex digits, got {digest[:80]!r}")
        try:
            text = (self._directory / digest).read_bytes().decode()
        except FileNotFoundError:
            raise ClauseTextError(f"expected a text with the digest {digest}, got none") from None
        except UnicodeDecodeError as error:
            raise ClauseTextError(f"{digest}: expected UTF-8, got: {error}") from None
        if (got := text_digest(text)) != digest:
            raise ClauseTextError(f"expected the text with the digest {digest}, got {got}")
        return text
