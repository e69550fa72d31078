"""The five classes of a tenant's leases in one question are those of the domain, lease by lease, and fit its rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from api.roles.steps.provisions import to_recognise
from domain.accounting import chart
from domain.accounting.posting import post
from domain.accounting.posting import trial_balance as balance_of
from domain.accounting.provision import PROVISION, ClassSum, RecogniseProvision
from domain.accounting.provisioning import (
    PROVISION_POLICIES,
    FiveClass,
    provision_fen,
)
from domain.kernel.times import month_end
from domain.leasing.lease.state import LeasePhase
from projections.accounting.journal import JOURNAL
from projections.engine.runner import Runner
from projections.leasing.lease_book import LEASE_BOOK
from projections.portfolio.exposures import provisions
from tests.domain.leasing.cases import START
from tests.given import context
from tests.ledger import empty
from tests.projections.accounting.book_keeping import TENANT, BookKeeper
from tests.projections.accounting.provisions_of_states import classify, days_overdue, exposure_fen
from tests.projections.leasing.lease_histories import Book, lease_books
from tests.sampling import examples

POLICY = PROVISION_POLICIES[max(PROVISION_POLICIES)]
OUTSIDE = {LeasePhase.AWAITING_DELIVERY, LeasePhase.SETTLED, LeasePhase.CHARGED_OFF, LeasePhase.RECOVERED}
with_database = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(40), deadline=None
)


def naive(book: Book, on: Any) -> tuple[ClassSum, ...]:
    """The domain's own classification and exposure of every lease."""
    leases = dict.fromkeys(FiveClass, 0)
    exposures = dict.fromkeys(FiveClass, 0)
    for state in book.states.values():
        if state.phase not in OUTSIDE:
            five_class = classify(days_overdue(state, on), POLICY)
            leases[five_class] += 1
            exposures[five_class] += exposure_fen(state)
    return tuple(
        ClassSum(
            five_class=one,
            leases=leases[one],
            exposure_fen=exposures[one],
            required_fen=provision_fen(exposures[one], one, POLICY),
        )
        for one in FiveClass
    )


@with_database
@given(book=lease_books(), day=st.integers(0, 500))
def test_classes_and_allowance_are_those_of_the_domain(
    connection: Connection[Any], superuser: Connection[Any], book: Book, day: int
) -> None:
    empty(superuser)
    BookKeeper(connection).write(*book.happened)
    runner = Runner(connection, (LEASE_BOOK, JOURNAL))
    runner.prepare()
    runner.catch_up()
    on = month_end(START + timedelta(days=day))
    found = provisions(connection, TENANT, on)
    expected = naive(book, on)
    assert [(one.five_class, one.leases, one.exposure_fen, one.provision_fen) for one in found.classes] == [
        (one.five_class.value, one.leases, one.exposure_fen, one.required_fen) for one in expected
    ]
    held_fen = -balance_of(line for _, _, event in book.happened for line in post(event)).get(chart.ALLOWANCE, 0)
    for command in to_recognise(connection, TENANT, on):
        assert command == RecogniseProvision(
            as_of=on, currency="CNY", policy=POLICY.version, classes=expected, held_fen=held_fen
        )
        assert isinstance(PROVISION.decide(command, PROVISION.initial, context(business_date=on)), tuple)
