"""Columns of a table: the kind of value in each, derived from the answer's type alone.

    Annotated[UUID, …] ─▶ id with its noun    …_fen ─▶ money with its currency    date, instant, state, digest, count …

Whoever shows a table has one formatter for each kind and nothing for any read.
"""

from __future__ import annotations

from datetime import date
from enum import Enum, StrEnum
from typing import Any

from msgspec import Struct

from api.queries.engine.read import Read
from api.queries.engine.shape import Annotation, hints_of, said
from domain.kernel.fields import NOUN, STATES


class Kind(StrEnum):
    """The kinds of values that a column can hold."""

    ID = "id"
    MONEY = "money"
    RATE = "rate"
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
    the amounts are those of a lease.
    """

    name: str
    kind: Kind
    nullable: bool
    description: str = ""
    noun: str = ""
    choices: tuple[str, ...] = ()
    currency: str = ""
    owner: str = ""


def columns_of(answer: type[Struct]) -> tuple[Column, ...]:
    """Every field of an answer as a column."""
    hints = hints_of(answer)
    currency = "currency" if "currency" in hints else ""
    return tuple(_column(name, said(hint), currency, answer.__name__) for name, hint in hints.items())


def table_of(read: Read) -> tuple[Column, ...]:
    """The columns that a list shows: those that it names, else all that hold one value."""
    known = {one.name: one for one in columns_of(read.answer)}
    if read.columns:
        return tuple(known[name] for name in read.columns.split())
    return tuple(one for one in known.values() if one.kind is not Kind.DETAIL)


def _column(name: str, told: Annotation, currency: str, owner: str) -> Column:
    kind = _kind(name, told)
    return Column(
        name=name,
        kind=kind,
        nullable=told.nullable,
        description=next((one.description for one in told.metas if one.description), ""),
        noun=told.extra.get(NOUN, ""),
        choices=_choices(told),
        currency=currency if kind is Kind.MONEY else "",
        owner=owner,
    )


def _choices(told: Annotation) -> tuple[str, ...]:
    if isinstance(told.kind, type) and issubclass(told.kind, Enum):
        return tuple(str(one.value) for one in told.kind)
    found: tuple[str, ...] = told.extra.get(STATES, ())
    return found


def _kind(name: str, told: Annotation) -> Kind:
    if NOUN in told.extra:
        return Kind.ID
    if _choices(told):
        return Kind.STATE
    if told.kind is str:
        return _text(name, told)
    if told.kind is int:
        return _number(name)
    return {bool: Kind.FLAG, date: Kind.DATE}.get(told.kind, Kind.DETAIL)


def _text(name: str, told: Annotation) -> Kind:
    schema: dict[str, Any] = {}
    for meta in told.metas:
        schema |= {"pattern": meta.pattern or schema.get("pattern"), **(meta.extra_json_schema or {})}
    if schema.get("format") == "date-time":
        return Kind.INSTANT
    if schema.get("pattern") == "^[0-9a-f]{64}$":
        return Kind.DIGEST
    return Kind.RATE if name.endswith("rate") or name == "apr" else Kind.TEXT


def _number(name: str) -> Kind:
    if name.endswith("_fen") or name == "fen":
        return Kind.MONEY
    return Kind.POSITION if name.endswith("position") else Kind.COUNT
