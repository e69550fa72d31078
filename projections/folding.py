"""Folding one batch: pure, from known rows and events to changed rows and parked events.

    event ──key_of──▶ key ──not parked──▶ fold ──▶ row
                        │                   └─raises─▶ the key is parked with this event
                        └─parked──▶ the event waits behind the first one

An event that cannot even be decoded has no key; it parks its whole stream.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic

from msgspec import Struct

from projections.model import Key, Projection, R, Recorded, key_text
from projections.reading import Read, Unreadable, reason


class Letter(Struct, frozen=True):
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
    """What a batch did: changed rows by key (`None` means the row is gone) and newly parked events."""

    changed: dict[Key, R | None]
    letters: list[Letter]


def keyed(projection: Projection[Any], events: Iterable[Read]) -> list[Keyed]:
    """The events that this projection declares, each with its key."""
    declared, key_of = projection.events, projection.key_of
    found: list[Keyed] = []
    for one in events:
        if isinstance(one, Unreadable):
            found.append((None, one))
        elif type(one.event) in declared:
            try:
                found.append((key_of(one), one))
            except Exception as error:  # noqa: BLE001  whatever a projection raises parks the event and nothing else
                found.append((None, Unreadable(one.position, one.envelope.stream, reason(error))))
    return found


def keys_of(events: Iterable[Keyed]) -> set[Key]:
    """The distinct keys of a batch."""
    return {key for key, _ in events if key is not None}


def fold_batch(
    projection: Projection[R], rows: Mapping[Key, R], events: Iterable[Keyed], parked: Iterable[str] = ()
) -> Folded[R]:
    """Fold events in order onto `rows` (those of every key in the batch that have one). Never raises for an event."""
    changed: dict[Key, R | None] = {}
    letters: list[Letter] = []
    blocked = set(parked)
    fold = projection.fold
    for key, one in events:
        if blocked and (waits_for := _blocking(key, one, blocked)):
            letters.append(_letter(one, waits_for, ""))
            continue
        if key is None or isinstance(one, Unreadable):
            assert isinstance(one, Unreadable), "an event without a key could not be read"
            letters.append(_letter(one, one.stream, one.error))
            blocked.add(one.stream)
            continue
        try:
            changed[key] = fold(changed[key] if key in changed else rows.get(key), one.event, one)
        except Exception as raised:  # noqa: BLE001  whatever a fold raises parks its key and nothing else
            letters.append(_letter(one, key_text(key), reason(raised)))
            blocked.add(key_text(key))
    return Folded(changed, letters)


def _blocking(key: Key | None, one: Read, blocked: set[str]) -> str:
    """The parked key or stream that this event has to wait behind; empty when there is none."""
    if key is not None and (name := key_text(key)) in blocked:
        return name
    stream = _stream(one)
    return stream if stream in blocked else ""


def _stream(one: Read) -> str:
    return one.stream if isinstance(one, Unreadable) else one.envelope.stream


def _letter(one: Read, key: str, error: str) -> Letter:
    return Letter(one.position, key, _stream(one), error)
