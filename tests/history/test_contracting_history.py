"""Every released event of a consent, a clause and a contract is read for ever, and what it meant does not change.

After each line of `<aggregate>_v1.jsonl` the state is that of the same line of `<aggregate>_v1_states.jsonl`; a new
field of the state may be added there.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from domain.contracts.clause import CLAUSE
from domain.contracts.contract.rules import CONTRACT
from domain.kernel.decider import Decider, fold
from domain.parties.consent import CONSENT
from tests.history.golden import check_every_type, check_line, event_of, lines_of, stored

AGGREGATES: tuple[Decider[Any], ...] = (CONSENT, CLAUSE, CONTRACT)
LINES = [line for decider in AGGREGATES for line in lines_of(f"{decider.name}_v1.jsonl")]


@pytest.mark.parametrize("line", LINES, ids=[f"{n}-{stored(line).type}" for n, line in enumerate(LINES, start=1)])
def test_released_event_is_read_for_ever(line: bytes) -> None:
    check_line(line)


@pytest.mark.parametrize("decider", AGGREGATES, ids=lambda decider: decider.name)
def test_every_current_event_type_is_here(decider: Decider[Any]) -> None:
    check_every_type(decider.name, lines_of(f"{decider.name}_v1.jsonl"))


@pytest.mark.parametrize("decider", AGGREGATES, ids=lambda decider: decider.name)
def test_released_history_folds_to_the_same_states_for_ever(decider: Decider[Any]) -> None:
    state, told = decider.initial, []
    for line in lines_of(f"{decider.name}_v1.jsonl"):
        state = fold(decider, [event_of(line)], state)
        told.append(msgspec.json.encode(state, order="sorted"))
    assert told == lines_of(f"{decider.name}_v1_states.jsonl")


@pytest.mark.parametrize("decider", AGGREGATES, ids=lambda decider: decider.name)
def test_an_unknown_field_is_not_swallowed(decider: Decider[Any]) -> None:
    more = lines_of(f"{decider.name}_v1.jsonl")[0].replace(b'"body":{', b'"body":{"zz":1,', 1)
    with pytest.raises(msgspec.ValidationError, match="zz"):
        event_of(more)
