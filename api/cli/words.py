"""How results look to people: numbers with separators, durations, plain aligned tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def number(value: int) -> str:
    """`13,087`."""
    return f"{value:,}"


def count(value: int, noun: str) -> str:
    """`1 event`, `13,087 events`."""
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


def share(part: int, whole: int) -> str:
    """`34.7 %`, and `–` of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def size(value: int) -> str:
    """`512 bytes`, `1.4 GiB`."""
    amount, unit = float(value), 0
    while amount >= 1024 and unit + 1 < len(_UNITS):
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}" if unit else f"{value} bytes"


def refusal_rows(refusals: Mapping[str, int]) -> list[tuple[str, str, str]]:
    """(count, code, sentence) of each refusal, the most frequent first."""
    import domain.intake.application  # noqa: F401 - declares the refusals
    from domain.kernel.refusal import REFUSALS

    ordered = sorted(refusals.items(), key=lambda item: (-item[1], item[0]))
    return [(number(count), code, REFUSALS[code].en if code in REFUSALS else "") for code, count in ordered]


def table(columns: str, rows: Iterable[Sequence[str]], *, head: Sequence[str] = (), indent: int = 0) -> str:
    """A plain aligned table; one letter a column in `columns`: `l`eft or `r`ight. Nothing is cut off."""
    lines = [*([head] if head else []), *rows]
    assert all(len(line) == len(columns) for line in lines), "a row has one cell for each column"
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(" " * indent + _row(columns, line, widths) for line in lines)


def _row(columns: str, line: Sequence[str], widths: Sequence[int]) -> str:
    cells = zip(columns, line, widths, strict=True)
    return "   ".join(cell.rjust(width) if side == "r" else cell.ljust(width) for side, cell, width in cells).rstrip()
