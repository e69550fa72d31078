"""What a lease answers to a command: events, or the first rule that says no.

The order of refusals is fixed and is the order in which a person would ask:

1. Is there a lease (`unknown`), or should there be none (`exists`)?
2. Is it settled (`closed`)?
3. Is it in a phase that this is for (`not_active`, `not_terminated`, …)?
4. The command's own rules, top to bottom as written in its function in `opening`, `billing`, `changes`, `ending`,
   `transferring`.

What is granted may have consequences of any command: money on a transferred lease is the investor's, and a demand is
answered when its bills are paid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain.kernel.command import Context
from domain.kernel.decider import ABSENT, Answer, Decider, Events, Rule
from domain.leasing.lease import commands as c
from domain.leasing.lease import refusals as r
from domain.leasing.lease.evolve import EVOLVE
from domain.leasing.lease.rules import billing, changes, ending, opening, transferring
from domain.leasing.lease.state import CLOSED, ENDED, EXISTING, OPEN, WRITTEN_OFF, LeasePhase, LeaseState
from domain.leasing.lease.timers import TIMERS

Handler = Callable[[Any, LeaseState, Context], Answer]

_AWAITING = frozenset({LeasePhase.AWAITING_DELIVERY})
_ACTIVE = frozenset({LeasePhase.ACTIVE})
_BUYING = frozenset({LeasePhase.ACTIVE, LeasePhase.EARLY_SETTLED})
_CHOOSING = frozenset({LeasePhase.ACTIVE, LeasePhase.ACCELERATED, LeasePhase.TERMINATED})
_OWING = ENDED | _ACTIVE

assert WRITTEN_OFF.isdisjoint(_OWING)


def _consequences(events: Events, state: LeaseState, context: Context) -> Events:
    return (*transferring.collected(events, state, context), *ending.cured(events, state, context))


LEASE = Decider(
    name="lease",
    initial=LeaseState(),
    unknown=r.UNKNOWN,
    closed=(CLOSED, r.CLOSED),
    consequences=_consequences,
    rules={
        c.CreateLease: Rule(ABSENT, r.EXISTS, opening.create),
        c.WaiveDeposit: Rule(_AWAITING, r.NOT_AWAITING_DELIVERY, opening.waive_deposit),
        c.PreauthoriseDeposit: Rule(_AWAITING, r.NOT_AWAITING_DELIVERY, opening.preauthorise_deposit),
        c.RecordDepositReceived: Rule(_AWAITING, r.NOT_AWAITING_DELIVERY, opening.receive_deposit),
        c.ReleaseDeposit: Rule(OPEN, r.CLOSED, opening.release_deposit),
        c.CaptureDeposit: Rule(_OWING, r.NOT_ACTIVE, opening.capture_deposit),
        c.RecordDownPayment: Rule(_AWAITING, r.NOT_AWAITING_DELIVERY, opening.receive_down_payment),
        c.RefundDownPayment: Rule(_AWAITING, r.NOT_AWAITING_DELIVERY, opening.refund_down_payment),
        c.ReportDownPayment: Rule(_AWAITING, r.NOT_AWAITING_DELIVERY, opening.report_down_payment),
        c.RecordDelivery: Rule(_AWAITING, r.NOT_AWAITING_DELIVERY, opening.deliver),
        c.ActivateLease: Rule(_AWAITING, r.NOT_AWAITING_DELIVERY, opening.activate),
        c.IssueBill: Rule(_ACTIVE, r.NOT_ACTIVE, billing.issue_bill),
        c.AccrueInterest: Rule(_ACTIVE, r.NOT_ACTIVE, billing.accrue),
        c.AssessLateFees: Rule(_OWING, r.NOT_ACTIVE, billing.assess),
        c.PostPayment: Rule(EXISTING, r.CLOSED, billing.post_payment),
        c.ReversePayment: Rule(EXISTING, r.CLOSED, billing.reverse_payment),
        c.RefundCredit: Rule(EXISTING, r.CLOSED, billing.refund),
        c.ReturnRefund: Rule(EXISTING, r.CLOSED, billing.return_refund),
        c.WaiveBill: Rule(_OWING, r.NOT_ACTIVE, billing.waive),
        c.RestructureLease: Rule(_ACTIVE, r.NOT_ACTIVE, changes.restructure),
        c.ReAgeBills: Rule(_ACTIVE, r.NOT_ACTIVE, changes.re_age),
        c.RenewLease: Rule(_ACTIVE, r.NOT_ACTIVE, changes.renew),
        c.QuoteBuyout: Rule(_BUYING, r.NOT_ACTIVE, changes.quote_buyout),
        c.CompleteBuyout: Rule(_BUYING, r.NOT_ACTIVE, changes.complete_buyout),
        c.QuoteEarlySettlement: Rule(_ACTIVE, r.NOT_ACTIVE, changes.quote_settlement),
        c.SettleEarly: Rule(_ACTIVE, r.NOT_ACTIVE, changes.settle_early),
        c.TransferLease: Rule(_ACTIVE, r.NOT_ACTIVE, transferring.transfer),
        c.RemitToInvestor: Rule(OPEN, r.CLOSED, transferring.remit),
        c.BuyBackLease: Rule(OPEN, r.CLOSED, transferring.buy_back),
        c.ServeDemand: Rule(_ACTIVE, r.NOT_ACTIVE, ending.serve_demand),
        c.RecordCureExpired: Rule(_ACTIVE, r.NOT_ACTIVE, ending.expire_cure),
        c.ElectRemedy: Rule(_CHOOSING, r.NOT_ACTIVE, ending.elect_remedy),
        c.AccelerateLease: Rule(_CHOOSING, r.NOT_ACTIVE, ending.accelerate),
        c.TerminateLease: Rule(_CHOOSING, r.NOT_ACTIVE, ending.terminate),
        c.RepossessAsset: Rule(frozenset({LeasePhase.TERMINATED}), r.NOT_TERMINATED, ending.repossess),
        c.DisposeAsset: Rule(frozenset({LeasePhase.REPOSSESSED}), r.NOT_REPOSSESSED, ending.dispose),
        c.ChargeOffLease: Rule(ENDED, r.NOT_ENDED, ending.charge_off),
        c.RecordTotalLoss: Rule(_ACTIVE, r.NOT_ACTIVE, ending.lose),
        c.ReturnAsset: Rule(_ACTIVE, r.NOT_ACTIVE, ending.return_asset),
        c.CloseLease: Rule(OPEN, r.CLOSED, ending.close),
    },
    evolve=EVOLVE,
    timers=TIMERS,
)
