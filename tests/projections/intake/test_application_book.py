"""The application book: the fold, and the queries now and then."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from psycopg import Connection

from domain.intake.application.events import (
    ApplicationApproved,
    ApplicationCompleted,
    ApplicationDeclined,
    ApplicationExpired,
    ApplicationReferred,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    ContractingStarted,
    HumanReviewRequested,
    OfferAccepted,
    OfferCreated,
    OfferPresented,
    OfferSelected,
    RoutedToLane,
    VerificationCompleted,
    VerificationStarted,
    WorkScheduled,
)
from domain.intake.application.values import Terms
from domain.kernel.event import Event
from projections.engine import pages
from projections.engine.model import ProjectionError
from projections.engine.pages import NotProjectedYet, Page, TooMuchPast, Where, listing
from projections.engine.runner import Runner
from projections.intake.application_book import APPLICATION_BOOK, Application
from tests.domain.cases import CARD, DRAFTED
from tests.given import given
from tests.projections.accounting.book_keeping import OTHER_TENANT, TENANT, BookKeeper, Happening, at, stream

A = stream(1)
TERMS = Terms(amount_fen=7_500_000, currency="CNY", months=36, annual_rate="0.0825")


def happened(*events: Event, number: int = 1) -> list[Happening]:
    """The events of one application, ten seconds apart."""
    return [(stream(number), at(10 * n), event) for n, event in enumerate(events)]


def book(*events: Event) -> Application:
    row = given(APPLICATION_BOOK, *happened(DRAFTED, *events)).row(A)
    assert isinstance(row, Application)
    return row


# --------------------------------------------------------------------------------------------------- fold


def test_a_draft_opens_a_row() -> None:
    row = book()
    assert row == Application(
        id=A,
        tenant=TENANT,
        reference="JJ-2026-000173",
        state="draft",
        asset_class="vehicle",
        product="auto_retail",
        channel="dealer",
        amount_fen=8_000_000,
        currency="CNY",
        expires_on=DRAFTED.expires_on,
        drafted_at=at(0),
        offers=0,
        review_pending=False,
        version=1,
        first_position=1,
        position=1,
        kept=row.kept,
    )


def test_times_and_states_follow_the_case() -> None:
    row = book(
        ApplicationSubmitted(), VerificationStarted(), VerificationCompleted(), ApplicationReferred(reasons=("x",))
    )
    assert (row.state, row.submitted_at, row.version, row.position) == ("referred", at(10), 5, 5)


def test_an_approved_case_has_terms_and_a_decision() -> None:
    row = book(ApplicationSubmitted(), ApplicationApproved(terms=TERMS))
    assert (row.state, row.decision, row.decided_at) == ("approved", "approved", at(20))
    assert (row.terms_amount_fen, row.terms_months, row.terms_rate) == (7_500_000, 36, "0.0825")
    assert row.closed_at is None


def test_an_offer_goes_its_way() -> None:
    steps: list[tuple[Event, str]] = [
        (OfferSelected(offer=1), "selected"),
        (OfferCreated(offer=1, terms=TERMS), "created"),
        (OfferPresented(offer=1), "presented"),
        (OfferAccepted(offer=1), "accepted"),
    ]
    for until, (_, state) in enumerate(steps, 1):
        row = book(*(event for event, _ in steps[:until]))
        assert (row.offers, row.offer_state) == (1, state)
    row = book(*(event for event, _ in steps), ContractingStarted(), ApplicationCompleted())
    assert (row.state, row.offer_state, row.closed_at) == ("completed", "accepted", at(60))
    assert book(*(event for event, _ in steps)).state == "offer_accepted"


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (ApplicationDeclined(reasons=("policy",)), "declined"),
        (ApplicationWithdrawn(reason="changed_mind"), "withdrawn"),
        (ApplicationExpired(business_date=at().date()), "expired"),
    ],
)
def test_whatever_was_on_offer_lapses_at_the_end(end: Event, state: str) -> None:
    row = book(OfferSelected(offer=1), end)
    assert (row.state, row.offer_state, row.closed_at) == (state, None, at(20))
    assert row.decision == ("declined" if state == "declined" else None)


def test_small_facts() -> None:
    row = book(CARD, RoutedToLane(lane="fast"), HumanReviewRequested(), WorkScheduled(lane="fast"))
    assert (row.lane, row.review_pending, row.version) == ("fast", True, 5)
    assert row.state == "draft"


def test_a_case_that_does_not_begin_with_its_draft_is_parked() -> None:
    got = given(APPLICATION_BOOK, (A, at(), ApplicationSubmitted()))
    ((position, error),) = got.parked()
    assert position == 1
    assert error.endswith("expected application.drafted first, got application.submitted.v1")


def test_every_event_of_the_aggregate_counts() -> None:
    from domain.intake.application import events
    from domain.kernel.event import EVENT_TYPES

    ours = {cls for cls in EVENT_TYPES.values() if cls.__module__ == events.__name__}
    assert ours == APPLICATION_BOOK.events


# ------------------------------------------------------------------------------------------------ queries


@pytest.fixture
def projected(connection: Connection[Any], books: BookKeeper) -> Connection[Any]:
    """Six applications, submitted in turn; the even ones declined. The last one is another tenant's."""
    for number in range(1, 7):
        draft = replace(DRAFTED, reference=f"R-{number % 3}")
        books.write(*happened(draft, number=number), tenant=OTHER_TENANT if number == 6 else None)
    for number in range(1, 7):
        books.write(*happened(ApplicationSubmitted(), number=number), tenant=OTHER_TENANT if number == 6 else None)
    for number in (2, 4):
        books.write(*happened(ApplicationDeclined(reasons=("policy",)), number=number))
    runner = Runner(connection, [APPLICATION_BOOK])
    runner.prepare()
    runner.catch_up()
    return connection


