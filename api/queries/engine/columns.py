"""Columns of a table: the kind of value in each, derived from the answer's type alone.

    Annotated[UUID, …] ─▶ id with its noun    …_fen ─▶ money with its currency    date, instant, state, digest, count …
    …_ppm ─▶ share    …_ms, …_s ─▶ duration    …_bytes ─▶ size    Rate ─▶ rate

Whoever shows a table has one formatter for each kind and nothing for any read.
"""

from __future__ import annotations

from datetime import date
from enum import Enum, StrEnum
from typing import Any, get_args, get_origin

from msgspec import Struct

from api.queries.engine.read import Read
from api.queries.engine.shape import Annotation, hints_of, said
from domain.kernel.fields import NOUN, STATES
from domain.kernel.values import Rate

_IDENTIFIER = "_[0-9a-f]{32}$"
_DIGEST = "^[0-9a-f]{64}$"
_RATES = ("rate", "apr", "irr")
_FEN, _PPM, _BYTES = "fen", "ppm", "bytes"
DURATIONS = ("ms", "s")
"""Units of durations, as names of fields end."""


class Kind(StrEnum):
    """The kinds of values that a column can hold."""

    ID = "id"
    MONEY = "money"
    RATE = "rate"
    SHARE = "share"
    DURATION = "duration"
    SIZE = "size"
    DATE = "date"
    INSTANT = "instant"
    STATE = "state"
    FLAG = "flag"
    DIGEST = "digest"
    POSITION = "position"
    COUNT = "count"
    TEXT = "text"
    DETAIL = "detail"


class Column(Struct, frozen=True, kw_only=True):
    """One column: the answer's field, its kind, whether it may be null, and what it means.

    `owner` names the answer that the field stands in, `noun` is that of an id, `choices` the values of a state,
    `currency` the field that says in which currency money is; where that is empty, the answer as a whole says it, or
    the amounts are those of a lease. `unit` is that of a duration; `item` says what a detail holds several of: items of
    a list, values of a mapping.
    """

    name: str
    kind: Kind
    nullable: bool
    description: str = ""
    noun: str = ""
    choices: tuple[str, ...] = ()
    currency: str = ""
    owner: str = ""
    unit: str = ""
    item: Column | None = None


def columns_of(answer: type[Struct], within: str = "") -> tuple[Column, ...]:
    """Every field of an answer as a column; `within` names the field that it stands in, whose unit its numbers have."""
    hints = hints_of(answer)
    currency = "currency" if "currency" in hints else ""
    unit = _unit(within)
    return tuple(_column(name, said(hint), currency, answer.__name__, unit) for name, hint in hints.items())


def table_of(read: Read, *, details: bool = False) -> tuple[Column, ...]:
    """The columns that a list shows: those that it names, else all; `details` among those that it names only."""
    known = {one.name: one for one in columns_of(read.answer)}
    named = tuple(known[name] for name in read.columns.split())
    if named and details:
        return named
    return tuple(one for one in named or known.values() if one.kind is not Kind.DETAIL)


def _column(name: str, annotation: Annotation, currency: str, owner: str, unit: str = "") -> Column:
    unit = _unit(name) or unit
    kind = _kind(name, annotation, unit)
    item = _item(annotation.kind) if kind is Kind.DETAIL else None
    return Column(
        name=name,
        kind=kind,
        nullable=annotation.nullable,
        description=next((one.description for one in annotation.metas if one.description), ""),
        noun=annotation.extra.get(NOUN, ""),
        choices=_choices(annotation),
        currency=currency if kind is Kind.MONEY else "",
        owner=owner,
        unit=unit if kind is Kind.DURATION else "",
        item=None if item is None else _column(name, said(item), currency, owner, unit),
    )


def _item(kind: Any) -> Any:
    """The annotation of the items of a list or of the values of a mapping; nothing for any other type."""
    if get_origin(kind) in (tuple, list, frozenset, dict):
        return get_args(kind)[get_origin(kind) is dict]
    return None


def _choices(annotation: Annotation) -> tuple[str, ...]:
    if isinstance(annotation.kind, type) and issubclass(annotation.kind, Enum):
        return tuple(str(one.value) for one in annotation.kind)
    found: tuple[str, ...] = annotation.extra.get(STATES, ())
    return found


def _kind(name: str, annotation: Annotation, unit: str) -> Kind:
    if NOUN in annotation.extra:
        return Kind.ID
    if _choices(annotation):
        return Kind.STATE
    if annotation.kind is str:
        return _text(name, annotation)
    if annotation.kind is int:
        return _number(name, unit)
    return {bool: Kind.FLAG, date: Kind.DATE}.get(annotation.kind, Kind.DETAIL)


def _text(name: str, annotation: Annotation) -> Kind:
    schema: dict[str, Any] = {}
    for meta in annotation.metas:
        schema |= {"pattern": meta.pattern or schema.get("pattern"), **(meta.extra_json_schema or {})}
    if schema.get("format") == "date-time":
        return Kind.INSTANT
    pattern = schema.get("pattern") or ""
    if pattern.endswith(_IDENTIFIER):
        return Kind.ID
    if pattern.startswith(_DIGEST):
        return Kind.DIGEST
    return Kind.RATE if pattern == _RATE_PATTERN or name.endswith(_RATES) else Kind.TEXT


def _number(name: str, unit: str) -> Kind:
    if name.endswith(("position", "_at")):
        return Kind.POSITION
    if unit in DURATIONS:
        return Kind.DURATION
    return {_FEN: Kind.MONEY, _PPM: Kind.SHARE, _BYTES: Kind.SIZE}.get(unit, Kind.COUNT)


def _unit(name: str) -> str:
    """The unit that stands last in a name."""
    last = name.rpartition("_")[2]
    return last if last in (_FEN, _PPM, _BYTES, *DURATIONS) else ""


_RATE_PATTERN = said(Rate).metas[0].pattern
