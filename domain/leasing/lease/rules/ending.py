"""Default and its remedies, loss, return and the end of a lease.

Finance lease: before acceleration or termination at least two instalments or 15 % of all rent are unpaid, a demand was
served, a reasonable period passed (融资租赁解释 5). The two exclude each other (民法典 752; 融资租赁解释 10). What a
disposal brings beyond the debt is the lessee's (民法典 758). Rental: rent is overdue, a demand was served, a reasonable
period passed, then the lessor may end the contract (民法典 722); there is no acceleration, and the device is the
lessor's. A lessee answers for a device that was lost through poor care (民法典 714), and not otherwise (民法典 729).

How long a reasonable period is, that a terminated or lost finance lease claims the remaining principal with the
interest earned until then, what an early return costs and what a lost device is worth, is policy and not law.
"""

from __future__ import annotations

from datetime import date

from domain.kernel.command import Context
from domain.kernel.decider import Answer, Rule, Rules
from domain.kernel.event import Event
from domain.kernel.money import PPM, Rounding, divide
from domain.kernel.refusal import Refusal
from domain.kernel.values import Business
from domain.leasing.account import posted
from domain.leasing.balances import Kind, Transaction
from domain.leasing.lease import commands as c
from domain.leasing.lease import refusals as r
from domain.leasing.lease.events import lifecycle as e
from domain.leasing.lease.events import money as m
from domain.leasing.lease.evolve import after
from domain.leasing.lease.rules.posting import events_of, fee_billed, issued, rest_billed, written_off
from domain.leasing.lease.state import ACTIVE, ENDED, OPEN, LeasePhase, LeaseState
from domain.leasing.policies import DEFAULT_INSTALMENTS, DEFAULT_RENT_SHARE_PPM, POLICIES
from domain.leasing.values import BillKind, Remedy
from domain.pricing.schedules import Instalment


def serve_demand(command: c.ServeDemand, state: LeaseState, context: Context) -> Answer:
    """The demand names what is overdue today; a later one takes its place. None comes after the remedy."""
    if state.remedy is not None:
        return r.REMEDY_CHOSEN(remedy=state.remedy)
    on = context.business_date
    overdue = state.overdue(on)
    if not overdue:
        return r.NOTHING_OVERDUE()
    policy, rental = POLICIES[state.policy], state.business is Business.RENTAL
    days, least = (command.cure_by - on).days, policy.rental_cure_days if rental else policy.cure_days
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


def expire_cure(command: c.RecordCureExpired, state: LeaseState, context: Context) -> Answer:
    """The day after the last day to pay; what was demanded and paid meanwhile has no end of a period."""
    if state.remedy is not None:
        return r.REMEDY_CHOSEN(remedy=state.remedy)
    if (no := _not_answered(state, context.business_date)) is not None:
        return no
    demand = state.demand
    assert demand is not None, "a demand that was not answered"
    if demand.expired:
        return r.CURE_EXPIRED_ALREADY(cure_by=demand.cure_by)
    bills = demand.unpaid(state.balances)
    return (e.CureExpired(on=context.business_date, cure_by=demand.cure_by, bills=bills),)


def cured(events: tuple[Event, ...], state: LeaseState, context: Context) -> tuple[Event, ...]:
    """That events which a command led to paid the rent of every bill that was demanded, as an event of its own.

    A cure that is taken back with the money is none; a later one is recorded again.
    """
    if state.demand is None or state.demand.cured or state.remedy is not None:
        return ()
    reached = after(events, state)
    demand = state.demand
    if reached.phase is not LeasePhase.ACTIVE or reached.demand != demand or demand.unpaid(reached.balances):
        return ()
    return (e.CureAchieved(on=context.business_date, bills=demand.bills),)


def elect_remedy(command: c.ElectRemedy, state: LeaseState, context: Context) -> Answer:
    """Default by the rules of the business; then demand and period (民法典 722, 752); and only one choice."""
    on = context.business_date
    if state.remedy is not None:
        return r.REMEDIES_EXCLUDE(chosen=state.remedy)
    overdue = state.overdue(on)
    unpaid_fen, total_fen = sum(fen for _, fen in overdue), state.total_rent_fen
    if state.business is Business.RENTAL:
        if command.remedy is Remedy.ACCELERATE:
            return r.RENTAL_NOT_ACCELERATED()
        if not overdue:
            return r.NOTHING_OVERDUE()
    elif len(overdue) < DEFAULT_INSTALMENTS and unpaid_fen * PPM < total_fen * DEFAULT_RENT_SHARE_PPM:
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


