"""Default and its remedies, loss, return and the end of a lease.

Before acceleration or termination: at least two instalments or 15 % of all rent unpaid, a demand served, a
reasonable period passed (融资租赁解释 5). The two exclude each other (民法典 752; 融资租赁解释 10). What a disposal
brings beyond the debt is the lessee's (民法典 758). How long a reasonable period is, and that a terminated or lost
finance lease claims the remaining principal with the interest earned until then, is policy and not law.
"""

from __future__ import annotations

from datetime import date

from domain.kernel import Context, Event, Refusal
from domain.leasing.account import Kind, Transaction, posted
from domain.leasing.lease import commands as c
from domain.leasing.lease import events as e
from domain.leasing.lease import money as m
from domain.leasing.lease import refusals as r
from domain.leasing.lease.posting import issued, rest_billed, told, written_off
from domain.leasing.lease.state import LeaseState, Phase
from domain.leasing.policies import DEFAULT_INSTALMENTS, DEFAULT_RENT_SHARE_PPM, POLICIES
from domain.leasing.values import PPM, Instalment, Remedy

State = LeaseState
Answer = tuple[Event, ...] | Refusal


def serve_demand(command: c.ServeDemand, state: State, context: Context) -> Answer:
    """The demand names what is overdue today; a later one takes its place."""
    on = context.business_date
    overdue = state.overdue(on)
    if not overdue:
        return r.NOTHING_OVERDUE()
    days, least = (command.cure_by - on).days, POLICIES[state.policy].cure_days
    if days < least:
        return r.CURE_TOO_SHORT(expected_days=least, got_days=days)
    return (
        e.DemandServed(
            on=on,
            cure_by=command.cure_by,
            overdue_fen=sum(fen for _, fen in overdue),
            bills=tuple(number for number, _ in overdue),
            proof=command.proof,
        ),
    )


def elect_remedy(command: c.ElectRemedy, state: State, context: Context) -> Answer:
    """The thresholds of 融资租赁解释 5, exactly; then demand and period of 民法典 752; and only one choice."""
    on = context.business_date
    if state.remedy is not None:
        return r.REMEDIES_EXCLUDE(chosen=state.remedy)
    overdue = state.overdue(on)
    unpaid_fen, total_fen = sum(fen for _, fen in overdue), state.total_rent_fen
    if len(overdue) < DEFAULT_INSTALMENTS and unpaid_fen * PPM < total_fen * DEFAULT_RENT_SHARE_PPM:
        return r.DEFAULT_TOO_SMALL(instalments=len(overdue), unpaid_fen=unpaid_fen, total_fen=total_fen)
    if (still := _not_answered(state, on)) is not None:
        return still
    return (
        e.RemedyElected(
            remedy=command.remedy,
            overdue_instalments=len(overdue),
            overdue_rent_fen=unpaid_fen,
            total_rent_fen=total_fen,
        ),
    )


def _not_answered(state: State, on: date) -> Refusal | None:
    """Why a demand does not carry a remedy: none was served, its period runs, or it was paid."""
    demand = state.demand
    if demand is None:
        return r.NO_DEMAND()
    if on <= demand.cure_by:
        return r.CURE_PERIOD_RUNNING(cure_by=demand.cure_by, business_date=on)
    unpaid = {number for number, _ in state.overdue(on)}
    if unpaid.isdisjoint(demand.bills):
        return r.DEMAND_CURED(bills=" ".join(map(str, demand.bills)))
    return None


def _may(remedy: Remedy, state: State) -> Refusal | None:
    if state.remedy is None:
        return r.NO_REMEDY(remedy=remedy)
    if state.remedy is not remedy:
        return r.REMEDIES_EXCLUDE(chosen=state.remedy)
    return None if state.phase is Phase.ACTIVE else r.NOT_ACTIVE(phase=state.phase)