def listed(connection: Connection[Any], tenant: UUID, *, limit: int = 100, **asked: Any) -> Page[Application]:
    """A page of the read model; columns beside the place and the position are filters."""
    more = {name: asked.pop(name) for name in ("starting_after", "as_of_position") if name in asked}
    return listing(connection, APPLICATION_BOOK, tenant, where=Where(asked), limit=limit, **more)


def application(connection: Connection[Any], tenant: UUID, of: UUID, **asked: Any) -> tuple[int, Application | None]:
    """The position this is valid at, and one of the tenant's."""
    page = listed(connection, tenant, id=of, **asked)
    return page.position, next(iter(page.rows), None)


def numbers(page: Page[Application]) -> list[int]:
    return [next(n for n in range(1, 7) if stream(n) == row.id) for row in page.rows]


def test_one_application_now_and_then(projected: Connection[Any]) -> None:
    assert application(projected, TENANT, stream(2))[0] == 14
    states = [application(projected, TENANT, stream(2), as_of_position=p)[1] for p in (1, 2, 7, 8, 12, 13, 14)]
    assert [row and (row.state, row.version) for row in states] == [
        None, ("draft", 1), ("draft", 1), ("submitted", 2), ("submitted", 2), ("declined", 3), ("declined", 3),
    ]  # fmt: skip


def test_the_past_up_to_now_is_now(projected: Connection[Any]) -> None:
    for number in range(1, 6):
        now, then = (application(projected, TENANT, stream(number), as_of_position=p) for p in (None, 14))
        assert now == then


def test_other_tenants_see_nothing(projected: Connection[Any]) -> None:
    assert application(projected, OTHER_TENANT, stream(1))[1] is None
    assert application(projected, OTHER_TENANT, stream(1), as_of_position=14)[1] is None
    assert numbers(listed(projected, OTHER_TENANT)) == [6]
    assert numbers(listed(projected, OTHER_TENANT, as_of_position=13)) == [6]


def test_an_unknown_application_is_none(projected: Connection[Any]) -> None:
    assert application(projected, TENANT, stream(99))[1] is None
    assert application(projected, TENANT, stream(99), as_of_position=3)[1] is None


@pytest.mark.parametrize("position", [None, 14, 12])
def test_pages_follow_one_another(projected: Connection[Any], position: int | None) -> None:
    def page(after: UUID | None) -> Page[Application]:
        return listed(projected, TENANT, limit=2, starting_after=after, as_of_position=position)

    first = page(None)
    second = page(first.next_after)
    third = page(second.next_after)
    assert [numbers(one) for one in (first, second, third)] == [[1, 2], [3, 4], [5]]
    assert [one.next_after is not None for one in (first, second, third)] == [True, True, False]
    assert third.next_after is None


def test_a_state_is_that_of_the_asked_position(projected: Connection[Any]) -> None:
    def found(state: str, position: int | None) -> list[int]:
        page = listed(projected, TENANT, state=state, as_of_position=position)
        assert page.position == (14 if position is None else position)
        return numbers(page)

    assert found("declined", None) == found("declined", 14) == [2, 4]
    assert found("declined", 13) == [2]
    assert found("declined", 12) == []
    assert found("submitted", None) == [1, 3, 5]
    assert found("submitted", 13) == [1, 3, 4, 5]
    assert found("submitted", 8) == [1, 2]
    assert found("draft", 8) == [3, 4, 5]
    assert found("draft", 2) == [1, 2]
    assert found("draft", 0) == []


def test_a_page_of_the_past_says_where_it_stopped(projected: Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A bounded scan gives short pages, and following them gives everything."""
    monkeypatch.setattr(pages, "SCAN_ROWS", 1)
    monkeypatch.setattr(pages, "SCAN_ROWS_MAX", 1)
    first = listed(projected, TENANT, state="declined", as_of_position=13)
    assert (numbers(first), first.next_after) == ([2], stream(2))
    second = listed(projected, TENANT, state="declined", as_of_position=13, starting_after=first.next_after)
    # At that position the fourth one was not declined yet, which only its own events tell.
    assert (numbers(second), second.next_after) == ([], stream(4))
    third = listed(projected, TENANT, state="declined", as_of_position=13, starting_after=second.next_after)
    assert (numbers(third), third.next_after) == ([], None)


def test_positions_that_cannot_be_answered(projected: Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotProjectedYet, match="expected a position up to 14, got 15"):
        application(projected, TENANT, stream(1), as_of_position=15)
    with pytest.raises(ProjectionError, match="expected 0 or more, got -1"):
        listed(projected, TENANT, as_of_position=-1)
    monkeypatch.setattr("projections.engine.pages.REPLAY_STREAMS_MAX", 2)
    with pytest.raises(TooMuchPast, match="expected at most 2 streams that changed since, got 5"):
        listed(projected, TENANT, as_of_position=6)
