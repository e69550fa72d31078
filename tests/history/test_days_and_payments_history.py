"""Every released event of days, payments, provisions and access is read for ever, and stays.

After each line of `<aggregate>_v1.jsonl` the state is that of the same line of `<aggregate>_v1_states.jsonl`; a new
field of the state may be added there.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from domain.access.api_key import API_KEY
from domain.access.approval import APPROVAL
from domain.access.ledger import LEDGER
from domain.access.proposal import PROPOSAL
from domain.access.tenant import TENANT
from domain.access.user import USER
from domain.accounting.provision import PROVISION
from domain.calendar.calendar import CALENDAR
from domain.kernel.decider import Decider, fold
from domain.parties.subject import SUBJECT
from domain.payments.mandate import MANDATE
from domain.payments.payment.rules import PAYMENT
from domain.payments.reconciliation import RECONCILIATION
from tests.history.golden import check_every_type, check_line, event_of, lines_of, stored

AGGREGATES: tuple[Decider[Any], ...] = (
    *(LEDGER, CALENDAR, MANDATE, PAYMENT, RECONCILIATION, PROVISION, SUBJECT),
    *(USER, API_KEY, TENANT, APPROVAL, PROPOSAL),
)
LINES = [(one.name, line) for one in AGGREGATES for line in lines_of(f"{one.name}_v1.jsonl")]
aggregates = pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda one: one.name)


@pytest.mark.parametrize(
    "line", [line for _, line in LINES], ids=[f"{n}-{stored(line).type}" for n, (_, line) in enumerate(LINES, start=1)]
)
def test_released_event_is_read_for_ever(line: bytes) -> None:
    check_line(line)


@aggregates
def test_every_current_event_type_is_here(aggregate: Decider[Any]) -> None:
    check_every_type(aggregate.name, lines_of(f"{aggregate.name}_v1.jsonl"))


@aggregates
def test_released_history_folds_to_the_same_states_for_ever(aggregate: Decider[Any]) -> None:
    state, told = aggregate.initial, []
    for line in lines_of(f"{aggregate.name}_v1.jsonl"):
        state = fold(aggregate, [event_of(line)], state)
        told.append(msgspec.json.encode(state, order="sorted"))
    assert told == lines_of(f"{aggregate.name}_v1_states.jsonl")
