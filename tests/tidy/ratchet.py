"""The numbers of `ratchet.json`, which may only tighten.

`at_most` may fall, `at_least` may rise, and no number may go. The history of the file is the
judge: `test_ratchet.py` compares every version that git knows with the one before.
"""

from __future__ import annotations

import json
from pathlib import Path

FILE = Path(__file__).with_name("ratchet.json")

Numbers = dict[str, dict[str, int]]


def load(text: str) -> Numbers:
    """The numbers of one version of the file; raises `ValueError` for anything that is not whole numbers."""
    numbers = json.loads(text)
    if set(numbers) != {"at_most", "at_least"}:
        raise ValueError(f"expected the groups at_most and at_least, got {sorted(numbers)}")
    for group in numbers.values():
        for name, value in group.items():
            if type(value) is not int:
                raise ValueError(f"{name}: expected a whole number, got {value!r}")
    return dict(numbers)


def limit(name: str) -> int:
    """One of today's `at_most` numbers."""
    return load(FILE.read_text("utf-8"))["at_most"][name]


def floor(name: str) -> int:
    """One of today's `at_least` numbers."""
    return load(FILE.read_text("utf-8"))["at_least"][name]


def loosened(before: Numbers, after: Numbers) -> list[str]:
    """Sentences about every number of `before` that is gone or weaker in `after`."""
    found = []
    for group, weaker in (("at_most", int.__gt__), ("at_least", int.__lt__)):
        for name, old in before[group].items():
            new = after[group].get(name)
            if new is None:
                found.append(f"{name} was {group} {old} and is gone")
            elif weaker(new, old):
                found.append(f"{name} was {group} {old} and is {new}")
    return found
