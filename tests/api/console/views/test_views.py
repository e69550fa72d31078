"""Which event left the state that is shown, also where the events of one thing fill several pages."""

from __future__ import annotations

import pytest

from api.console.views.cells import Cell
from api.console.views.events import EventLine
from api.console.views.pages import chosen_of

LINES = [
    EventLine(position=at, seq=at, what="", type="", happened="", day="", actor=Cell()) for at in (10, 20, 30)
]  # fmt: skip


@pytest.mark.parametrize(
    ("position", "more", "chosen"),
    [
        (None, False, 30),
        (None, True, None),
        (25, True, 20),
        (30, True, 30),
        (31, True, None),
        (31, False, 30),
        (9, False, None),
    ],
)
def test_the_event_that_left_the_state(position: int | None, more: bool, chosen: int | None) -> None:
    found = chosen_of(LINES, position, more=more)
    assert (None if found is None else found.position) == chosen
