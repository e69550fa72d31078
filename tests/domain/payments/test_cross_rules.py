"""Debits keep to a mandate that stands at that moment, refunds to payments of their own lease."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from typing import Any
from uuid import UUID, uuid5

import pytest
from msgspec.structs import replace

from domain.contracts.contract import refusals as contract_refusals
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import IN_FORCE, ContractPhase, ContractState
from domain.kernel.command import Actor, Command
from domain.kernel.needs import CROSS_RULES, FirstEvent, Need, StreamState
from domain.kernel.process import process_actor
from domain.leasing.lease import refusals as lease_refusals
from domain.leasing.lease.commands import PostPayment, RefundCredit, ReversePayment
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import EXISTING, LeasePhase, LeaseState, PostedPayment
from domain.payments import mandate as mandate_refusals
from domain.payments.collection import POSTING, collection_stream, on_top
from domain.payments.cross_rules import PAYMENT_DIFFERS, PAYMENT_OF_THE_LEDGER, VALUE_DATE_BEFORE_LEASE
from domain.payments.mandate import (
    MANDATE,
    GrantMandate,
    MandatePhase,
    MandateState,
    ResumeMandate,
    mandate_stream,
)
from domain.payments.payment import refusals as payment_refusals
from domain.payments.payment.commands import (
    InitiatePayment,
    RecordChargeback,
    RecordRefunded,
    RecordSucceeded,
    RetryPayment,
)
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.state import PaymentState, Received
from domain.payments.payment.values import Reported
from tests.domain.leasing import cases as lease_cases
from tests.domain.leasing.test_admission import LEASE as CREATE
from tests.domain.payments import cases
from tests.given import CLERK, STREAM, TODAY, GivenFacts, Verdict, given

OF, PAYMENT_ID = cases.LEASE, UUID(int=0x7A)
MANDATE_NEED = StreamState(MANDATE.name, mandate_stream(OF))
LEASE_NEED, PAYMENT_NEED = StreamState(LEASE.name, OF), FirstEvent(PAYMENT.name, PAYMENT_ID)
MADE_OF, CONTRACT_ID = FirstEvent(LEASE.name, OF), UUID(int=0xC0)
RUNS = LeaseState(phase=LeasePhase.ACTIVE)
GRANTED = MandateState(phase=MandatePhase.GRANTED, lease=OF, reference="M-1", policy=cases.POLICY, limit_fen=5_000)
GRANT = GrantMandate(lease=OF, reference="M-1", policy=cases.POLICY, limit_fen=5_000)
DEBIT = InitiatePayment(lease=OF, bill=None, amount_fen=5_000, policy=cases.POLICY, mandate="M-1")
RETRY = RetryPayment(attempt=2, amount_fen=5_000)
UNDER = PaymentState(lease=OF, mandate="M-1")

debits = pytest.mark.parametrize("command", [DEBIT, RETRY], ids=["initiate", "retry"])


def under(command: Command, mandate: MandateState | None) -> GivenFacts:
    """A lease of the tenant, and its mandate."""
    return given({MANDATE_NEED: mandate, LEASE_NEED: RUNS, MADE_OF: None})


ASKING: dict[str, Command] = {
    "mandate": GRANT, "resume": ResumeMandate(), "payment": replace(DEBIT, mandate=None), "retry": RETRY,
}  # fmt: skip
asking = pytest.mark.parametrize("command", ASKING.values(), ids=ASKING)


@asking
def test_for_a_lease_of_the_tenant(command: Command) -> None:
    given({LEASE_NEED: RUNS, MADE_OF: None}).when(command, PaymentState(lease=OF)).then()
    given({LEASE_NEED: None}).when(command, PaymentState(lease=OF)).then_refused(lease_refusals.UNKNOWN)


@asking
def test_nothing_is_asked_for_of_a_lease_that_is_settled(command: Command) -> None:
    """Money would be debited that nobody owes. A lease that waits for delivery, or was written off, may be paid."""
    for phase in EXISTING:
        verdict = given({LEASE_NEED: LeaseState(phase=phase), MADE_OF: None}).when(command, PaymentState(lease=OF))
        if phase is LeasePhase.SETTLED:
            verdict.then_refused(lease_refusals.CLOSED, phase="settled")
        else:
            verdict.then()


@asking
def test_nothing_is_asked_for_under_a_void_contract(command: Command) -> None:
    """Nor of a lease that can begin no more. A debt outlives the end of its contract otherwise."""
    made = lease_cases.given().when(replace(CREATE, contract=CONTRACT_ID)).answer
    assert isinstance(made, tuple)
    for phase, lease in product(ContractPhase, EXISTING - {LeasePhase.SETTLED}):
        of: dict[Need, Any] = {LEASE_NEED: LeaseState(phase=lease), MADE_OF: made[0]}
        of[StreamState(CONTRACT.name, CONTRACT_ID)] = ContractState(phase=phase)
        verdict = given(of).when(command, PaymentState(lease=OF))
        ended = phase in {ContractPhase.TERMINATED, ContractPhase.FULFILLED}
        if phase in IN_FORCE or (ended and lease is not LeasePhase.AWAITING_DELIVERY):
            verdict.then()
        else:
            verdict.then_refused(contract_refusals.NOT_IN_FORCE, phase=phase)


@debits
def test_no_debit_without_a_mandate_that_stands(command: Command) -> None:
    under(command, GRANTED).when(command, UNDER).then()
    under(command, None).when(command, UNDER).then_refused(mandate_refusals.NOT_GRANTED, phase="absent")
    for phase in set(MandatePhase) - {MandatePhase.GRANTED}:
        gone = replace(GRANTED, phase=phase)
        under(command, gone).when(command, UNDER).then_refused(mandate_refusals.NOT_GRANTED, phase=phase)


@debits
def test_a_debit_keeps_to_the_terms(command: Any) -> None:
    beyond = replace(command, amount_fen=5_001)
    under(command, GRANTED).when(beyond, UNDER).then_refused(
        mandate_refusals.BEYOND_LIMIT, limit_fen=5_000, amount_fen=5_001
    )
    other = replace(GRANTED, reference="M-2")
    under(command, other).when(command, UNDER).then_refused(mandate_refusals.REFERENCE_DIFFERS)
    until = replace(GRANTED, valid_until=TODAY)
    under(command, until).when(command, UNDER).then()
    tomorrow = TODAY + timedelta(days=1)
    passed = under(command, until).when(command, UNDER, business_date=tomorrow)
    passed.then_refused(mandate_refusals.VALIDITY_PASSED)


def test_the_lessees_own_payment_needs_no_mandate() -> None:
    given({LEASE_NEED: RUNS, MADE_OF: None}).when(RETRY, PaymentState(lease=OF)).then()
    given({LEASE_NEED: RUNS, MADE_OF: None}).when(replace(DEBIT, mandate=None), None).then()


def test_the_lease_is_asked_for_before_its_mandate() -> None:
    given({LEASE_NEED: None}).when(DEBIT, None).then_refused(lease_refusals.UNKNOWN)


THROUGH = StreamState(PAYMENT.name, PAYMENT_ID)
ARRIVED = PaymentState(lease=OF, received=(Received(attempt=1, amount_fen=500, ref="f" * 64),))
POST = PostPayment(payment=PAYMENT_ID, amount_fen=500, value_date=TODAY)
REVERSE = ReversePayment(payment=PAYMENT_ID, reason="returned")
PROCESS = process_actor(POSTING)
money = pytest.mark.parametrize("command", [POST, REVERSE], ids=["post", "reverse"])


@money
def test_a_payment_of_the_ledger_is_not_posted_or_taken_back_by_hand(command: Command) -> None:
    """Not even as the provider says: what follows from the payment comes by itself."""
    given({THROUGH: None}).when(command, LeaseState(), stream=OF).then()
    for known in (ARRIVED, PaymentState(lease=OF), PaymentState(lease=UUID(int=9))):
        refused = given({THROUGH: known}).when(command, LeaseState(), stream=OF)
        refused.then_refused(PAYMENT_OF_THE_LEDGER, payment=PAYMENT_ID)


@money
def test_what_follows_from_a_payment_is_what_it_brought(command: Command) -> None:
    def ask(known: PaymentState | None, asked: Command = command) -> Verdict:
        return given({THROUGH: known}).when(asked, LeaseState(), stream=OF, actor=PROCESS)

    ask(ARRIVED).then()
    ask(None).then()
    ask(replace(ARRIVED, lease=UUID(int=9))).then_refused(PAYMENT_DIFFERS, payment=PAYMENT_ID, received_fen=500)


def test_a_posting_is_of_the_amount_that_came_first() -> None:
    on_top_of_it = replace(ARRIVED, received=(*ARRIVED.received, Received(attempt=2, amount_fen=7, ref="e" * 64)))
    for known in (ARRIVED, on_top_of_it):
        asked = replace(POST, amount_fen=7)
        refused = given({THROUGH: known}).when(asked, LeaseState(), stream=OF, actor=PROCESS)
        refused.then_refused(PAYMENT_DIFFERS, payment=PAYMENT_ID, received_fen=500)
    given({THROUGH: PaymentState(lease=OF)}).when(POST, LeaseState(), stream=OF, actor=PROCESS).then_refused(
        PAYMENT_DIFFERS, payment=PAYMENT_ID, received_fen=0
    )


def test_an_id_of_the_ledgers_own_is_not_taken_by_hand() -> None:
    """Whatever a collection of any day, past or to come, or a further attempt of any payment is or will be called."""
    long_ago, far_ahead = TODAY - timedelta(days=1), TODAY + timedelta(days=4_000)
    collections = [collection_stream(OF, day) for day in (long_ago, TODAY, far_ahead)]
    for taken in (*collections, on_top(PAYMENT_ID, 2), on_top(UUID(int=9), 1), uuid5(OF, "anything")):
        facts = given({StreamState(PAYMENT.name, taken): None})
        by_hand = replace(POST, payment=taken)
        facts.when(by_hand, LeaseState(), stream=OF).then_refused(PAYMENT_OF_THE_LEDGER, payment=taken)
        facts.when(by_hand, LeaseState(), stream=OF, actor=PROCESS).then()
    for free in (UUID(int=OF.int, version=4), UUID("0199b6f4-5f00-7000-8000-000000000001"), UUID(int=0x5B)):
        given({StreamState(PAYMENT.name, free): None}).when(replace(POST, payment=free), LeaseState(), stream=OF).then()


def reversing(taken: UUID, payments: dict[UUID, PaymentState | None], *, by: Actor = CLERK) -> Verdict:
    """A lease that has a payment and other money, which is taken back."""
    receipts = tuple(PostedPayment(payment=one, amount_fen=500, value_date=TODAY) for one in (PAYMENT_ID, taken))
    known = given({StreamState(PAYMENT.name, stream): state for stream, state in payments.items()})
    return known.when(
        ReversePayment(payment=taken, reason="returned"), LeaseState(receipts=receipts), stream=OF, actor=by
    )


def test_what_a_payment_brought_on_top_is_not_taken_back_by_hand() -> None:
    first, second = (Received(attempt=attempt, amount_fen=500, ref="f" * 64) for attempt in (2, 1))
    twice = PaymentState(lease=OF, received=(first, second))
    surplus = on_top(PAYMENT_ID, 1)
    known: dict[UUID, PaymentState | None] = {surplus: None, PAYMENT_ID: twice}
    reversing(surplus, known).then_refused(PAYMENT_OF_THE_LEDGER, payment=surplus)
    reversing(surplus, known, by=PROCESS).then()


def test_a_receipt_that_took_such_an_id_by_hand_before_can_be_taken_back() -> None:
    """The ledger's own money never came under it: people correct what they posted."""
    once = PaymentState(lease=OF, received=(Received(attempt=1, amount_fen=500, ref="f" * 64),))
    for squatted, payments in (
        (collection_stream(OF, TODAY), {}),
        (uuid5(OF, "a receipt"), {}),
        (on_top(PAYMENT_ID, 2), {PAYMENT_ID: once}),
        (on_top(PAYMENT_ID, 1), {PAYMENT_ID: once}),
        (on_top(PAYMENT_ID, 1), {PAYMENT_ID: None}),
    ):
        reversing(squatted, {squatted: None, **payments}).then()


