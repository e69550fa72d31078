"""The funnel and the work in progress as people see them: the read models' answers without the tenant's own id."""

from __future__ import annotations

from msgspec import Struct

from api.http.resources import Instant
from domain.kernel.times import utc_text
from projections.intake import decision_funnel, work_in_progress
from projections.intake.decision_funnel import Count, Times


class Funnel(Struct, frozen=True):
    """How many applications reached each stage and how they ended; `decided_alone` needed no person before."""

    stages: tuple[Count, ...]
    outcomes: tuple[Count, ...]
    open: int
    decided_alone: int
    decision: Times
    automatic: Times


class Lane(Struct, frozen=True):
    """One lane: events so far, and the applications that wait or are being worked on."""

    lane: str
    scheduled: int
    started: int
    completed: int
    waiting: int
    active: int
    oldest_open_since: Instant | None


class WorkInProgress(Struct, frozen=True):
    """All lanes by name."""

    lanes: tuple[Lane, ...]


def funnel_body(found: decision_funnel.Funnel) -> Funnel:
    """The answer to `/v1/funnel`."""
    return Funnel(found.stages, found.outcomes, found.open, found.decided_alone, found.decision, found.automatic)


def work_body(found: work_in_progress.WorkInProgress) -> WorkInProgress:
    """The answer to `/v1/work-in-progress`."""
    return WorkInProgress(tuple(map(_lane, found.lanes)))


def _lane(of: work_in_progress.Lane) -> Lane:
    since = None if of.oldest_open_since is None else utc_text(of.oldest_open_since)
    return Lane(of.lane, of.scheduled, of.started, of.completed, of.waiting, of.active, since)
