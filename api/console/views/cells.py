"""Cells: one formatter for each kind of value, the same in every table and on every page.

Column + value ─▶ Cell(text, title, href)     a detail ─▶ Cell(items | parts | table), value by value
Struct, earlier Struct ─▶ Fact(label, cell | facts | table, changed)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct

from api.console.views import words
from api.language import Language, amount, current, text
from api.queries.engine.columns import Column, Kind, columns_of
from domain.kernel.times import BEIJING

NONE = "–"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ALWAYS_CHANGED = frozenset({"version", "last_position"})
_CHINESE = "_zh"
_DIGEST_SHOWN = 12
_PPM_OF_PERCENT = 10_000
_RATE_PLACES = Decimal("0.0001")
NUMBERS = frozenset({Kind.MONEY, Kind.RATE, Kind.SHARE, Kind.COUNT, Kind.SIZE, Kind.DURATION, Kind.POSITION})


class Cell(Struct, frozen=True, kw_only=True):
    """One value as it is shown: its text, the whole of what is shortened, a link within the console.

    What an id names has a page, perhaps, that the reader may open, perhaps: that is for the template to ask.
    A detail has `items` (values of one kind), `parts` (labelled values) or a `table` in place of its text.
    """

    text: str = ""
    kind: str = "text"
    title: str = ""
    href: str = ""
    unit: str = ""
    zero: bool = False
    items: tuple[Cell, ...] = ()
    parts: tuple[tuple[str, Cell], ...] = ()
    table: Table | None = None

    @property
    def number(self) -> bool:
        """Whether it is set to the right."""
        return self.kind in NUMBERS


class Table(Struct, frozen=True, kw_only=True):
    """Rows of cells under their labels."""

    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Head(Struct, frozen=True, kw_only=True):
    """The head of a column."""

    label: str
    meaning: str = ""
    number: bool = False


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: it is not there, or there are none of them."""
    return value is None or value is UNSET or (isinstance(value, (str, tuple, list, frozenset, dict)) and not value)


def cell(column: Column, value: Any, row: Any = None) -> Cell:
    """A value of a column; `row` is the answer it stands in, which may say the currency."""
    if is_empty(value):
        return Cell(text=NONE, kind=column.kind if column.kind in NUMBERS else Kind.TEXT)
    return _FORMATTERS.get(column.kind, _text)(column, value, row)


def _text(column: Column, value: Any, _row: Any) -> Cell:
    given = str(getattr(value, "value", value))
    if _DIGEST.fullmatch(given):
        return _digest(column, given, None)
    if (user := words.user_of(given)) is not None:
        return _id(column, user, None)
    shown = words.code(given, column.owner, column.name)
    return Cell(text=shown, kind=column.kind, title="" if shown == given else given)


def _id(_column: Column, value: Any, _row: Any) -> Cell:
    return Cell(text=words.short_id(value), kind=Kind.ID, title=value)


def _money(column: Column, value: Any, row: Any) -> Cell:
    unit = getattr(row, column.currency, "") if column.currency and row is not None else ""
    return Cell(text=amount(value), kind=column.kind, unit=unit if isinstance(unit, str) else "", zero=value == 0)


def _percent(share: Decimal) -> str:
    """A share of one as people read it: at most four places of a percent, and no zeros behind them."""
    places = f"{(share * 100).quantize(_RATE_PLACES):f}".rstrip("0").rstrip(".")
    return text("{number} %", number=places)


def _rate(column: Column, value: Any, _row: Any) -> Cell:
    try:
        return Cell(text=_percent(Decimal(value)), kind=column.kind, title=value)
    except InvalidOperation:
        return Cell(text=value)


def _share(column: Column, value: Any, _row: Any) -> Cell:
    return Cell(text=_percent(Decimal(value) / (_PPM_OF_PERCENT * 100)), kind=column.kind, title=f"{value:,} ppm")