def test_credit_goes_back_through_a_payment_of_the_lease() -> None:
    back = RefundCredit(amount_fen=100, payment=PAYMENT_ID)
    given({PAYMENT_NEED: cases.INITIATED}).when(back, LeaseState(), stream=OF).then()
    given().when(RefundCredit(amount_fen=100, payment=None), LeaseState(), stream=OF).then()
    unknown = payment_refusals.UNKNOWN
    given({PAYMENT_NEED: None}).when(back, LeaseState(), stream=OF).then_refused(unknown)
    given({PAYMENT_NEED: cases.INITIATED}).when(back, LeaseState(), stream=UUID(int=9)).then_refused(unknown)


LONG_AGO = TODAY - timedelta(days=400)
NEWS: dict[str, Any] = {
    "succeeded": lambda on: RecordSucceeded(attempt=1, amount_fen=1, value_date=on, ref=cases.REF),
    "refunded": lambda on: RecordRefunded(number=1, value_date=on, ref=cases.REF),
    "called back": lambda on: cases.callback(on=on),
}
news_of_money = pytest.mark.parametrize("said", NEWS.values(), ids=NEWS)


@news_of_money
def test_money_is_worth_from_no_day_long_before_its_lease_began(said: Any) -> None:
    """A first rent is paid weeks before the asset comes; a slip by a year takes late fees back that are owed."""
    lease = replace(RUNS, delivered_on=LONG_AGO)
    earliest = LONG_AGO - timedelta(days=92)
    given({LEASE_NEED: lease}).when(said(earliest), UNDER).then()
    for on in (earliest - timedelta(days=1), date(1005, 6, 1), date.min):
        given({LEASE_NEED: lease}).when(said(on), UNDER).then_refused(
            VALUE_DATE_BEFORE_LEASE, earliest=earliest, got=on
        )


