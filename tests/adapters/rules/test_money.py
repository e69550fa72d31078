"""Money against the ledger: whose lease it is, and whose payment."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.kernel.process import process_actor
from domain.leasing.admission import lease_stream
from domain.leasing.lease.commands import PostPayment, RefundCredit
from domain.leasing.lease.rules.decider import LEASE
from domain.payments.collection import POSTING
from domain.payments.mandate import MANDATE, GrantMandate, mandate_stream
from domain.payments.payment.commands import InitiatePayment, RecordSucceeded
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.values import CollectionPolicy
from tests.adapters.lessor import DAY, Lessor, wish
from tests.adapters.rules.test_leases import leasable

POLICY = CollectionPolicy(channels=("bank_a",), retries=2, spacing_days=(0,))


async def lease(lessor: Lessor) -> UUID:
    """A lease that awaits delivery."""
    await lessor.consents()
    contract, create = await leasable(lessor, wish())
    stream = lease_stream(contract)
    await lessor.given(LEASE, stream, create)
    return stream


def grant(of: UUID, **more: Any) -> GrantMandate:
    return GrantMandate(lease=of, reference="DD-1", policy=POLICY, **{"limit_fen": 5_000} | more)


def debit(of: UUID, fen: int = 5_000, mandate: str | None = "DD-1") -> InitiatePayment:
    return InitiatePayment(lease=of, bill=None, amount_fen=fen, policy=POLICY, mandate=mandate)


async def test_a_mandate_is_for_a_lease_of_the_tenant(lessor: Lessor) -> None:
    of = await lease(lessor)
    stranger = Lessor(lessor.program)
    (await stranger.when(MANDATE, mandate_stream(of), grant(of))).then_refused("lease.unknown")
    nobody = uuid4()
    (await lessor.when(MANDATE, mandate_stream(nobody), grant(nobody))).then_refused("lease.unknown")
    await lessor.given(MANDATE, mandate_stream(of), grant(of))


@pytest.mark.parametrize("through", ["own", "none", "cash", "another lease's"])
async def test_credit_goes_back_through_a_payment_of_the_lease(lessor: Lessor, through: str) -> None:
    of = await lease(lessor)
    payment, cash = uuid4(), uuid4()
    arrived = RecordSucceeded(attempt=1, amount_fen=5_000, value_date=DAY, ref="f" * 64)
    theirs = await lease(lessor) if through == "another lease's" else of
    await lessor.given(PAYMENT, payment, debit(theirs, mandate=None), arrived)
    posted, own = PostPayment(payment=payment, amount_fen=5_000, value_date=DAY), theirs == of
    if own:
        await lessor.given(LEASE, of, posted, by=process_actor(POSTING))
    else:
        refused = await lessor.when(LEASE, of, posted, by=process_actor(POSTING))
        refused.then_refused("lease.payment_differs")
    await lessor.given(LEASE, of, PostPayment(payment=cash, amount_fen=5_000, value_date=DAY))
    named = {"own": payment, "none": None, "cash": cash, "another lease's": payment}[through]
    back = RefundCredit(amount_fen=100, payment=named)
    if through in ("own", "none"):
        await lessor.given(LEASE, of, back)
    else:
        code = "payment.unknown" if own else "lease.payment_unknown"
        (await lessor.when(LEASE, of, back)).then_refused(code)
