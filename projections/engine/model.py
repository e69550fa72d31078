"""Projection: a name, a version, a frozen row type, a key and a pure fold from events to rows.

    ledger.events ──read──▶ Recorded ──fold(row | None, event, recorded)──▶ row | None ──write──▶ read.<name>_v<n>

A row type's fields are the columns of its table, in the same order, after `shard`. Every row type has a field
`position`: the last position that changed the row; an honest answer about the past starts from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from msgspec import Raw, Struct, structs

from domain.kernel.command import Actor
from domain.kernel.event import Event, stored_types
from domain.kernel.fields import INTERNAL

Key = tuple[str, ...]
"""The key columns of one row after `shard`, as text, in the order the projection names them."""

SQL_TYPES: Mapping[type, str] = {
    UUID: "uuid",
    str: "text",
    int: "bigint",
    bool: "boolean",
    datetime: "timestamp with time zone",
    date: "date",
}
"""How the types of row fields are stored; anything else is refused when the projection is declared."""

_BIGINT = 2**63
_NAME = re.compile(r"[a-z][a-z_]{0,39}")


class ProjectionError(Exception):
    """A projection that cannot be declared, run or asked as expected; the message has expected and got."""


class Envelope(Struct, frozen=True, gc=False):
    """The part of an entry that folds may use, parsed once for all of them.

    `stream` and `tenant` stay text, as keys are compared far more often than rows are made; `occurred_at` is in UTC.
    Readers of projections check nothing that `fsck` checks better.
    """

    v: Literal["leaseledger.entry/2", "leaseledger.entry/1"]
    type: str
    stream: str
    seq: int
    occurred_at: datetime
    business_date: date
    tenant: str
    actor: Actor
    body: Raw


class Recorded(Struct, frozen=True, gc=False):
    """One event of the ledger as a fold sees it: its place, its envelope, and the event itself, upcast."""

    position: int
    envelope: Envelope
    event: Event

    @property
    def at(self) -> datetime:
        """When it happened, in UTC."""
        return self.envelope.occurred_at

    @property
    def stream(self) -> UUID:
        """The aggregate the event belongs to."""
        return UUID(self.envelope.stream)

    @property
    def tenant(self) -> UUID:
        """The tenant the event belongs to; every query of a read model is scoped by it."""
        return UUID(self.envelope.tenant)


class Row(Struct, frozen=True, kw_only=True):
    """Base of all row types: subclasses add the key and the columns."""

    position: int


class Index(Struct, frozen=True):
    """An index behind `shard`; with `where` of some rows only."""

    columns: tuple[str, ...]
    where: str = ""


R = TypeVar("R", bound=Row)


class StateRow(Row, frozen=True, kw_only=True):
    """Base of the rows that follow from an aggregate's state: which one, and its state as JSON, to go on from.

    `version` is the number of its events.
    """

    id: UUID
    tenant: UUID
    version: int
    first_position: int
    kept: Annotated[str, INTERNAL]


def stream_key(recorded: Recorded) -> Key:
    """One row per aggregate: the key of most projections."""
    return (recorded.envelope.stream,)


@dataclass(frozen=True)
class Projection(Generic[R]):
    """One version of one read model.

    The table follows from the row type: a column for each field, NOT NULL unless the field may be `None`; `key` is its
    primary key, `indexes` name columns. `shard` is the first column of the table and of each of these. `fillfactor` is
    how many per cent of a page are filled at first: what is left takes the next versions of its rows.

    `fold` is pure; what it raises parks the key. Raises `ProjectionError` when the declaration does not hold together.

    `fold_run` gives what `fold` gives for several events of one key, one after the other, in one go; where it raises,
    `fold` decides. `stream` names the column with the aggregate that a row's events come from, by default the first of
    the key; `None` when a row has events of several aggregates. `append_only`: each event has a key of its own, so that
    there is never a row to fold onto.
    """

    name: str
    version: int
    row: type[R]
    key: tuple[str, ...]
    events: frozenset[type[Event]]
    fold: Callable[[R | None, Event, Recorded], R | None]
    indexes: tuple[tuple[str, ...] | Index, ...] = ()
    fillfactor: int = 100
    key_of: Callable[[Recorded], Key] = field(default=stream_key)
    fold_run: Callable[[R | None, Sequence[Recorded]], R | None] | None = None
    stream: str | None = ""
    append_only: bool = False

    def storable(self, row: R | None) -> R | None:
        """The row, if a table can hold it. Raises `ProjectionError` for a number beyond 64 bits: else the writing of a
        whole batch would fail for it, again and again, and with it everybody's rows.
        """
        for name in self.numbers:
            value = getattr(row, name, None)
            if value is not None and not -_BIGINT <= value < _BIGINT:
                raise ProjectionError(f"{self.table}: expected {name} within 64 bits, got {value.bit_length()} bits")
        return row

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """The columns that hold whole numbers."""
        return tuple(name for name, kind in self.columns if kind == "bigint")

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.version < 1:
            raise ProjectionError(f"expected a snake_case name and a version from 1, got {self.name!r} v{self.version}")
        missing = set(self.key) - set(self.row.__struct_fields__)
        if missing or not self.key:
            raise ProjectionError(f"{self.table}: expected key fields of {self.row.__name__}, got {self.key}")
        columns = dict(self.columns)
        for index in self.indexes:
            if unknown := set(index.columns if isinstance(index, Index) else index) - set(columns):
                raise ProjectionError(f"{self.table}: expected indexed columns of {self.row.__name__}, got {unknown}")
        if self.stream_column is not None and columns.get(self.stream_column) != "uuid":
            raise ProjectionError(f"{self.table}: expected {self.stream_column} to be a column of type uuid")

    @property
    def table(self) -> str:
        """The table's name within schema `read`: the version is part of it."""
        return f"{self.name}_v{self.version}"

    @property
    def stream_column(self) -> str | None:
        """The column that says of which aggregate a row is; `None` when that may be several."""
        return self.key[0] if self.stream == "" else self.stream

    def stream_of(self, row: R) -> UUID:
        """The aggregate that a row is of, where that is the first of its key."""
        found: UUID = getattr(row, self.key[0])
        return found

    @cached_property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """(name, SQL type) of every column after `shard`, in the order of the row type's fields."""
        hints = get_type_hints(self.row)
        return tuple((f.name, _sql_type(f"{self.table}.{f.name}", hints[f.name])) for f in structs.fields(self.row))

    @cached_property
    def nullable(self) -> frozenset[str]:
        """The columns that may hold NULL: those of fields that may be `None`."""
        return frozenset(name for name, hint in get_type_hints(self.row).items() if NoneType in get_args(hint))

    @cached_property
    def types(self) -> frozenset[str]:
        """Every stored event type that reaches the fold, whatever it was called when it was stored."""
        known = stored_types()
        if strays := self.events - set(known.values()):
            names = ", ".join(sorted(cls.__name__ for cls in strays))
            raise ProjectionError(f"{self.table}: expected classes registered with @event_type, got {names}")
        return frozenset(name for name, current in known.items() if current in self.events)

    @cached_property
    def key_at(self) -> tuple[int, ...]:
        """Where the key fields stand among the row type's fields."""
        fields = self.row.__struct_fields__
        return tuple(fields.index(name) for name in self.key)


def key_text(key: Key) -> str:
    """A key as people read it, e.g. `018f…` or `018f…/validate`; also the name under which a key is parked."""
    return "/".join(key)


def _sql_type(where: str, hint: Any) -> str:
    inner = [arg for arg in get_args(hint) if arg is not NoneType] if get_origin(hint) in (Union, UnionType) else [hint]
    if len(inner) != 1 or inner[0] not in SQL_TYPES:
        expected = ", ".join(t.__name__ for t in SQL_TYPES)
        raise ProjectionError(f"{where}: expected one of {expected}, or that or None, got {hint}")
    return SQL_TYPES[inner[0]]
