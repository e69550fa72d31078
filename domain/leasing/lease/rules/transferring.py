"""Transfer of claims: they are sold to an investor with recourse, collected here, remitted, and may be bought back.

    transferred(price, claims) ─▶ bills are paid: collected_for_investor ─▶ remitted_to_investor ─▶ …
                                                                         └▶ bought_back │ closed

The investor has recourse: it puts a lease back before a debt is written off. So the lessor keeps what can go wrong with
the claims, and the books keep the claims; the price is a borrowing that collections repay in proportion to the claims,
and what they bring beyond that is the cost of the money. That treatment is a policy of the terms of business. What
meets bills since the transfer is the investor's, signed: money that is taken back makes its share smaller, even below
what was remitted. Credit is the lessee's and the price of the asset the lessor's, for claims were sold and nothing
else.
"""

from __future__ import annotations

from domain.kernel.command import Context
from domain.kernel.decider import Answer, Rule, Rules
from domain.kernel.event import Event
from domain.leasing.bill_changes import bill_changes, total_fen
from domain.leasing.lease import commands as c
from domain.leasing.lease import refusals as r
from domain.leasing.lease.events import money as m
from domain.leasing.lease.state import ACTIVE, OPEN, LeaseState


def transfer(command: c.TransferLease, state: LeaseState, context: Context) -> Answer:
    """The lease goes on; everything that is owed or to be billed is sold."""
    if state.funding is not None:
        return r.TRANSFERRED_ALREADY(investor=state.funding.investor)
    claims_fen = state.balances.open_fen + state.unbilled_fen
    if not claims_fen:
        return r.NOTHING_TO_TRANSFER()
    on = context.business_date
    return (m.LeaseTransferred(investor=command.investor, on=on, price_fen=command.price_fen, claims_fen=claims_fen),)


def remit(command: c.RemitToInvestor, state: LeaseState, context: Context) -> Answer:
    """At most what was collected and not remitted."""
    if state.funding is None:
        return r.NOT_TRANSFERRED()
    if command.amount_fen > state.funding.owed_fen:
        return r.REMITTANCE_TOO_LARGE(owed_fen=state.funding.owed_fen, asked_fen=command.amount_fen)
    on = context.business_date
    return (m.RemittedToInvestor(investor=state.funding.investor, on=on, amount_fen=command.amount_fen),)


def buy_back(command: c.BuyBackLease, state: LeaseState, context: Context) -> Answer:
    """Everything between lessor and investor ends: the price is paid with what was collected and not remitted."""
    if state.funding is None:
        return r.NOT_TRANSFERRED()
    return (
        m.LeaseBoughtBack(
            investor=state.funding.investor,
            on=context.business_date,
            price_fen=command.price_fen,
            owed_fen=state.funding.owed_fen,
            released_fen=state.funding.unrepaid_fen,
        ),
    )


def collected(events: tuple[Event, ...], state: LeaseState, context: Context) -> tuple[Event, ...]:
    """What events that a command led to brought to the investor, or took from it, as an event of its own."""
    funding = state.funding
    if funding is None:
        return ()
    fen = sum(total_fen(bill_changes(event).paid) for event in events)
    if not fen:
        return ()
    repaid_fen = funding.repaid_at(funding.collected_fen + fen) - funding.repaid_fen
    on = context.business_date
    return (m.CollectedForInvestor(investor=funding.investor, on=on, fen=fen, repaid_fen=repaid_fen),)


RULES: Rules[LeaseState] = {
    c.TransferLease: Rule(ACTIVE, r.NOT_ACTIVE, transfer),
    c.RemitToInvestor: Rule(OPEN, r.CLOSED, remit),
    c.BuyBackLease: Rule(OPEN, r.CLOSED, buy_back),
}
