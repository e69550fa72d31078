"""Transitions of a lease: each event gives the next state, for every event type and without judging it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import reduce
from typing import Any

from msgspec.structs import replace

from domain.kernel.event import Event
from domain.leasing.account import Account, recorded, recorded_late_fee, recorded_withdrawal
from domain.leasing.balances import AT, AccountPolicy, Four, Kind, Transaction
from domain.leasing.bill_changes import bill_changes, total_fen
from domain.leasing.lease.events import lifecycle as e
from domain.leasing.lease.events import money as m
from domain.leasing.lease.state import (
    CreditRefund,
    Demand,
    Funding,
    LeasePhase,
    LeaseState,
    PostedPayment,
    Quote,
    QuoteKind,
)
from domain.leasing.values import Part


def waivers(parts: Iterable[Part]) -> tuple[tuple[int, Four], ...]:
    """`(bill, amounts)` of parts, in the order of the bills."""
    amounts: dict[int, list[int]] = {}
    for part in parts:
        amounts.setdefault(part.number, [0, 0, 0, 0])[AT[part.component]] += part.fen
    return tuple((number, (a, b, c, d)) for number, (a, b, c, d) in sorted(amounts.items()))


def _recorded(state: LeaseState, event: Event) -> LeaseState:
    return state


def _phase(phase: LeasePhase) -> Callable[[LeaseState, Event], LeaseState]:
    def apply(state: LeaseState, event: Event) -> LeaseState:
        return replace(state, phase=phase)

    return apply


def _ended(phase: LeasePhase) -> Callable[[LeaseState, Event], LeaseState]:
    """Nothing more is billed by the schedule."""

    def apply(state: LeaseState, event: Event) -> LeaseState:
        return replace(state, phase=phase, unbilled=(), quote=None)

    return apply


def _settled(account: Account, event: Event, transaction: Transaction | None = None) -> Account:
    """The account after what an event changes of bills paid and of credit."""
    changes = bill_changes(event)
    return recorded(account, transaction, changes.paid, changes.credit_fen)


def _on_account(state: LeaseState, account: Account, **changes: Any) -> LeaseState:
    return replace(state, account=account, **changes)


# ----------------------------------------------------------------------------------------- creation and delivery


def _created(state: LeaseState, event: e.LeaseCreated) -> LeaseState:
    terms = AccountPolicy(
        allocation=event.allocation,
        late_fee_daily_rate=event.late_fee_daily_rate,
        grace_days=event.grace_days,
    )
    return replace(
        state,
        phase=LeasePhase.AWAITING_DELIVERY,
        business=event.business,
        asset_class=event.asset_class,
        currency=event.currency,
        subject=event.subject,
        policy=event.policy,
        principal_fen=event.principal_fen,
        bill_lead_days=event.bill_lead_days,
        deposit_mode=event.deposit_mode,
        deposit_fen=event.deposit_fen,
        buyout_fen=event.buyout_fen,
        buyout_credit_ppm=event.buyout_credit_ppm,
        buyout_floor_fen=event.buyout_floor_fen,
        upfront_fee_fen=event.upfront_fee_fen,
        down_payment_fen=event.down_payment_fen,
        down_payment_to=event.down_payment_to,
        unbilled=event.schedule,
        account=replace(state.account, terms=terms),
    )


def _deposit_waived(state: LeaseState, event: e.DepositWaived) -> LeaseState:
    return replace(state, deposit_waived=True)


def _deposit_held(state: LeaseState, event: e.DepositPreauthorised | m.DepositReceived) -> LeaseState:
    return replace(state, deposit_held_fen=state.deposit_held_fen + event.fen)


def _deposit_released(state: LeaseState, event: m.DepositReleased) -> LeaseState:
    return replace(state, deposit_held_fen=state.deposit_held_fen - event.fen)


def _deposit_captured(state: LeaseState, event: m.DepositCaptured) -> LeaseState:
    captured = Transaction(on=event.on, kind=Kind.PAYMENT, amount_fen=event.fen)
    account = _settled(state.account, event, captured)
    return _on_account(state, account, deposit_held_fen=state.deposit_held_fen - event.fen)


def _down_payment(sign: int) -> Callable[[LeaseState, Any], LeaseState]:
    def apply(state: LeaseState, event: m.DownPaymentReceived | m.DownPaymentRefunded) -> LeaseState:
        held_fen = state.down_payment_held_fen + sign * event.fen
        return replace(state, down_payment_held_fen=held_fen)

    return apply


def _down_payment_reported(state: LeaseState, event: e.DownPaymentReported) -> LeaseState:
    return replace(state, down_payment_reported=True)


def _delivered(state: LeaseState, event: e.AssetDelivered) -> LeaseState:
    return replace(state, delivered_on=event.on)


def _activated(state: LeaseState, event: m.LeaseActivated) -> LeaseState:
    held = state.down_payment_held_fen - event.down_payment_fen
    return replace(state, phase=LeasePhase.ACTIVE, period_start=event.on, down_payment_held_fen=held)


# ---------------------------------------------------------------------------------------------- bills and money


def _bill_issued(state: LeaseState, event: m.BillIssued) -> LeaseState:
    parts = (event.principal_fen, event.interest_fen, event.fee_fen, 0)
    bill = Transaction(on=event.issued_on, kind=Kind.BILL, number=event.number, due_on=event.due_on, parts=parts)
    rest = state.unbilled
    if rest and rest[0].number == event.number:
        rest = rest[1:]
    return _on_account(
        state,
        recorded(state.account, bill),
        unbilled=rest,
        next_number=event.number + 1,
        period_start=event.due_on,
        accrued_fen=0,
        quote=None,
    )


def _interest_accrued(state: LeaseState, event: m.InterestAccrued) -> LeaseState:
    return replace(state, accrued_fen=state.accrued_fen + event.fen)


def _late_fee_assessed(state: LeaseState, event: m.LateFeeAssessed) -> LeaseState:
    return _on_account(state, recorded_late_fee(state.account, event.number, event.fen, event.up_to))


def _payment_posted(state: LeaseState, event: m.PaymentPosted) -> LeaseState:
    paid = Transaction(on=event.value_date, kind=Kind.PAYMENT, amount_fen=event.amount_fen, payment=event.payment)
    receipt = PostedPayment(payment=event.payment, amount_fen=event.amount_fen, value_date=event.value_date)
    account = _settled(state.account, event, paid)
    return _on_account(state, account, receipts=(*state.receipts, receipt))


def _receipts_without(state: LeaseState, event: m.PaymentReversed | m.RecoveryReversed) -> tuple[PostedPayment, ...]:
    return tuple(replace(known, reversed=True) if known.payment == event.payment else known for known in state.receipts)


def _payment_reversed(state: LeaseState, event: m.PaymentReversed) -> LeaseState:
    changes = bill_changes(event)
    account = recorded_withdrawal(state.account, event.payment, changes.paid, changes.credit_fen)
    demand = state.demand
    if demand is not None and demand.cured and demand.unpaid(account.balances):
        demand = replace(demand, cured=False)
    return _on_account(state, account, receipts=_receipts_without(state, event), demand=demand)


def _credit_applied(state: LeaseState, event: m.CreditApplied) -> LeaseState:
    return _on_account(state, _settled(state.account, event))


def _credit_refunded(state: LeaseState, event: m.CreditRefunded) -> LeaseState:
    out = Transaction(on=event.on, kind=Kind.DEBIT, amount_fen=event.amount_fen)
    through = (
        () if event.number is None else (CreditRefund(number=event.number, amount_fen=event.amount_fen, on=event.on),)
    )
    return _on_account(state, _settled(state.account, event, out), refunds=(*state.refunds, *through))


def _refund_returned(state: LeaseState, event: m.RefundReturned) -> LeaseState:
    back = Transaction(on=event.value_date, kind=Kind.PAYMENT, amount_fen=event.amount_fen)
    refunds = tuple(replace(one, returned=True) if one.number == event.number else one for one in state.refunds)
    return _on_account(state, _settled(state.account, event, back), refunds=refunds)


def _written(account: Account, parts: tuple[Part, ...], on: date) -> Account:
    for number, amounts in waivers(parts):
        account = recorded(account, Transaction(on=on, kind=Kind.WAIVER, number=number, parts=amounts))
    return account


def _bill_waived(state: LeaseState, event: m.BillWaived) -> LeaseState:
    account = _written(state.account, bill_changes(event).waived, event.on)
    return _on_account(state, _settled(account, event))


def _charged_off(state: LeaseState, event: m.LeaseChargedOff) -> LeaseState:
    written_off = bill_changes(event).written_off
    total = state.charged_off_fen + total_fen(written_off)
    account = _written(state.account, written_off, event.on)
    return _on_account(state, account, phase=LeasePhase.CHARGED_OFF, charged_off_fen=total)


def _recovered(state: LeaseState, event: m.DebtRecovered) -> LeaseState:
    total = state.recovered_fen + event.amount_fen
    receipt = PostedPayment(
        payment=event.payment, amount_fen=event.amount_fen, value_date=event.value_date, recovery=True
    )
    return replace(
        state,
        phase=LeasePhase.RECOVERED if total >= state.charged_off_fen else state.phase,
        recovered_fen=total,
        receipts=(*state.receipts, receipt),
    )


def _recovery_reversed(state: LeaseState, event: m.RecoveryReversed) -> LeaseState:
    total = state.recovered_fen - event.amount_fen
    return replace(
        state,
        phase=LeasePhase.CHARGED_OFF if total < state.charged_off_fen else state.phase,
        recovered_fen=total,
        receipts=_receipts_without(state, event),
    )


# --------------------------------------------------------------------------------------------- changes and quotes


def _restructured(state: LeaseState, event: e.LeaseRestructured) -> LeaseState:
    return replace(state, unbilled=event.schedule, quote=None, demand=None)


def _re_aged(state: LeaseState, event: e.BillsReAged) -> LeaseState:
    account = state.account
    for later in bill_changes(event).due_dates:
        account = recorded(
            account, Transaction(on=event.on, kind=Kind.RE_AGE, number=later.number, due_on=later.due_on)
        )
    return _on_account(state, account, quote=None, demand=None)


def _renewed(state: LeaseState, event: e.LeaseRenewed) -> LeaseState:
    return replace(state, unbilled=(*state.unbilled, *event.schedule), quote=None)


def _buyout_quoted(state: LeaseState, event: e.BuyoutQuoted) -> LeaseState:
    quote = Quote(
        kind=QuoteKind.BUYOUT,
        as_of=event.as_of,
        valid_until=event.valid_until,
        amount_fen=event.amount_fen,
        price_fen=event.price_fen,
    )
    return replace(state, quote=quote)


def _early_settlement_quoted(state: LeaseState, event: e.EarlySettlementQuoted) -> LeaseState:
    quote = Quote(
        kind=QuoteKind.EARLY_SETTLEMENT,
        as_of=event.as_of,
        valid_until=event.valid_until,
        amount_fen=event.amount_fen,
        price_fen=event.price_fen,
    )
    return replace(state, quote=quote)


def _buyout_completed(state: LeaseState, event: m.BuyoutCompleted) -> LeaseState:
    price = Transaction(on=event.on, kind=Kind.DEBIT, amount_fen=event.price_fen)
    account = _settled(state.account, event, price)
    return _on_account(state, account, phase=LeasePhase.BOUGHT_OUT, unbilled=(), quote=None)


def _transferred(state: LeaseState, event: m.LeaseTransferred) -> LeaseState:
    funding = Funding(investor=event.investor, claims_fen=event.claims_fen, price_fen=event.price_fen)
    return replace(state, funding=funding)


def _funded(state: LeaseState, **more: int) -> LeaseState:
    """The sums of a transfer with more on some of them; without a transfer there are none."""
    funding = state.funding
    if funding is not None:
        funding = replace(funding, **{name: getattr(funding, name) + fen for name, fen in more.items()})
    return replace(state, funding=funding)


def _bought_back(state: LeaseState, event: m.LeaseBoughtBack) -> LeaseState:
    return replace(state, funding=None)


# ---------------------------------------------------------------------------------------------- default and end


def _demand_served(state: LeaseState, event: e.DemandServed) -> LeaseState:
    demand = Demand(on=event.on, cure_by=event.cure_by, bills=event.bills)
    return replace(state, demand=demand)


def _cure(**outcome: bool) -> Callable[[LeaseState, Event], LeaseState]:
    def apply(state: LeaseState, event: Event) -> LeaseState:
        demand = None if state.demand is None else replace(state.demand, **outcome)
        return replace(state, demand=demand)

    return apply


def _remedy_elected(state: LeaseState, event: e.RemedyElected) -> LeaseState:
    return replace(state, remedy=event.remedy)


def _disposed(state: LeaseState, event: m.AssetDisposed) -> LeaseState:
    net = Transaction(on=event.on, kind=Kind.PAYMENT, amount_fen=event.proceeds_fen - event.costs_fen)
    account = _settled(state.account, event, net)
    return _on_account(state, account, phase=LeasePhase.DISPOSED)


def _closed(state: LeaseState, event: m.LeaseClosed) -> LeaseState:
    """What is left of an investor's price is no longer owed."""
    funding = None if state.funding is None else replace(state.funding, price_fen=0, repaid_fen=0)
    return replace(_ended(LeasePhase.SETTLED)(state, event), funding=funding)


