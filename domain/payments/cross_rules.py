"""Rules of money that look elsewhere: debits keep to a mandate that stands, refunds to payments of their own lease.

GrantMandate, ResumeMandate, InitiatePayment, RetryPayment   a lease of the tenant that is not settled, and whose
                                contract is not void, nor over before the lease began
InitiatePayment, RetryPayment   under a mandate only as that permits, on this day
RefundCredit (of a lease)       through a payment of the same lease, or in another way
RecordSucceeded, RecordRefunded, ReceiveCallback, PostPayment by hand
                                worth from no day long before the lease began
PostPayment, ReversePayment     by hand only money that is no payment of the ledger; that follows from the payment.
                                Ids of version 5 are the ledger's, whichever it gave or will give
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from domain.kernel.needs import Candidate, CrossRule, Facts, FirstEvent, Need, StreamState
from domain.kernel.process import process_actor
from domain.kernel.refusal import Refusal, refusal
from domain.leasing.basis import basis_needs, without_basis
from domain.leasing.lease import refusals as lease_refusals
from domain.leasing.lease.commands import PostPayment, RefundCredit, ReversePayment
from domain.leasing.lease.state import CLOSED, LeaseState
from domain.payments.collection import POSTING, named_by_the_ledger, on_top
from domain.payments.mandate import MANDATE, GrantMandate, MandateState, ResumeMandate, mandate_stream, permits
from domain.payments.payment import refusals as payment_refusals
from domain.payments.payment.commands import (
    InitiatePayment,
    ReceiveCallback,
    RecordRefunded,
    RecordSucceeded,
    RetryPayment,
)
from domain.payments.payment.events import PaymentInitiated
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.state import PaymentState
from domain.payments.payment.values import ATTEMPTS_MAX, Reported

LEASE = "lease"
"""The aggregate's name: of its lease a debit only needs that there is one and that it is not settled."""

PAYMENT_OF_THE_LEDGER = refusal(
    "lease.payment_of_the_ledger",
    "This is a payment of the ledger, as is every id of version 5: record what became of it on the payment itself, and "
    "the lease follows",
    "该编号是账本中的付款（第 5 版编号均由账本派生），请在该付款上登记其结果，租赁随之入账",
)
PAYMENT_DIFFERS = refusal(
    "lease.payment_differs", "This is not what the payment brought to this lease", "入账内容与该付款实际到账不一致"
)

WORTH_BEFORE_MAX_DAYS = 92
"""A first rent may be paid on signing, weeks before the asset comes; a slip by a year is none of these. What was paid
still earlier is worth the same from the first day that is taken: nothing is billed before the lease begins.
"""

VALUE_DATE_BEFORE_LEASE = refusal(
    "lease.value_date_before_lease",
    "Money of a lease is worth from no day more than three months before its delivery",
    "租赁款项的起息日不得早于租赁物交付日前三个月",
)


def _lease(candidate: Candidate) -> StreamState:
    again = isinstance(candidate.command, (RetryPayment, ResumeMandate))
    return StreamState(LEASE, (candidate.state if again else candidate.command).lease)


def _lease_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    return (_lease(candidate),)


def _lease_open(candidate: Candidate, facts: Facts) -> Refusal | None:
    """Nothing is asked for where nothing is owed any more; an attempt under way still counts."""
    lease: LeaseState | None = facts[_lease(candidate)]
    if lease is None:
        return lease_refusals.UNKNOWN()
    return lease_refusals.CLOSED(phase=lease.phase) if lease.phase in CLOSED else None


def _contract_needs(candidate: Candidate, facts: Facts) -> Iterable[Need]:
    need = _lease(candidate)
    yield need
    yield from basis_needs(need.stream, facts)


def _on_its_contract(candidate: Candidate, facts: Facts) -> Refusal | None:
    """What comes in is taken all the same; what is owed where no contract says so is for people."""
    need = _lease(candidate)
    lease: LeaseState = facts[need]
    return without_basis(need.stream, lease.phase, facts)


def _mandate(candidate: Candidate) -> tuple[UUID, str] | None:
    """The lease and the reference of the mandate that a payment is debited under, if it is."""
    of = candidate.command if isinstance(candidate.command, InitiatePayment) else candidate.state
    return None if of.mandate is None or of.lease is None else (of.lease, of.mandate)


def _mandate_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    under = _mandate(candidate)
    return () if under is None else (StreamState(MANDATE.name, mandate_stream(under[0])),)


def _permitted(candidate: Candidate, facts: Facts) -> Refusal | None:
    under = _mandate(candidate)
    if under is None:
        return None
    lease, reference = under
    mandate: MandateState = facts[StreamState(MANDATE.name, mandate_stream(lease))] or MANDATE.initial
    return permits(mandate, reference, candidate.command.amount_fen, candidate.context.business_date)


