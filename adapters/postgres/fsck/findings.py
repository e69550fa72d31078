"""Findings of fsck: differences with position, expected and got."""

from __future__ import annotations

from msgspec import Struct

from chain.errors import shown

MAX_FINDINGS = 100
"""Findings that are kept; the first is what matters, thousands after it usually have the same cause."""


class Finding(Struct, frozen=True):
    """One difference: the ledger position it concerns (0 when it is not about one), what, expected and got."""

    position: int
    what: str
    expected: str
    got: str

    def sentence(self) -> str:
        """`position 17: leaf hash: expected …, got …`."""
        place = f"position {self.position}: " if self.position else ""
        return f"{place}{self.what}: expected {self.expected}, got {self.got}"


class Findings:
    """Collects differences up to a limit."""

    def __init__(self) -> None:
        self.items: list[Finding] = []

    def add(self, position: int, what: str, expected: object, got: object) -> None:
        """Note one difference; bytes are shown in hexadecimal."""
        if len(self.items) < MAX_FINDINGS:
            self.items.append(Finding(position, what, shown(expected), shown(got)))