EVOLVE: dict[type[Event], Callable[[LeaseState, Any], LeaseState]] = {
    e.LeaseCreated: _created,
    e.DepositWaived: _deposit_waived,
    e.DepositPreauthorised: _deposit_held,
    m.DepositReceived: _deposit_held,
    m.DepositReleased: _deposit_released,
    m.DepositCaptured: _deposit_captured,
    m.DownPaymentReceived: _down_payment(1),
    m.DownPaymentRefunded: _down_payment(-1),
    e.DownPaymentReported: _down_payment_reported,
    e.AssetDelivered: _delivered,
    m.LeaseActivated: _activated,
    m.BillIssued: _bill_issued,
    m.InterestAccrued: _interest_accrued,
    m.LateFeeAssessed: _late_fee_assessed,
    m.PaymentPosted: _payment_posted,
    m.PaymentReversed: _payment_reversed,
    m.CreditApplied: _credit_applied,
    m.CreditRefunded: _credit_refunded,
    m.RefundReturned: _refund_returned,
    m.BillWaived: _bill_waived,
    e.ScheduleReplayed: _recorded,
    e.LeaseRestructured: _restructured,
    e.BillsReAged: _re_aged,
    e.LeaseRenewed: _renewed,
    e.BuyoutQuoted: _buyout_quoted,
    m.BuyoutCompleted: _buyout_completed,
    e.EarlySettlementQuoted: _early_settlement_quoted,
    e.LeaseEarlySettled: _ended(LeasePhase.EARLY_SETTLED),
    m.LeaseTransferred: _transferred,
    m.CollectedForInvestor: lambda state, event: _funded(state, collected_fen=event.fen, repaid_fen=event.repaid_fen),
    m.RemittedToInvestor: lambda state, event: _funded(state, remitted_fen=event.amount_fen),
    m.LeaseBoughtBack: _bought_back,
    e.DemandServed: _demand_served,
    e.CureAchieved: _cure(cured=True),
    e.CureExpired: _cure(expired=True),
    e.RemedyElected: _remedy_elected,
    e.LeaseAccelerated: _phase(LeasePhase.ACCELERATED),
    e.LeaseTerminated: _ended(LeasePhase.TERMINATED),
    e.AssetRepossessed: _phase(LeasePhase.REPOSSESSED),
    m.AssetDisposed: _disposed,
    e.AssetTotallyLost: _ended(LeasePhase.LOST_TOTAL),
    m.LeaseChargedOff: _charged_off,
    m.DebtRecovered: _recovered,
    m.RecoveryReversed: _recovery_reversed,
    e.AssetReturned: _ended(LeasePhase.RETURNED),
    m.LeaseClosed: _closed,
    e.LeaseReopened: _phase(LeasePhase.REOPENED),
}


def after(events: Iterable[Event], state: LeaseState) -> LeaseState:
    """The state once the events that a command led to have happened, their count left out."""
    return reduce(lambda reached, event: EVOLVE[type(event)](reached, event), events, state)
