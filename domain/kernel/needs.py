"""Cross rules: rules that read other streams. Needs say as data what is read, a pure function judges it.

    Candidate ──needs──▶ [Need, …] ──▶ (the ledger reads them) ──▶ Facts ──judge──▶ Refusal | None

Streams that were read are checked again when the events are written, so that what was judged is still true then. Where
needs depend on facts (a contract names its application), `needs` is asked again until it names nothing new.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from msgspec import Struct

from domain.kernel.command import Command, Context
from domain.kernel.refusal import Refusal


class Need(Struct, frozen=True):
    """Base of what may be asked for; everything is asked for within the tenant of the command."""


class StreamState(Need, frozen=True):
    """The state of a stream of this aggregate; the fact is None where there is none. Its version is checked."""

    aggregate: str
    stream: UUID


class FirstEvent(Need, frozen=True):
    """The first event of a stream of this aggregate, which never changes, or None; only its absence is checked."""

    aggregate: str
    stream: UUID


class StreamEvents(Need, frozen=True):
    """The events of a stream of this aggregate, oldest first; none where there is none. Its version is checked."""

    aggregate: str
    stream: UUID


class Related(Need, frozen=True):
    """The states of all streams of this aggregate that a relation names for a key, oldest first.

    The version of each is checked. `complete` says that the rule depends on there being no further one: then it is
    also checked that no stream which could belong to the relation has begun meanwhile, of whichever tenant. That suits
    what begins rarely; without it, a stream that joins between look and append goes unnoticed.
    """

    aggregate: str
    relation: str
    key: Hashable
    complete: bool = False


class Reference(Need, frozen=True):
    """Reference to a fact of no stream: catalogues and files, or a function of the key that the domain cannot do."""

    kind: str
    key: Hashable = None


class Sum(Need, frozen=True):
    """A sum over all streams of the tenant. The only need that takes the tenant lock, until the events are written."""

    kind: str
    key: Hashable = None


Facts = Mapping[Need, Any]
"""What was found for each need."""


class Candidate(Struct, frozen=True):
    """A candidate for an append: a command that its aggregate has agreed to, its stream, the state and the context."""

    stream: UUID
    command: Any
    state: Any
    context: Context


Needs = Callable[[Candidate, Facts], Iterable[Need]]
"""What must be read, given the facts so far."""

Judge = Callable[[Candidate, Facts], Refusal | None]
"""Why a candidate may not be written, if it may not."""

CROSS_RULES: dict[type[Command], list[CrossRule]] = {}
"""The rules of each class of command, in the order in which they are judged."""


@dataclass(frozen=True)
class CrossRule:
    """One rule on one class of command, judged after the aggregate has agreed; it registers itself."""

    command: type[Command]
    needs: Needs
    judge: Judge

    def __post_init__(self) -> None:
        CROSS_RULES.setdefault(self.command, []).append(self)


def missing(needs: Needs, candidate: Candidate, facts: Facts) -> list[Need]:
    """The needs that are not among the facts; none when a rule can be judged."""
    return [need for need in dict.fromkeys(needs(candidate, facts)) if need not in facts]
