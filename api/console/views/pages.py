"""Pages as data: from a declared read and a question to what a template shows. Nothing here is about any one read.

list    table, filters, where it goes on            /leases
one     its facts, its events, the state after one  /leases/{lease}
figure  the facts of one answer                     /trial-balance
event   entry, hashes, state before and after, proof  /events/{position}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from api.console.views import words
from api.console.views.cells import Cell, Fact, Table, facts_of, table
from api.console.views.events import EventLine, event_line, event_table
from api.console.views.filters import AS_OF, FilterView, narrowed
from api.language import text
from api.permissions import Permission
from api.queries.engine.columns import Kind, table_of
from api.queries.engine.events import EventItem
from api.queries.engine.parameters import STARTING_AFTER, ParameterInvalid, parameters_of, position_of
from api.queries.engine.read import Read, ReadRequest, ReadResult
from api.queries.registry import CONTEXTS, READS
from domain.kernel.event import EVENT_TYPES
from domain.kernel.ids import format_id

EVENTS_SHOWN = 100
BEGINNINGS = 3
"""Events that an empty list names."""

REFERENCE = "reference"
"""The filter of lists that finds by a business number."""

_ID = re.compile(r"[a-z_]+_[0-9a-f]{32}")

PAGES: Mapping[str, str] = {
    read.nouns[0]: read.path for read in READS if read.versioned and read.path.endswith(f"/{{{'/'.join(read.nouns)}}}")
}
"""The page of one of an aggregate by its noun, such as `/leases/{lease}`."""


class Link(Struct, frozen=True):
    """A link of the menu; `here` where its page, or one below it, is shown."""

    title: str
    href: str
    here: bool = False


class Section(Struct, frozen=True):
    """The lists and figures of one context that somebody may see, in their order."""

    title: str
    links: tuple[Link, ...]


class Parent(Struct, frozen=True):
    """The page that a page belongs to."""

    title: str
    href: str


class ListPage(Struct, frozen=True, kw_only=True):
    """A table with its filters."""

    title: str
    about: str
    table: Table
    filters: tuple[FilterView, ...]
    position: int
    as_of: int | None
    next: str
    first: str
    api: str
    parent: Parent | None
    empty: str
    whole: str


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
    api: str
    parent: Parent | None
    empty: str


def sections(may: Iterable[Permission], here: str) -> tuple[Section, ...]:
    """The lists and figures that somebody with these permissions may open, by business context."""
    allowed = frozenset(may)
    opened = [one.path for one in READS if here == one.path or (not one.nouns and here.startswith(f"{one.path}/"))]
    nearest = max(opened, key=len, default="")
    found = (
        Section(
            words.capital(words.value(context)),
            tuple(
                Link(words.title(one), one.path, one.path == nearest)
                for one in reads
                if not one.nouns and one.permission in allowed
            ),
        )
        for context, reads in CONTEXTS.items()
    )
    return tuple(section for section in found if section.links)


def link_to(identifier: str) -> str:
    """The page of the thing with an id, relative to the console; empty where it has none."""
    noun = identifier.rpartition("_")[0]
    if noun == "subject" and _ID.fullmatch(identifier):
        return _address("/leases", {"lessee": identifier})
    if noun not in PAGES or _ID.fullmatch(identifier) is None:
        return ""
    return PAGES[noun].replace(f"{{{noun}}}", identifier)


def page_of(may: Iterable[Permission], cell: Cell) -> str:
    """The page that a cell leads to, for somebody with these permissions; empty where there is none."""
    href = cell.href or (link_to(cell.title) if cell.kind == Kind.ID else "")
    return href if href and opens(may, href) else ""


def opens(may: Iterable[Permission], href: str) -> bool:
    """Whether somebody with these permissions may open a page; of an event, if one of its aggregate's pages."""
    allowed = frozenset(may)
    if href.startswith("/events/"):
        return readable(allowed) != frozenset()
    found = read_at(href.partition("?")[0])
    return found is not None and found[0].permission in allowed


