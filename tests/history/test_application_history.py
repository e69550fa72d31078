"""Every released application event is read for ever.

The lines of `application_v1.jsonl` are never changed, only added to; `golden` says what must hold of each.
"""

from __future__ import annotations

import msgspec
import pytest

from domain.intake.application.rules import APPLICATION
from domain.kernel.decider import fold
from domain.kernel.event import decode_body
from tests.given import body_of
from tests.history.golden import check_every_type, check_line, event_of, lines_of, stored

LINES = lines_of("application_v1.jsonl")


@pytest.mark.parametrize("line", LINES, ids=[f"{n}-{stored(line).type}" for n, line in enumerate(LINES, start=1)])
def test_released_event_is_read_for_ever(line: bytes) -> None:
    check_line(line)


def test_every_current_event_type_is_here() -> None:
    check_every_type(APPLICATION.name, LINES)


def test_released_history_folds_to_the_same_states_for_ever() -> None:
    """What the past meant does not change when the code does; a new field of the state may be added to each line."""
    state, told = APPLICATION.initial, []
    for line in LINES:
        state = fold(APPLICATION, [event_of(line)], state)
        told.append(msgspec.json.encode(state, order="sorted"))
    assert told == lines_of("application_v1_states.jsonl")


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
