"""Wording: finding forbidden words in a text although somebody spaced, widened or traditionalised them.

    "以 租·代⁠購"  ── NFKC, case folded ──▶ letters and digits only ──▶ simplified ──▶ "以租代购"

Everything that is neither letter nor digit is left out before words are compared: white space, punctuation, symbols,
emoji, zero-width and combining characters, fillers that are letters to Unicode and nothing to the eye, and strokes that
look like punctuation. A word of Chinese characters alone is looked for among the Chinese characters alone, so that
Latin letters, digits, kana or phonetic signs between them hide nothing. A comma between two harmless words can thus be
a false alarm; that costs another wording, a word that slips through costs the licence. Words that merely sound alike,
and pinyin, are for a person to find.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

SIMPLIFIED = str.maketrans("購㠯貸輛両車⻋㕥牴觝質貭㐰訫貣欵賃資擔", "购以贷辆辆车车以抵抵质质信信贷款赁资担")
"""Characters of words about car finance as they are written in Taiwan, Hong Kong and Japan, and their lookalikes."""

NOTHING = frozenset("\u115f\u1160\u3164\uffa0丨丶丿乀乁亅")
"""Letters by their category that show nothing, or no more than a stroke."""

HAN = ((0x3007, 0x3007), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
"""First and last code points of Chinese characters (blocks of Unicode 15)."""


class ForbiddenWord(Struct, frozen=True):
    """A forbidden word, and where in the text it was hidden: characters `start` ≤ i < `end`."""

    word: str
    start: int
    end: int


def find_forbidden(text: str, words: Iterable[str]) -> tuple[ForbiddenWord, ...]:
    """The first place of each forbidden word in a text, in the order of the words."""
    letters = [(letter, at) for at, char in enumerate(text) for letter in _letters(char)]
    found = []
    for word in words:
        wanted = "".join(map(_letters, word))
        place = _find(letters, wanted, _is_han if all(map(_is_han, wanted)) else _is_letter)
        if wanted and place is not None:
            found.append(ForbiddenWord(word, *place))
    return tuple(found)


def _find(letters: Sequence[tuple[str, int]], wanted: str, counts: Callable[[str], bool]) -> tuple[int, int] | None:
    """Where a word stands among the letters that count: from its first to behind its last character."""
    counted = [(letter, at) for letter, at in letters if counts(letter)]
    at = "".join(letter for letter, _ in counted).find(wanted)
    return None if at < 0 or not wanted else (counted[at][1], counted[at + len(wanted) - 1][1] + 1)


def _letters(char: str) -> str:
    """What a character is compared as: nothing, one letter, or several (ligatures, squared words)."""
    wide = unicodedata.normalize("NFKC", char).casefold()
    return "".join(filter(_is_letter, wide.translate(SIMPLIFIED)))


def _is_letter(one: str) -> bool:
    return unicodedata.category(one)[0] in "LN" and one not in NOTHING


def _is_han(one: str) -> bool:
    return any(first <= ord(one) <= last for first, last in HAN)