def readable(may: Iterable[Permission]) -> frozenset[str] | None:
    """The nouns whose events somebody with these permissions may open; `None` for all."""
    allowed = frozenset(may)
    if Permission.READ_EVENTS in allowed:
        return None
    pages = ((noun, read_at(path)) for noun, path in PAGES.items())
    return frozenset(noun for noun, page in pages if page is not None and page[0].permission in allowed)


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


def list_page(
    read: Read, answered: ReadResult, path: str, given: Mapping[str, str], filters: tuple[FilterView, ...]
) -> ListPage:
    """The page of a list."""
    following = None if answered.next is None or read.cursor is None else str(read.cursor.text(answered.next))
    kept = {name: value for name, value in given.items() if name != STARTING_AFTER and value}
    rows = (
        event_table(answered.value) if read.answer is EventItem else table(table_of(read, details=True), answered.value)
    )
    left_out = narrowed(read, given) or bool(given.get(AS_OF))
    return ListPage(
        title=words.title(read),
        about=text(read.words),
        table=rows,
        filters=filters,
        position=answered.position,
        as_of=_as_of(given),
        next="" if following is None else _address(path, {**kept, STARTING_AFTER: following}),
        first=_address(path, kept) if given.get(STARTING_AFTER) else "",
        api=_address(f"/v1{path}", given),
        parent=_parent(read, path),
        empty=_empty(read, left_out=left_out),
        whole=path if left_out else "",
    )


def _empty(read: Read, *, left_out: bool) -> str:
    """What is said of a list without rows: that the filters leave all of them out, or which events bring them."""
    if left_out:
        return text("Nothing matches what was asked for.")
    known = [name for model in read.models for name, event in EVENT_TYPES.items() if event in model.events]
    if not known:
        return text("Nothing here yet.")
    named = text(", ").join(words.event(one) for one in known[:BEGINNINGS])
    if read.name.startswith("list_open_"):
        return text(
            "Nothing is open now. What begins with events such as {events} stays here until it is resolved.",
            events=named,
        )
    return text("Nothing here yet. It begins with events such as: {events}.", events=named)


def _parent(read: Read, path: str) -> Parent | None:
    """The page of the one that a list belongs to."""
    if not read.nouns or is_one(read):
        return None
    noun = read.nouns[0]
    return Parent(words.capital(words.value(noun)), path.rpartition("/")[0])


def figure_page(
    read: Read, answered: ReadResult, path: str, given: Mapping[str, str], filters: tuple[FilterView, ...]
) -> FigurePage:
    """The page of one answer about the whole tenant."""
    facts = facts_of(answered.value)
    return FigurePage(
        title=words.title(read),
        about=text(read.words),
        facts=facts,
        filters=filters,
        position=answered.position,
        as_of=_as_of(given),
        api=_address(f"/v1{path}", given),
        parent=_parent(read, path),
        empty="" if facts else _empty(read, left_out=False),
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


# -------------------------------------------------------------------------------------------------- addresses


def _as_of(given: Mapping[str, str]) -> int | None:
    value = given.get(AS_OF, "")
    return int(value) if value.isdigit() else None


def _address(path: str, given: Mapping[str, str]) -> str:
    kept = {name: value for name, value in given.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path


def plain(position: str) -> str:
    """A position as people write it, `#5,624`, as its digits."""
    return position.strip().removeprefix("#").replace(",", "")


def with_reference(may: Iterable[Permission]) -> tuple[Read, ...]:
    """The lists of whole aggregates that somebody with these permissions may ask for one business number."""
    allowed = frozenset(may)
    return tuple(
        one
        for one in READS
        if one.many and not one.nouns and one.permission in allowed
        and REFERENCE in (known.name for known in parameters_of(one.filters))
    )  # fmt: skip


def find(typed: str) -> str | None:
    """The page of what somebody typed: a position or an identifier; `None` for anything else."""
    wanted = plain(typed)
    try:
        return f"/events/{position_of('q', wanted)}"
    except ParameterInvalid:
        return link_to(wanted) or None
