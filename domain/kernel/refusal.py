"""Refusals: the named "no" of a business or legal rule; a value with a stable code, never a string or a boolean.

A rule declares its kind once, with the sentence people read in both languages and, where a statute speaks, the
article. `decide` returns the kind called with the facts that made it apply.
"""

from __future__ import annotations

import re

from msgspec import Struct

_CODE = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")

REFUSALS: dict[str, RefusalKind] = {}


class RefusalKind(Struct, frozen=True):
    """One named rule: its code, its sentence in English and Chinese, and its legal source if it has one."""

    code: str
    en: str
    zh: str
    source: str = ""

    def __call__(self, **facts: object) -> Refusal:
        """A refusal of this kind, with the facts that made the rule apply (never personal data)."""
        return Refusal(self, tuple((name, str(value)) for name, value in facts.items()))


class Refusal(Struct, frozen=True):
    """One "no": the rule and the facts."""

    kind: RefusalKind
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def code(self) -> str:
        """The stable code, e.g. `application.not_open`."""
        return self.kind.code

    def sentence(self, language: str = "en") -> str:
        """The rule's sentence with the facts, in `en` or `zh`."""
        text = self.kind.zh if language == "zh" else self.kind.en
        return f"{text} ({', '.join(f'{name}={value}' for name, value in self.facts)})" if self.facts else text


def refusal(code: str, en: str, zh: str, source: str = "") -> RefusalKind:
    """Declare a named rule. Raises `ValueError` for a malformed or taken code."""
    if not _CODE.fullmatch(code):
        raise ValueError(f"refusal code: expected <aggregate>.<rule>, got {code!r}")
    if code in REFUSALS:
        raise ValueError(f"refusal {code} is declared already")
    REFUSALS[code] = RefusalKind(code, en, zh, source)
    return REFUSALS[code]
