"""State of a lease: one frozen value, folded from its events."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from domain.kernel.decider import State
from domain.kernel.money import PPM, Rounding, divide
from domain.kernel.values import AssetClass, Business
from domain.leasing.account import Account
from domain.leasing.balances import Balances
from domain.leasing.values import DepositMode, DownPaymentTo, Remedy
from domain.pricing.schedules import Instalment


class LeasePhase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    AWAITING_DELIVERY = "awaiting_delivery"
    ACTIVE = "active"
    RETURNED = "returned"
    BOUGHT_OUT = "bought_out"
    EARLY_SETTLED = "early_settled"
    ACCELERATED = "accelerated"
    TERMINATED = "terminated"
    REPOSSESSED = "repossessed"
    DISPOSED = "disposed"
    LOST_TOTAL = "lost_total"
    CHARGED_OFF = "charged_off"
    RECOVERED = "recovered"
    SETTLED = "settled"
    REOPENED = "reopened"


CLOSED = frozenset({LeasePhase.SETTLED})
EXISTING = frozenset(LeasePhase) - {LeasePhase.ABSENT}
OPEN = EXISTING - CLOSED
WRITTEN_OFF = frozenset({LeasePhase.CHARGED_OFF, LeasePhase.RECOVERED})
ENDED = OPEN - {LeasePhase.AWAITING_DELIVERY, LeasePhase.ACTIVE} - WRITTEN_OFF
"""The lease runs no more; what is billed may still be owed."""

AWAITING = frozenset({LeasePhase.AWAITING_DELIVERY})
ACTIVE = frozenset({LeasePhase.ACTIVE})
OWING = ENDED | ACTIVE
"""Bills may be owed, and nothing is written off."""


class QuoteKind(StrEnum):
    """What a quote is for."""

    BUYOUT = "buyout"
    EARLY_SETTLEMENT = "early_settlement"


class Quote(Struct, frozen=True, kw_only=True):
    """The one quote that stands; whatever changes the schedule lets it lapse."""

    kind: QuoteKind
    as_of: date
    valid_until: date
    amount_fen: int
    price_fen: int | None = None


class Demand(Struct, frozen=True, kw_only=True):
    """The demand that was served last, and what became of it."""

    on: date
    cure_by: date
    bills: tuple[int, ...]
    cured: bool = False
    expired: bool = False

    def unpaid(self, balances: Balances) -> tuple[int, ...]:
        """The demanded bills with open rent."""
        return tuple(bill.number for bill in balances.bills if bill.number in self.bills and bill.open_rent_fen > 0)


class Funding(Struct, frozen=True, kw_only=True):
    """An investor's money, secured by the claims of this lease, which are collected here and passed on.

    `claims_fen` were sold for `price_fen`. `collected_fen` of them met bills since, of which `remitted_fen` went to the
    investor; `repaid_fen` of the price is repaid by that.
    """

    investor: UUID
    claims_fen: int
    price_fen: int
    collected_fen: int = 0
    repaid_fen: int = 0
    remitted_fen: int = 0

    @property
    def owed_fen(self) -> int:
        """What was collected and not remitted; negative when money that was remitted was taken back."""
        return self.collected_fen - self.remitted_fen

    @property
    def unrepaid_fen(self) -> int:
        """What of the price collections have not repaid."""
        return self.price_fen - self.repaid_fen

    def repaid_at(self, collected_fen: int) -> int:
        """What of the price so much collected repays: its share of the claims, half up, all of it at the end."""
        share = min(max(collected_fen, 0), self.claims_fen)
        return divide(self.price_fen * share, self.claims_fen, Rounding.HALF_UP)


class PostedPayment(Struct, frozen=True, kw_only=True):
    """A payment that was posted; `recovery` says that it came after the debt was written off."""

    payment: UUID
    amount_fen: int
    value_date: date
    recovery: bool = False
    reversed: bool = False


class CreditRefund(Struct, frozen=True, kw_only=True):
    """Credit that went out through a payment's provider; `returned` when it did not get there."""

    number: int
    amount_fen: int
    on: date
    returned: bool = False


