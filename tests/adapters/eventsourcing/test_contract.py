"""The library's own contract tests (`eventsourcing.tests.persistence`) against our recorder and a real server.

Apply and pass:

* `ApplicationRecorderTestCase`, every case, `optional_test_insert_subscribe` included, with streams that begin with
  version 0 (the cases of concurrency write versions from 0 whatever `INITIAL_VERSION` says); and every case but those
  two with streams that begin with 1, as ours do.
* `AggregateRecorderTestCase`, every case, on the same recorder behind an adapter that hides the positions: the
  contract of a recorder without an application sequence is that `insert_events` returns `None`, and a ledger has one.

Cannot apply:

* `TrackingRecorderTestCase`, `ProcessRecorderTestCase`: a read model commits its own position by compare-and-set with
  its own tables (`projections.engine.runner`), and a reactor answers by commands with keys of their own, so the ledger
  keeps no tracking objects. The library's runners take such positions from a tracking recorder of their own; see
  `test_library_application.py`.
* `MapperTestCase`: it demands Python paths as topics, and ciphers and compressors around the state. Ours stores
  registered types and canonical bodies; `test_library_mapper.py` has its contract.
* `InfrastructureFactoryTestCase`: it demands recorders of all four kinds.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from eventsourcing.persistence import AggregateRecorder, ApplicationRecorder, IntegrityError

from adapters.eventsourcing import EntryCodec, LedgerRecorder
from adapters.system import new_id, now
from tests.adapters.eventsourcing.library_contract import AggregateRecorderTestCase, ApplicationRecorderTestCase
from tests.adapters.eventsourcing.library_recorders import TENANT, WithoutPositions, recorder_on

# The library's cases print rates; that is their business and pytest keeps it.


class OnFreshLedger:
    """Gives every case a recorder on an empty ledger and closes it."""

    INITIAL_VERSION = 0
    recorder: LedgerRecorder

    @pytest.fixture(autouse=True)
    def on_fresh_ledger(self, url: str) -> Iterator[None]:
        with self.make_recorder(url) as self.recorder:
            yield

    def make_recorder(self, url: str) -> LedgerRecorder:
        return recorder_on(url, first_version=self.INITIAL_VERSION)


class TestApplicationRecorder(OnFreshLedger, ApplicationRecorderTestCase[ApplicationRecorder]):
    """Every case."""

    INITIAL_VERSION = 0

    def create_recorder(self) -> ApplicationRecorder:
        return self.recorder

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()
        assert self.recorder.max_notification_id() == 3


class TestApplicationRecorderOfOurStreams(OnFreshLedger, ApplicationRecorderTestCase[ApplicationRecorder]):
    """Streams that begin with version 1; the two cases that write version 0 are refused, as they must be."""

    INITIAL_VERSION = 1

    def create_recorder(self) -> ApplicationRecorder:
        return self.recorder

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()
        assert self.recorder.max_notification_id() == 3

    def test_concurrent_no_conflicts(self, *_: int) -> None:
        with pytest.raises(IntegrityError, match="expected version -1, got 0"):
            super().test_concurrent_no_conflicts()

    def test_concurrent_throughput(self) -> None:
        with pytest.raises(AssertionError, match="There were errors"):
            super().test_concurrent_throughput()


class TestAggregateRecorder(OnFreshLedger, AggregateRecorderTestCase):
    """Every case, positions hidden."""

    INITIAL_VERSION = 0

    def create_recorder(self) -> AggregateRecorder:
        return self.recorder

    def make_recorder(self, url: str) -> LedgerRecorder:
        return WithoutPositions(url, tenant=TENANT, clock=now, new_id=new_id, codec=EntryCodec(first_version=0))
