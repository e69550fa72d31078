"""The decider: an aggregate's rules and what its events change, as two tables; everything else is derived from them.

    command ─▶ Rule(phases, otherwise, handler) ─▶ (event, …) | Refusal
    event   ─▶ function(state, event)           ─▶ state, its version one higher

The order of refusals is the same for every aggregate, and is the order in which a person would ask:

1. Is there one (`unknown`)? Should there be none (`otherwise` of the command that begins it)?
2. Is it over (`closed`), and the command is for one that is not?
3. Is it in a phase in which this can be done (`otherwise`)?
4. The command's own rules, top to bottom as written in its handler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from domain.kernel.command import Command, Context
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal, RefusalKind
from domain.kernel.timer import TimerKind


class State(Struct, frozen=True, kw_only=True, gc=False):
    """Base of all states; `version` counts the events of the stream, and only the decider moves it on."""

    version: int = 0


S = TypeVar("S", bound=State)

Events = tuple[Event, ...]
Answer = Events | Refusal
Phases = frozenset[str]

ABSENT: Phases = frozenset({"absent"})
"""The phase of an empty stream. Aggregates with phases call their first one so."""

PRESENT: Phases = frozenset({"present"})
"""The phase of an aggregate without phases of its own, once it has an event."""


class Otherwise(Protocol):
    """What refuses a command that comes in another phase; a `RefusalKind` does."""

    def __call__(self, *, phase: str) -> Refusal:
        """The refusal of a command in this phase."""


def without_phase(kind: RefusalKind) -> Otherwise:
    """The refusal of a command in another phase that does not name the phase."""

    def otherwise(*, phase: str) -> Refusal:
        return kind()

    return otherwise


@dataclass(frozen=True)
class Rule(Generic[S]):
    """One command: the phases it is for, the refusal in another one, the function that answers it."""

    phases: Phases
    otherwise: Otherwise
    handler: Callable[[Any, S, Context], Answer]


Rules = Mapping[type[Command], Rule[S]]
"""What an aggregate answers, command by command."""


def _no_consequences(events: Events, state: Any, context: Context) -> Events:
    return ()


DECIDERS: dict[str, Decider[Any]] = {}


class Decider(Generic[S]):
    """One aggregate.

    `name` is the first part of its event types, `initial` the state of an empty stream. `unknown` refuses a command to
    an empty stream; `closed` is the phases that are the end, and what refuses a command there. `consequences` gives the
    events that follow from what was granted, whichever command it was. `timers` are what it waits for by date.
    """

    def __init__(
        self,
        *,
        name: str,
        initial: S,
        rules: Rules[S],
        evolve: Mapping[type[Event], Callable[[S, Any], S]],
        unknown: Callable[[], Refusal] | None = None,
        closed: tuple[Phases, Otherwise] | None = None,
        consequences: Callable[[Events, S, Context], Events] = _no_consequences,
        timers: tuple[TimerKind, ...] = (),
    ) -> None:
        if name in DECIDERS:
            raise ValueError(f"aggregate {name} is registered already")
        self.name, self.initial = name, initial
        self.commands: tuple[type[Command], ...] = tuple(rules)
        self.events: tuple[type[Event], ...] = tuple(evolve)
        self.timers = timers
        self._rules, self._evolve = rules, evolve
        self._unknown, self._closed, self._consequences = unknown, closed, consequences
        DECIDERS[name] = self

    @property
    def plural(self) -> str:
        """The plural of its name: `leases`."""
        return f"{self.name}s"

    def decide(self, command: Command, state: S, context: Context) -> Answer:
        """The events a command leads to, or the first refusal. Raises `TypeError` for another aggregate's command."""
        rule = self._rules.get(type(command))
        if rule is None:
            raise TypeError(f"expected a command to the aggregate {self.name}, got {type(command).__name__}")
        phase = _phase(state)
        if phase not in rule.phases:
            return self._out_of_phase(rule, phase)
        answer = rule.handler(command, state, context)
        if isinstance(answer, Refusal):
            return answer
        return (*answer, *self._consequences(answer, state, context))

    def evolve(self, state: S, event: Event) -> S:
        """The state after one event. Raises `TypeError` for an event of another aggregate."""
        function = self._evolve.get(type(event))
        if function is None:
            raise TypeError(f"expected an event of the aggregate {self.name}, got {type(event).__name__}")
        return replace(function(state, event), version=state.version + 1)

    def _out_of_phase(self, rule: Rule[S], phase: str) -> Refusal:
        """A command for something that is open meets `closed` when it is over; one for its end does not."""
        if phase in ABSENT and self._unknown is not None:
            return self._unknown()
        if self._closed is not None:
            over, closed = self._closed
            if phase in over and not rule.phases <= over | ABSENT:
                return closed(phase=phase)
        return rule.otherwise(phase=phase)


def _phase(state: State) -> str:
    phase: str = getattr(state, "phase", "present" if state.version else "absent")
    return phase


def fold(decider: Decider[S], events: Iterable[Event], state: S | None = None) -> S:
    """The state after `events`, from `state` or from the aggregate's empty state."""
    current = decider.initial if state is None else state
    for event in events:
        current = decider.evolve(current, event)
    return current