class LeaseState(State, frozen=True, kw_only=True):
    """One lease.

    `unbilled` is the rest of the schedule and `next_number` the bill that comes next.
    `period_start` is the first day of the period whose interest is being earned, `accrued_fen` what of it is in the
    books. `deposit_held_fen` is cash or a hold, as `deposit_mode` says.
    """

    phase: LeasePhase = LeasePhase.ABSENT
    business: Business = Business.FINANCE
    asset_class: AssetClass = AssetClass.UNSPECIFIED
    currency: str = ""
    subject: UUID | None = None
    policy: int = 0
    principal_fen: int = 0
    bill_lead_days: int = 0
    deposit_mode: DepositMode = DepositMode.WAIVED
    deposit_fen: int = 0
    deposit_held_fen: int = 0
    deposit_waived: bool = False
    upfront_fee_fen: int = 0
    down_payment_fen: int = 0
    down_payment_to: DownPaymentTo = DownPaymentTo.LESSOR
    down_payment_held_fen: int = 0
    down_payment_reported: bool = False
    buyout_fen: int = 0
    buyout_credit_ppm: int = 0
    buyout_floor_fen: int = 0
    delivered_on: date | None = None
    unbilled: tuple[Instalment, ...] = ()
    next_number: int = 1
    period_start: date | None = None
    accrued_fen: int = 0
    account: Account = Account()
    receipts: tuple[PostedPayment, ...] = ()
    refunds: tuple[CreditRefund, ...] = ()
    quote: Quote | None = None
    demand: Demand | None = None
    remedy: Remedy | None = None
    funding: Funding | None = None
    charged_off_fen: int = 0
    recovered_fen: int = 0

    @property
    def balances(self) -> Balances:
        """Bills and credit."""
        return self.account.balances

    @property
    def deposit_settled(self) -> bool:
        """Whether the deposit is as agreed: none, waived, or held in full."""
        if self.deposit_mode is DepositMode.WAIVED:
            return self.deposit_waived or self.deposit_fen == 0
        return self.deposit_held_fen >= self.deposit_fen

    @property
    def down_payment_open_fen(self) -> int:
        """What of the down payment is still to come before the lease may begin."""
        return 0 if self.down_payment_reported else self.down_payment_fen - self.down_payment_held_fen

    @property
    def unbilled_fen(self) -> int:
        """Everything that is not billed yet."""
        return sum(instalment.total_fen for instalment in self.unbilled)

    @property
    def unbilled_principal_fen(self) -> int:
        """Principal that is not billed yet; in a finance lease the net investment in the books."""
        return sum(instalment.principal_fen for instalment in self.unbilled)

    @property
    def total_rent_fen(self) -> int:
        """All rent of the contract, billed or not: principal and interest."""
        return self.billed_rent_fen + sum(
            instalment.principal_fen + instalment.interest_fen for instalment in self.unbilled
        )

    @property
    def billed_rent_fen(self) -> int:
        """Rent that was billed: principal and interest, paid or not."""
        return sum(bill.amount[0] + bill.amount[1] for bill in self.balances.bills)

    @property
    def paid_rent_fen(self) -> int:
        """Rent that was paid: principal and interest."""
        return sum(bill.paid[0] + bill.paid[1] for bill in self.balances.bills)

    def receipt(self, payment: UUID) -> PostedPayment | None:
        """What is known of a payment."""
        return next((known for known in self.receipts if known.payment == payment), None)

    def refund(self, number: int) -> CreditRefund | None:
        """The refund with a number."""
        return next((known for known in self.refunds if known.number == number), None)

    def overdue(self, on: date) -> tuple[tuple[int, int], ...]:
        """`(bill, open rent in fen)` of the bills that were due before a day and have rent to pay."""
        return tuple(
            (bill.number, bill.open_rent_fen)
            for bill in self.balances.bills
            if bill.due_on < on and bill.open_rent_fen > 0
        )

    def earned_interest_fen(self, on: date) -> int:
        """Interest of the running period that is earned by a day: by days, half up, all of it on the due date."""
        if not self.unbilled or self.period_start is None:
            return 0
        running = self.unbilled[0]
        span = (running.due_on - self.period_start).days
        passed = (on - self.period_start).days
        if passed >= span:
            return running.interest_fen
        return divide(running.interest_fen * max(0, passed), span, Rounding.HALF_UP)

    def buyout_price_fen(self) -> int:
        """The price of the asset now: the agreed one less the agreed share of the rent billed, not below the floor.

        Who completes a buy-out has nothing open: all of that rent is paid by then, or is not asked for any more.
        """
        less = divide(self.billed_rent_fen * self.buyout_credit_ppm, PPM, Rounding.HALF_UP)
        return max(self.buyout_floor_fen, self.buyout_fen - less)
