"""The reads of one aggregate: its list, one of it, its events. One resource has one shape, in lists and alone.

    read model ─▶ which ones, in which order
    own stream ─▶ row (the model's fold) + state (the aggregate's evolve)

A resource is the row of its read model, completed by what only the state knows. Alone it is as fresh as the ledger; in
a list it is as the read model has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Optional
from uuid import UUID

import structlog
from msgspec import Meta, Struct, defstruct

from adapters.postgres.reading import browse
from adapters.postgres.schema import SHARD
from api.permissions import Permission
from api.queries.engine.events import EventItem, event_item
from api.queries.engine.parameters import Nothing, by_id, by_position
from api.queries.engine.read import Read, ReadRequest, ReadResult
from api.queries.engine.shape import Field, Position, composed, fields_of, hints_of, said, shape_of
from domain.kernel.decider import Decider
from projections.engine import pages, reading
from projections.engine.model import Key, Projection, Recorded, Row

_log = structlog.get_logger("reads")
TEXT_MAX_CHARS = 64
"""Characters of a text that rows are looked up by."""

_OF_THE_PLACE = ("id", "tenant", "position", "version", "first_position")


class Filter(Struct, frozen=True):
    """A filter of a list: by default rows whose column of that name has the value.

    `holds` asks a row instead, `find` gives the value that the column has to have.
    """

    name: str
    column: str = ""
    type: Any = None
    about: str = ""
    holds: Callable[[Any, Any], bool] | None = None
    find: Callable[[ReadRequest, Any], Any] | None = None
    examples: tuple[Any, ...] = ()


class Place(Struct, frozen=True):
    """Place of a resource in the ledger."""

    id: UUID
    version: int
    first_position: int
    last_position: int


@dataclass(frozen=True)
class Resource:
    """One aggregate outside: its read model, and what of its state the rows do not have, or have in another form."""

    decider: Decider[Any]
    model: Projection[Any]
    detail: type[Struct] | None = None
    of_state: Callable[[Any], Any] = lambda state: state
    of_row: Callable[[Any], Any] | None = None
    without: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def _made(self) -> tuple[type[Struct], Callable[[tuple[Any, ...]], Struct]]:
        key = self.model.key[0]
        rows = fields_of(self.model.row, 0, without=(key, *_OF_THE_PLACE, *self.without))
        own = [one._replace(name=self.renamed.get(one.name, one.name)) for one in rows]
        known = {one.name for one in own}
        more = fields_of(self.detail, 1, without=(*known, *_OF_THE_PLACE, "phase")) if self.detail else []
        place = {
            name: Field(name, name, shape_of(hint, self.decider.name), 2)
            for name, hint in hints_of(_PlaceShown).items()
        }
        fields = [
            place["id"]._replace(shape=shape_of(UUID, self.decider.name)), place["version"], *own, *more,
            place["first_position"], place["last_position"],
        ]  # fmt: skip
        return composed(named(self.decider.name), self.model.row.__doc__ or "", fields)

    @property
    def answer(self) -> type[Struct]:
        """The type of the resource."""
        return self._made[0]

    def folded(self, history: Iterable[Recorded]) -> Struct | None:
        """The resource after its events, oldest first; `None` for none."""
        folding = _Folding(self)
        for recorded in history:
            folding.take(recorded)
        return self._resource(folding)

    def _readable(self, entries: Iterable[tuple[int, bytes]]) -> Struct | None:
        """As `folded`; as in the runner, an event that cannot be read or folded ends the history."""
        folding = _Folding(self)
        try:
            for position, entry in entries:
                folding.take(reading.decode(position, entry))
        except Exception as error:  # noqa: BLE001  a fold or an upcaster may raise anything; the others stay readable
            _log.warning("parked", aggregate=self.decider.name, error=type(error).__name__)
        return self._resource(folding)

    def _resource(self, folding: _Folding) -> Struct | None:
        first, last = folding.first, folding.last
        if folding.row is None or first is None or last is None:
            return None
        place = Place(first.stream, last.envelope.seq, first.position, last.position)
        return self._shown(folding.row, place, folding.state)

    def _shown(self, row: Any, place: Place, state: Any) -> Struct:
        of_row = self.of_row
        detail = None if self.detail is None else self.of_state(state) if of_row is None else of_row(row)
        return self._made[1]((row, detail, place))

    def _place(self, row: Any) -> Place:
        return Place(self.model.stream_of(row), row.version, row.first_position, row.position)

    def of_rows(self, request: ReadRequest, rows: Sequence[Row], position: int) -> list[Struct]:
        """Resources of some rows: of the rows alone, or folded from their streams where the state adds something."""
        if self.detail is None or self.of_row is not None:
            return [self._shown(row, self._place(row), None) for row in rows]
        entries = reading.entries_of(request.connection, SHARD, [self.model.stream_of(row) for row in rows], position)
        found = (self._readable(entries.get(self.model.stream_of(row), [])) for row in rows)
        return [one for one in found if one is not None]


class _Folding:
    """A history on its way into a row and a state; of a row type whose keys are finer, the first event's row."""

    def __init__(self, of: Resource) -> None:
        self._of = of
        self.row: Any = None
        self.state = of.decider.initial
        self.first: Recorded | None = None
        self.last: Recorded | None = None
        self._key: Key = ()

    def take(self, recorded: Recorded) -> None:
        """One more event. Raises whatever a fold raises."""
        model = self._of.model
        row, state = self.row, self.state
        if self.first is None:
            self._key = model.key_of(recorded)
        if type(recorded.event) in model.events and model.key_of(recorded) == self._key:
            row = model.fold(row, recorded.event, recorded)
        if self._of.detail is not None:
            state = self._of.decider.evolve(state, recorded.event)
        self.row, self.state = row, state
        self.first, self.last = self.first or recorded, recorded