@news_of_money
def test_before_the_asset_came_money_is_worth_from_a_day_of_the_last_three_months(said: Any) -> None:
    """No lease is asked for what is of these days anyway."""
    earliest = TODAY - timedelta(days=92)
    given({}).when(said(earliest), UNDER).then()
    on = earliest - timedelta(days=1)
    given({LEASE_NEED: RUNS}).when(said(on), UNDER).then_refused(VALUE_DATE_BEFORE_LEASE, earliest=earliest, got=on)


def test_money_by_hand_is_worth_from_no_day_long_before_the_lease_either() -> None:
    """What follows from a payment was judged there, and is posted whatever it says."""
    on = date(1005, 6, 1)
    posted = PostPayment(payment=PAYMENT_ID, amount_fen=1, value_date=on)
    facts: dict[Need, Any] = {StreamState(LEASE.name, STREAM): RUNS, StreamState(PAYMENT.name, PAYMENT_ID): None}
    asked = given(facts).when(posted, RUNS)
    asked.then_refused(VALUE_DATE_BEFORE_LEASE, earliest=TODAY - timedelta(days=92), got=on)
    known = PaymentState(lease=STREAM, received=(Received(attempt=1, amount_fen=1, ref=cases.REF),))
    given({StreamState(PAYMENT.name, PAYMENT_ID): known}).when(posted, RUNS, actor=process_actor(POSTING)).then()


def test_a_forged_callback_is_not_even_read() -> None:
    given({}).when(cases.callback(verified=False, on=date.min), UNDER).then()


def test_what_is_taken_back_has_the_day_that_its_money_had() -> None:
    """A first rent of long before the delivery was taken, and so is the news that it is gone."""
    gone = replace(cases.callback(on=date.min), reported=Reported.CHARGED_BACK, code="disputed")
    given({}).when(gone, UNDER).then()
    assert RecordChargeback not in CROSS_RULES
