"""Pages as data: from a declared read and a question to what a template shows. Nothing here is about any one read.

list    table, filters, where it goes on            /leases
one     its facts, its events, the state after one  /leases/{lease}
figure  the facts of one answer                     /trial-balance
event   entry, hashes, state before and after, proof  /events/{position}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from api.console import words
from api.console.cells import NONE, PAGES, Cell, Fact, Table, facts_of, link_to, pretty, short_id, table
from api.language import text
from api.permissions import Permission
from api.queries.engine.columns import columns_of, table_of
from api.queries.engine.events import EventItem
from api.queries.engine.parameters import (
    STARTING_AFTER,
    Nothing,
    Parameter,
    ParameterInvalid,
    parameters_of,
    position_of,
)
from api.queries.engine.read import Read, ReadRequest, ReadResult
from api.queries.engine.shape import derived
from api.queries.registry import CONTEXTS, READS
from chain.entry import Entry, parse
from domain.kernel.event import UnknownEventType
from domain.kernel.ids import format_id

EVENTS_SHOWN = 100
AS_OF = "as_of_position"
DAY = "as_of"


class Section(Struct, frozen=True):
    """The lists of one context that somebody may see, as (title, address) in their order."""

    title: str
    links: tuple[tuple[str, str], ...]


class FilterView(Struct, frozen=True, kw_only=True):
    """One field of a filter form."""

    name: str
    label: str
    meaning: str
    value: str = ""
    kind: str = "text"
    choices: tuple[tuple[str, str], ...] = ()
    error: str = ""


class ListPage(Struct, frozen=True, kw_only=True):
    """A table with its filters."""

    title: str
    about: str
    table: Table
    filters: tuple[FilterView, ...]
    position: int
    as_of: int | None
    day: str | None
    by_day: bool
    next: str
    first: str
    api: str
    event_list: bool = False


class EventLine(Struct, frozen=True, kw_only=True):
    """One event in a list: where it stands, what it is, when it happened, who acted, and what else it says."""

    position: int
    seq: int
    what: str
    type: str
    happened: str
    day: str
    actor: str
    about: str = ""
    chosen: bool = False


class OnePage(Struct, frozen=True, kw_only=True):
    """One of an aggregate: its facts as they were after the chosen event, beside all its events."""

    title: str
    id: str
    facts: tuple[Fact, ...]
    events: tuple[EventLine, ...]
    chosen: EventLine | None
    parts: tuple[tuple[str, str], ...]
    position: int
    as_of: int | None
    more: str
    path: str
    api: str


class FigurePage(Struct, frozen=True, kw_only=True):
    """One answer about the tenant as a whole."""

    title: str
    about: str
    facts: tuple[Fact, ...]
    filters: tuple[FilterView, ...]
    position: int
    as_of: int | None
    day: str | None
    by_day: bool
    api: str


def sections(may: Iterable[Permission]) -> tuple[Section, ...]:
    """The lists and figures that somebody with these permissions may open, by business context."""
    allowed = frozenset(may)
    found = (
        Section(
            words.capital(words.value(context)),
            tuple((words.title(one), one.path) for one in reads if not one.nouns and one.permission in allowed),
        )
        for context, reads in CONTEXTS.items()
    )
    return tuple(section for section in found if section.links)


def read_at(path: str) -> tuple[Read, dict[str, str]] | None:
    """The read whose page has this address, with the identifiers in it."""
    parts = path.strip("/").split("/")
    for read in READS:
        pattern = read.path.strip("/").split("/")
        if len(pattern) != len(parts):
            continue
        pairs = list(zip(pattern, parts, strict=True))
        if all(one == given or one.startswith("{") for one, given in pairs):
            return read, {one.strip("{}"): given for one, given in pairs if one.startswith("{")}
    return None


def filters_of(read: Read, given: Mapping[str, str], errors: Mapping[str, str]) -> tuple[FilterView, ...]:
    """The filter form of a read with what was given."""
    if read.filters is Nothing:
        return ()
    return tuple(
        _filter(one, read.answer.__name__, given.get(one.name, ""), errors.get(one.name, ""))
        for one in parameters_of(read.filters)
    )


def _filter(one: Parameter, owner: str, value: str, error: str) -> FilterView:
    schema = one.schema()
    kind = "select" if one.choices else "date" if schema.get("format") == "date" else "text"
    return FilterView(
        name=one.name,
        label=words.label(one.name, owner),
        meaning=text(one.description),
        value=value,
        kind=kind,
        choices=tuple((choice, words.value(choice, owner)) for choice in one.choices),
        error=error,
    )


def list_page(
    read: Read, answered: ReadResult, path: str, given: Mapping[str, str], filters: tuple[FilterView, ...]
) -> ListPage:
    """The page of a list."""
    following = None if answered.next is None or read.cursor is None else str(read.cursor.text(answered.next))
    kept = {name: value for name, value in given.items() if name != STARTING_AFTER and value}
    events = read.answer is EventItem
    rows = _event_table(answered.value) if events else table(table_of(read), answered.value)
    return ListPage(
        title=words.title(read),
        about=text(read.words),
        table=rows,
        filters=filters,
        position=answered.position,
        as_of=_as_of(given),
        day=given.get(DAY) or None,
        by_day=read.by_day,
        next="" if following is None else _address(path, {**kept, STARTING_AFTER: following}),
        first=_address(path, kept) if given.get(STARTING_AFTER) else "",
        api=_address(f"/v1{path}", given),
        event_list=events,
    )


def figure_page(
    read: Read, answered: ReadResult, path: str, given: Mapping[str, str], filters: tuple[FilterView, ...]
) -> FigurePage:
    """The page of one answer about the whole tenant."""
    return FigurePage(
        title=words.title(read),
        about=text(read.words),
        facts=facts_of(answered.value),
        filters=filters,
        position=answered.position,
        as_of=_as_of(given),
        day=given.get(DAY) or None,
        by_day=read.by_day,
        api=_address(f"/v1{path}", given),
    )


# ------------------------------------------------------------------------------------------------ one of them


def is_one(read: Read) -> bool:
    """Whether a read is of one of an aggregate: `/leases/{lease}`."""
    return read.path in PAGES.values()


def one_page(read: Read, asked: ReadRequest, path: str, given: Mapping[str, str]) -> OnePage | None:
    """The page of one of an aggregate; `None` when it is not there."""
    events = read_at(f"{path}/events")
    assert events is not None, "whatever has a page has events"
    listed = events[0].run(replace(asked, position=None, limit=EVENTS_SHOWN, after=asked.after or 0))
    if listed is None:
        return None
    lines = [event_line(item) for item in listed.value]
    chosen = chosen_of(lines, asked.position, more=listed.next is not None)
    moment = asked.position if chosen is None else chosen.position
    answered = read.run(replace(asked, position=moment))
    if answered is None:
        return None
    noun = read.nouns[0]
    return OnePage(
        title=words.capital(words.value(noun)),
        id=format_id(noun, asked.ids[noun]),
        facts=facts_of(answered.value, _before(read, asked, lines, chosen)),
        events=tuple(msgspec.structs.replace(one, chosen=one == chosen) for one in lines),
        chosen=chosen,
        parts=_parts(read, path),
        position=answered.position,
        as_of=asked.position,
        more="" if listed.next is None else _address(path, {STARTING_AFTER: str(listed.next)}),
        path=path,
        api=_address(f"/v1{path}", given),
    )


def chosen_of(lines: list[EventLine], position: int | None, *, more: bool) -> EventLine | None:
    """The listed event that left the state at a position, or now; `None` when a later page of events holds it."""
    known = [one for one in lines if position is None or one.position <= position]
    if not known or (more and known[-1] is lines[-1] and position != known[-1].position):
        return None
    return known[-1]


def _before(read: Read, asked: ReadRequest, lines: list[EventLine], chosen: EventLine | None) -> Any:
    """The same thing before the chosen event; `None` for its first."""
    earlier = [one.position for one in lines if chosen is not None and one.position < chosen.position]
    if not earlier:
        return None
    answered = read.run(replace(asked, position=earlier[-1]))
    return None if answered is None else answered.value


def _parts(read: Read, path: str) -> tuple[tuple[str, str], ...]:
    """What belongs to one of an aggregate, each with a page of its own."""
    return tuple(
        (words.title(one), f"{path}/{one.path.rsplit('/', 1)[1]}")
        for one in READS
        if one.path.startswith(f"{read.path}/") and one.nouns == read.nouns and not one.path.endswith("/events")
    )


# ----------------------------------------------------------------------------------------------------- events


def event_line(item: EventItem) -> EventLine:
    """One event as a line of a list."""
    entry = parse(bytes(item.entry))
    return EventLine(
        position=item.position,
        seq=entry.seq,
        what=words.event(entry.type),
        type=entry.type,
        happened=words.happened(entry.type),
        day=entry.business_date.isoformat(),
        actor=f"{words.value(entry.actor.role)} {entry.actor.id}",
        about=format_id(entry.type.partition(".")[0], entry.stream),
    )


def _event_table(items: Iterable[EventItem]) -> Table:
    heads = table(EVENT_COLUMNS, ()).heads
    rows = []
    for item in items:
        one = event_line(item)
        values = (
            Cell(text=f"#{one.position:,}", kind="position", href=f"/events/{one.position}"),
            Cell(text=one.what, title=one.type),
            Cell(text=one.day),
            Cell(text=one.actor),
            Cell(text=short_id(one.about), title=one.about, href=link_to(one.about)),
        )
        rows.append(values)
    return Table(heads=heads, rows=tuple(rows))


class _EventRow(Struct):
    """The columns of a list of events."""

    position: int
    event: str
    business_date: str
    actor: str
    stream: str


EVENT_COLUMNS = columns_of(_EventRow)


class EventPage(Struct, frozen=True, kw_only=True):
    """One event: its entry as it was hashed, what it changed, and the proof that it is in the log."""

    line: EventLine
    entry: str
    leaf: str
    sha256: str
    facts: tuple[Fact, ...]
    owner: Cell
    last: bool
    proof: str = ""
    vkeys: tuple[str, ...] = ()


def event_page(item: EventItem, receipt: Any, size: int) -> EventPage:
    """The page of an event in a ledger of some size; `receipt` is `None` for who may not see receipts."""
    entry = bytes(item.entry)
    line = event_line(item)
    return EventPage(
        line=line,
        entry=pretty(entry),
        leaf=item.leaf_hash,
        sha256=sha256(entry).hexdigest(),
        facts=_body_facts(parse(entry)),
        owner=Cell(text=line.about, href=link_to(line.about)),
        last=line.position >= size,
        proof="" if receipt is None else receipt.proof,
        vkeys=() if receipt is None else tuple(one.vkey for one in receipt.verifier_keys),
    )


def _body_facts(entry: Entry) -> tuple[Fact, ...]:
    """What the event's body says; nothing for a body that this program cannot read: its entry is shown all the same."""
    try:
        event = entry.event()
    except (UnknownEventType, msgspec.ValidationError):
        return ()
    return tuple(one for one in facts_of(_shown(type(event))(event)) if one.cell is None or one.cell.text != NONE)


@cache
def _shown(cls: type[Struct]) -> Callable[[Any], Struct]:
    """What makes the answer that shows an event of a class."""
    return derived(cls, without=())[1]


def _as_of(given: Mapping[str, str]) -> int | None:
    value = given.get(AS_OF, "")
    return int(value) if value.isdigit() else None


def _address(path: str, given: Mapping[str, str]) -> str:
    kept = {name: value for name, value in given.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path


def plain(position: str) -> str:
    """A position as people write it, `#5,624`, as its digits."""
    return position.strip().removeprefix("#").replace(",", "")


def find(typed: str) -> str | None:
    """The page of what somebody typed: a position or an identifier; `None` for anything else."""
    wanted = plain(typed)
    try:
        return f"/events/{position_of('q', wanted)}"
    except ParameterInvalid:
        return link_to(wanted) or None
