"""Every released lease event is read for ever, and what it meant does not change.

`lease_v1.jsonl` holds several lives of a lease, each from its creation. After each the state is that of the line
of `lease_v1_states.jsonl`, and the books are those of `lease_v1_books.jsonl`; a new field of the state may be added
there.
"""

from __future__ import annotations

from itertools import groupby

import msgspec
import pytest

from domain.accounting.posting import post, trial_balance
from domain.kernel.decider import fold
from domain.leasing.lease.events.lifecycle import LeaseCreated
from domain.leasing.lease.rules.decider import LEASE
from tests.domain.leasing import cases
from tests.history.golden import check_every_type, check_line, event_of, lines_of, stored
from tests.history.lease_lives import LIVES, line_of

LINES = lines_of("lease_v1.jsonl")
EVENTS = [event_of(line) for line in LINES]


def lives() -> list[list[int]]:
    """The numbers of the lines of each life."""
    starts = [isinstance(event, LeaseCreated) for event in EVENTS]
    of_line = [sum(starts[: n + 1]) for n in range(len(EVENTS))]
    return [[n for n, _ in group] for _, group in groupby(enumerate(of_line), key=lambda pair: pair[1])]


@pytest.mark.parametrize("line", LINES, ids=[f"{n}-{stored(line).type}" for n, line in enumerate(LINES, start=1)])
def test_released_event_is_read_for_ever(line: bytes) -> None:
    check_line(line)


def test_every_current_event_type_is_here() -> None:
    check_every_type(LEASE.name, LINES)


def test_released_lives_fold_to_the_same_states_for_ever() -> None:
    told = [msgspec.json.encode(fold(LEASE, [EVENTS[n] for n in life]), order="sorted") for life in lives()]
    assert told == lines_of("lease_v1_states.jsonl")


def test_released_lives_come_to_the_same_books_for_ever() -> None:
    books = [trial_balance(line for n in life for line in post(EVENTS[n])) for life in lives()]
    assert [msgspec.json.encode(totals, order="sorted") for totals in books] == lines_of("lease_v1_books.jsonl")
    assert all(sum(totals.values()) == 0 for totals in books)


def test_an_unknown_field_is_not_swallowed() -> None:
    more = LINES[0].replace(b'"body":{', b'"body":{"zz":1,', 1)
    with pytest.raises(msgspec.ValidationError, match="zz"):
        event_of(more)


def test_the_file_is_what_the_lives_lead_to() -> None:
    """So that tests which begin with these lives begin with every event type."""
    assert [line_of(event) for life in LIVES for event in cases.history(*life)] == LINES