def _not_answered(state: LeaseState, on: date) -> Refusal | None:
    """Why a demand does not carry a remedy: none was served, its period runs, or it was paid."""
    demand = state.demand
    if demand is None:
        return r.NO_DEMAND()
    if on <= demand.cure_by:
        return r.CURE_PERIOD_RUNNING(cure_by=demand.cure_by, business_date=on)
    if not demand.unpaid(state.balances):
        return r.DEMAND_CURED(bills=" ".join(map(str, demand.bills)))
    return None


def _may(remedy: Remedy, state: LeaseState) -> Refusal | None:
    if state.remedy is None:
        return r.NO_REMEDY(remedy=remedy)
    if state.remedy is not remedy:
        return r.REMEDIES_EXCLUDE(chosen=state.remedy)
    return None if state.phase is LeasePhase.ACTIVE else r.NOT_ACTIVE(phase=state.phase)


def _wrong_day(on: date, state: LeaseState, context: Context) -> Refusal | None:
    """Why an end cannot be of that day: it has not come, or the lessee did not have the asset yet."""
    if on > context.business_date:
        return r.DATE_IN_FUTURE(on=on, business_date=context.business_date)
    if state.delivered_on is not None and on < state.delivered_on:
        return r.BEFORE_DELIVERY(on=on, delivered_on=state.delivered_on)
    return None


def accelerate(command: c.AccelerateLease, state: LeaseState, context: Context) -> Answer:
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


def terminate(command: c.TerminateLease, state: LeaseState, context: Context) -> Answer:
    """The contract ends when the notice reached the lessee; what a finance lease is still worth is claimed."""
    if (no := _may(Remedy.TERMINATE, state)) is not None:
        return no
    if (wrong := _wrong_day(command.notice_reached_on, state, context)) is not None:
        return wrong
    terminated = e.LeaseTerminated(notice_reached_on=command.notice_reached_on, proof=command.proof)
    return (terminated, *rest_billed(state, context.business_date))


def repossess(command: c.RepossessAsset, state: LeaseState, context: Context) -> Answer:
    """After termination only."""
    if (wrong := _wrong_day(command.on, state, context)) is not None:
        return wrong
    return (e.AssetRepossessed(on=command.on),)


def dispose(command: c.DisposeAsset, state: LeaseState, context: Context) -> Answer:
    """Proceeds less costs pay the debt; the surplus is credit, which is the lessee's to have (民法典 758).

    A rented device is the lessor's own, and what it brings is no business of the lessee.
    """
    if state.business is Business.RENTAL:
        return r.NOT_A_FINANCE_LEASE()
    on, net_fen = context.business_date, command.proceeds_fen - command.costs_fen
    if net_fen < 0:
        return r.COSTS_EXCEED_PROCEEDS(proceeds_fen=command.proceeds_fen, costs_fen=command.costs_fen)
    after = posted(state.account, Transaction(on=on, kind=Kind.PAYMENT, amount_fen=net_fen))
    return events_of(
        state.account,
        after,
        on,
        lambda applied, credit_fen: m.AssetDisposed(
            on=on,
            proceeds_fen=command.proceeds_fen,
            costs_fen=command.costs_fen,
            surplus_fen=max(0, after.balances.credit_fen),
            applied=applied,
            credit_fen=credit_fen,
        ),
    )


def charge_off(command: c.ChargeOffLease, state: LeaseState, context: Context) -> Answer:
    """Everything open, with late fees up to today, leaves the books; the claim does not end by that."""
    if state.funding is not None:
        return r.BUY_BACK_FIRST(investor=state.funding.investor)
    return written_off(state.account, context.business_date) or r.NOTHING_OPEN()


