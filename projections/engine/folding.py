"""Folding one batch: pure, from known rows and events to changed rows and parked events.

    event ──key_of──▶ key ──not parked──▶ fold ──▶ row
                        │                   └─raises─▶ the key is parked with this event
                        └─parked──▶ the event waits behind the first one

An event that cannot even be decoded has no key; it parks its whole stream.

Events of one key are folded in one run. Keys do not know of each other, so the order between them does not matter; only
where something is parked, or has to be, everything is gone through one by one in the order of the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic

from msgspec import Struct

from domain.kernel.event import Event
from projections.engine.model import Key, Projection, R, Recorded, key_text, stream_key
from projections.engine.reading import ReadEvent, Unreadable, reason


class DeadLetter(Struct, frozen=True):
    """One parked event.

    `key` is what is parked: a row's key or a whole stream. `error` is empty for events that wait behind the first.
    """

    position: int
    key: str
    stream: str
    error: str


Keyed = tuple[Key, Recorded] | tuple[None, Unreadable]
"""An event of the batch with the key it belongs to, or the reason why it has none."""


class Folded(Struct, Generic[R]):
    """Result of a batch: changed rows by key (`None` means the row is gone) and newly parked events."""

    changed: dict[Key, R | None]
    dead_letters: list[DeadLetter]


def sorted_out(projections: Sequence[Projection[Any]], events: Iterable[ReadEvent]) -> list[list[ReadEvent]]:
    """For each projection the events that it declares, in order: every event is looked at once for all of them."""
    found: list[list[ReadEvent]] = [[] for _ in projections]
    takers: dict[type[Event] | str, list[Callable[[ReadEvent], None]]] = {}
    for one in events:
        # What could not be decoded has no class; it goes to those who want its type.
        kind = one.type if isinstance(one, Unreadable) else type(one.event)
        if kind not in takers:
            wanted = (kind in projection.events or kind in projection.types for projection in projections)
            takers[kind] = [mine.append for wants, mine in zip(wanted, found, strict=True) if wants]
        for take in takers[kind]:
            take(one)
    return found


def keyed(projection: Projection[Any], events: Iterable[ReadEvent]) -> list[Keyed]:
    """The events that this projection declares, each with its key."""
    return with_keys(projection, sorted_out([projection], events)[0])


def with_keys(projection: Projection[Any], declared: Iterable[ReadEvent]) -> list[Keyed]:
    """Events that this projection declares, each with its key."""
    key_of = projection.key_of
    if key_of is stream_key:
        return [(None, one) if isinstance(one, Unreadable) else ((one.envelope.stream,), one) for one in declared]
    found: list[Keyed] = []
    for one in declared:
        if isinstance(one, Unreadable):
            found.append((None, one))
            continue
        try:
            found.append((key_of(one), one))
        except Exception as error:  # noqa: BLE001  whatever a projection raises parks the event and nothing else
            unreadable = Unreadable(one.position, one.envelope.stream, reason(error), one.envelope.type)
            found.append((None, unreadable))
    return found


def fold_batch(
    projection: Projection[R], rows: Mapping[Key, R], events: Sequence[Keyed], parked: Iterable[str] = ()
) -> Folded[R]:
    """Fold events in order onto `rows` (those of every key in the batch that have one). Never raises for an event."""
    blocked = set(parked)
    runs = _runs(projection, events, blocked)
    if runs is not None:
        # Whatever a fold raises parks its key: one by one it is found out which event it was.
        with suppress(Exception):
            return Folded(_fold_runs(projection, rows, runs), [])
    return _one_by_one(projection, rows, events, blocked)


def _runs(projection: Projection[R], events: Iterable[Keyed], blocked: set[str]) -> dict[Key, list[Recorded]] | None:
    """The events of each key, in order; `None` when one of them cannot be read or has to wait."""
    runs: dict[Key, list[Recorded]] = {}
    for key, one in events:
        if key is None or isinstance(one, Unreadable) or (blocked and _blocking(key, one, blocked)):
            return None
        run = runs.get(key)
        if run is None:
            runs[key] = [one]
        else:
            run.append(one)
    return runs


def _fold_runs(
    projection: Projection[R], rows: Mapping[Key, R], runs: Mapping[Key, Sequence[Recorded]]
) -> dict[Key, R | None]:
    fold, fold_run, storable = projection.fold, projection.fold_run, projection.storable
    changed: dict[Key, R | None] = {}
    for key, run in runs.items():
        row = rows.get(key)
        if fold_run is not None:
            changed[key] = storable(fold_run(row, run))
            continue
        for one in run:
            row = fold(row, one.event, one)
        changed[key] = storable(row)
    return changed


def _one_by_one(
    projection: Projection[R], rows: Mapping[Key, R], events: Iterable[Keyed], blocked: set[str]
) -> Folded[R]:
    changed: dict[Key, R | None] = {}
    dead_letters: list[DeadLetter] = []
    fold, storable = projection.fold, projection.storable
    for key, one in events:
        if blocked and (waits_for := _blocking(key, one, blocked)):
            dead_letters.append(_dead_letter(one, waits_for, ""))
            continue
        if key is None or isinstance(one, Unreadable):
            assert isinstance(one, Unreadable), "an event without a key could not be read"
            dead_letters.append(_dead_letter(one, one.stream, one.error))
            blocked.add(one.stream)
            continue
        try:
            changed[key] = storable(fold(changed[key] if key in changed else rows.get(key), one.event, one))
        except Exception as raised:  # noqa: BLE001  whatever a fold raises parks its key and nothing else
            dead_letters.append(_dead_letter(one, key_text(key), reason(raised)))
            blocked.add(key_text(key))
    return Folded(changed, dead_letters)


def _blocking(key: Key | None, one: ReadEvent, blocked: set[str]) -> str:
    """The parked key or stream that this event has to wait behind; empty when there is none."""
    if key is not None and (name := key_text(key)) in blocked:
        return name
    stream = _stream(one)
    return stream if stream in blocked else ""


def _stream(one: ReadEvent) -> str:
    return one.stream if isinstance(one, Unreadable) else one.envelope.stream


def _dead_letter(one: ReadEvent, key: str, error: str) -> DeadLetter:
    return DeadLetter(one.position, key, _stream(one), error)
