"""Events as pages show them: as a line of a list, and each on a page of its own with its entry and its proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.postgres.connections import Connection
from adapters.postgres.reading import browse
from api.console.views import words
from api.console.views.cells import NONE, Cell, Fact, Table, facts_of, pretty, table
from api.language import message
from api.queries.engine.columns import Kind, columns_of
from api.queries.engine.events import EventItem
from api.queries.engine.shape import derived
from chain.entry import Entry, parse
from domain.kernel.event import UnknownEventType
from domain.kernel.ids import format_id

TOGETHER_MAX = 20
"""Events of one command that are looked for on either side of one of them."""


class EventLine(Struct, frozen=True, kw_only=True):
    """One event in a list: where it stands, what it is, when it happened, who acted, and what else it says."""

    position: int
    seq: int
    what: str
    type: str
    happened: str
    day: str
    actor: Cell
    about: str = ""
    chosen: bool = False


def event_line(item: EventItem) -> EventLine:
    """One event as a line of a list."""
    entry = parse(bytes(item.entry))
    return EventLine(
        position=item.position,
        seq=entry.seq,
        what=words.event(entry.type, _turned(entry)),
        type=entry.type,
        happened=words.happened(entry.type, _turned(entry)),
        day=entry.business_date.isoformat(),
        actor=Cell(text=words.actor(entry.actor.role, entry.actor.id), title=f"{entry.actor.role} {entry.actor.id}"),
        about=format_id(entry.type.partition(".")[0], entry.stream),
    )


_TURNED: Mapping[str, str] = {"lease.late_fee_assessed.v1": message("late fee taken back")}
"""What happened by an event whose amount is below zero."""


class _Amount(Struct):
    """What is read of such an event's body."""

    fen: int = 0


def _turned(entry: Entry) -> str:
    """What happened instead of what the event is called, where it took money back; empty elsewhere."""
    turned = _TURNED.get(entry.type, "")
    return turned if turned and msgspec.json.decode(entry.body, type=_Amount).fen < 0 else ""


class _EventRow(Struct):
    """The columns of a list of events."""

    position: int
    event: str
    business_date: str
    actor: str
    stream: str


EVENT_COLUMNS = columns_of(_EventRow)


def event_table(items: Iterable[EventItem]) -> Table:
    """A list of events."""
    heads = table(EVENT_COLUMNS, ()).heads
    rows = []
    for item in items:
        one = event_line(item)
        values = (
            Cell(text=f"#{one.position:,}", kind="position", href=f"/events/{one.position}"),
            Cell(text=one.what, title=one.type),
            Cell(text=one.day, kind="date"),
            one.actor,
            Cell(text=words.short_id(one.about), kind="id", title=one.about),
        )
        rows.append(values)
    return Table(heads=heads, rows=tuple(rows))


class Origin(Struct, frozen=True, kw_only=True):
    """The origin of an event: its case, the command that wrote it, the other events of that command.

    `currency` is that of amounts beside which the event says none.
    """

    case: Cell
    command: Cell
    together: tuple[Cell, ...]
    currency: str = ""


def origin_of(connection: Connection, position: int, entry: Entry) -> Origin:
    """The origin of the event at a position; a case is named after the stream that began it, if that has a page."""
    first = browse.first_envelope(connection, entry.correlation)
    case = Cell(text=str(entry.correlation), kind="digest")
    if first is not None and first.tenant == entry.tenant:
        name = format_id(first.type.partition(".")[0], entry.correlation)
        case = Cell(text=words.short_id(name), kind="id", title=name)
    earlier, later = (list(_neighbours(connection, position, entry, step)) for step in (-1, 1))
    return Origin(
        case=case,
        command=Cell(text=str(entry.cause), kind="digest"),
        together=tuple(
            Cell(text=f"#{at:,}", kind="position", href=f"/events/{at}") for at in (*reversed(earlier), *later)
        ),
        currency=_currency(connection, entry.stream),
    )


class _Beginning(Struct):
    """What is read of the body of a stream's first event."""

    currency: str = ""
    lease: UUID | None = None


def _currency(connection: Connection, stream: UUID) -> str:
    """The currency that a stream began with, or the lease that it is about; empty where neither says one."""
    begun = browse.stream_page(connection, stream, 0, 1, browse.head_size(connection)).events
    if not begun:
        return ""
    try:
        said = msgspec.json.decode(parse(begun[0].entry).body, type=_Beginning)
    except msgspec.ValidationError:
        return ""
    return said.currency if said.currency or said.lease in (None, stream) else _currency(connection, said.lease)


def _in_currency(fact: Fact, currency: str) -> Fact:
    """A fact whose amounts say in which currency they are."""
    cell, table = (None if one is None else _with_unit(one, currency) for one in (fact.cell, fact.table))
    return msgspec.structs.replace(
        fact, cell=cell, table=table, facts=tuple(_in_currency(one, currency) for one in fact.facts)
    )


def _with_unit(shown: Any, currency: str) -> Any:
    """A cell, or a table of them, with a currency beside every amount that has none."""
    if isinstance(shown, Table):
        rows = tuple(tuple(_with_unit(one, currency) for one in row) for row in shown.rows)
        return msgspec.structs.replace(shown, rows=rows)
    if shown.table is not None:
        return msgspec.structs.replace(shown, table=_with_unit(shown.table, currency))
    named = shown.kind == Kind.MONEY and not shown.unit and shown.text != NONE
    return msgspec.structs.replace(shown, unit=currency) if named else shown


def _neighbours(connection: Connection, position: int, entry: Entry, step: int) -> Iterable[int]:
    """Positions next to an event whose events have its cause: a command's events stand together in the ledger."""
    for at in range(position + step, position + step * (TOGETHER_MAX + 1), step):
        stored = browse.event_at(connection, at) if at > 0 else None
        if stored is None:
            return
        other = parse(stored.entry)
        if (other.tenant, other.cause) != (entry.tenant, entry.cause):
            return
        yield at


class EventPage(Struct, frozen=True, kw_only=True):
    """One event: its entry as it was hashed, what it changed, and the proof that it is in the log."""

    line: EventLine
    origin: Origin
    entry: str
    leaf: str
    sha256: str
    facts: tuple[Fact, ...]
    owner: Cell
    proof: str = ""
    vkeys: tuple[str, ...] = ()


def event_page(item: EventItem, origin: Origin, receipt: Any) -> EventPage:
    """The page of an event; `receipt` is `None` for who may not see receipts."""
    entry = bytes(item.entry)
    line = event_line(item)
    return EventPage(
        line=line,
        origin=origin,
        entry=pretty(entry),
        leaf=item.leaf_hash,
        sha256=sha256(entry).hexdigest(),
        facts=tuple(_in_currency(one, origin.currency) for one in _body_facts(parse(entry))),
        # A person's page is made of what is about the person; the stream of looks at one has none.
        owner=Cell(text=line.about, kind="text" if line.about.startswith("subject_") else "id", title=line.about),
        proof="" if receipt is None else receipt.proof,
        vkeys=() if receipt is None else tuple(one.vkey for one in receipt.verifier_keys),
    )


def _body_facts(entry: Entry) -> tuple[Fact, ...]:
    """What the event's body says; nothing for a body that this program cannot read: its entry is shown all the same."""
    try:
        event = entry.event()
    except (UnknownEventType, msgspec.ValidationError):
        return ()
    return tuple(one for one in facts_of(_shown(type(event))(event)) if not one.empty)


@cache
def _shown(cls: type[Struct]) -> Callable[[Any], Struct]:
    """What makes the answer that shows an event of a class."""
    return derived(cls, without=())[1]
