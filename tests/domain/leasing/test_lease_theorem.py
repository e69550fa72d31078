"""A lease whose payments were posted late ends in exactly the state and the books of one where they were on time.

The same bills, payments, reversals and month ends, told in two orders of knowledge through ordinary commands: the
balances and the trial balance agree to the fen.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.command import Command
from domain.kernel.decider import fold
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal
from domain.leasing.lease.commands import AssessLateFees, CloseLease, IssueBill, PostPayment, ReversePayment
from domain.leasing.lease.events.lifecycle import ScheduleReplayed
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeaseState
from tests.domain.leasing import cases
from tests.domain.leasing.books_of import check_agreement, totals_of
from tests.given import context

END = 220
"""A day after everything, on which every late fee is assessed."""


@st.composite
def payments(draw: st.DrawFn) -> list[tuple[int, int, int, bool]]:
    """`(value day, days until it is known, fen, reversed in the end)`."""
    return draw(
        st.lists(
            st.tuples(
                st.integers(0, 150),
                st.integers(0, 60),
                st.integers(1, 250_000) | st.just(106_000),
                st.booleans() if draw(st.booleans()) else st.just(False),
            ),
            max_size=7,
        )
    )


def life(
    lease: tuple[cases.Step, ...], found: list[tuple[int, int, int, bool]], rate: str, *, on_time: bool
) -> tuple[list[Event], LeaseState]:
    """The events and the state after bills, payments as they become known, month ends and reversals."""
    made, *rest = lease
    assert isinstance(made[1], type(cases.AUTO))
    steps: list[cases.Step] = [(0, cases.changed(made[1], late_fee_daily_rate=rate)), *rest]
    agenda: list[tuple[int, int, Command]] = [(30 * n, 0, IssueBill(number=n)) for n in range(1, 6)]
    agenda += [item for n, payment in enumerate(found, start=1) for item in _known(n, payment, on_time=on_time)]
    agenda += [(n, 3, AssessLateFees(up_to=cases.day(n))) for n in (*range(31, END, 31), END)]
    steps += [(on, command) for on, _, command in sorted(agenda, key=lambda item: item[:2])]
    return _told(steps)


def _known(n: int, payment: tuple[int, int, int, bool], *, on_time: bool) -> Iterator[tuple[int, int, Command]]:
    """When a payment, and that it bounced, becomes known."""
    worth, delay, fen, bounces = payment
    known = worth if on_time else worth + delay
    yield known, 1, PostPayment(payment=UUID(int=n), amount_fen=fen, value_date=cases.day(worth))
    if bounces:
        yield worth if on_time else END - 1, 2, ReversePayment(payment=UUID(int=n), reason="returned")


def money_of(state: LeaseState) -> tuple[object, ...]:
    """Everything of the balances but how far days were counted: a month end without late fees leaves no trace."""
    bills = [(b.number, b.due_on, b.amount, b.paid, b.waived, b.open_fen) for b in state.balances.bills]
    return (*bills, state.balances.credit_fen)


def _told(steps: list[cases.Step]) -> tuple[list[Event], LeaseState]:
    """Month ends at which nothing changes are refused, as a timer would find."""
    events: list[Event] = []
    state = LEASE.initial
    for on, command in steps:
        answer = LEASE.decide(command, state, context(business_date=cases.day(on)))
        if isinstance(answer, Refusal):
            assert isinstance(command, AssessLateFees), f"{command}: {answer.sentence()}"
            continue
        for event in answer:
            state = LEASE.evolve(state, event)
        events += answer
    return events, state


@given(
    st.sampled_from([cases.RUNNING, cases.PHONE_RUNNING, cases.DOWN_RUNNING]),
    payments(),
    st.sampled_from(["0", "0.0005", "0.03"]),
)
def test_late_posting_ends_as_on_time(
    lease: tuple[cases.Step, ...], found: list[tuple[int, int, int, bool]], rate: str
) -> None:
    late_events, late = life(lease, found, rate, on_time=False)
    events, punctual = life(lease, found, rate, on_time=True)
    assert money_of(late) == money_of(punctual)
    assert totals_of(late_events) == totals_of(events)
    check_agreement(late_events, late)


def test_two_months_late_by_hand() -> None:
    """1,060.00 due on day 30, three days of grace, 0.05 % a day: what the late fee was is taken back to the fen."""
    punctual = cases.state_of(cases.history(*cases.BILLED, cases.pay(1, 106_000, 30)))
    steps = (*cases.BILLED, (92, AssessLateFees(up_to=cases.day(92))), cases.pay(1, 106_000, 92, worth=30))
    events = cases.history(*steps)
    assert cases.state_of(events).balances.bills == punctual.balances.bills
    fees = [getattr(event, "fen", 0) for event in events if type(event).__name__ == "LateFeeAssessed"]
    assert fees == [3_127, -3_127]  # 59 days × 106,000 × 0.0005 = 3,127
    assert isinstance(events[-1], ScheduleReplayed)
    assert (events[-1].from_date, len(events[-1].digest)) == (cases.day(30), 64)


@given(st.integers(0, 170), st.integers(1, 300_000), st.lists(st.integers(0, 45), min_size=6, max_size=6))
def test_money_found_after_the_end_ends_as_on_time(worth: int, fen: int, delays: list[int]) -> None:
    """Every bill of a phone is paid some days late, with its late fees, and the lease is closed where it can be."""
    agenda: list[tuple[int, int, Command]] = [(30 * n, 0, IssueBill(number=n)) for n in range(1, 7)]
    for n, delay in enumerate(delays, start=1):
        on = 30 * n + delay
        agenda.append(
            (on, 1, PostPayment(payment=UUID(int=n), amount_fen=50_000 + 50 * delay, value_date=cases.day(on)))
        )
    found = PostPayment(payment=UUID(int=99), amount_fen=fen, value_date=cases.day(worth))
    ends = []
    for known in (worth, 400):
        steps = [(on, command) for on, _, command in sorted([*agenda, (known, 1, found)], key=lambda item: item[:2])]
        books, state = _closed_at(300, [*cases.PHONE_RUNNING, *steps])
        ends.append((money_of(state), totals_of(books)))
        check_agreement(books, state)
    assert ends[0] == ends[1]


def _closed_at(on: int, steps: list[cases.Step]) -> tuple[list[Event], LeaseState]:
    """Late fees are assessed and the lease is closed on a day, if nothing is open then."""
    before, after = ([step for step in steps if (step[0] > on) is late] for late in (False, True))
    events, state = _told([*before, (on, AssessLateFees(up_to=cases.day(on)))])
    for day, command in ((on, CloseLease()), *after):
        answer = LEASE.decide(command, state, context(business_date=cases.day(day)))
        if isinstance(answer, Refusal):
            assert isinstance(command, CloseLease), answer.sentence()
            continue
        state = fold(LEASE, answer, state)
        events += answer
    return events, state
