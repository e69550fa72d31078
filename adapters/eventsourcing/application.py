"""The library's `Application` on our ledger, configured through the library's own environment.

    LEASELEDGER_DATABASE_URL   libpq URL of a database with the ledger's schema
    LEASELEDGER_TENANT         UUID of the tenant that saves without a context belong to

Reading is complete: `repository.get(id, projector_func=projector(DECIDER))`, the notification log, subscriptions and
the library's projection runners. `save(*events, context=…, command=…)` appends events without personal values.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    InfrastructureFactory,
    InfrastructureFactoryError,
    Mapper,
    NotSupportedError,
    ProcessRecorder,
    TrackingRecorder,
    Transcoder,
)
from eventsourcing.utils import Environment

from adapters.eventsourcing.mapper import StrictMapper
from adapters.eventsourcing.recorder import LedgerRecorder
from adapters.system import new_id, now

URL_VARIABLE = "LEASELEDGER_DATABASE_URL"
TENANT_VARIABLE = "LEASELEDGER_TENANT"


class LedgerFactory(InfrastructureFactory[TrackingRecorder]):
    """Makes one recorder and closes it. Our projections keep their own positions, so it makes no other kind."""

    def __init__(self, env: Environment | dict[str, str] | None) -> None:
        super().__init__(env)
        self._recorders: list[LedgerRecorder] = []

    def application_recorder(self) -> ApplicationRecorder:
        """A recorder on the database of the environment. Raises `InfrastructureFactoryError`."""
        url, tenant = (self.env.get(name) for name in (URL_VARIABLE, TENANT_VARIABLE))
        if not url or not tenant:
            raise InfrastructureFactoryError(
                f"expected {URL_VARIABLE} and {TENANT_VARIABLE}, got {url!r} and {tenant!r}"
            )
        recorder = LedgerRecorder(url, tenant=UUID(tenant), clock=now, new_id=new_id)
        self._recorders.append(recorder)
        return recorder

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """Raises `NotSupportedError`: there are no snapshots to record, and events have positions."""
        raise NotSupportedError(f"the ledger has no recorder for {purpose} outside its sequence")

    def tracking_recorder(self, tracking_recorder_class: type[TrackingRecorder] | None = None) -> TrackingRecorder:
        """Raises `NotSupportedError`: a read model commits its position with its own tables."""
        name = tracking_recorder_class.__name__ if tracking_recorder_class else "tracking"
        raise NotSupportedError(f"the ledger has no {name} recorder; see the package projections")

    def process_recorder(self) -> ProcessRecorder:
        """Raises `NotSupportedError`: reactions to events are commands with keys of their own."""
        raise NotSupportedError("the ledger records no process; a reactor sends commands")

    def close(self) -> None:
        """Close the recorders that were made. Idempotent."""
        for recorder in self._recorders:
            recorder.close()


class LedgerApplication(Application[UUID]):
    """An application of the library whose events are the ledger's."""

    name = "Ledger"

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """Ours, whatever PERSISTENCE_MODULE says: that is left to the projections of the same environment."""
        return LedgerFactory(env)

    def construct_mapper(self) -> Mapper[UUID]:
        """The strict mapper; ciphers and compressors of the library have no place in a canonical entry."""
        return StrictMapper()

    def construct_transcoder(self) -> Transcoder:
        """Unused by the strict mapper."""
        return self.mapper.transcoder
