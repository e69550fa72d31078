"""Cells: one formatter for each kind of value, the same in every table and on every page.

Column + value ─▶ Cell(text, href, tone)     nested values ─▶ Facts | Rows | a text
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct

from api.console import words
from api.language import Language, amount, current, text
from api.queries.engine.columns import Column, Kind, columns_of
from api.queries.registry import READS
from domain.kernel.times import BEIJING

NONE = "–"
_ID = re.compile(r"[a-z_]+_[0-9a-f]{32}")
_ALWAYS_CHANGED = frozenset({"version", "last_position"})
_CHINESE = "_zh"
_DIGEST_SHOWN = 12
_ID_SHOWN = 8
_NUMBERS = frozenset({Kind.MONEY, Kind.RATE, Kind.COUNT, Kind.POSITION})

PAGES: Mapping[str, str] = {
    read.nouns[0]: read.path for read in READS if read.versioned and read.path.endswith(f"/{{{'/'.join(read.nouns)}}}")
}
"""The page of one of an aggregate by its noun, such as `/leases/{lease}`."""


class Cell(Struct, frozen=True, kw_only=True):
    """One value as it is shown: its text, the whole of what is shortened, a link within the console."""

    text: str
    kind: str = "text"
    title: str = ""
    href: str = ""
    unit: str = ""
    zero: bool = False

    @property
    def number(self) -> bool:
        """Whether it is set to the right."""
        return self.kind in _NUMBERS


class Fact(Struct, frozen=True, kw_only=True):
    """One labelled value of a page; exactly one of `cell`, `facts`, `table` and `code` holds it."""

    label: str
    meaning: str = ""
    cell: Cell | None = None
    facts: tuple[Fact, ...] = ()
    table: Table | None = None
    code: str = ""
    changed: bool = False


class Table(Struct, frozen=True, kw_only=True):
    """Rows of cells under their labels."""

    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Head(Struct, frozen=True, kw_only=True):
    """The head of a column."""

    label: str
    meaning: str = ""
    number: bool = False


def link_to(identifier: str) -> str:
    """The page of the thing with an id, relative to the console; empty where it has none."""
    noun = identifier.rpartition("_")[0]
    if noun not in PAGES or _ID.fullmatch(identifier) is None:
        return ""
    return PAGES[noun].replace(f"{{{noun}}}", identifier)


def cell(column: Column, value: Any, row: Any = None) -> Cell:
    """A value of a column; `row` is the answer it stands in, which may say the currency."""
    if value is None or value is UNSET or value == "":
        return Cell(text=NONE, kind=column.kind)
    return _FORMATTERS.get(column.kind, _text)(column, value, row)


def _text(column: Column, value: Any, _row: Any) -> Cell:
    shown = _joined(value, column)
    return Cell(text=shown, kind=column.kind, title="" if shown == value or not isinstance(value, str) else value)


def short_id(identifier: str) -> str:
    """The noun of an id and its last digits."""
    noun, _, digits = identifier.rpartition("_")
    return f"{words.value(noun)} …{digits[-_ID_SHOWN:]}"


def _id(column: Column, value: Any, _row: Any) -> Cell:
    return Cell(text=short_id(value), kind=column.kind, title=value, href=link_to(value))


def _money(column: Column, value: Any, row: Any) -> Cell:
    unit = getattr(row, column.currency, "") if column.currency and row is not None else ""
    return Cell(text=amount(value), kind=column.kind, unit=unit if isinstance(unit, str) else "", zero=value == 0)


def _rate(column: Column, value: Any, _row: Any) -> Cell:
    try:
        percent = Decimal(value) * 100
    except InvalidOperation:
        return Cell(text=value, kind=Kind.TEXT)
    return Cell(text=f"{percent.normalize():f} %", kind=column.kind, title=value)


def _instant(column: Column, value: Any, _row: Any) -> Cell:
    local = datetime.fromisoformat(value).astimezone(BEIJING)
    return Cell(text=f"{local:%Y-%m-%d %H:%M:%S}", kind=column.kind, title=value)


def _state(column: Column, value: Any, _row: Any) -> Cell:
    code = str(getattr(value, "value", value))
    return Cell(text=words.value(code, column.owner), kind=column.kind, title=code)


def _flag(column: Column, value: Any, _row: Any) -> Cell:
    return Cell(text=text("yes") if value else text("no"), kind=column.kind)


def _digest(column: Column, value: Any, _row: Any) -> Cell:
    return Cell(text=f"{value[:_DIGEST_SHOWN]}…", kind=column.kind, title=value)


def _position(column: Column, value: Any, _row: Any) -> Cell:
    return Cell(text=f"#{value:,}", kind=column.kind, href=f"/events/{value}" if value else "")


def _count(column: Column, value: Any, _row: Any) -> Cell:
    return Cell(text=f"{value:,}", kind=column.kind)


_FORMATTERS: Mapping[Kind, Callable[[Column, Any, Any], Cell]] = {
    Kind.ID: _id,
    Kind.MONEY: _money,
    Kind.RATE: _rate,
    Kind.INSTANT: _instant,
    Kind.STATE: _state,
    Kind.FLAG: _flag,
    Kind.DIGEST: _digest,
    Kind.POSITION: _position,
    Kind.COUNT: _count,
}


def _joined(value: Any, column: Column) -> str:
    if isinstance(value, (tuple, list, frozenset)):
        return text(", ").join(_joined(one, column) for one in value) or NONE
    return words.code(str(getattr(value, "value", value)), column.owner, column.name)


# ---------------------------------------------------------------------------------------------- nested values


def facts_of(value: Struct, before: Struct | None = None) -> tuple[Fact, ...]:
    """Every field of a struct that says something; those that differ from `before` are marked."""
    found = []
    for column in in_language(columns_of(type(value))):
        inside = getattr(value, column.name)
        same = before is None or column.name in _ALWAYS_CHANGED
        changed = not same and getattr(before, column.name) != inside
        found.append(_fact(column, inside, value, changed=changed))
    return tuple(found)


def _fact(column: Column, inside: Any, row: Struct, *, changed: bool) -> Fact:
    label, meaning = words.label(column.name, column.owner), words.meaning(column)
    if column.kind is not Kind.DETAIL or inside is None or inside is UNSET:
        return Fact(label=label, meaning=meaning, cell=cell(column, inside, row), changed=changed)
    if isinstance(inside, Struct):
        return Fact(label=label, meaning=meaning, facts=facts_of(inside), changed=changed)
    if isinstance(inside, (tuple, list)) and inside and isinstance(inside[0], Struct):
        return Fact(label=label, meaning=meaning, table=table(columns_of(type(inside[0])), inside), changed=changed)
    if isinstance(inside, (dict, Raw)):
        return Fact(label=label, meaning=meaning, code=pretty(msgspec.json.encode(inside)), changed=changed)
    return Fact(label=label, meaning=meaning, cell=Cell(text=_joined(inside, column)), changed=changed)


def in_language(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns without those that say the same in the other language: `name` beside `name_zh`."""
    names = {one.name for one in columns}
    chinese = {one for one in names if one.endswith(_CHINESE) and one.removesuffix(_CHINESE) in names}
    if current() is Language.ZH:
        return tuple(one for one in columns if f"{one.name}{_CHINESE}" not in chinese)
    return tuple(one for one in columns if one.name not in chinese)


def table(columns: tuple[Column, ...], rows: Any) -> Table:
    """Answers as rows of cells; a currency stands beside the amounts and in no column of its own."""
    in_amounts = {one.currency for one in columns}
    columns = tuple(one for one in in_language(columns) if one.name not in in_amounts)
    return Table(
        heads=tuple(
            Head(label=words.label(one.name, one.owner), meaning=words.meaning(one), number=one.kind in _NUMBERS)
            for one in columns
        ),
        rows=tuple(tuple(cell(one, getattr(row, one.name), row) for one in columns) for row in rows),
    )


def pretty(data: bytes) -> str:
    """JSON for people: indented, every character as itself."""
    return json.dumps(json.loads(data), ensure_ascii=False, indent=2)
