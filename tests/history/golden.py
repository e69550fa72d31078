"""Golden histories: how a line of a `*_v1.jsonl` file is read, and what must hold of it for ever.

The lines of a released file are never changed, only added to. A line is the canonical body of one stored event beside
its type. A type that is still current decodes and encodes to the same bytes; one that was replaced decodes through its
upcasters.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from domain.kernel.event import EVENT_TYPES, Event, decode_body, type_of, validate, without_personal
from tests.given import body_of

HERE = Path(__file__).parent


class Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line."""

    body: msgspec.Raw
    type: str


def lines_of(name: str) -> list[bytes]:
    """The lines of a file beside this one."""
    return (HERE / name).read_bytes().splitlines()


def stored(line: bytes) -> Stored:
    """A line, parsed; the body stays as it is."""
    return msgspec.json.decode(line, type=Stored)


def event_of(line: bytes) -> Event:
    """The event of a line, upcast if its type is an older one."""
    kept = stored(line)
    return decode_body(kept.type, kept.body)


def check_line(line: bytes) -> None:
    """A released event is read, is valid, holds nothing personal, and is written as it was."""
    kept, event = stored(line), event_of(line)
    validate(event)
    assert without_personal(event) == event
    if kept.type in EVENT_TYPES:
        assert type_of(event) == kept.type
        assert body_of(event) == bytes(kept.body)


def check_every_type(aggregate: str, lines: list[bytes]) -> None:
    """Every current event type of an aggregate has a line."""
    current = {name for name in EVENT_TYPES if name.startswith(f"{aggregate}.")}
    assert current - {stored(line).type for line in lines} == set()
