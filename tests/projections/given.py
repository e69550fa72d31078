"""Given what happened, a fold gives this row: projections tested without a database.

given(APPLICATION_BOOK, (stream(1), at(0), DRAFTED)).row(stream(1))
"""

from __future__ import annotations

from typing import Any

from projections.engine.folding import Folded, fold_batch, keyed
from projections.engine.model import Projection
from tests.projections.accounting.book_keeping import Happening, recorded


class Given:
    """The rows that a projection makes of a history, all at once and one by one."""

    def __init__(self, projection: Projection[Any], happenings: tuple[Happening, ...]) -> None:
        events = keyed(projection, recorded(happenings))
        self.folded: Folded[Any] = fold_batch(projection, {}, events)
        rows: dict[Any, Any] = {}
        for one in events:
            rows.update(fold_batch(projection, rows, [one]).changed)
        if not self.folded.letters:
            assert rows == self.folded.changed, "one batch and many small ones must agree"

    def row(self, *key: object) -> Any:
        """The row of a key; every event up to here must have been folded."""
        assert self.folded.letters == []
        return self.changed(*key)

    def changed(self, *key: object) -> Any:
        """The row of a key, whatever happened to others."""
        return self.folded.changed[tuple(map(str, key))]

    def parked(self) -> list[tuple[int, str]]:
        """(position, error) of what could not be folded."""
        return [(letter.position, letter.error) for letter in self.folded.letters]


def given(projection: Projection[Any], *happenings: Happening) -> Given:
    """What happened, in ledger order."""
    return Given(projection, happenings)