def accelerate(command: c.AccelerateLease, state: State, context: Context) -> Answer:
    """All rent (全部租金), principal and interest, is billed and due today (民法典 752)."""
    if (no := _may(Remedy.ACCELERATE, state)) is not None:
        return no
    on, account, accrued_fen = context.business_date, state.account, state.accrued_fen
    events: list[Event] = [e.LeaseAccelerated(on=on)]
    for rest in state.unbilled:
        due = Instalment(rest.number, on, rest.principal_fen, rest.interest_fen, rest.fee_fen)
        billed, account = issued(account, due, on, accrued_fen, state.business)
        events += billed
        accrued_fen = 0
    return tuple(events)


def terminate(command: c.TerminateLease, state: State, context: Context) -> Answer:
    """The contract ends when the notice reached the lessee; what a finance lease is still worth is claimed."""
    if (no := _may(Remedy.TERMINATE, state)) is not None:
        return no
    if command.notice_reached_on > context.business_date:
        return r.DATE_IN_FUTURE(on=command.notice_reached_on, business_date=context.business_date)
    terminated = e.LeaseTerminated(notice_reached_on=command.notice_reached_on, proof=command.proof)
    billed, _ = rest_billed(state, context.business_date)
    return (terminated, *billed)


def repossess(command: c.RepossessAsset, state: State, context: Context) -> Answer:
    """After termination only."""
    if command.on > context.business_date:
        return r.DATE_IN_FUTURE(on=command.on, business_date=context.business_date)
    return (e.AssetRepossessed(on=command.on),)


def dispose(command: c.DisposeAsset, state: State, context: Context) -> Answer:
    """Proceeds less costs pay the debt; the surplus is credit, which is the lessee's to have (民法典 758)."""
    on, net_fen = context.business_date, command.proceeds_fen - command.costs_fen
    if net_fen < 0:
        return r.COSTS_EXCEED_PROCEEDS(proceeds_fen=command.proceeds_fen, costs_fen=command.costs_fen)
    after = posted(state.account, Transaction(on=on, kind=Kind.PAYMENT, amount_fen=net_fen))
    return told(
        state.account,
        after,
        lambda applied, credit_fen: m.AssetDisposed(
            on=on,
            proceeds_fen=command.proceeds_fen,
            costs_fen=command.costs_fen,
            surplus_fen=max(0, after.balances.credit_fen),
            applied=applied,
            credit_fen=credit_fen,
        ),
    )


def charge_off(command: c.ChargeOffLease, state: State, context: Context) -> Answer:
    """Everything open, with late fees up to today, leaves the books; the claim does not end by that."""
    return written_off(state.account, context.business_date) or r.NOTHING_OPEN()


def lose(command: c.RecordTotalLoss, state: State, context: Context) -> Answer:
    """A finance lease claims what it is still worth; for a device the loss case says who pays."""
    if command.on > context.business_date:
        return r.DATE_IN_FUTURE(on=command.on, business_date=context.business_date)
    billed, _ = rest_billed(state, context.business_date)
    return (e.AssetTotallyLost(on=command.on, loss_case=command.loss_case), *billed)


def return_asset(command: c.ReturnAsset, state: State, context: Context) -> Answer:
    """At the end of the term: no instalment is left to bill."""
    if command.on > context.business_date:
        return r.DATE_IN_FUTURE(on=command.on, business_date=context.business_date)
    if state.unbilled:
        return r.TERM_NOT_OVER(unbilled=len(state.unbilled))
    return (e.AssetReturned(on=command.on),)


def close(command: c.CloseLease, state: State, context: Context) -> Answer:
    """Only when every balance is zero; one that never began may be closed with instalments unbilled."""
    balances = state.balances
    if state.phase is Phase.CHARGED_OFF:
        return r.CLAIM_STANDS(written_off_fen=state.charged_off_fen, recovered_fen=state.recovered_fen)
    if state.phase is Phase.ACTIVE and state.unbilled:
        return r.TERM_NOT_OVER(unbilled=len(state.unbilled))
    if balances.open_fen:
        return r.BALANCE_OPEN(open_fen=balances.open_fen)
    if balances.credit_fen:
        return r.CREDIT_OPEN(credit_fen=balances.credit_fen)
    if state.deposit_held_fen:
        return r.DEPOSIT_HELD(held_fen=state.deposit_held_fen)
    return (e.LeaseClosed(on=context.business_date),)
