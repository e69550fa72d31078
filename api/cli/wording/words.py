"""Formats of results for people: numbers with separators, durations, lines and aligned tables, Chinese or not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from unicodedata import combining, east_asian_width

from api.language import Language, amount, current, text, text_in

_OPENING, _CLOSING = "（《“‘", "，。；：、！？）》”’…"
_CHUNK = re.compile(rf"\s+|[{_OPENING}]*(?:[\u3000-\u9fff\uff00-\uffef]|[^\s\u3000-\u9fff\uff00-\uffef]+)[{_CLOSING}]*")
"""What a line is broken between: a Chinese character, a word of others, each with its punctuation; blanks."""

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def number(value: int) -> str:
    """`13,087`."""
    return f"{value:,}"


def count(value: int, noun: str) -> str:
    """`1 event`, `13,087 events`, `13,087 条事件`."""
    if current() is Language.ZH:
        return f"{value:,} {text_in(('count',), noun)}"
    return f"{value:,} {noun}" if value == 1 else f"{value:,} {noun}s"


def seconds(value: float) -> str:
    """`0.42 s`, `41.3 s`, `3 min 05 s`."""
    if value < 10:
        return f"{value:.2f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{value:.1f} s"


def duration(milliseconds: int | None) -> str:
    """A duration in the two largest units that it has: `38 s`, `17 h 12 min`, `16 d 4 h`; `–` for none."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1_000:
        return f"{milliseconds} ms"
    left = milliseconds // 1_000
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part)


def money(fen: int) -> str:
    """`1,234.56` of fen, `–` for nothing."""
    return amount(fen) if fen else "–"


def share(part: int, whole: int) -> str:
    """`34.7 %`, and `–` of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def size(value: int) -> str:
    """`512 bytes`, `1.4 GiB`."""
    amount, unit = float(value), 0
    while amount >= 1024 and unit + 1 < len(_UNITS):
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit else f"{value} {text('bytes')}"


def refusal_rows(refusals: Mapping[str, int]) -> list[tuple[str, str, str]]:
    """(count, code, sentence) of each refusal, the most frequent first."""
    import domain.intake.application  # noqa: F401 - declares the refusals
    from domain.kernel.refusal import REFUSALS

    ordered = sorted(refusals.items(), key=lambda item: (-item[1], item[0]))
    kinds = {code: REFUSALS[code] for code in refusals if code in REFUSALS}
    sentences = {code: kind.zh if current() is Language.ZH else kind.en for code, kind in kinds.items()}
    return [(number(count), code, sentences.get(code, "")) for code, count in ordered]


def width(shown: str) -> int:
    """The columns that a text takes on a terminal: a Chinese character takes two (Unicode Standard Annex 11)."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in shown)


def padded(shown: str, columns: int, side: str = "l") -> str:
    """A text filled up with blanks to so many columns of a terminal, on its `r`ight or `l`eft side."""
    blanks = " " * (columns - width(shown))
    return blanks + shown if side == "r" else shown + blanks


def wrapped(words: str, columns: int) -> list[str]:
    """A paragraph as lines of at most so many columns; Chinese may be broken anywhere but before its punctuation."""
    lines, line = [], ""
    for chunk in _CHUNK.findall(words):
        if line and width(line + chunk.rstrip()) > columns:
            lines.append(line.rstrip())
            line = ""
        line += chunk if line else chunk.lstrip()
    return [*lines, line.rstrip()]


def table(columns: str, rows: Iterable[Sequence[str]], *, head: Sequence[str] = (), indent: int = 0) -> str:
    """A plain aligned table; one letter a column in `columns`: `l`eft or `r`ight. Nothing is cut off."""
    lines = [*([head] if head else []), *rows]
    assert all(len(line) == len(columns) for line in lines), "a row has one cell for each column"
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    return "\n".join(" " * indent + _row(columns, line, widths) for line in lines)


def _row(columns: str, line: Sequence[str], widths: Sequence[int]) -> str:
    cells = zip(columns, line, widths, strict=True)
    return "   ".join(padded(cell, size, side) for side, cell, size in cells).rstrip()
