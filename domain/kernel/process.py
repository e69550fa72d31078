"""Process managers: which commands follow from an event, declared beside what they serve.

    event, envelope ──needs──▶ [Need, …] ──▶ facts ──follow──▶ [FollowUp, …] ──▶ dispatched, each once, by its key

A reaction is pure. It may be asked again for an event that it has answered: the keys of its follow-up commands say what
they follow from, so that nothing is done twice. What an aggregate or a rule refuses is kept for people, and so is what
should have followed and could not even be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain.kernel.command import SYSTEM, Actor, Command
from domain.kernel.decider import Decider
from domain.kernel.event import Event
from domain.kernel.needs import Facts, Need
from domain.kernel.refusal import Refusal, refusal

FAILED = refusal(
    "process.failed",
    "What follows could not be worked out; it is tried again",
    "后续处理未能完成，系统将再次尝试",
)
"""One event or one command made the program stumble; whatever else follows goes on."""

NOT_YET = refusal(
    "process.not_yet",
    "What follows waits for its business date, and follows then by itself",
    "后续处理等待其营业日，届时自动进行",
)
"""It follows on a business date that the tenant's calendar has not reached."""

HELD = refusal(
    "process.held",
    "What follows waits until what was due before on its record is done",
    "后续处理等待该记录此前到期的事项完成",
)
"""A timer of its stream could not be fired; what comes later for the stream waits, and follows then by itself."""

NOT_FOLDED = refusal(
    "read_model.failed",
    "A read model could not take the event; it shows what it comes from as it was before",
    "读模型未能处理该事件，相关记录停留在此前的状态",
)
"""The event is a dead letter of a read model."""

WAITS = refusal(
    "read_model.waits",
    "The event waits behind one that a read model could not take",
    "该事件排在读模型未能处理的事件之后，等待处理",
)
"""The event is behind a dead letter of the same key."""


class Occurrence(Struct, frozen=True, kw_only=True):
    """An event as a process manager sees it: with its stream, its tenant and its business date."""

    event: Any
    stream: UUID
    tenant: UUID
    business_date: date


class FollowUp(Struct, frozen=True, kw_only=True):
    """A follow-up command: for which stream of which aggregate, under which idempotency key.

    It belongs to the business date of its event, or to `not_before` where that comes later: until then it waits.
    """

    decider: Decider[Any]
    stream: UUID
    key: str
    command: Command
    not_before: date | None = None


class Unanswered(Struct, frozen=True, kw_only=True):
    """What should have followed, about which stream and under which key, and the refusal that says why it does not."""

    stream: UUID
    key: str
    refusal: Refusal


Followed = Sequence[FollowUp | Unanswered]
"""What follows from an event: commands, and what is left to people."""


def _nothing(occurrence: Occurrence, facts: Facts) -> Iterable[Need]:
    return ()


@dataclass(frozen=True)
class Reaction:
    """Reaction to one class of event. `needs` is asked again with the facts so far until it names nothing new."""

    follow: Callable[[Occurrence, Facts], Followed]
    needs: Callable[[Occurrence, Facts], Iterable[Need]] = _nothing


def process_actor(name: str) -> Actor:
    """The actor of the commands of a process."""
    return Actor(SYSTEM, f"process:{name}")


PROCESS_MANAGERS: dict[str, ProcessManager] = {}


@dataclass(frozen=True)
class ProcessManager:
    """One process manager; it registers itself. Its commands are those of the actor `process:<name>`."""

    name: str
    reacts: Mapping[type[Event], Reaction]

    def __post_init__(self) -> None:
        if self.name in PROCESS_MANAGERS:
            raise ValueError(f"process manager {self.name} is registered already")
        PROCESS_MANAGERS[self.name] = self
