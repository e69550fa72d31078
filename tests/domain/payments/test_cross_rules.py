"""Debits keep to a mandate that stands at that moment, refunds to payments of their own lease."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.kernel.command import Command
from domain.kernel.needs import FirstEvent, StreamState
from domain.leasing.lease import refusals as lease_refusals
from domain.leasing.lease.commands import RefundCredit
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeaseState
from domain.payments import mandate as mandate_refusals
from domain.payments.mandate import MANDATE, GrantMandate, MandatePhase, MandateState, mandate_stream
from domain.payments.payment import refusals as payment_refusals
from domain.payments.payment.commands import InitiatePayment, RetryPayment
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.state import PaymentState
from tests.domain.payments import cases
from tests.given import TODAY, GivenFacts, given

OF, PAYMENT_ID = cases.LEASE, UUID(int=0x7A)
MANDATE_NEED = StreamState(MANDATE.name, mandate_stream(OF))
LEASE_NEED, PAYMENT_NEED = FirstEvent(LEASE.name, OF), FirstEvent(PAYMENT.name, PAYMENT_ID)
SOMETHING = object()
GRANTED = MandateState(phase=MandatePhase.GRANTED, lease=OF, reference="M-1", policy=cases.POLICY, limit_fen=5_000)
GRANT = GrantMandate(lease=OF, reference="M-1", policy=cases.POLICY, limit_fen=5_000)
DEBIT = InitiatePayment(lease=OF, bill=None, amount_fen=5_000, policy=cases.POLICY, mandate="M-1")
RETRY = RetryPayment(attempt=2, amount_fen=5_000)
UNDER = PaymentState(lease=OF, mandate="M-1")

debits = pytest.mark.parametrize("command", [DEBIT, RETRY], ids=["initiate", "retry"])


def under(command: Command, mandate: MandateState | None) -> GivenFacts:
    """A lease of the tenant, where that is asked, and its mandate."""
    return given({MANDATE_NEED: mandate} | ({LEASE_NEED: SOMETHING} if isinstance(command, InitiatePayment) else {}))


@pytest.mark.parametrize("command", [GRANT, replace(DEBIT, mandate=None)], ids=["mandate", "payment"])
def test_for_a_lease_of_the_tenant(command: Command) -> None:
    given({LEASE_NEED: SOMETHING}).when(command, None).then()
    given({LEASE_NEED: None}).when(command, None).then_refused(lease_refusals.UNKNOWN)


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
    given().when(RETRY, PaymentState(lease=OF)).then()
    given({LEASE_NEED: SOMETHING}).when(replace(DEBIT, mandate=None), None).then()


def test_the_lease_is_asked_for_before_its_mandate() -> None:
    given({LEASE_NEED: None}).when(DEBIT, None).then_refused(lease_refusals.UNKNOWN)


def test_credit_goes_back_through_a_payment_of_the_lease() -> None:
    back = RefundCredit(amount_fen=100, payment=PAYMENT_ID)
    given({PAYMENT_NEED: cases.INITIATED}).when(back, LeaseState(), stream=OF).then()
    given().when(RefundCredit(amount_fen=100, payment=None), LeaseState(), stream=OF).then()
    unknown = payment_refusals.UNKNOWN
    given({PAYMENT_NEED: None}).when(back, LeaseState(), stream=OF).then_refused(unknown)
    given({PAYMENT_NEED: cases.INITIATED}).when(back, LeaseState(), stream=UUID(int=9)).then_refused(unknown)
