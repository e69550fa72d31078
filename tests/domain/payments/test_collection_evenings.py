"""Evening after evening: what is due of a lease is debited once, in full, and never by two payments at a time."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from domain.payments.collection import (
    NO_MANDATE,
    NOTHING_OPEN,
    OWN_REASONS,
    Again,
    CollectionPosition,
    Debit,
    GiveUp,
    Move,
    Start,
    WaitingPayment,
    collection_stream,
    moves,
)
from domain.payments.payment.values import CollectionPolicy
from tests.given import TODAY

LEASE, ONE, TWO, THREE = (UUID(int=n) for n in (1, 2, 3, 4))
POLICY = CollectionPolicy(channels=("bank_a",), minimum_fen=100)
DEBIT = Debit(reference="DD-1", policy=POLICY)
DUE = CollectionPosition(lease=LEASE, due_fen=1_000, newest_due_on=TODAY, debit=DEBIT)


def under(
    payment: UUID, attempt: int = 2, *, mandate: str | None = "DD-1", initiated_fen: int = 1_000
) -> WaitingPayment:
    """A payment that waits under the mandate, or without one."""
    return WaitingPayment(payment=payment, attempt=attempt, initiated_fen=initiated_fen, mandate=mandate, advance=False)


# ------------------------------------------------------------------------------------------------ one evening


@pytest.mark.parametrize(
    ("minimum_fen", "due_fen", "starts"),
    [(0, 1, True), (0, 0, False), (1, 1, True), (100, 99, False), (100, 100, True)],
)
def test_nothing_is_never_debited_whatever_the_least_amount(minimum_fen: int, due_fen: int, starts: bool) -> None:
    """A policy may collect every fen, but an order for nothing is none."""
    debit = replace(DEBIT, policy=replace(POLICY, minimum_fen=minimum_fen))
    expected = (Start(due_fen, debit),) if starts else ()
    assert moves(replace(DUE, debit=debit, due_fen=due_fen)) == expected


@pytest.mark.parametrize("busy_fen", [900, 901, 1_000, 5_000])
def test_what_is_under_way_counts_for_a_retry_as_well(busy_fen: int) -> None:
    """Exactly the least amount is left, and less: then the payment that waits is given up."""
    (move,) = moves(replace(DUE, busy_fen=busy_fen, collecting=True, waiting=(under(ONE),)))
    assert move == (Again(ONE, 2, 100) if busy_fen == 900 else GiveUp(ONE, 2, NOTHING_OPEN))


def test_the_first_in_line_takes_what_is_there() -> None:
    """The limit of one debit leaves the rest to the next payment, and the third finds nothing."""
    debit = replace(DEBIT, limit_fen=600)
    waiting = (under(ONE), under(TWO, 3), under(THREE, 4))
    assert moves(replace(DUE, debit=debit, collecting=True, waiting=waiting)) == (
        Again(ONE, 2, 600),
        Again(TWO, 3, 400),
        GiveUp(THREE, 4, NOTHING_OPEN),
    )


def test_a_payment_that_is_given_up_takes_nothing_from_the_next() -> None:
    waiting = (under(ONE, mandate="DD-0"), under(TWO))
    assert moves(replace(DUE, collecting=True, waiting=waiting)) == (
        GiveUp(ONE, 2, NO_MANDATE),
        Again(TWO, 2, 1_000),
    )


def test_an_advance_that_is_more_than_due_leaves_nothing_to_debit() -> None:
    """What the lessee scheduled by itself comes first; the debit asks for what it does not cover."""
    early = WaitingPayment(payment=ONE, attempt=1, initiated_fen=5_000, mandate=None, advance=True)
    assert moves(replace(DUE, waiting=(early,))) == (Again(ONE, 1, 5_000),)
    assert moves(replace(DUE, waiting=(replace(early, initiated_fen=400),))) == (Again(ONE, 1, 400), Start(600, DEBIT))


def test_a_lessees_own_payment_needs_no_mandate_and_no_least_amount() -> None:
    own = under(ONE, mandate=None, initiated_fen=70)
    assert moves(replace(DUE, debit=None, due_fen=50, waiting=(own,))) == (Again(ONE, 2, 50),)
    assert moves(replace(DUE, debit=None, due_fen=1, waiting=(own,))) == (Again(ONE, 2, 1),)


def test_a_mandate_rests_while_nothing_new_fell_due() -> None:
    """The day after is enough; no bill at all is not."""
    stopped = replace(DUE, rests_since=TODAY - timedelta(days=1))
    assert moves(replace(stopped, newest_due_on=None)) == ()
    assert moves(replace(stopped, newest_due_on=TODAY)) == (Start(1_000, DEBIT),)


def test_resting_does_not_stop_what_waits_already() -> None:
    """A rest is about new payments; one that is scheduled under the mandate goes on."""
    assert moves(replace(DUE, rests_since=TODAY, collecting=True, waiting=(under(ONE),))) == (Again(ONE, 2, 1_000),)


def test_reasons_of_the_program_let_no_mandate_rest() -> None:
    """Each is given by some evening, and no other one is."""
    given_up = moves(replace(DUE, due_fen=0, waiting=(under(ONE), under(TWO, mandate="DD-0"))))
    assert {move.reason for move in given_up if isinstance(move, GiveUp)} == OWN_REASONS


def test_streams_of_a_lease_and_a_day_are_not_mixed_up() -> None:
    days = [TODAY + timedelta(days=n) for n in range(40)]
    assert len({collection_stream(lease, day) for lease in (LEASE, ONE) for day in days}) == 80


# ----------------------------------------------------------------------------------------------- many evenings


class Run(Struct):
    """A lease and its payments as they stand between two evenings; amounts in fen."""

    due_fen: int = 0
    newest_due_on: date | None = None
    busy_fen: int = 0
    waiting: tuple[WaitingPayment, ...] = ()
    begun: int = 0
    collected_fen: int = 0

    def evening(self, on: date, debit: Debit | None) -> tuple[Move, ...]:
        """What is done; an order that goes out is under way until the morning."""
        position = CollectionPosition(
            lease=LEASE,
            due_fen=self.due_fen,
            newest_due_on=self.newest_due_on,
            busy_fen=self.busy_fen,
            collecting=bool(self.waiting) or self.busy_fen > 0,
            debit=debit,
            waiting=self.waiting,
        )
        found = moves(position)
        assert sum(isinstance(move, Start) for move in found) <= (not self.waiting and not self.busy_fen)
        self.waiting = ()
        self.busy_fen += sum(move.amount_fen for move in found if not isinstance(move, GiveUp))
        assert self.busy_fen <= self.due_fen
        self.begun += sum(isinstance(move, Start) for move in found)
        return found

    def morning(self, found: tuple[Move, ...], *, fails: bool, again: bool) -> None:
        """Orders come to nothing and wait again, or bring their money."""
        for move in found:
            if isinstance(move, GiveUp):
                continue
            self.busy_fen -= move.amount_fen
            if not fails:
                self.due_fen, self.collected_fen = self.due_fen - move.amount_fen, self.collected_fen + move.amount_fen
            elif again:
                payment, attempt = (move.payment, move.attempt) if isinstance(move, Again) else (UUID(int=99), 1)
                self.waiting = (*self.waiting, under(payment, attempt + 1, initiated_fen=move.amount_fen))


days = st.lists(
    st.tuples(st.integers(0, 3_000), st.sampled_from(["pays", "waits", "ends"]), st.booleans()), min_size=1, max_size=12
)


@for_all(days, st.none() | st.integers(100, 2_000))
def test_in_the_end_everything_due_was_collected_once(days: list[tuple[int, str, bool]], limit_fen: int | None) -> None:
    """Bills fall due, debits fail and are tried again, the mandate comes and goes: then some good evenings follow."""
    debit = replace(DEBIT, limit_fen=limit_fen)
    run, billed_fen, on = Run(), 0, TODAY
    for falls_due_fen, ending, stands in days:
        on += timedelta(days=1)
        if falls_due_fen:
            run.due_fen, run.newest_due_on, billed_fen = run.due_fen + falls_due_fen, on, billed_fen + falls_due_fen
        found = run.evening(on, debit if stands else None)
        assert stands or not any(isinstance(move, (Start, Again)) for move in found)
        run.morning(found, fails=ending != "pays", again=ending == "waits")
        assert run.collected_fen + run.due_fen == billed_fen
    evenings = 1 + billed_fen // 100
    while run.due_fen >= POLICY.minimum_fen:
        run.morning(run.evening(on, debit), fails=False, again=False)
        evenings -= 1
        assert evenings >= 0, "an evening on which nothing was collected"
    assert run.evening(on, debit) == () or run.due_fen == 0
    assert run.collected_fen + run.due_fen == billed_fen
    assert run.begun > 0 or billed_fen < POLICY.minimum_fen
