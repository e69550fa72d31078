"""Processes between leases and payments: money is posted, reversed and refunded exactly once, each by its attempt."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from adapters.connectors.payments.scenarios import Script, always
from adapters.postgres.ledger import Request
from adapters.processes.dispatch import context
from adapters.processes.subscription import occurrence_of
from api.compose import Running
from api.demonstration.taking_over import take_over, taken_over_on
from chain.entry import Entry
from domain.kernel.event import Event
from domain.kernel.needs import Facts, StreamEvents, StreamState
from domain.kernel.process import FollowUp, Occurrence, process_actor
from domain.kernel.refusal import Refusal
from domain.leasing.lease.commands import CloseLease, PostPayment, RefundCredit
from domain.leasing.lease.events.money import LeaseClosed
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeasePhase, LeaseState
from domain.payments.collection import POSTING, collection_stream, on_top
from domain.payments.lease_payments import LEASE_PAYMENTS
from domain.payments.mandate import MANDATE, GrantMandate, MandateRevoked, mandate_stream
from domain.payments.payment.commands import InitiatePayment, RecordChargeback, RecordSucceeded
from domain.payments.payment.events import PaymentChargedBack, PaymentOverpaid
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.values import Source
from tests.adapters.processes.world import (
    FIRST,
    POLICY,
    TENANT,
    World,
    a_world,
    cash,
    contents,
    creation,
    given,
    grant,
    lease_stream,
    make_lease,
)
from tests.given import when

DUE = FIRST + timedelta(days=30)
BEFORE_THE_BILL = DUE - timedelta(days=3)
ADVANCE = uuid5(TENANT, "an advance")


async def kinds(program: Running, stream: UUID) -> list[str]:
    return [kind for kind, _, _ in (await contents(program)).get(stream, [])]


async def lease_of(world: World, lease: UUID) -> LeaseState:
    """The lease as the ledger has it."""
    _, state = await world.program.ledger.load(LEASE, lease)
    assert isinstance(state, LeaseState)
    return state


def follow_ups(event: Event, entry: Entry) -> Sequence[FollowUp]:
    """What follows from an event, had it happened where this entry stands."""
    facts: Facts = {StreamEvents(PAYMENT.name, entry.stream): ()}
    followed = LEASE_PAYMENTS.reacts[type(event)].follow(occurrence_of(event, entry), facts)
    return [one for one in followed if isinstance(one, FollowUp)]


@pytest.fixture
async def paid(world: World) -> tuple[World, UUID, UUID]:
    """A lease whose first bill was collected: world, lease, payment."""
    lease = await make_lease(world.program, 0)
    await grant(world.program, lease)
    await world.end_of_day.open(BEFORE_THE_BILL)
    await world.end_of_day.catch_up(DUE)
    return world, lease, collection_stream(lease, DUE)


async def test_a_success_is_posted_once_under_the_payments_key(paid: tuple[World, UUID, UUID]) -> None:
    world, lease, payment = paid
    assert (await kinds(world.program, lease)).count("lease.payment_posted.v1") == 1
    known = await world.program.reader.command(TENANT, f"payment:{payment.hex}:posted", system=True)
    assert known is not None
    assert known.stream == lease


async def test_a_chargeback_is_reversed(paid: tuple[World, UUID, UUID]) -> None:
    world, lease, payment = paid
    await given(world.program, PAYMENT, payment, "cb", RecordChargeback(attempt=1, reason="disputed"), DUE)
    await world.settle()
    await world.settle()
    assert (await kinds(world.program, lease)).count("lease.payment_reversed.v1") == 1


async def test_overpaid_money_is_taken_back_by_itself(paid: tuple[World, UUID, UUID]) -> None:
    """A second attempt brings money as well; what is reversed is what was charged back, and not the other."""
    world, lease, _ = paid
    begin = InitiatePayment(lease=lease, bill=None, amount_fen=500, policy=POLICY)
    await given(world.program, PAYMENT, ADVANCE, "begin", begin, DUE)
    await world.settle()
    twice = PaymentOverpaid(
        lease=lease, attempt=2, channel="bank_b", amount_fen=700, value_date=DUE, provider_ref="b" * 64
    )
    stored = await world.program.reader.stream(ADVANCE)
    entry = stored[-1].parsed()
    (post,) = follow_ups(twice, entry)
    assert isinstance(post.command, PostPayment)
    assert (post.key, post.stream) == (f"payment:{ADVANCE.hex}:overpaid:2", lease)
    assert post.command.payment == on_top(ADVANCE, 2) != ADVANCE
    back = PaymentChargedBack(
        lease=lease, attempt=2, channel="bank_b", amount_fen=700, reason="disputed", value_date=DUE,
        provider_ref="b" * 64, on_top=True,
    )  # fmt: skip
    for follow_up in (post, *follow_ups(back, entry)):
        by = process_actor(POSTING).id
        await given(world.program, LEASE, follow_up.stream, follow_up.key, follow_up.command, DUE, by)
    receipts = {one.payment: one.reversed for one in (await lease_of(world, lease)).receipts}
    assert receipts[on_top(ADVANCE, 2)] is True
    assert receipts[ADVANCE] is False


async def test_money_under_a_name_that_is_taken_is_put_before_people(paid: tuple[World, UUID, UUID]) -> None:
    """Posted by hand before there was a rule: what the provider brought is told beside it, and neither is lost."""
    world, lease, _ = paid
    begin = InitiatePayment(lease=lease, bill=None, amount_fen=500, policy=POLICY)
    await given(world.program, PAYMENT, ADVANCE, "begin", begin, DUE)
    by_hand = PostPayment(payment=ADVANCE, amount_fen=1, value_date=FIRST)
    by = context(TENANT, DUE, "test", lease)
    refused = await when(world.program, LEASE, lease, by_hand, key="by hand", by=by)
    refused.then_refused("lease.payment_of_the_ledger", payment=ADVANCE)
    (await when(world.program, LEASE, lease, by_hand, key="by hand", rules=False, by=by)).granted()
    await world.settle()
    (kept,) = await world.days.parked(TENANT)
    assert (kept.key, kept.code) == (f"payment:{ADVANCE.hex}:posted", "lease.payment_known")
    assert json.loads(kept.facts) == {
        "payment": str(ADVANCE), "known_fen": "1", "known_on": str(FIRST), "amount_fen": "500", "value_date": str(DUE),
    }  # fmt: skip


async def test_late_money_of_another_attempt_reaches_the_lease_too(paid: tuple[World, UUID, UUID]) -> None:
    """The failed first attempt turns out to have succeeded: a query says so, and it is credit."""
    world, lease, _ = paid
    for bank in world.banks.values():
        bank._rule = lambda order: Script(code="insufficient_funds" if order.request.endswith("-1") else None)
    begin = InitiatePayment(lease=lease, bill=None, amount_fen=500, policy=POLICY, collect_on=None)
    await given(world.program, PAYMENT, ADVANCE, "begin", begin, DUE)
    await world.settle()
    late = RecordSucceeded(attempt=1, amount_fen=500, value_date=DUE, ref="c" * 64, source=Source.QUERY)
    await given(world.program, PAYMENT, ADVANCE, "late", late, DUE)
    await world.settle()
    assert (await lease_of(world, lease)).balances.credit_fen == 500


async def test_a_mandate_ends_with_its_lease(program: Running) -> None:
    """Granted anew for a lease that was opened again, it ends again; and none is granted for a settled one."""
    async with a_world(program, always(Script())) as world:
        lease = lease_stream(0)
        await take_over(world.program, LEASE, lease, taken_over_on(TENANT, lease, FIRST), creation(0))
        await grant(world.program, lease)
        mandate = mandate_stream(lease)
        await given(world.program, LEASE, lease, "close", CloseLease(), FIRST)
        await world.settle()
        (_, ended) = [one.parsed().event() for one in await world.program.reader.stream(mandate)]
        assert ended == MandateRevoked(revoked_on=FIRST, reason="lease_closed")
        by = context(TENANT, FIRST, "test", lease)
        debit = InitiatePayment(lease=lease, bill=None, amount_fen=500, policy=POLICY, mandate="M-1")
        (await when(world.program, PAYMENT, ADVANCE, debit, by=by)).then_refused("lease.closed", phase="settled")
        again = GrantMandate(lease=lease, reference="DD-2", policy=POLICY)
        (await when(world.program, MANDATE, mandate, again, by=by)).then_refused("lease.closed", phase="settled")
        (await when(world.program, MANDATE, mandate, again, by=by, rules=False, key="before the rule")).granted()
        occurrence = Occurrence(event=LeaseClosed(on=FIRST), stream=lease, tenant=TENANT, business_date=FIRST)
        stands, of = StreamState(MANDATE.name, mandate), StreamState(LEASE.name, lease)
        state = (await world.program.ledger.load(MANDATE, mandate))[1]
        settled, opened = LeaseState(phase=LeasePhase.SETTLED), LeaseState(phase=LeasePhase.REOPENED)
        (once_more,) = LEASE_PAYMENTS.reacts[LeaseClosed].follow(occurrence, {stands: state, of: settled})
        assert isinstance(once_more, FollowUp)
        assert once_more.key == f"lease:{lease.hex}:mandate:3"
        for found, then in ((None, settled), (state, opened)):
            assert LEASE_PAYMENTS.reacts[LeaseClosed].follow(occurrence, {stands: found, of: then}) == ()


# ----------------------------------------------------------------------------------------------- refunds


@asynccontextmanager
async def with_credit(program: Running, script: Script) -> AsyncIterator[tuple[World, UUID]]:
    """A lease with 500 fen of credit, paid through a bank."""
    async with a_world(program, always(script)) as world:
        lease = await make_lease(program, 0)
        begin = InitiatePayment(lease=lease, bill=None, amount_fen=500, policy=POLICY)
        await given(program, PAYMENT, ADVANCE, "begin", begin, FIRST)
        await world.settle()
        assert (await lease_of(world, lease)).balances.credit_fen == 500
        yield world, lease


async def ask(world: World, lease: UUID, fen: int, key: str = "refund", payment: UUID | None = ADVANCE) -> Any:
    """FollowUp for a refund; the outcome."""
    command = RefundCredit(amount_fen=fen, payment=payment)
    request = Request(stream=lease, key=key, command=command, context=context(TENANT, FIRST, "test", lease))
    outcome = await world.program.ledger.execute(LEASE, request)
    await world.settle()
    return outcome


async def test_a_refund_goes_through_the_provider(program: Running) -> None:
    async with with_credit(program, Script()) as (world, lease):
        await ask(world, lease, 200)
        assert (await kinds(program, ADVANCE))[-2:] == ["payment.refund_requested.v1", "payment.refunded.v1"]
        assert world.banks["bank_a"].balance_fen(FIRST) == 300
        assert (await lease_of(world, lease)).balances.credit_fen == 300


async def test_a_refund_in_cash_asks_nobody(program: Running) -> None:
    async with with_credit(program, Script()) as (world, lease):
        await ask(world, lease, 200, payment=None)
        assert "payment.refund_requested.v1" not in await kinds(program, ADVANCE)
        assert world.banks["bank_a"].balance_fen(FIRST) == 500
        assert (await lease_of(world, lease)).balances.credit_fen == 300


async def test_a_refund_that_fails_is_credit_again(program: Running) -> None:
    async with with_credit(program, Script(refund_code="payee_account_closed")) as (world, lease):
        await ask(world, lease, 200)
        assert (await kinds(program, ADVANCE))[-1] == "payment.refund_failed.v1"
        assert (await kinds(program, lease))[-2:] == ["lease.credit_refunded.v1", "lease.refund_returned.v1"]
        assert (await lease_of(world, lease)).balances.credit_fen == 500
        assert world.banks["bank_a"].balance_fen(FIRST) == 500


async def test_a_refund_that_no_attempt_covers_comes_back(program: Running) -> None:
    """Credit of 900, but no more than 500 of it came through this payment."""
    async with with_credit(program, Script()) as (world, lease):
        posted = PostPayment(payment=cash(TENANT, "cash"), amount_fen=400, value_date=FIRST)
        await given(program, LEASE, lease, "cash", posted, FIRST)
        await ask(world, lease, 501)
        assert (await kinds(program, lease))[-1] == "lease.refund_returned.v1"
        assert (await lease_of(world, lease)).balances.credit_fen == 900


async def test_a_lost_answer_to_a_refund_is_asked_for_until_it_is_known(program: Running) -> None:
    """The money went out at the first time of asking, and goes out once."""
    async with with_credit(program, Script(refund_lost=True)) as (world, lease):
        await world.end_of_day.open(FIRST)
        await ask(world, lease, 200)
        assert (await kinds(program, ADVANCE))[-1] == "payment.refund_requested.v1"
        closed = await world.end_of_day.close(FIRST)
        assert closed.processed["queries"] == 1
        assert (await kinds(program, ADVANCE))[-1] == "payment.refunded.v1"
        assert world.banks["bank_a"].balance_fen(FIRST) == 300
        told = [kind for events in (await contents(program)).values() for kind, _, _ in events]
        assert "reconciliation.break_found.v1" not in told
        assert (await world.end_of_day.close(FIRST + timedelta(days=1))).processed["queries"] == 0


async def test_more_than_the_credit_is_refused_before_anybody_is_asked(program: Running) -> None:
    async with with_credit(program, Script()) as (world, lease):
        outcome = await ask(world, lease, 501)
        assert isinstance(outcome, Refusal)
        assert outcome.code == "lease.credit_too_small"
        assert await world.days.parked(TENANT) == []
