"""The decision funnel: stages, outcomes and promised times, now and at every earlier position."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from psycopg import Connection

from domain.intake.application.events import (
    ApplicationApproved,
    ApplicationCompleted,
    ApplicationDeclined,
    ApplicationReferred,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    HumanReviewRequested,
    OfferAccepted,
    VerificationCompleted,
)
from domain.intake.application.values import Terms
from domain.kernel.command import Actor
from domain.kernel.event import Event
from projections.engine.runner import Runner
from projections.intake.decision_funnel import DECISION_FUNNEL, Funnel, FunnelRow, Times, fold, funnel
from tests.domain.cases import DRAFTED
from tests.projections.accounting.book_keeping import OTHER_TENANT, TENANT, BookKeeper, Happening, at, recorded, stream

A = stream(1)
MACHINE = Actor("operator", "engine")
SUBMITTED, VERIFIED = ApplicationSubmitted(), VerificationCompleted()
APPROVED = ApplicationApproved(terms=Terms(amount_fen=1, currency="CNY"))
DECLINED = ApplicationDeclined(reasons=("policy",))
REFERRED = ApplicationReferred(reasons=("offer",))
WITHDRAWN = ApplicationWithdrawn(reason="changed_mind")

Story = list[tuple[float, Event]]


def reached(*story: tuple[float, Event], actor: Actor = MACHINE) -> FunnelRow:
    """The row of one application whose events came after so many seconds each."""
    row: FunnelRow | None = None
    for one in recorded([(A, at(seconds), event) for seconds, event in ((0, DRAFTED), *story)]):
        row = fold(row, one.event, replace(one, envelope=replace(one.envelope, actor=actor)))
    assert row is not None
    return row


# --------------------------------------------------------------------------------------------------- fold


def test_a_draft_opens_a_row() -> None:
    assert reached() == FunnelRow(id=A, tenant=TENANT, drafted=1, position=1)


def test_stages_keep_their_first_position() -> None:
    row = reached((1, SUBMITTED), (2, VERIFIED), (3, REFERRED), (4, VERIFIED), (5, REFERRED))
    assert (row.submitted, row.verified, row.referred, row.position) == (2, 3, 4, 6)


def test_decided_by_machine() -> None:
    row = reached((10, SUBMITTED), (12.5, APPROVED))
    assert (row.decided, row.approved, row.person, row.decision_ms) == (3, 3, None, 2_500)
    assert (row.automatic, row.automatic_ms) == (3, 2_500)


def test_the_automatic_part_ends_with_the_checks() -> None:
    row = reached((10, SUBMITTED), (12, VERIFIED), (900, DECLINED))
    assert (row.automatic, row.automatic_ms, row.decision_ms) == (3, 2_000, 890_000)


@pytest.mark.parametrize("ask", [REFERRED, HumanReviewRequested()])
def test_a_decision_after_a_person_was_asked_is_not_automatic(ask: Event) -> None:
    row = reached((0, SUBMITTED), (1, ask), (2, APPROVED))
    assert (row.person, row.decided, row.automatic, row.automatic_ms) == (3, 4, None, None)
    assert row.decision_ms == 2_000


def test_a_decision_by_the_lessors_people_is_not_automatic() -> None:
    row = reached((0, SUBMITTED), (2, APPROVED), actor=Actor("risk_officer", "key_9"))
    assert (row.person, row.decided, row.automatic) == (3, 3, None)


def test_milliseconds_are_rounded_down() -> None:
    assert reached((0, SUBMITTED), (0.001999, APPROVED)).decision_ms == 1


def test_a_case_that_was_never_submitted_has_no_times() -> None:
    row = reached((5, DECLINED))
    assert (row.decided, row.decision_ms, row.automatic_ms) == (2, None, None)


def test_the_first_decision_counts() -> None:
    row = reached((0, SUBMITTED), (1, APPROVED), (9, DECLINED))
    assert (row.decided, row.approved, row.declined, row.decision_ms) == (3, 3, 4, 1_000)


# ------------------------------------------------------------------------------------------------ queries


def stories() -> list[Happening]:
    """Five cases: within both promises, slow, by a person, given up, and still open; told in the order of time."""
    told: dict[int, Story] = {
        1: [(0, DRAFTED), (1, SUBMITTED), (3, VERIFIED), (600, APPROVED), (700, OfferAccepted(offer=1))],
        2: [(0, DRAFTED), (1, SUBMITTED), (9, VERIFIED), (2_001, DECLINED)],
        3: [(0, DRAFTED), (2, SUBMITTED), (5, REFERRED), (3_602, APPROVED)],
        4: [(0, DRAFTED), (2, SUBMITTED), (4, WITHDRAWN)],
        5: [(0, DRAFTED)],
    }
    flat = [(seconds, number, event) for number, story in told.items() for seconds, event in story]
    flat.sort(key=lambda one: one[:2])
    return [(stream(number), at(seconds), event) for seconds, number, event in flat]


def project(connection: Connection[Any]) -> None:
    runner = Runner(connection, [DECISION_FUNNEL])
    runner.prepare()
    runner.catch_up()


def counts(got: Funnel) -> dict[str, int]:
    return {count.name: count.applications for count in (*got.stages, *got.outcomes)}


def test_the_funnel_counts(connection: Connection[Any], books: BookKeeper) -> None:
    last = books.write(*stories())
    project(connection)
    got = funnel(connection, TENANT)
    assert (got.position, got.tenant) == (last, TENANT)
    assert counts(got) == {
        "drafted": 5, "submitted": 4, "verified": 2, "referred": 1, "decided": 3, "approved": 2, "presented": 0,
        "accepted": 1, "contracting": 0, "completed": 0, "declined": 1, "withdrawn": 1, "expired": 0,
    }  # fmt: skip
    assert got.open == 3
    # The test's clerk is one of the lessor's people, so that no decision was made alone.
    assert got.decided_alone == 0
    assert got.decision == Times(3, 900_000, 1, 2_000_000, 3_600_000, 3_600_000, 3_600_000)
    assert got.automatic == Times(2, 3_000, 1, 2_000, 8_000, 8_000, 8_000)


def test_the_funnel_of_then_is_the_funnel_that_stood_there(connection: Connection[Any], books: BookKeeper) -> None:
    """Asked at every position, it answers what it answered when that position was the last."""
    answers: list[Funnel] = []
    Runner(connection, [DECISION_FUNNEL]).prepare()
    for happening in stories():
        books.write(happening)
        project(connection)
        answers.append(funnel(connection, TENANT))
    again = [funnel(connection, TENANT, as_of_position=position) for position in range(1, books.size + 1)]
    assert again == answers
    assert len({repr(replace(answer, position=0)) for answer in answers}) > 10


def test_tenants_are_apart(connection: Connection[Any], books: BookKeeper) -> None:
    books.write((A, at(), DRAFTED))
    books.write((stream(2), at(), DRAFTED), (stream(2), at(1), ApplicationCompleted()), tenant=OTHER_TENANT)
    project(connection)
    assert (counts(funnel(connection, TENANT))["completed"], funnel(connection, TENANT).open) == (0, 1)
    other = funnel(connection, OTHER_TENANT)
    assert (counts(other)["completed"], counts(other)["drafted"], other.open) == (1, 1, 0)


def test_nothing_has_no_times(connection: Connection[Any]) -> None:
    project(connection)
    got = funnel(connection, TENANT)
    assert set(counts(got).values()) == {0}
    assert got.decision == Times(0, 900_000, 0, None, None, None, None)