def _worth_from(candidate: Candidate) -> tuple[UUID, date] | None:
    """The lease and the value date of news of its money, where that lies so far back that the lease is to be asked."""
    command, context = candidate.command, candidate.context
    if isinstance(command, ReceiveCallback) and (not command.verified or command.reported is Reported.CHARGED_BACK):
        return None  # what is taken back has the day that its money had
    lease: UUID | None = candidate.stream if isinstance(command, PostPayment) else candidate.state.lease
    value_date: date | None = command.value_date
    if lease is None or value_date is None or context.actor == process_actor(POSTING):
        return None
    return (lease, value_date) if value_date < _since(context.business_date) else None


def _since(day: date) -> date:
    return date.fromordinal(max(day.toordinal() - WORTH_BEFORE_MAX_DAYS, date.min.toordinal()))


def _worth_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    asked = _worth_from(candidate)
    return () if asked is None else (StreamState(LEASE, asked[0]),)


def _worth_since(candidate: Candidate, facts: Facts) -> Refusal | None:
    """What happened before there was a lease is none of its money; later than that, people may put right any day."""
    asked = _worth_from(candidate)
    if asked is None:
        return None
    lease: LeaseState | None = facts[StreamState(LEASE, asked[0])]
    began = None if lease is None else lease.delivered_on
    earliest = _since(min(began or candidate.context.business_date, candidate.context.business_date))
    return VALUE_DATE_BEFORE_LEASE(earliest=earliest, got=asked[1]) if asked[1] < earliest else None


def _refund_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    payment = candidate.command.payment
    return () if payment is None else (FirstEvent(PAYMENT.name, payment),)


def _of_the_lease(candidate: Candidate, facts: Facts) -> Refusal | None:
    payment = candidate.command.payment
    if payment is None:
        return None
    initiated = facts[FirstEvent(PAYMENT.name, payment)]
    same = isinstance(initiated, PaymentInitiated) and initiated.lease == candidate.stream
    return None if same else payment_refusals.UNKNOWN()


def _payment(candidate: Candidate) -> StreamState:
    return StreamState(PAYMENT.name, candidate.command.payment)


def _payment_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    return (_payment(candidate),)


def _posted(candidate: Candidate, facts: Facts) -> Refusal | None:
    return _by_its_payment(candidate, facts, named_by_the_ledger(candidate.command.payment))


def _taking_back_needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
    yield _payment(candidate)
    if (brought := _on_top_of(candidate)) is not None:
        yield StreamState(PAYMENT.name, brought[0])


def _taken_back(candidate: Candidate, facts: Facts) -> Refusal | None:
    """A receipt that only has such an id, from the time when people could give it, is theirs to take back."""
    return _by_its_payment(candidate, facts, _came_on_top(candidate, facts))


def _by_its_payment(candidate: Candidate, facts: Facts, named: bool) -> Refusal | None:
    """Money of a payment is posted and taken back by what follows from the payment, and by nobody else."""
    payment: PaymentState | None = facts[_payment(candidate)]
    if candidate.context.actor == process_actor(POSTING):
        return None if payment is None else _wrong_money(candidate, payment)
    return PAYMENT_OF_THE_LEDGER(payment=candidate.command.payment) if payment is not None or named else None


def _wrong_money(candidate: Candidate, payment: PaymentState) -> Refusal | None:
    """A payment's own money is the first that it received."""
    command = candidate.command
    received_fen = payment.received[0].amount_fen if payment.received else 0
    differs = isinstance(command, PostPayment) and command.amount_fen != received_fen
    if differs or payment.lease != candidate.stream:
        return PAYMENT_DIFFERS(payment=command.payment, received_fen=received_fen)
    return None


def _on_top_of(candidate: Candidate) -> tuple[UUID, int] | None:
    """The payment of the lease, and its attempt, that money of this id would have come on top by."""
    money, lease = candidate.command.payment, candidate.state
    assert isinstance(lease, LeaseState), "a lease takes payments"
    if not named_by_the_ledger(money):
        return None
    attempts = ((known.payment, number) for known in lease.receipts for number in range(1, ATTEMPTS_MAX + 1))
    return next((one for one in attempts if money == on_top(*one)), None)


def _came_on_top(candidate: Candidate, facts: Facts) -> bool:
    """Whether a payment of the lease did bring this money on top."""
    if (brought := _on_top_of(candidate)) is None:
        return False
    payment: PaymentState | None = facts[StreamState(PAYMENT.name, brought[0])]
    return payment is not None and any(money.attempt == brought[1] for money in payment.received[1:])


for _asking in (GrantMandate, ResumeMandate, InitiatePayment, RetryPayment):
    CrossRule(_asking, _lease_needs, _lease_open)
    CrossRule(_asking, _contract_needs, _on_its_contract)
CrossRule(InitiatePayment, _mandate_needs, _permitted)
CrossRule(RetryPayment, _mandate_needs, _permitted)
for _news in (RecordSucceeded, RecordRefunded, ReceiveCallback, PostPayment):
    CrossRule(_news, _worth_needs, _worth_since)
CrossRule(RefundCredit, _refund_needs, _of_the_lease)
CrossRule(PostPayment, _payment_needs, _posted)
CrossRule(ReversePayment, _taking_back_needs, _taken_back)
