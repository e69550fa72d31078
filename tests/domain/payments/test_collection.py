"""What is collected in the evening: once, no more than is due, and only under a mandate that stands."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.payments.collection import (
    NO_MANDATE,
    NOTHING_OPEN,
    Again,
    CollectionPosition,
    Debit,
    GiveUp,
    Start,
    WaitingPayment,
    collection_stream,
    moves,
)
from domain.payments.payment.values import CollectionPolicy
from tests.given import TODAY

LEASE, FIRST, SECOND = UUID(int=1), UUID(int=2), UUID(int=3)
POLICY = CollectionPolicy(channels=("bank_a",), minimum_fen=100)
DEBIT = Debit(reference="DD-1", policy=POLICY)
DUE = CollectionPosition(lease=LEASE, due_fen=1_000, newest_due_on=TODAY, debit=DEBIT)
TRIED = WaitingPayment(payment=FIRST, attempt=2, initiated_fen=1_000, mandate="DD-1", advance=True)
OWN = WaitingPayment(payment=SECOND, attempt=2, initiated_fen=300, mandate=None, advance=False)


def test_what_is_due_is_collected() -> None:
    assert moves(DUE) == (Start(1_000, DEBIT),)


def test_nothing_without_a_mandate() -> None:
    assert moves(replace(DUE, debit=None)) == ()


def test_what_is_under_way_is_not_asked_for_again() -> None:
    assert moves(replace(DUE, busy_fen=400)) == (Start(600, DEBIT),)
    assert moves(replace(DUE, busy_fen=2_000)) == ()


def test_one_payment_at_a_time() -> None:
    assert moves(replace(DUE, collecting=True)) == ()


def test_a_debit_asks_for_no_more_than_its_limit() -> None:
    limited = replace(DEBIT, limit_fen=700)
    assert moves(replace(DUE, debit=limited)) == (Start(700, limited),)
    tried = replace(DUE, debit=limited, collecting=True, waiting=(TRIED,))
    assert moves(tried) == (Again(FIRST, 2, 700),)


def test_little_is_left_until_there_is_more() -> None:
    assert moves(replace(DUE, due_fen=99)) == ()
    assert moves(replace(DUE, due_fen=100)) == (Start(100, DEBIT),)


def test_a_stopped_mandate_rests_until_something_new_falls_due() -> None:
    """Exhausted or charged back yesterday: nothing that was due by then is asked for by itself."""
    yesterday = TODAY - timedelta(days=1)
    assert moves(replace(DUE, rests_since=yesterday, newest_due_on=yesterday)) == ()
    assert moves(replace(DUE, rests_since=TODAY)) == ()
    assert moves(replace(DUE, rests_since=yesterday)) == (Start(1_000, DEBIT),)


def test_a_retry_asks_for_what_is_open_now() -> None:
    """Part of it was paid in another way, or more fell due meanwhile."""
    for due_fen in (400, 3_000):
        assert moves(replace(DUE, due_fen=due_fen, collecting=True, waiting=(TRIED,))) == (Again(FIRST, 2, due_fen),)


def test_a_retry_is_given_up_when_nothing_is_open() -> None:
    paid = replace(DUE, due_fen=0, newest_due_on=None, collecting=True, waiting=(TRIED, OWN))
    assert moves(paid) == (GiveUp(FIRST, 2, NOTHING_OPEN), GiveUp(SECOND, 2, NOTHING_OPEN))


def test_a_retry_is_given_up_without_its_mandate() -> None:
    for debit in (None, replace(DEBIT, reference="DD-2")):
        assert moves(replace(DUE, debit=debit, collecting=True, waiting=(TRIED,))) == (GiveUp(FIRST, 2, NO_MANDATE),)


def test_payments_of_one_lease_do_not_ask_for_the_same_money() -> None:
    """The lessee's own payment is tried again with 300, the debit asks for the rest."""
    assert moves(replace(DUE, waiting=(OWN,))) == (Again(SECOND, 2, 300), Start(700, DEBIT))
    first = replace(DUE, due_fen=200, waiting=(OWN,))
    assert moves(first) == (Again(SECOND, 2, 200),)


def test_a_scheduled_advance_is_what_the_lessee_wished() -> None:
    """It may be paid before anything is due; tried again it asks for no more than is due then."""
    advance = replace(OWN, attempt=1, advance=True)
    assert moves(replace(DUE, due_fen=0, debit=None, waiting=(advance,))) == (Again(SECOND, 1, 300),)
    again = replace(advance, attempt=2)
    assert moves(replace(DUE, due_fen=0, debit=None, waiting=(again,))) == (GiveUp(SECOND, 2, NOTHING_OPEN),)
    on_a_bill = replace(advance, advance=False)
    assert moves(replace(DUE, due_fen=50, debit=None, waiting=(on_a_bill,))) == (Again(SECOND, 1, 50),)


def test_a_day_has_one_collection_of_a_lease() -> None:
    assert collection_stream(LEASE, TODAY) == collection_stream(UUID(int=1), TODAY)
    assert len({collection_stream(lease, TODAY + timedelta(days=n)) for lease in (LEASE, FIRST) for n in (0, 1)}) == 4


fens = st.integers(0, 2_000)
waitings = st.lists(
    st.builds(
        WaitingPayment,
        payment=st.uuids(),
        attempt=st.integers(1, 3),
        initiated_fen=st.integers(1, 2_000),
        mandate=st.sampled_from(["DD-1", "DD-2", None]),
        advance=st.booleans(),
    ),
    max_size=4,
).map(tuple)
debits = st.none() | st.builds(
    Debit, reference=st.just("DD-1"), policy=st.just(POLICY), limit_fen=st.none() | st.integers(100, 2_000)
)
collection_positions = st.builds(
    CollectionPosition,
    lease=st.just(LEASE),
    due_fen=fens,
    newest_due_on=st.none() | st.just(TODAY),
    busy_fen=fens,
    collecting=st.booleans(),
    rests_since=st.none() | st.just(TODAY),
    debit=debits,
    waiting=waitings,
)


@for_all(collection_positions)
def test_never_more_than_is_due(position: CollectionPosition) -> None:
    """All that is asked for now, with all that is under way, is at most what is due, scheduled advances apart."""
    fresh = {one.payment for one in position.waiting if one.mandate is None and one.advance and one.attempt == 1}
    found = moves(position)
    asked = [one for one in found if isinstance(one, Start) or (isinstance(one, Again) and one.payment not in fresh)]
    assert sum(one.amount_fen for one in asked) <= max(0, position.due_fen - position.busy_fen)
    assert all(one.amount_fen > 0 for one in asked)


@for_all(collection_positions)
def test_every_waiting_payment_goes_on_or_is_given_up(position: CollectionPosition) -> None:
    found = [one.payment for one in moves(position) if not isinstance(one, Start)]
    assert found == [one.payment for one in position.waiting]


@for_all(collection_positions)
def test_debits_keep_to_the_mandate(position: CollectionPosition) -> None:
    """No debit without one that stands, none beyond its limit or below the policy's least amount."""
    mandated = {one.payment for one in position.waiting if one.mandate is not None}
    for move in moves(position):
        if isinstance(move, Start) or (isinstance(move, Again) and move.payment in mandated):
            assert position.debit is not None
            assert move.amount_fen >= POLICY.minimum_fen
            assert position.debit.limit_fen is None or move.amount_fen <= position.debit.limit_fen