def lose(command: c.RecordTotalLoss, state: LeaseState, context: Context) -> Answer:
    """A finance lease claims what it is still worth; of a device its value, if the lessee answers for it."""
    if (wrong := _wrong_day(command.on, state, context)) is not None:
        return wrong
    lost = e.AssetTotallyLost(on=command.on, loss_case=command.loss_case)
    if state.business is Business.FINANCE:
        return (lost, *rest_billed(state, context.business_date))
    owed_fen = _compensation_fen(state) if command.liable else 0
    return (lost, *fee_billed(state, context.business_date, owed_fen, BillKind.COMPENSATION))


def _compensation_fen(state: LeaseState) -> int:
    """The value of a device less the policy's share of the rent paid, not below its share of the value."""
    policy = POLICIES[state.policy]
    less = divide(state.paid_rent_fen * policy.loss_credit_ppm, PPM, Rounding.HALF_UP)
    floor = divide(state.principal_fen * policy.loss_floor_ppm, PPM, Rounding.HALF_UP)
    return max(floor, state.principal_fen - less)


def return_asset(command: c.ReturnAsset, state: LeaseState, context: Context) -> Answer:
    """At the end of the term; a rented device also before, for the policy's share of all rent that is not billed."""
    if (wrong := _wrong_day(command.on, state, context)) is not None:
        return wrong
    if state.unbilled and state.business is Business.FINANCE:
        return r.TERM_NOT_OVER(unbilled=len(state.unbilled))
    rent_fen = sum(instalment.principal_fen + instalment.interest_fen for instalment in state.unbilled)
    fee_fen = divide(rent_fen * POLICIES[state.policy].early_return_fee_ppm, PPM, Rounding.HALF_UP)
    fee = fee_billed(state, context.business_date, fee_fen, BillKind.EARLY_RETURN)
    return (e.AssetReturned(on=command.on), *fee)


def close(command: c.CloseLease, state: LeaseState, context: Context) -> Answer:
    """Only when every balance is zero; one that never began may be closed with instalments unbilled."""
    if state.phase is LeasePhase.CHARGED_OFF:
        return r.CLAIM_STANDS(written_off_fen=state.charged_off_fen, recovered_fen=state.recovered_fen)
    if state.phase is LeasePhase.ACTIVE and state.unbilled:
        return r.TERM_NOT_OVER(unbilled=len(state.unbilled))
    funding = state.funding
    for kind, fact, fen in (
        (r.BALANCE_OPEN, "open_fen", state.balances.open_fen),
        (r.CREDIT_OPEN, "credit_fen", state.balances.credit_fen),
        (r.DEPOSIT_HELD, "held_fen", state.deposit_held_fen),
        (r.DOWN_PAYMENT_HELD, "held_fen", state.down_payment_held_fen),
        (r.INVESTOR_OPEN, "owed_fen", 0 if funding is None else funding.owed_fen),
    ):
        if fen:
            return kind(**{fact: fen})
    return (m.LeaseClosed(on=context.business_date, released_fen=0 if funding is None else funding.unrepaid_fen),)


_CHOOSING = frozenset({LeasePhase.ACTIVE, LeasePhase.ACCELERATED, LeasePhase.TERMINATED})

RULES: Rules[LeaseState] = {
    c.ServeDemand: Rule(ACTIVE, r.NOT_ACTIVE, serve_demand),
    c.RecordCureExpired: Rule(ACTIVE, r.NOT_ACTIVE, expire_cure),
    c.ElectRemedy: Rule(_CHOOSING, r.NOT_ACTIVE, elect_remedy),
    c.AccelerateLease: Rule(_CHOOSING, r.NOT_ACTIVE, accelerate),
    c.TerminateLease: Rule(_CHOOSING, r.NOT_ACTIVE, terminate),
    c.RepossessAsset: Rule(frozenset({LeasePhase.TERMINATED}), r.NOT_TERMINATED, repossess),
    c.DisposeAsset: Rule(frozenset({LeasePhase.REPOSSESSED}), r.NOT_REPOSSESSED, dispose),
    c.ChargeOffLease: Rule(ENDED, r.NOT_ENDED, charge_off),
    c.RecordTotalLoss: Rule(ACTIVE, r.NOT_ACTIVE, lose),
    c.ReturnAsset: Rule(ACTIVE, r.NOT_ACTIVE, return_asset),
    c.CloseLease: Rule(OPEN, r.CLOSED, close),
}
