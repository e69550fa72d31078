"""How a lease begins: creation, deposit, delivery, activation; and what becomes of the deposit."""

from __future__ import annotations

from datetime import date, timedelta

from domain.application.numbers import looks_personal
from domain.kernel import Context, Event, Refusal
from domain.leasing.account import Kind, Transaction, assessed, posted
from domain.leasing.lease import commands as c
from domain.leasing.lease import events as e
from domain.leasing.lease import money as m
from domain.leasing.lease import refusals as r
from domain.leasing.lease.posting import told
from domain.leasing.lease.state import LeaseState
from domain.leasing.policies import POLICIES
from domain.leasing.values import COMPONENTS, Business, DepositMode, Instalment

State = LeaseState
Answer = tuple[Event, ...] | Refusal


def create(command: c.CreateLease, state: State, context: Context) -> Answer:
    """Schedules may begin in the past: a lease may be taken over from another book."""
    if looks_personal(command.reference):
        return r.REFERENCE_PERSONAL()
    if command.policy not in POLICIES:
        return r.POLICY_UNKNOWN(policy=command.policy)
    if set(command.allocation) != set(COMPONENTS):
        return r.ALLOCATION_INCOMPLETE(allocation=" ".join(command.allocation))
    if (wrong := schedule_wrong(command.schedule, 1)) is not None:
        return wrong
    principal_fen = sum(instalment.principal_fen for instalment in command.schedule)
    if command.business is Business.FINANCE and principal_fen != command.principal_fen:
        return r.SCHEDULE_SUM(expected=command.principal_fen, got=principal_fen)
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return (e.LeaseCreated(**fields),)


def schedule_wrong(schedule: tuple[Instalment, ...], first: int, not_before: date = date.min) -> Refusal | None:
    """Why a schedule cannot stand: numbers that do not go on from `first`, due dates that do not go forward."""
    earliest = not_before
    for number, instalment in enumerate(schedule, start=first):
        if instalment.number != number:
            return r.SCHEDULE_NUMBERS(expected=number, got=instalment.number)
        if instalment.due_on < earliest:
            return r.SCHEDULE_DATES(instalment=number, earliest=earliest, got=instalment.due_on)
        earliest = instalment.due_on + timedelta(days=1)
    return None


def waive_deposit(command: c.WaiveDeposit, state: State, context: Context) -> Answer:
    """The decision itself was made elsewhere; here it is carried out."""
    if state.deposit_mode is not DepositMode.WAIVED:
        return r.DEPOSIT_MODE_DIFFERS(expected=state.deposit_mode)
    return (e.DepositWaived(decision=command.decision),)


def preauthorise_deposit(command: c.PreauthoriseDeposit, state: State, context: Context) -> Answer:
    """A hold on the lessee's account."""
    if state.deposit_mode is not DepositMode.PREAUTHORISED:
        return r.DEPOSIT_MODE_DIFFERS(expected=state.deposit_mode)
    return (e.DepositPreauthorised(fen=command.fen, hold=command.hold),)


def receive_deposit(command: c.RecordDepositReceived, state: State, context: Context) -> Answer:
    """Cash."""
    if state.deposit_mode is not DepositMode.CASH:
        return r.DEPOSIT_MODE_DIFFERS(expected=state.deposit_mode)
    return (m.DepositReceived(fen=command.fen, on=context.business_date),)


def release_deposit(command: c.ReleaseDeposit, state: State, context: Context) -> Answer:
    """A deposit secures what is owed, so it goes back when nothing is."""
    if command.fen > state.deposit_held_fen:
        return r.DEPOSIT_TOO_SMALL(held_fen=state.deposit_held_fen, asked_fen=command.fen)
    if state.balances.open_fen:
        return r.BALANCE_OPEN(open_fen=state.balances.open_fen)
    return (m.DepositReleased(fen=command.fen, mode=state.deposit_mode, on=context.business_date),)


def capture_deposit(command: c.CaptureDeposit, state: State, context: Context) -> Answer:
    """It pays like money of the lessee, and no more is taken than is owed."""
    on = context.business_date
    if command.fen > state.deposit_held_fen:
        return r.DEPOSIT_TOO_SMALL(held_fen=state.deposit_held_fen, asked_fen=command.fen)
    owed_fen = assessed(state.account, on).balances.open_fen
    if command.fen > owed_fen:
        return r.CAPTURE_EXCEEDS_DEBT(owed_fen=owed_fen, asked_fen=command.fen)
    after = posted(state.account, Transaction(on=on, kind=Kind.PAYMENT, amount_fen=command.fen))
    return told(
        state.account,
        after,
        lambda applied, credit_fen: m.DepositCaptured(
            fen=command.fen, mode=state.deposit_mode, on=on, applied=applied, credit_fen=credit_fen
        ),
    )


def deliver(command: c.RecordDelivery, state: State, context: Context) -> Answer:
    """Once."""
    if state.delivered_on is not None:
        return r.DELIVERED_ALREADY(on=state.delivered_on)
    if command.on > context.business_date:
        return r.DATE_IN_FUTURE(on=command.on, business_date=context.business_date)
    return (e.AssetDelivered(on=command.on, proof=command.proof),)


def activate(command: c.ActivateLease, state: State, context: Context) -> Answer:
    """Rent runs once the lessee has the asset and the deposit is settled."""
    if state.delivered_on is None:
        return r.NOT_DELIVERED()
    if not state.deposit_settled:
        return r.DEPOSIT_OPEN(agreed_fen=state.deposit_fen, held_fen=state.deposit_held_fen)
    if command.on > context.business_date:
        return r.DATE_IN_FUTURE(on=command.on, business_date=context.business_date)
    if command.on < state.delivered_on:
        return r.BEFORE_DELIVERY(on=command.on, delivered_on=state.delivered_on)
    return (m.LeaseActivated(on=command.on, business=state.business, principal_fen=state.principal_fen),)
