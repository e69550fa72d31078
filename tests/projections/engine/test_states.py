"""Rows that follow from an aggregate's state, with an aggregate of the house and row types of the test's own."""

from __future__ import annotations

from typing import Any

import pytest

from domain.kernel.event import Event
from domain.parties.consent import CONSENT, ConsentRequested
from projections.engine.folding import fold_batch, keyed
from projections.engine.model import ProjectionError, StateRow
from projections.engine.states import Note, state_projection
from tests.projections.accounting.book_keeping import at, recorded, stream
from tests.projections.parties.test_consents import GRANTED, SOMEBODY, WITHDRAWN, requested


class Short(StateRow, frozen=True, kw_only=True):
    """A phase, something else of the state, something noted."""

    state: str
    whose: str
    heard: str | None = None


COLUMNS = {"whose": lambda state: str(state.subject)}
NOTED: dict[type[Event], Note] = {
    type(one): lambda noted, event, recorded: {"heard": f"{noted.get('heard', '')}{type(event).__name__};"}
    for one in (requested(), WITHDRAWN)
}


def short(**changes: Any) -> Any:
    given: dict[str, Any] = {"name": "short", "version": 1, "columns": COLUMNS, "noted": NOTED} | changes
    return state_projection(CONSENT, Short, **given)


def test_columns_of_the_state_and_what_was_noted_go_on_from_the_row() -> None:
    history = [(stream(1), at(n), event) for n, event in enumerate((requested(), GRANTED, WITHDRAWN))]
    model = short()
    events = keyed(model, recorded(history))
    at_once: Any = fold_batch(model, {}, events).changed[(str(stream(1)),)]
    rows: dict[Any, Any] = {}
    for one in events:
        rows |= fold_batch(model, rows, [one]).changed
    assert rows == {(str(stream(1)),): at_once}
    assert (at_once.state, at_once.whose) == ("withdrawn", str(SOMEBODY))
    assert at_once.heard == "ConsentRequested;ConsentWithdrawn;"
    assert (at_once.version, at_once.first_position, at_once.position) == (3, 1, 3)


def test_an_event_that_is_missing_parks_the_stream() -> None:
    history = [(stream(1), at(n), event) for n, event in enumerate((requested(), GRANTED, WITHDRAWN))]
    first, _, last = keyed(short(), recorded(history))
    (letter,) = fold_batch(short(), {}, [first, last]).dead_letters
    assert letter.error.endswith("expected event 2, got event 3")


@pytest.mark.parametrize("changes", [{"columns": {**COLUMNS, "else": str}}, {"noted": {}, "columns": COLUMNS}])
def test_every_column_is_of_the_state_or_noted(changes: dict[str, Any]) -> None:
    with pytest.raises(ProjectionError, match="expected columns of the state or noted"):
        short(**changes)


def test_all_events_of_the_aggregate_and_only_those() -> None:
    assert short().events == frozenset(CONSENT.events)
    assert ConsentRequested in short().events
