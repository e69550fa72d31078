"""Folding one batch: pure, from known rows and events to changed rows and parked events.

    event ──key_of──▶ key ──not parked──▶ fold ──▶ row
                        │                   └─raises─▶ the key is parked with this event
                        └─parked──▶ the event waits behind the first one

An event that cannot even be decoded has no key; it parks its whole stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic
from uuid import UUID

from msgspec import Struct

from projections.model import Key, Projection, R, key_text
from projections.reading import Readable, reason


class Letter(Struct, frozen=True):
    """One parked event. `key` is what is parked (a row's key, or a stream), `error` is empty for events behind the first."""

    position: int
    key: str
    stream: UUID
    error: str


class Keyed(Struct, frozen=True):
    """An event of the batch with the key it belongs to, or `None` and the reason it has none."""

    key: Key | None
    readable: Readable
    error: str = ""


class Folded(Struct, Generic[R]):
    """What a batch did: changed rows by key (`None` means the row is gone) and newly parked events."""

    changed: dict[Key, R | None]
    letters: list[Letter]


def keyed(projection: Projection[Any], readables: Iterable[Readable]) -> list[Keyed]:
    """The events that this projection declares, each with its key."""
    return [_keyed(projection, one) for one in readables if one.event is None or type(one.event) in projection.events]


def _keyed(projection: Projection[Any], readable: Readable) -> Keyed:
    if readable.event is None or readable.recorded is None:
        return Keyed(None, readable, readable.error)
    try:
        return Keyed(projection.key_of(readable.event, readable.recorded), readable)
    except Exception as error:  # noqa: BLE001  whatever a projection raises parks the event and nothing else
        return Keyed(None, readable, reason(error))


def fold_batch(
    projection: Projection[R], rows: Mapping[Key, R], events: Iterable[Keyed], parked: Iterable[str] = ()
) -> Folded[R]:
    """Fold events in order onto `rows` (those of every key in the batch that have one). Never raises for an event."""
    changed: dict[Key, R | None] = {}
    letters: list[Letter] = []
    blocked = set(parked)
    fold = projection.fold
    for one in events:
        key, readable = one.key, one.readable
        if blocked and (waits_for := _blocking(one, blocked)):
            letters.append(Letter(readable.position, waits_for, readable.stream, ""))
            continue
        if key is None:
            error, name = one.error, str(readable.stream)
        else:
            assert readable.event is not None, "an event with a key was decoded"
            assert readable.recorded is not None, "an event with a key was decoded"
            try:
                before = changed[key] if key in changed else rows.get(key)
                changed[key] = fold(before, readable.event, readable.recorded)
                continue
            except Exception as raised:  # noqa: BLE001  whatever a fold raises parks its key and nothing else
                error, name = reason(raised), key_text(key)
        letters.append(Letter(readable.position, name, readable.stream, error))
        blocked.add(name)
    return Folded(changed, letters)


def _blocking(one: Keyed, blocked: set[str]) -> str:
    """The parked key or stream that this event has to wait behind; empty when there is none."""
    if one.key is not None and (name := key_text(one.key)) in blocked:
        return name
    stream = str(one.readable.stream)
    return stream if stream in blocked else ""
