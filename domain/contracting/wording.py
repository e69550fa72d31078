"""Wording: finding forbidden words in a text although somebody spaced, widened or traditionalised them.

    "以 租·代⁠購"  ── NFKC, case folded ──▶ letters and digits only ──▶ simplified ──▶ "以租代购"

Everything that is neither letter nor digit is left out before words are compared: white space, punctuation, symbols,
emoji, zero-width and combining characters. A comma between two harmless words can thus be a false alarm; that costs
another wording, a word that slips through costs the licence.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from msgspec import Struct

SIMPLIFIED = str.maketrans("購貸輛車⻋㕥抵質貭款欵租賃融資擔", "购贷辆车车以抵质质款款租赁融资担")
"""Characters of words about car finance as they are written in Taiwan and Hong Kong, and their lookalikes."""


class Found(Struct, frozen=True):
    """A forbidden word, and where in the text it was hidden: characters `start` ≤ i < `end`."""

    word: str
    start: int
    end: int


def find_forbidden(text: str, words: Iterable[str]) -> tuple[Found, ...]:
    """The first place of each forbidden word in a text, in the order of the words."""
    letters = [(letter, at) for at, char in enumerate(text) for letter in _letters(char)]
    plain = "".join(letter for letter, _ in letters)
    found = []
    for word in words:
        wanted = "".join(map(_letters, word))
        at = plain.find(wanted) if wanted else -1
        if at >= 0:
            found.append(Found(word, letters[at][1], letters[at + len(wanted) - 1][1] + 1))
    return tuple(found)


def _letters(char: str) -> str:
    """What a character is compared as: nothing, one letter, or several (ligatures, squared words)."""
    wide = unicodedata.normalize("NFKC", char).casefold()
    return "".join(one for one in wide.translate(SIMPLIFIED) if unicodedata.category(one)[0] in "LN")
