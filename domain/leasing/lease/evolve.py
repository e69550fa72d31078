"""What an event changes: total over every event of the aggregate, judging nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from domain.kernel.event import Event
from domain.leasing.account import (
    Account,
    Four,
    Kind,
    Terms,
    Transaction,
    recorded,
    recorded_late_fee,
    recorded_withdrawal,
)
from domain.leasing.balances import AT
from domain.leasing.lease import events as e
from domain.leasing.lease import money as m
from domain.leasing.lease.state import Demand, Funding, LeaseState, Phase, Quote, QuoteKind, Receipt, Refund
from domain.leasing.values import Part

State = LeaseState


def waivers(parts: Iterable[Part]) -> tuple[tuple[int, Four], ...]:
    """`(bill, amounts)` of parts, in the order of the bills."""
    amounts: dict[int, list[int]] = {}
    for part in parts:
        amounts.setdefault(part.number, [0, 0, 0, 0])[AT[part.component]] += part.fen
    return tuple((number, (a, b, c, d)) for number, (a, b, c, d) in sorted(amounts.items()))


def _recorded(state: State, event: Event) -> State:
    return replace(state, version=state.version + 1)


def _phase(phase: Phase) -> Callable[[State, Event], State]:
    def apply(state: State, event: Event) -> State:
        return replace(state, version=state.version + 1, phase=phase)

    return apply


def _ended(phase: Phase) -> Callable[[State, Event], State]:
    """Nothing more is billed by the schedule."""

    def apply(state: State, event: Event) -> State:
        return replace(state, version=state.version + 1, phase=phase, unbilled=(), quote=None)

    return apply


def _on_account(state: State, account: Account, **changes: Any) -> State:
    return replace(state, version=state.version + 1, account=account, **changes)


# ----------------------------------------------------------------------------------------- creation and delivery


def _created(state: State, event: e.LeaseCreated) -> State:
    terms = Terms(
        allocation=event.allocation,
        late_fee_daily_rate=event.late_fee_daily_rate,
        grace_days=event.grace_days,
    )
    return replace(
        state,
        version=state.version + 1,
        phase=Phase.AWAITING_DELIVERY,
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


def _deposit_waived(state: State, event: e.DepositWaived) -> State:
    return replace(state, version=state.version + 1, deposit_waived=True)


def _deposit_held(state: State, event: e.DepositPreauthorised | m.DepositReceived) -> State:
    return replace(state, version=state.version + 1, deposit_held_fen=state.deposit_held_fen + event.fen)


def _deposit_released(state: State, event: m.DepositReleased) -> State:
    return replace(state, version=state.version + 1, deposit_held_fen=state.deposit_held_fen - event.fen)


def _deposit_captured(state: State, event: m.DepositCaptured) -> State:
    taken = Transaction(on=event.on, kind=Kind.PAYMENT, amount_fen=event.fen)
    account = recorded(state.account, taken, event.applied, event.credit_fen)
    return _on_account(state, account, deposit_held_fen=state.deposit_held_fen - event.fen)


def _down_payment(sign: int) -> Callable[[State, Any], State]:
    def apply(state: State, event: m.DownPaymentReceived | m.DownPaymentRefunded) -> State:
        held_fen = state.down_payment_held_fen + sign * event.fen
        return replace(state, version=state.version + 1, down_payment_held_fen=held_fen)

    return apply


def _down_payment_reported(state: State, event: e.DownPaymentReported) -> State:
    return replace(state, version=state.version + 1, down_payment_reported=True)


def _delivered(state: State, event: e.AssetDelivered) -> State:
    return replace(state, version=state.version + 1, delivered_on=event.on)


def _activated(state: State, event: m.LeaseActivated) -> State:
    held = state.down_payment_held_fen - event.down_payment_fen
    return replace(
        state, version=state.version + 1, phase=Phase.ACTIVE, period_start=event.on, down_payment_held_fen=held
    )


# ---------------------------------------------------------------------------------------------- bills and money


def _bill_issued(state: State, event: m.BillIssued) -> State:
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


def _interest_accrued(state: State, event: m.InterestAccrued) -> State:
    return replace(state, version=state.version + 1, accrued_fen=state.accrued_fen + event.fen)


def _late_fee_assessed(state: State, event: m.LateFeeAssessed) -> State:
    return _on_account(state, recorded_late_fee(state.account, event.number, event.fen, event.up_to))


def _payment_posted(state: State, event: m.PaymentPosted) -> State:
    paid = Transaction(on=event.value_date, kind=Kind.PAYMENT, amount_fen=event.amount_fen, payment=event.payment)
    receipt = Receipt(payment=event.payment, amount_fen=event.amount_fen, value_date=event.value_date)
    account = recorded(state.account, paid, event.applied, event.credit_fen)
    return _on_account(state, account, receipts=(*state.receipts, receipt))


def _receipts_without(state: State, event: m.PaymentReversed | m.RecoveryReversed) -> tuple[Receipt, ...]:
    return tuple(replace(known, reversed=True) if known.payment == event.payment else known for known in state.receipts)


def _payment_reversed(state: State, event: m.PaymentReversed) -> State:
    account = recorded_withdrawal(state.account, event.payment, event.applied, event.credit_fen)
    demand = state.demand
    if demand is not None and demand.cured and demand.unpaid(account.balances):
        demand = replace(demand, cured=False)
    return _on_account(state, account, receipts=_receipts_without(state, event), demand=demand)


def _credit_applied(state: State, event: m.CreditApplied) -> State:
    return _on_account(state, recorded(state.account, None, event.applied, event.credit_fen))


def _credit_refunded(state: State, event: m.CreditRefunded) -> State:
    out = Transaction(on=event.on, kind=Kind.DEBIT, amount_fen=event.amount_fen)
    through = () if event.number is None else (Refund(number=event.number, amount_fen=event.amount_fen, on=event.on),)
    return _on_account(state, recorded(state.account, out, (), -event.amount_fen), refunds=(*state.refunds, *through))


def _refund_returned(state: State, event: m.RefundReturned) -> State:
    back = Transaction(on=event.value_date, kind=Kind.PAYMENT, amount_fen=event.amount_fen)
    refunds = tuple(replace(one, returned=True) if one.number == event.number else one for one in state.refunds)
    return _on_account(state, recorded(state.account, back, event.applied, event.credit_fen), refunds=refunds)


def _written(account: Account, parts: tuple[Part, ...], event: m.BillWaived | m.LeaseChargedOff) -> Account:
    for number, amounts in waivers(parts):
        account = recorded(account, Transaction(on=event.on, kind=Kind.WAIVER, number=number, parts=amounts))
    return account


def _bill_waived(state: State, event: m.BillWaived) -> State:
    account, moved = _written(state.account, event.parts, event), event.applied
    return _on_account(state, recorded(account, None, moved, event.credit_fen))


def _charged_off(state: State, event: m.LeaseChargedOff) -> State:
    total = state.charged_off_fen + sum(part.fen for part in event.parts)
    account = _written(state.account, event.parts, event)
    return _on_account(state, account, phase=Phase.CHARGED_OFF, charged_off_fen=total)


def _recovered(state: State, event: m.DebtRecovered) -> State:
    total = state.recovered_fen + event.amount_fen
    receipt = Receipt(payment=event.payment, amount_fen=event.amount_fen, value_date=event.value_date, recovery=True)
    return replace(
        state,
        version=state.version + 1,
        phase=Phase.RECOVERED if total >= state.charged_off_fen else state.phase,
        recovered_fen=total,
        receipts=(*state.receipts, receipt),
    )


def _recovery_reversed(state: State, event: m.RecoveryReversed) -> State:
    total = state.recovered_fen - event.amount_fen
    return replace(
        state,
        version=state.version + 1,
        phase=Phase.CHARGED_OFF if total < state.charged_off_fen else state.phase,
        recovered_fen=total,
        receipts=_receipts_without(state, event),
    )


# --------------------------------------------------------------------------------------------- changes and quotes


def _restructured(state: State, event: e.LeaseRestructured) -> State:
    return replace(state, version=state.version + 1, unbilled=event.schedule, quote=None, demand=None)


def _re_aged(state: State, event: e.BillsReAged) -> State:
    account = state.account
    for later in event.due_dates:
        account = recorded(
            account, Transaction(on=event.on, kind=Kind.RE_AGE, number=later.number, due_on=later.due_on)
        )
    return _on_account(state, account, quote=None, demand=None)


def _renewed(state: State, event: e.LeaseRenewed) -> State:
    return replace(state, version=state.version + 1, unbilled=(*state.unbilled, *event.schedule), quote=None)


def _buyout_quoted(state: State, event: e.BuyoutQuoted) -> State:
    quote = Quote(
        kind=QuoteKind.BUYOUT,
        as_of=event.as_of,
        valid_until=event.valid_until,
        amount_fen=event.amount_fen,
        price_fen=event.price_fen,
    )
    return replace(state, version=state.version + 1, quote=quote)


def _early_settlement_quoted(state: State, event: e.EarlySettlementQuoted) -> State:
    quote = Quote(
        kind=QuoteKind.EARLY_SETTLEMENT,
        as_of=event.as_of,
        valid_until=event.valid_until,
        amount_fen=event.amount_fen,
        price_fen=event.price_fen,
    )
    return replace(state, version=state.version + 1, quote=quote)


def _buyout_completed(state: State, event: m.BuyoutCompleted) -> State:
    price = Transaction(on=event.on, kind=Kind.DEBIT, amount_fen=event.price_fen)
    account = recorded(state.account, price, (), event.credit_fen)
    return _on_account(state, account, phase=Phase.BOUGHT_OUT, unbilled=(), quote=None)


def _transferred(state: State, event: m.LeaseTransferred) -> State:
    funding = Funding(investor=event.investor, claims_fen=event.claims_fen, price_fen=event.price_fen)
    return replace(state, version=state.version + 1, funding=funding)


def _funded(state: State, **more: int) -> State:
    """The sums of a transfer with more on some of them; without a transfer there are none."""
    funding = state.funding
    if funding is not None:
        funding = replace(funding, **{name: getattr(funding, name) + fen for name, fen in more.items()})
    return replace(state, version=state.version + 1, funding=funding)


def _bought_back(state: State, event: m.LeaseBoughtBack) -> State:
    return replace(state, version=state.version + 1, funding=None)


# ---------------------------------------------------------------------------------------------- default and end


def _demand_served(state: State, event: e.DemandServed) -> State:
    demand = Demand(on=event.on, cure_by=event.cure_by, bills=event.bills)
    return replace(state, version=state.version + 1, demand=demand)


def _cure(**outcome: bool) -> Callable[[State, Event], State]:
    def apply(state: State, event: Event) -> State:
        demand = None if state.demand is None else replace(state.demand, **outcome)
        return replace(state, version=state.version + 1, demand=demand)

    return apply


def _remedy_elected(state: State, event: e.RemedyElected) -> State:
    return replace(state, version=state.version + 1, remedy=event.remedy)


def _disposed(state: State, event: m.AssetDisposed) -> State:
    net = Transaction(on=event.on, kind=Kind.PAYMENT, amount_fen=event.proceeds_fen - event.costs_fen)
    account = recorded(state.account, net, event.applied, event.credit_fen)
    return _on_account(state, account, phase=Phase.DISPOSED)


def _closed(state: State, event: m.LeaseClosed) -> State:
    """What is left of an investor's price is no longer owed."""
    funding = None if state.funding is None else replace(state.funding, price_fen=0, repaid_fen=0)
    return replace(_ended(Phase.SETTLED)(state, event), funding=funding)


