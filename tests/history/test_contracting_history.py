"""Every released event of a consent, a clause and a contract is read for ever; see `test_application_history`.

The lines of `<aggregate>_v1.jsonl` are never changed, only added to; beside them stand the states they fold to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.contracting.clauses import CLAUSE
from domain.contracting.contract import CONTRACT
from domain.kernel import EVENT_TYPES, Decider, decode_body, fold, type_of, validate, without_personal
from domain.parties.consent import CONSENT
from tests.domain.scenario import body_of
from tests.history.test_application_history import stored

HERE = Path(__file__).parent
AGGREGATES: tuple[Decider[Any], ...] = (CONSENT, CLAUSE, CONTRACT)
LINES = [
    (decider, at, line)
    for decider in AGGREGATES
    for at, line in enumerate((HERE / f"{decider.name}_v1.jsonl").read_bytes().splitlines(), start=1)
]


@pytest.mark.parametrize("line", [line for _, _, line in LINES], ids=[f"{d.name}-{at}" for d, at, _ in LINES])
def test_released_event_is_read_for_ever(line: bytes) -> None:
    kept = stored(line)
    event = decode_body(kept.type, kept.body)
    validate(event)
    assert without_personal(event) == event
    if kept.type in EVENT_TYPES:
        assert type_of(event) == kept.type
        assert body_of(event) == bytes(kept.body)


@pytest.mark.parametrize("decider", AGGREGATES, ids=lambda decider: decider.name)
def test_every_current_event_type_is_here(decider: Decider[Any]) -> None:
    current = {name for name in EVENT_TYPES if name.startswith(f"{decider.name}.")}
    assert current == {stored(line).type for owner, _, line in LINES if owner is decider} & current
    assert current


@pytest.mark.parametrize("decider", AGGREGATES, ids=lambda decider: decider.name)
def test_released_history_folds_to_the_same_states_for_ever(decider: Decider[Any]) -> None:
    """What the past meant does not change when the code does; a new field of the state may be added to each line."""
    state, told = decider.initial, []
    for owner, _, line in LINES:
        if owner is decider:
            kept = stored(line)
            state = fold(decider, [decode_body(kept.type, kept.body)], state)
            told.append(msgspec.json.encode(state, order="sorted"))
    assert told == (HERE / f"{decider.name}_v1_states.jsonl").read_bytes().splitlines()
