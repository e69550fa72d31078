"""Open connections and what each of them waits for, so that nobody's slowness is everybody's.

    accepted ─▶ head ─▶ body ─▶ at work ─▶ answer (stalled) ─▶ idle ─▶ head …
                          └─▶ answered before the body came ─▶ parting ─▶ closed

One that waits too long is closed by `sweep`. When no further connection can be held, one that waits for its client
gives way: one that is parting, one that is idle, then whichever waits for longest, whatever for. Who opens a thousand
connections and keeps them waiting only pushes out his own; one that the server is at work for is left alone.
"""

from __future__ import annotations

import resource
from collections import OrderedDict
from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

RESERVED_DESCRIPTORS = 256
"""Descriptors for everything but accepted connections: the database, files, and a full backlog that is told 503."""

BACKLOG = 128
"""Connections that the system may accept for us ahead; fewer than the reserve, so that each can be answered."""

LINGERING_MAX = 64
"""Refused connections that may be held for a moment, so that their clients read why; further ones just end."""

LEAST_CONNECTIONS = 16


class ConnectionLimits(Struct, frozen=True, kw_only=True):
    """How long a connection may take for what it sends and takes, and how many there may be."""

    head_s: float = 10.0
    body_s: float = 60.0
    stalled_s: float = 60.0
    idle_s: float = 75.0
    parting_s: float = 1.0
    most: int = 10_000


class Waiter(Protocol):
    """A connection as the registry knows it."""

    def head_late(self) -> None:
        """The head did not come in time."""
        ...

    def body_late(self) -> None:
        """The body did not come in time."""
        ...

    def parted(self) -> None:
        """What still came was thrown away for long enough."""
        ...

    def give_up(self) -> None:
        """Close without another word."""
        ...


class Connections:
    """All connections of one server. Times are the event loop's clock in seconds."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.open: set[Waiter] = set()
        self.idle: OrderedDict[Waiter, float] = OrderedDict()
        self.heads: OrderedDict[Waiter, float] = OrderedDict()
        self.bodies: OrderedDict[Waiter, float] = OrderedDict()
        self.stalled: OrderedDict[Waiter, float] = OrderedDict()
        self.parting: OrderedDict[Waiter, float] = OrderedDict()
        self.lingering: set[Waiter] = set()

    def admit(self, one: Waiter, now_s: float) -> bool:
        """Take a connection in; where there is no room, another that waits gives way. False when none does."""
        if len(self.open) >= self.limits.most and not self._make_room():
            return False
        self.open.add(one)
        self.heads[one] = now_s
        return True

    def _make_room(self) -> bool:
        oldest = _first(self.parting) or _first(self.idle) or self._longest()
        if oldest is None:
            return False
        self.forget(oldest)
        oldest.give_up()
        return True

    def _longest(self) -> Waiter | None:
        """Who keeps the server waiting for longest, be it for a head, for a body, or for his taking an answer."""
        waiting = [one for one in (self.heads, self.bodies, self.stalled) if one]
        return _first(min(waiting, key=lambda one: next(iter(one.values())))) if waiting else None

    def waiting(self) -> int:
        """How many connections wait for their clients."""
        return len(set().union(self.heads, self.bodies, self.stalled, self.idle, self.parting))

    def at_work(self, one: Waiter) -> None:
        """The whole of a request is there: whatever its connection was waiting for, it came."""
        for waiting in (self.heads, self.bodies, self.idle):
            waiting.pop(one, None)

    def lingers(self, one: Waiter) -> bool:
        """Whether a connection that was refused may stay for a moment; it counts no longer among the open ones."""
        self.forget(one)
        if len(self.lingering) >= LINGERING_MAX:
            return False
        self.lingering.add(one)
        return True

    def forget(self, one: Waiter) -> None:
        """A connection has ended."""
        self.open.discard(one)
        self.lingering.discard(one)
        for waiting in (self.idle, self.heads, self.bodies, self.stalled, self.parting):
            waiting.pop(one, None)

    def sweep(self, now_s: float) -> None:
        """Give up whatever has waited for too long."""
        for one in _due(self.heads, now_s - self.limits.head_s):
            one.head_late()
        for one in _due(self.bodies, now_s - self.limits.body_s):
            one.body_late()
        for one in _due(self.stalled, now_s - self.limits.stalled_s):
            one.give_up()
        for one in _due(self.idle, now_s - self.limits.idle_s):
            one.give_up()
        for one in _due(self.parting, now_s - self.limits.parting_s):
            one.parted()


def _first(waiting: OrderedDict[Waiter, float]) -> Waiter | None:
    """Who began to wait first."""
    return next(iter(waiting), None)


def _due(waiting: OrderedDict[Waiter, float], since_s: float) -> Iterable[Waiter]:
    """Take out who has waited since before an instant; whoever began first stands first."""
    due = list[Waiter]()
    while waiting and next(iter(waiting.values())) <= since_s:
        due.append(waiting.popitem(last=False)[0])
    return due


def room_for(asked: int) -> int:
    """How many connections this process can hold, at most `asked`; raises the soft limit of descriptors for them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = asked + RESERVED_DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    known = wanted if soft == resource.RLIM_INFINITY else soft
    return max(LEAST_CONNECTIONS, min(asked, known - RESERVED_DESCRIPTORS))
