"""Domain events of ours as the library sees them, and the strict mapper between them and stored events.

The library's stock mapper stores Python paths and believes what it reads. This one stores the registered type and the
canonical body, refuses what breaks its declaration when it writes, and validates and upcasts when it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    DataError,
    JSONTranscoder,
    Mapper,
    MapperDeserialisationError,
    NotSupportedError,
    StoredEvent,
)
from msgspec import UNSET, Struct

from domain.kernel.decider import Decider, State
from domain.kernel.event import Event, UnknownEventType, decode_body, personal_fields, type_of, validate
from domain.kernel.values import canonical_json

S = TypeVar("S", bound=State)


class LedgerEvent(Struct, frozen=True):
    """A domain event with its place in its stream: what the library calls a domain event."""

    originator_id: UUID
    originator_version: int
    event: Event


class LedgerAggregate(Struct, Generic[S], frozen=True):
    """An aggregate's state with its id and version: what the library calls an immutable aggregate."""

    id: UUID
    version: int
    state: S


class VersionGap(ValueError):
    """Events that do not follow each other; the stream is broken or was read in part."""


class StrictMapper(Mapper[UUID]):
    """Between `LedgerEvent` and `StoredEvent`; the state is the event's canonical body."""

    def __init__(self) -> None:
        super().__init__(transcoder=JSONTranscoder())

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """The stored form of a `LedgerEvent`.

        Raises `DataError` for another class, an unregistered event or one that breaks its declaration, and
        `NotSupportedError` for one with personal values: only `Ledger` can seal them.
        """
        if not isinstance(domain_event, LedgerEvent):
            raise DataError(f"expected a LedgerEvent, got {type(domain_event).__name__}")
        event = domain_event.event
        try:
            topic = type_of(event)
            validate(event)
        except (UnknownEventType, msgspec.MsgspecError) as error:
            raise DataError(f"{type(event).__name__}: {error}") from error
        if given := [name for name in personal_fields(type(event)) if getattr(event, name) is not UNSET]:
            raise NotSupportedError(f"{topic}: expected no personal values, got {given}; Ledger.execute seals them")
        state = canonical_json(event)
        return StoredEvent(domain_event.originator_id, domain_event.originator_version, topic, state)

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """The `LedgerEvent` of a stored one, an older body upcast. Raises `MapperDeserialisationError`."""
        stream, version = stored_event.originator_id, stored_event.originator_version
        try:
            event = decode_body(stored_event.topic, stored_event.state)
        except (UnknownEventType, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise MapperDeserialisationError(f"version {version} of {stream}: {error}") from error
        if not isinstance(stream, UUID) or version < 1:
            raise MapperDeserialisationError(f"expected a UUID and a version from 1, got {stream!r} and {version}")
        return LedgerEvent(stream, version, event)


def projector(
    decider: Decider[S],
) -> Callable[[LedgerAggregate[S] | None, Iterable[LedgerEvent]], LedgerAggregate[S] | None]:
    """What `repository.get` takes as `projector_func` to replay an aggregate of ours.

    The function raises `VersionGap` when versions do not follow each other or another stream's event comes.
    """

    def project(aggregate: LedgerAggregate[S] | None, events: Iterable[LedgerEvent]) -> LedgerAggregate[S] | None:
        for domain_event in events:
            stream, version, state = _after(aggregate, domain_event, decider.initial)
            aggregate = LedgerAggregate(stream, version, decider.evolve(state, domain_event.event))
        return aggregate

    return project


def _after(aggregate: LedgerAggregate[S] | None, domain_event: LedgerEvent, initial: S) -> tuple[UUID, int, S]:
    stream, version = domain_event.originator_id, domain_event.originator_version
    before = aggregate or LedgerAggregate(stream, 0, initial)
    if (stream, version) != (before.id, before.version + 1):
        raise VersionGap(f"expected version {before.version + 1} of {before.id}, got {version} of {stream}")
    return stream, version, before.state


def events_after(aggregate: LedgerAggregate[Any] | None, stream: UUID, events: Iterable[Event]) -> list[LedgerEvent]:
    """The events of a decision in the places behind an aggregate: what `app.save` takes."""
    version = aggregate.version if aggregate else 0
    return [LedgerEvent(stream, version + number, event) for number, event in enumerate(events, 1)]