_EVOLVE: dict[type[Event], Callable[[State, Any], State]] = {
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
    e.LeaseEarlySettled: _ended(Phase.EARLY_SETTLED),
    m.LeaseTransferred: _transferred,
    m.CollectedForInvestor: lambda state, event: _funded(state, collected_fen=event.fen, repaid_fen=event.repaid_fen),
    m.RemittedToInvestor: lambda state, event: _funded(state, remitted_fen=event.amount_fen),
    m.LeaseBoughtBack: _bought_back,
    e.DemandServed: _demand_served,
    e.CureAchieved: _cure(cured=True),
    e.CureExpired: _cure(expired=True),
    e.RemedyElected: _remedy_elected,
    e.LeaseAccelerated: _phase(Phase.ACCELERATED),
    e.LeaseTerminated: _ended(Phase.TERMINATED),
    e.AssetRepossessed: _phase(Phase.REPOSSESSED),
    m.AssetDisposed: _disposed,
    e.AssetTotallyLost: _ended(Phase.LOST_TOTAL),
    m.LeaseChargedOff: _charged_off,
    m.DebtRecovered: _recovered,
    m.RecoveryReversed: _recovery_reversed,
    e.AssetReturned: _ended(Phase.RETURNED),
    m.LeaseClosed: _closed,
    e.LeaseReopened: _phase(Phase.REOPENED),
}


def evolve(state: LeaseState, event: Event) -> LeaseState:
    """The state after one event. Raises `TypeError` for an event of another aggregate."""
    apply = _EVOLVE.get(type(event))
    if apply is None:
        raise TypeError(f"expected an event of a lease, got {type(event).__name__}")
    return apply(state, event)
