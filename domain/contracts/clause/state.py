"""What is known about a clause, and how each event changes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from domain.contracts.clause import events as e
from domain.contracts.clause.values import ClauseRef
from domain.kernel.event import Event
from domain.pricing.parts import Form


class ClauseVersion(Struct, frozen=True, kw_only=True):
    """One version, with the days from which it may and may no longer be assembled; its text stays in its event."""

    number: int
    title: str
    digest: str
    forms: tuple[Form, ...]
    mandatory: bool
    effective_from: date | None = None
    withdrawn_from: date | None = None

    def is_effective(self, on: date) -> bool:
        """Whether a contract of this business date may hold this version."""
        if self.effective_from is None or on < self.effective_from:
            return False
        return self.withdrawn_from is None or on < self.withdrawn_from


class ClauseState(Struct, frozen=True, kw_only=True):
    """One clause: its code and its versions, number n at place n - 1."""

    version: int = 0
    clause: str = ""
    versions: tuple[ClauseVersion, ...] = ()

    def numbered(self, number: int) -> ClauseVersion | None:
        """The version with this number."""
        return self.versions[number - 1] if 1 <= number <= len(self.versions) else None

    def effective(self, on: date) -> ClauseVersion | None:
        """The version to assemble on this business date: the one that took effect last, the higher number on a tie."""
        usable = [version for version in self.versions if version.is_effective(on)]
        return max(usable, key=lambda version: (version.effective_from or on, version.number), default=None)

    def reference(self, number: int) -> ClauseRef:
        """What a contract says to name this version. Raises `IndexError` for a version there is not."""
        version = self.versions[number - 1]
        return ClauseRef(clause=self.clause, version=version.number, digest=version.digest)


State = ClauseState


def _drafted(state: State, event: e.ClauseDrafted) -> State:
    drafted = ClauseVersion(
        number=event.version,
        title=event.title,
        digest=event.digest,
        forms=event.forms,
        mandatory=event.mandatory,
    )
    return replace(state, version=state.version + 1, clause=event.clause, versions=(*state.versions, drafted))


def _published(state: State, event: e.ClausePublished) -> State:
    return _changed(state, event.version, effective_from=event.effective_from)


def _withdrawn(state: State, event: e.ClauseWithdrawn) -> State:
    return _changed(state, event.version, withdrawn_from=event.withdrawn_from)


def _changed(state: State, number: int, **changes: Any) -> State:
    """The state with one version changed; a version it does not have changes nothing but the count of events."""
    versions = tuple(replace(known, **changes) if known.number == number else known for known in state.versions)
    return replace(state, version=state.version + 1, versions=versions)


_EVOLVE: dict[type[Event], Callable[[State, Any], State]] = {
    e.ClauseDrafted: _drafted,
    e.ClausePublished: _published,
    e.ClauseWithdrawn: _withdrawn,
}


def evolve(state: ClauseState, event: Event) -> ClauseState:
    """The state after one event. Raises `TypeError` for an event of another aggregate."""
    apply = _EVOLVE.get(type(event))
    if apply is None:
        raise TypeError(f"expected an event of a clause, got {type(event).__name__}")
    return apply(state, event)
