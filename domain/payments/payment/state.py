"""State of a payment: its attempts, and the money received, refunded and charged back."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from domain.kernel.decider import State
from domain.payments.payment.values import CollectionPolicy


class PaymentPhase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    INITIATED = "initiated"
    PENDING = "pending"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"


EXISTING = frozenset(PaymentPhase) - {PaymentPhase.ABSENT}

RECEIVED = frozenset({PaymentPhase.SUCCEEDED, PaymentPhase.REFUNDED, PaymentPhase.CHARGED_BACK})
"""Money arrived, whatever became of it."""


class Received(Struct, frozen=True, kw_only=True):
    """Money that an attempt brought; the first of them is the payment's own, the others came on top.

    `refunded_fen` went back, `reserved_fen` is to go back and the provider has not said how that ended.
    """

    attempt: int
    amount_fen: int
    ref: str
    refunded_fen: int = 0
    reserved_fen: int = 0
    charged_back: bool = False

    @property
    def left_fen(self) -> int:
        """What can still be refunded."""
        return 0 if self.charged_back else self.amount_fen - self.refunded_fen - self.reserved_fen

    @property
    def kept_fen(self) -> int:
        """What did not go back."""
        return 0 if self.charged_back else self.amount_fen - self.refunded_fen

    @property
    def net_fen(self) -> int:
        """What came less what went; below 0 where money was refunded and taken back by the payer's bank, too."""
        return (0 if self.charged_back else self.amount_fen) - self.refunded_fen


class Refund(Struct, frozen=True, kw_only=True):
    """One refund by the lease's number: of which attempt's money, and whether the provider has yet to say."""

    number: int
    attempt: int
    amount_fen: int
    open: bool


class PaymentState(State, frozen=True, kw_only=True):
    """One payment.

    `amount_fen` is what was asked for at first. `attempt` is the current one, or the
    scheduled one while `WAITING`; `under_way` is where its order at a provider stands, which outlives the phase when
    money of another attempt came first. `tried` and `asked_fen` are channels and amounts of the attempts so far,
    `retries` counts those made again in the current channel. `callbacks` are the digests of the last callbacks,
    `forged` counts the forged ones.
    """

    phase: PaymentPhase = PaymentPhase.ABSENT
    lease: UUID | None = None
    bill: int | None = None
    amount_fen: int = 0
    policy: CollectionPolicy | None = None
    mandate: str | None = None
    attempt: int = 0
    channel: str = ""
    under_way: PaymentPhase | None = None
    tried: tuple[str, ...] = ()
    asked_fen: tuple[int, ...] = ()
    retries: int = 0
    not_before: date | None = None
    received: tuple[Received, ...] = ()
    refunds: tuple[Refund, ...] = ()
    callbacks: tuple[str, ...] = ()
    forged: int = 0

    def channel_of(self, attempt: int) -> str:
        """The channel that an attempt was made in."""
        return self.tried[attempt - 1]

    def money_of(self, attempt: int) -> Received | None:
        """What an attempt brought, if it did."""
        return next((one for one in self.received if one.attempt == attempt), None)

    def refund(self, number: int) -> Refund | None:
        """The refund with a number."""
        return next((one for one in self.refunds if one.number == number), None)

    @property
    def received_fen(self) -> int:
        """All that arrived."""
        return sum(one.amount_fen for one in self.received)

    @property
    def kept_fen(self) -> int:
        """What did not go back."""
        return sum(one.kept_fen for one in self.received)

    @property
    def net_fen(self) -> int:
        """All that came less all that went."""
        return sum(one.net_fen for one in self.received)
