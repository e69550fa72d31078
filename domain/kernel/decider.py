"""The decider: what an aggregate is. `decide(command, state, context)` and `evolve(state, event)`, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from domain.kernel.command import Command, Context
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal

S = TypeVar("S")

DECIDERS: dict[str, Decider[Any]] = {}


@dataclass(frozen=True)
class Decider(Generic[S]):
    """One aggregate: its name (the first part of its event types), its empty state and its two functions."""

    name: str
    initial: S
    decide: Callable[[Command, S, Context], tuple[Event, ...] | Refusal]
    evolve: Callable[[S, Event], S]

    def __post_init__(self) -> None:
        if self.name in DECIDERS:
            raise ValueError(f"aggregate {self.name} is registered already")
        DECIDERS[self.name] = self


def fold(decider: Decider[S], events: Iterable[Event], state: S | None = None) -> S:
    """The state after `events`, from `state` or from the aggregate's empty state."""
    current = decider.initial if state is None else state
    for event in events:
        current = decider.evolve(current, event)
    return current
