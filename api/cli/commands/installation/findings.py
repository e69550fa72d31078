"""Findings of `doctor`: facts by topic, problems with their remedies, notes."""

from __future__ import annotations

from typing import Any


class Health:
    """The facts by topic, and the problems, each with what to do about it."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.problems: list[dict[str, str]] = []
        self.notes: list[str] = []
        self.keys_are_wrong = False

    def problem(self, what: str, do: str) -> None:
        """Something is wrong; `do` is a sentence that a person can follow."""
        self.problems.append({"problem": what, "do": do})
