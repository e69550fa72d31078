"""Every released application event is read for ever.

The lines of `application_v1.jsonl` are never changed, only added to. A line is the canonical body of one stored event
beside its type. A type that is still current decodes and encodes to the same bytes; one that was replaced decodes
through its upcasters.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from domain.application import APPLICATION
from domain.kernel import EVENT_TYPES, decode_body, fold, type_of, validate, without_personal
from tests.domain.scenario import body_of

HERE = Path(__file__).parent
LINES = (HERE / "application_v1.jsonl").read_bytes().splitlines()
STATES = HERE / "application_v1_states.jsonl"


class Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line."""

    body: msgspec.Raw
    type: str


def stored(line: bytes) -> Stored:
    """A line, parsed; the body stays as it is."""
    return msgspec.json.decode(line, type=Stored)


@pytest.mark.parametrize("line", LINES, ids=[f"{n}-{stored(line).type}" for n, line in enumerate(LINES, start=1)])
def test_released_event_is_read_for_ever(line: bytes) -> None:
    kept = stored(line)
    event = decode_body(kept.type, kept.body)
    validate(event)
    assert without_personal(event) == event
    if kept.type in EVENT_TYPES:
        assert type_of(event) == kept.type
        assert body_of(event) == bytes(kept.body)


def test_every_current_event_type_is_here() -> None:
    current = {name for name in EVENT_TYPES if name.startswith(f"{APPLICATION.name}.")}
    assert current - {stored(line).type for line in LINES} == set()


def test_released_history_folds_to_the_same_states_for_ever() -> None:
    """What the past meant does not change when the code does; a new field of the state may be added to each line."""
    state, told = APPLICATION.initial, []
    for line in LINES:
        kept = stored(line)
        state = fold(APPLICATION, [decode_body(kept.type, kept.body)], state)
        told.append(msgspec.json.encode(state, order="sorted"))
    assert told == STATES.read_bytes().splitlines()


def test_a_changed_body_is_noticed() -> None:
    """The bytes are compared, not the meaning: another order of fields is another body."""
    kept = stored(LINES[0])
    shuffled = msgspec.json.encode(dict(reversed(msgspec.json.decode(kept.body).items())))
    assert shuffled != bytes(kept.body)
    assert body_of(decode_body(kept.type, shuffled)) == bytes(kept.body)


def test_unknown_field_is_not_swallowed() -> None:
    kept = stored(LINES[0])
    more = bytes(kept.body)[:-1] + b',"zz":1}'
    with pytest.raises(msgspec.ValidationError, match="zz"):
        decode_body(kept.type, more)
