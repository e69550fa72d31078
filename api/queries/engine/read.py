"""A read, declared once: from it come its route, its description, its test of the past, a listing and a table.

    Read(path, query, answer, filters, permission, models, cursor, versioned)

    ReadRequest(connection, tenant, position, filters, …) ─query─▶ ReadResult(value, position, next, version)

A query is a plain function over one blocking connection; nothing here knows of HTTP.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct, defstruct

from adapters.postgres.connections import Connection
from adapters.postgres.reading.tenancy import as_tenant
from adapters.postgres.schema import SHARD
from api.permissions import Permission
from api.queries.engine.parameters import Cursor, Nothing
from domain.kernel.ids import parse_id
from projections.engine import reading
from projections.engine.model import Projection

PAGE_DEFAULT, PAGE_MAX = 50, 100
_NOUN = re.compile(r"\{([a-z_]+)\}")


class PositionAhead(ValueError):
    """A position that the ledger has not reached: which, and the size of the ledger."""

    def __init__(self, position: int, size: int) -> None:
        super().__init__(f"position: expected at most {size}, got {position}")
        self.position, self.size = position, size


def reached(connection: Connection, position: int | None) -> None:
    """Whether the ledger holds a position that somebody asks for; every door asks here. Raises `PositionAhead`."""
    if position is not None and position > (size := reading.head_size(connection, SHARD)):
        raise PositionAhead(position, size)


@dataclass(frozen=True)
class ReadRequest:
    """A question: whose data, about what, for which moment. `position` is one of the past, or `None` for now.

    `day` is a business date at whose end it is asked for; `data` the data directory with the tenant's own files.
    """

    connection: Connection
    tenant: UUID
    data: Path = Path()
    position: int | None = None
    day: date | None = None
    ids: Mapping[str, UUID] = field(default_factory=dict)
    filters: Any = Nothing()  # noqa: RUF009 - frozen
    limit: int = PAGE_DEFAULT
    after: Any = None

    @cached_property
    def moment(self) -> int:
        """The ledger position that a read of the ledger itself answers for."""
        return reading.head_size(self.connection, SHARD) if self.position is None else self.position


class ReadResult(Struct, frozen=True):
    """An answer: a struct, or the items of a list; the position it is valid at, where a list goes on, the version."""

    value: Any
    position: int
    next: Any = None
    version: int | None = None


Query = Callable[[ReadRequest], ReadResult | None]


_LISTS: dict[tuple[type[Struct], bool], type[Struct]] = {}


def _list_of(item: type[Struct], cursor: Cursor | None) -> type[Struct]:
    """The type of lists of an answer, made once: whole, or by page."""
    place = item, cursor is not None
    if place not in _LISTS:
        several: Any = tuple.__class_getitem__((item, ...))
        data = Annotated[several, Meta(description="The items, in their order.")]
        members: list[tuple[str, Any]] = [("data", data)]
        doc = "All that was asked for."
        if cursor is not None:
            behind = Annotated[bool, Meta(description="Whether there is more behind them.")]
            kind: Any = cursor.type | None
            after = Annotated[kind, Meta(description="What the next page starts after; null at the end.")]
            members += [("has_more", behind), ("next", after)]
            doc = "Some in their order, perhaps none, and yet more behind; `next` is where the next page starts after."
        name = f"{item.__name__}{'List' if cursor is None else 'Page'}"
        _LISTS[place] = defstruct(name, members, frozen=True, namespace={"__doc__": doc})
    return _LISTS[place]


class Past(Enum):
    """The moments of the past that a read answers for: none, as nothing recorded it; positions; ends of days, too."""

    NONE = 0
    POSITIONS = 1
    DAYS = 2


@dataclass(frozen=True, kw_only=True)
class Read:
    """One read. `answer` is the type of the answer, or of one item of a list; `query` gives `None` for "not found".

    `models` are the read models that it asks, none for the ledger itself. `cursor` makes a list one of pages. The
    query's docstring says what it answers, `columns` names what a table shows of it.
    """

    path: str
    query: Query
    answer: type[Struct]
    permission: Permission
    tag: str
    many: bool = False
    filters: type[Struct] = Nothing
    models: tuple[Projection[Any], ...] = ()
    cursor: Cursor | None = None
    versioned: bool = False
    past: Past = Past.POSITIONS
    named: str = ""
    about: str = ""
    columns: str = ""

    @cached_property
    def nouns(self) -> tuple[str, ...]:
        """The nouns of the ids in its path."""
        return tuple(_NOUN.findall(self.path))

    @cached_property
    def name(self) -> str:
        """The operation's name: `list_bills_of_lease`, `read_trial_balance`."""
        if self.named:
            return self.named
        words = [one.replace("-", "_") for one in self.path.strip("/").split("/")]
        if not self.many:
            return "read_" + "_".join(one.strip("{}") for one in words if one.startswith("{") or self.nouns == ())
        return f"list_{words[-1]}" + "".join(f"_of_{noun}" for noun in self.nouns)

    @cached_property
    def words(self) -> str:
        """What it answers, for people."""
        return self.about or inspect.getdoc(self.query) or ""

    @cached_property
    def description(self) -> str:
        """What it answers, and what is to be known of its pages."""
        paged = "\n\nA page may be short, even empty, and still have more behind it."
        return f"{self.words}{paged if self.cursor else ''}"

    @cached_property
    def body(self) -> type[Struct]:
        """The type of the whole answer: that of the thing, or a list of them."""
        if not self.many:
            return self.answer
        return _list_of(self.answer, self.cursor)

    def about_ids(self, given: Mapping[str, str]) -> dict[str, UUID]:
        """The ids of a path. Raises `IdError` for what names nothing."""
        return {noun: parse_id(noun, given[noun]) for noun in self.nouns}

    def run(self, request: ReadRequest) -> ReadResult | None:
        """The answer; `None` when what is asked about is not there. Raises `PositionAhead`."""
        reached(request.connection, request.position)
        with as_tenant(request.connection, request.tenant):
            return self.query(request)

    def whole(self, answered: ReadResult) -> Any:
        """The answer as it is encoded."""
        if not self.many:
            return answered.value
        if self.cursor is None:
            return self.body(tuple(answered.value))
        following = None if answered.next is None else self.cursor.text(answered.next)
        return self.body(tuple(answered.value), following is not None, following)