def named(noun: str) -> str:
    """The name of an aggregate's type outside: `ApiKey` of `api_key`."""
    return "".join(part.capitalize() for part in noun.split("_"))


class _PlaceShown(Struct):
    id: UUID
    version: Annotated[int, Meta(ge=1), Meta(description="Its version, as in the ETag: how many events it has.")]
    first_position: Annotated[Position, Meta(description="Position of its first event.")]
    last_position: Annotated[Position, Meta(description="Position of its last event.")]


def history_of(request: ReadRequest, noun: str) -> list[Recorded]:
    """The events of one of the tenant's streams up to the asked moment; none when it is not there, or not theirs."""
    entries = reading.entries_of(request.connection, SHARD, [request.ids[noun]], request.moment)
    history = [reading.decode(position, entry) for position, entry in entries.get(request.ids[noun], [])]
    return history if owned(history, request.tenant, noun) else []


def owned(history: Sequence[Recorded], tenant: UUID, noun: str) -> bool:
    """Whether events are those of one of a tenant's aggregates with this name."""
    return bool(history) and history[0].tenant == tenant and history[0].envelope.type.partition(".")[0] == noun


def reads_of(
    resource: Resource,
    permission: Permission,
    filters: Sequence[Filter | str] = (),
    *,
    columns: str = "",
    listed: bool = True,
) -> tuple[Read, ...]:
    """The reads of an aggregate: one of it, its events, and its list in the order of ids, if it has one."""
    noun, plural = resource.decider.name, resource.decider.plural
    word, words = noun.replace("_", " "), plural.replace("_", " ")
    one = f"/{plural}/{{{noun}}}"
    alone = Read(
        path=one, query=lambda request: _alone(resource, request), answer=resource.answer, permission=permission,
        tag=plural, versioned=True,
        about=f"One {word}, folded from its own events: as fresh as the ledger, without personal data.",
    )  # fmt: skip
    events = Read(
        path=f"{one}/events", query=lambda request: _events(noun, request), answer=EventItem, permission=permission,
        tag="events", many=True, cursor=by_position(),
        about=f"The events of one {word} in order, each with the exact entry that was hashed.",
    )  # fmt: skip
    if not listed:
        return alone, events
    given = tuple(Filter(one) if isinstance(one, str) else one for one in filters)
    several = Read(
        path=f"/{plural}", query=lambda request: _several(resource, given, request), answer=resource.answer,
        permission=permission, tag=plural, many=True, filters=_filters(resource, given), models=(resource.model,),
        cursor=by_id(noun), about=f"The tenant's {words} in the order of their ids.",
        columns=columns,
    )  # fmt: skip
    return several, alone, events


def _alone(resource: Resource, request: ReadRequest) -> ReadResult | None:
    history = history_of(request, resource.decider.name)
    found = resource.folded(history)
    return None if found is None else ReadResult(found, request.moment, version=history[-1].envelope.seq)


def _events(noun: str, request: ReadRequest) -> ReadResult | None:
    stream = request.ids[noun]
    first = browse.first_envelope(request.connection, stream)
    if first is None or (first.tenant, first.type.partition(".")[0]) != (request.tenant, noun):
        return None
    page = browse.stream_page(request.connection, stream, request.after or 0, request.limit, request.moment)
    if not page.events and not browse.stream_page(request.connection, stream, 0, 1, request.moment).events:
        return None
    following = page.scanned_to if page.has_more else None
    return ReadResult(tuple(map(event_item, page.events)), request.moment, following)


def _several(resource: Resource, filters: Sequence[Filter], request: ReadRequest) -> ReadResult:
    columns: dict[str, Any] = {}
    asked_of_rows: list[tuple[Callable[[Any, Any], bool], Any]] = []
    for one in filters:
        value = getattr(request.filters, one.name)
        if value is None:
            continue
        if one.holds is not None:
            asked_of_rows.append((one.holds, value))
        else:
            columns[one.column or one.name] = one.find(request, value) if one.find else getattr(value, "value", value)
    holds = (lambda row: all(asks(row, value) for asks, value in asked_of_rows)) if asked_of_rows else None
    page = pages.listing(
        request.connection, resource.model, request.tenant, where=pages.Where(columns, holds), limit=request.limit,
        starting_after=request.after, as_of_position=request.position,
    )  # fmt: skip
    return ReadResult(resource.of_rows(request, page.rows, page.position), page.position, page.next_after)


def _filters(resource: Resource, given: Sequence[Filter]) -> type[Struct]:
    if not given:
        return Nothing
    hints: Mapping[str, Any] = hints_of(resource.model.row)
    members = [(one.name, _parameter(one, hints), None) for one in given]
    return defstruct(f"{named(resource.decider.name)}Filter", members, frozen=True, kw_only=True)


def _parameter(one: Filter, hints: Mapping[str, Any]) -> Any:
    hint = hints[one.column or one.name] if one.type is None else one.type
    words = one.about or ("Only in this state." if one.name == "state" else f"Only with this {one.name}.")
    bare = said(hint)
    kind: Any = bare.kind
    if kind is str and not bare.metas:
        kind = Annotated[str, Meta(min_length=1, max_length=TEXT_MAX_CHARS)]
    for meta in bare.metas:
        kind = Annotated[kind, Meta(extra=meta.extra, pattern=meta.pattern, min_length=meta.min_length,
                                    max_length=meta.max_length)]  # fmt: skip
    return Annotated[Optional[kind], Meta(description=words, examples=list(one.examples) or None)]  # noqa: UP045