def _duration(column: Column, value: Any, _row: Any) -> Cell:
    ms = value if column.unit == "ms" else value * 1_000
    return Cell(text=duration(ms), kind=column.kind, title=f"{value:,} {column.unit}")


def duration(ms: int) -> str:
    """A duration as people say it, in its two largest units: `1 d 2 h`, `15 min`, `11 s`, `350 ms`."""
    units = (
        (86_400_000, text("{number} d", number=ms // 86_400_000)),
        (3_600_000, text("{number} h", number=ms // 3_600_000 % 24)),
        (60_000, text("{number} min", number=ms // 60_000 % 60)),
        (1_000, text("{number} s", number=ms // 1_000 % 60)),
        (1, text("{number} ms", number=ms % 1_000)),
    )
    first = next((at for at, (size, _) in enumerate(units) if ms >= size), len(units) - 1)
    larger = units[first][0]
    return " ".join(said for size, said in units[first : first + 2] if size == larger or ms % larger >= size)


def _size(column: Column, value: Any, _row: Any) -> Cell:
    return Cell(text=f"{value:,}", kind=column.kind, unit=text("bytes"))


def _instant(column: Column, value: Any, _row: Any) -> Cell:
    local = datetime.fromisoformat(value).astimezone(BEIJING)
    return Cell(text=f"{local:%Y-%m-%d %H:%M:%S}", kind=column.kind, title=value)


def _state(column: Column, value: Any, _row: Any) -> Cell:
    code = str(getattr(value, "value", value))
    return Cell(text=words.choice(code, column.owner, column.name), kind=column.kind, title=code)


def _flag(column: Column, value: Any, _row: Any) -> Cell:
    return Cell(text=text("yes") if value else text("no"), kind=column.kind)


def _digest(_column: Column, value: Any, _row: Any) -> Cell:
    return Cell(text=f"{value[:_DIGEST_SHOWN]}…", kind=Kind.DIGEST, title=value)


def _position(column: Column, value: Any, _row: Any) -> Cell:
    return Cell(text=f"#{value:,}", kind=column.kind, href=f"/events/{value}" if value else "")


def _count(column: Column, value: Any, _row: Any) -> Cell:
    return Cell(text=f"{value:,}", kind=column.kind)


# --------------------------------------------------------------------------------------------- details in a cell


def _detail(column: Column, value: Any, row: Any) -> Cell:
    """Several values in one place: of a list, labelled, or as a table."""
    if isinstance(value, Struct):
        inside = in_language(columns_of(type(value), column.name))
        return Cell(parts=tuple(_labelled((one, getattr(value, one.name)) for one in inside)))
    if isinstance(value, dict):
        return Cell(parts=parts_of(column, value))
    if isinstance(value, (tuple, list, frozenset)):
        return _several(column, value, row)
    return _text(column, value if not isinstance(value, Raw) else msgspec.json.decode(value), row)


def _several(column: Column, values: Any, row: Any) -> Cell:
    some = tuple(values)
    if isinstance(some[0], Struct):
        return Cell(table=table(columns_of(type(some[0]), column.name), some))
    if column.item is None:
        return Cell(text=text(", ").join(map(str, some)))
    return Cell(items=tuple(cell(column.item, one, row) for one in some))


def _labelled(inside: Iterable[tuple[Column, Any]]) -> Iterable[tuple[str, Cell]]:
    for column, value in inside:
        if not is_empty(value):
            yield words.label(column.name, column.owner), cell(column, value)


def parts_of(column: Column, values: Mapping[str, Any]) -> tuple[tuple[str, Cell], ...]:
    """The values of a mapping under their keys in words."""
    inside = column.item or column
    return tuple((words.step(key, column.name), cell(inside, value)) for key, value in values.items())


_FORMATTERS: Mapping[Kind, Callable[[Column, Any, Any], Cell]] = {
    Kind.ID: _id,
    Kind.MONEY: _money,
    Kind.RATE: _rate,
    Kind.SHARE: _share,
    Kind.DURATION: _duration,
    Kind.SIZE: _size,
    Kind.INSTANT: _instant,
    Kind.STATE: _state,
    Kind.FLAG: _flag,
    Kind.DIGEST: _digest,
    Kind.POSITION: _position,
    Kind.COUNT: _count,
    Kind.DETAIL: _detail,
}


# ------------------------------------------------------------------------------------------------------- tables


def in_language(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns without those that say the same in the other language, or again: `name` beside an account."""
    names = {one.name for one in columns}
    doubled = {"name", f"name{_CHINESE}"} if "account" in names else set[str]()
    if current() is Language.ZH:
        doubled |= {one for one in names if f"{one}{_CHINESE}" in names} | ({"gloss"} if "title" in names else set())
    else:
        doubled |= {one for one in names if one.endswith(_CHINESE)}
    return tuple(one for one in columns if one.name not in doubled)


def table(columns: tuple[Column, ...], rows: Any) -> Table:
    """Answers as rows of cells; a currency stands beside the amounts and in no column of its own."""
    in_amounts = {one.currency for one in columns}
    columns = tuple(one for one in in_language(columns) if one.name not in in_amounts)
    return Table(
        heads=tuple(
            Head(label=words.label(one.name, one.owner), meaning=words.meaning(one), number=one.kind in NUMBERS)
            for one in columns
        ),
        rows=tuple(tuple(cell(one, getattr(row, one.name), row) for one in columns) for row in rows),
    )


# -------------------------------------------------------------------------------------------------------- facts


class Fact(Struct, frozen=True, kw_only=True):
    """One labelled value of a page; exactly one of `cell`, `facts`, `table` and `code` holds it."""

    label: str
    meaning: str = ""
    cell: Cell | None = None
    facts: tuple[Fact, ...] = ()
    table: Table | None = None
    code: str = ""
    changed: bool = False
    empty: bool = False


def facts_of(value: Struct, before: Struct | None = None, within: str = "") -> tuple[Fact, ...]:
    """Every field of a struct; those that differ from `before` are marked. `within` is the field that it stands in."""
    found = []
    for column in in_language(columns_of(type(value), within)):
        inside = getattr(value, column.name)
        same = before is None or column.name in _ALWAYS_CHANGED
        changed = not same and getattr(before, column.name) != inside
        found.append(_fact(column, inside, value, changed=changed))
    return tuple(found)


def _fact(column: Column, inside: Any, row: Struct, *, changed: bool) -> Fact:
    label, meaning = words.label(column.name, column.owner), words.meaning(column)
    if column.kind is not Kind.DETAIL or is_empty(inside):
        shown = cell(column, inside, row)
        return Fact(label=label, meaning=meaning, cell=shown, changed=changed, empty=is_empty(inside))
    if isinstance(inside, Struct):
        return Fact(label=label, meaning=meaning, facts=facts_of(inside, within=column.name), changed=changed)
    if isinstance(inside, dict):
        facts = tuple(Fact(label=key, cell=one) for key, one in parts_of(column, inside))
        return Fact(label=label, meaning=meaning, facts=facts, changed=changed)
    if isinstance(inside, (tuple, list)) and isinstance(inside[0], Struct):
        rows = table(_telling(columns_of(type(inside[0]), column.name), inside), inside)
        return Fact(label=label, meaning=meaning, table=rows, changed=changed)
    if isinstance(inside, Raw):
        return Fact(label=label, meaning=meaning, code=pretty(msgspec.json.encode(inside)), changed=changed)
    shown = cell(column, inside, row)
    return Fact(label=label, meaning=meaning, cell=shown, changed=changed)


def _telling(columns: tuple[Column, ...], rows: Iterable[Any]) -> tuple[Column, ...]:
    """The columns that say something in some row."""
    return tuple(one for one in columns if not all(is_empty(getattr(row, one.name)) for row in rows))


def pretty(data: bytes) -> str:
    """JSON for people: indented, every character as itself."""
    return json.dumps(json.loads(data), ensure_ascii=False, indent=2)
