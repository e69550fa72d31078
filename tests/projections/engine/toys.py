"""Small projections whose folds can be broken and mended, for testing the machinery and not a read model."""

from __future__ import annotations

from uuid import UUID

from domain.intake.application.events import WorkCompleted, WorkScheduled, WorkStarted
from domain.kernel.event import Event
from projections.engine.model import Key, Projection, Recorded, Row

WORK: frozenset[type[Event]] = frozenset({WorkScheduled, WorkStarted, WorkCompleted})


class Poisoned(Exception):
    """What a broken fold raises."""


class Tally(Row, frozen=True, kw_only=True):
    """How often work happened to an application, and in which lanes, in order."""

    id: UUID
    times: int
    lanes: str


def tally(
    broken: set[str] | None = None, *, version: int = 1, step: int = 1, gone: str = "", name: str = "tally"
) -> Projection[Tally]:
    """A tally that raises for the lanes in `broken` (which a test may change) and forgets a row at the lane `gone`."""
    poison = set() if broken is None else broken

    def fold(row: Tally | None, event: Event, recorded: Recorded) -> Tally | None:
        assert isinstance(event, (WorkScheduled, WorkStarted, WorkCompleted))
        if event.lane in poison:
            raise Poisoned(event.lane)
        if event.lane == gone:
            return None
        times, lanes = (row.times, row.lanes) if row else (0, "")
        return Tally(id=recorded.stream, times=times + step, lanes=f"{lanes}{event.lane};", position=recorded.position)

    return Projection(name=name, version=version, row=Tally, key=("id",), events=WORK, fold=fold)


class LaneCount(Row, frozen=True, kw_only=True):
    """How often work happened in a lane, whatever the application: a key that spans streams."""

    lane: str
    times: int


def lane_count(broken: set[int] | None = None) -> Projection[LaneCount]:
    """A count per lane that raises at the positions in `broken` and for the key of the lane `keyless`."""
    poison = set() if broken is None else broken

    def key_of(recorded: Recorded) -> Key:
        event = recorded.event
        assert isinstance(event, (WorkScheduled, WorkStarted, WorkCompleted))
        if event.lane == "keyless":
            raise Poisoned("no key")
        return (event.lane,)

    def fold(row: LaneCount | None, event: Event, recorded: Recorded) -> LaneCount:
        if recorded.position in poison:
            raise Poisoned(str(recorded.position))
        times = row.times if row else 0
        return LaneCount(lane=key_of(recorded)[0], times=times + 1, position=recorded.position)

    return Projection(
        name="lane_count",
        version=1,
        row=LaneCount,
        key=("lane",),
        events=WORK,
        fold=fold,
        key_of=key_of,
        stream=None,
    )
