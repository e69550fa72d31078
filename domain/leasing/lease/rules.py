"""What a lease answers to a command: events, or the first rule that says no.

The order of refusals is fixed and is the order in which a person would ask:

1. Is there a lease (`unknown`), or should there be none (`exists`)?
2. Is it settled (`closed`)?
3. Is it in a phase in which this can be wished (`not_active`, `not_terminated`, …)?
4. The command's own rules, top to bottom as written in its function in `opening`, `billing`, `changes`, `ending`,
   `transferring`.

What is granted may have consequences of any command: money on a transferred lease is the investor's, and a demand is
answered when its bills are paid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain.kernel.command import Command, Context
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal, RefusalKind
from domain.leasing.lease import billing, changes, ending, opening, transferring
from domain.leasing.lease import commands as c
from domain.leasing.lease import refusals as r
from domain.leasing.lease.state import CLOSED, ENDED, EXISTING, OPEN, WRITTEN_OFF, LeaseState, Phase

Answer = tuple[Event, ...] | Refusal
Handler = Callable[[Any, LeaseState, Context], Answer]

_AWAITING = frozenset({Phase.AWAITING_DELIVERY})
_ACTIVE = frozenset({Phase.ACTIVE})
_BUYING = frozenset({Phase.ACTIVE, Phase.EARLY_SETTLED})
_CHOOSING = frozenset({Phase.ACTIVE, Phase.ACCELERATED, Phase.TERMINATED})
_OWING = ENDED | _ACTIVE

# For each command: the phases in which it can be wished, the rule that says no in another one, and its function.
_RULES: dict[type[Command], tuple[frozenset[Phase], RefusalKind, Handler]] = {
    c.CreateLease: (frozenset({Phase.ABSENT}), r.EXISTS, opening.create),
    c.WaiveDeposit: (_AWAITING, r.NOT_AWAITING_DELIVERY, opening.waive_deposit),
    c.PreauthoriseDeposit: (_AWAITING, r.NOT_AWAITING_DELIVERY, opening.preauthorise_deposit),
    c.RecordDepositReceived: (_AWAITING, r.NOT_AWAITING_DELIVERY, opening.receive_deposit),
    c.ReleaseDeposit: (OPEN, r.CLOSED, opening.release_deposit),
    c.CaptureDeposit: (_OWING, r.NOT_ACTIVE, opening.capture_deposit),
    c.RecordDownPayment: (_AWAITING, r.NOT_AWAITING_DELIVERY, opening.receive_down_payment),
    c.RefundDownPayment: (_AWAITING, r.NOT_AWAITING_DELIVERY, opening.refund_down_payment),
    c.ReportDownPayment: (_AWAITING, r.NOT_AWAITING_DELIVERY, opening.report_down_payment),
    c.RecordDelivery: (_AWAITING, r.NOT_AWAITING_DELIVERY, opening.deliver),
    c.ActivateLease: (_AWAITING, r.NOT_AWAITING_DELIVERY, opening.activate),
    c.IssueBill: (_ACTIVE, r.NOT_ACTIVE, billing.issue_bill),
    c.AccrueInterest: (_ACTIVE, r.NOT_ACTIVE, billing.accrue),
    c.AssessLateFees: (_OWING, r.NOT_ACTIVE, billing.assess),
    c.PostPayment: (EXISTING, r.CLOSED, billing.post_payment),
    c.ReversePayment: (EXISTING, r.CLOSED, billing.reverse_payment),
    c.RefundCredit: (EXISTING, r.CLOSED, billing.refund),
    c.ReturnRefund: (EXISTING, r.CLOSED, billing.return_refund),
    c.WaiveBill: (_OWING, r.NOT_ACTIVE, billing.waive),
    c.RestructureLease: (_ACTIVE, r.NOT_ACTIVE, changes.restructure),
    c.ReAgeBills: (_ACTIVE, r.NOT_ACTIVE, changes.re_age),
    c.RenewLease: (_ACTIVE, r.NOT_ACTIVE, changes.renew),
    c.QuoteBuyout: (_BUYING, r.NOT_ACTIVE, changes.quote_buyout),
    c.CompleteBuyout: (_BUYING, r.NOT_ACTIVE, changes.complete_buyout),
    c.QuoteEarlySettlement: (_ACTIVE, r.NOT_ACTIVE, changes.quote_settlement),
    c.SettleEarly: (_ACTIVE, r.NOT_ACTIVE, changes.settle_early),
    c.TransferLease: (_ACTIVE, r.NOT_ACTIVE, transferring.transfer),
    c.RemitToInvestor: (OPEN, r.CLOSED, transferring.remit),
    c.BuyBackLease: (OPEN, r.CLOSED, transferring.buy_back),
    c.ServeDemand: (_ACTIVE, r.NOT_ACTIVE, ending.serve_demand),
    c.RecordCureExpired: (_ACTIVE, r.NOT_ACTIVE, ending.expire_cure),
    c.ElectRemedy: (_CHOOSING, r.NOT_ACTIVE, ending.elect_remedy),
    c.AccelerateLease: (_CHOOSING, r.NOT_ACTIVE, ending.accelerate),
    c.TerminateLease: (_CHOOSING, r.NOT_ACTIVE, ending.terminate),
    c.RepossessAsset: (frozenset({Phase.TERMINATED}), r.NOT_TERMINATED, ending.repossess),
    c.DisposeAsset: (frozenset({Phase.REPOSSESSED}), r.NOT_REPOSSESSED, ending.dispose),
    c.ChargeOffLease: (ENDED, r.NOT_ENDED, ending.charge_off),
    c.RecordTotalLoss: (_ACTIVE, r.NOT_ACTIVE, ending.lose),
    c.ReturnAsset: (_ACTIVE, r.NOT_ACTIVE, ending.return_asset),
    c.CloseLease: (OPEN, r.CLOSED, ending.close),
}

COMMANDS: tuple[type[Command], ...] = tuple(_RULES)
"""Every command of the aggregate, in the order of a lease's life."""

assert WRITTEN_OFF.isdisjoint(_OWING)


def decide(command: Command, state: LeaseState, context: Context) -> tuple[Event, ...] | Refusal:
    """The events a command leads to, or the first refusal. Raises `TypeError` for a command of another aggregate."""
    rule = _RULES.get(type(command))
    if rule is None:
        raise TypeError(f"expected a command to a lease, got {type(command).__name__}")
    phases, otherwise, handler = rule
    if state.phase in phases:
        answer = handler(command, state, context)
        return answer if isinstance(answer, Refusal) else _with_consequences(answer, state, context)
    if state.phase is Phase.ABSENT:
        return r.UNKNOWN()
    if state.phase in CLOSED and Phase.ABSENT not in phases:
        return r.CLOSED(phase=state.phase)
    return otherwise(phase=state.phase)


def _with_consequences(events: tuple[Event, ...], state: LeaseState, context: Context) -> tuple[Event, ...]:
    return (*events, *transferring.collected(events, state, context), *ending.cured(events, state, context))
