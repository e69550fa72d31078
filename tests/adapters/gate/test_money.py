"""The gate of money: debits keep to a mandate that stands at that moment, refunds to payments of their own lease."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.leasing.admission import lease_stream
from domain.leasing.lease.commands import PostPayment, RefundCredit
from domain.leasing.lease.rules.decider import LEASE
from domain.payments.mandate import MANDATE, GrantMandate, ResumeMandate, RevokeMandate, SuspendMandate, mandate_stream
from domain.payments.payment.commands import InitiatePayment, RecordFailed, RecordSucceeded, RetryPayment
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.values import CollectionPolicy
from tests.adapters.gate.business import DAY, House, wish
from tests.adapters.gate.test_leases import leasable

POLICY = CollectionPolicy(channels=("bank_a",), retries=2, spacing_days=(0,))


async def lease(house: House) -> UUID:
    """A lease that awaits delivery."""
    await house.consents()
    contract, create = await leasable(house, wish())
    stream = lease_stream(contract)
    await house.done(LEASE, stream, create)
    return stream


def grant(of: UUID, **more: Any) -> GrantMandate:
    return GrantMandate(lease=of, reference="DD-1", policy=POLICY, **{"limit_fen": 5_000} | more)


def debit(of: UUID, fen: int = 5_000, mandate: str | None = "DD-1") -> InitiatePayment:
    return InitiatePayment(lease=of, bill=None, amount_fen=fen, policy=POLICY, mandate=mandate)


async def test_a_mandate_is_for_a_lease_of_the_tenant(house: House) -> None:
    of = await lease(house)
    stranger = House(house.program)
    assert (await stranger.no(MANDATE, mandate_stream(of), grant(of)))[0] == "lease.unknown"
    nobody = uuid4()
    assert (await house.no(MANDATE, mandate_stream(nobody), grant(nobody)))[0] == "lease.unknown"
    await house.done(MANDATE, mandate_stream(of), grant(of))


async def test_no_debit_without_a_mandate_that_stands(house: House) -> None:
    of = await lease(house)
    mandate = mandate_stream(of)
    assert (await house.no(PAYMENT, uuid4(), debit(of)))[0] == "mandate.not_granted"
    await house.done(MANDATE, mandate, grant(of))
    await house.done(PAYMENT, uuid4(), debit(of))
    await house.done(MANDATE, mandate, SuspendMandate(reason="disputed"))
    assert (await house.no(PAYMENT, uuid4(), debit(of)))[0] == "mandate.not_granted"
    await house.done(MANDATE, mandate, ResumeMandate(), RevokeMandate(reason="lessee"))
    assert (await house.no(PAYMENT, uuid4(), debit(of)))[0] == "mandate.not_granted"
    await house.done(PAYMENT, uuid4(), debit(of, mandate=None))


async def test_a_debit_keeps_to_the_terms(house: House) -> None:
    of = await lease(house)
    await house.done(MANDATE, mandate_stream(of), grant(of, valid_until=DAY))
    assert await house.no(PAYMENT, uuid4(), debit(of, 5_001)) == (
        "mandate.beyond_limit",
        {"limit_fen": "5000", "amount_fen": "5001"},
    )
    assert (await house.no(PAYMENT, uuid4(), debit(of, mandate="DD-2")))[0] == "mandate.reference_differs"
    house.today = DAY + timedelta(days=1)
    assert (await house.no(PAYMENT, uuid4(), debit(of)))[0] == "mandate.validity_passed"


async def test_a_retry_is_asked_about_again(house: House) -> None:
    """It was planned under a mandate that did not outlive the plan."""
    of, payment = await lease(house), uuid4()
    await house.done(MANDATE, mandate_stream(of), grant(of))
    await house.done(PAYMENT, payment, debit(of), RecordFailed(attempt=1, code="insufficient_funds"))
    again = RetryPayment(attempt=2, amount_fen=5_001)
    assert (await house.no(PAYMENT, payment, again))[0] == "mandate.beyond_limit"
    await house.done(MANDATE, mandate_stream(of), RevokeMandate(reason="lessee"))
    again = RetryPayment(attempt=2, amount_fen=100)
    assert (await house.no(PAYMENT, payment, again))[0] == "mandate.not_granted"


async def test_the_lessees_own_payment_needs_no_mandate(house: House) -> None:
    of, payment = await lease(house), uuid4()
    failed = RecordFailed(attempt=1, code="insufficient_funds")
    await house.done(PAYMENT, payment, debit(of, mandate=None), failed, RetryPayment(attempt=2, amount_fen=5_000))
    assert (await house.no(PAYMENT, uuid4(), debit(of)))[0] == "mandate.not_granted"


@pytest.mark.parametrize("through", ["own", "none", "cash", "another lease's"])
async def test_credit_goes_back_through_a_payment_of_the_lease(house: House, through: str) -> None:
    of = await lease(house)
    payment, cash = uuid4(), uuid4()
    arrived = RecordSucceeded(attempt=1, amount_fen=5_000, value_date=DAY, ref="f" * 64)
    theirs = await lease(house) if through == "another lease's" else of
    await house.done(PAYMENT, payment, debit(theirs, mandate=None), arrived)
    for one in (payment, cash):
        await house.done(LEASE, of, PostPayment(payment=one, amount_fen=5_000, value_date=DAY))
    named = {"own": payment, "none": None, "cash": cash, "another lease's": payment}[through]
    back = RefundCredit(amount_fen=100, payment=named)
    if through in ("own", "none"):
        await house.done(LEASE, of, back)
    else:
        assert (await house.no(LEASE, of, back))[0] == "payment.unknown"
