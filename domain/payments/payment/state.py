"""What is known about a payment: where its attempts stand and how much money it brought."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from domain.payments.payment.values import CollectionPolicy


class Phase(StrEnum):
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


UNDER_WAY = frozenset({Phase.INITIATED, Phase.PENDING, Phase.UNKNOWN})
"""An attempt is out: money may move at any moment."""

RECEIVED = frozenset({Phase.SUCCEEDED, Phase.REFUNDED, Phase.CHARGED_BACK})
"""Money arrived, whatever became of it."""


class PaymentState(Struct, frozen=True, kw_only=True):
    """One payment.

    `version` counts its events. `attempt` is the current one, or the scheduled one while `WAITING`; `tried` are the
    channels of the attempts made so far, `retries` counts those made again in the current one. `received_fen` is all
    that arrived, `returned_fen` what went back. `paid_by` are the attempts that brought money, `callbacks` the digests
    of the last callbacks.
    """

    version: int = 0
    phase: Phase = Phase.ABSENT
    lease: UUID | None = None
    bill: int | None = None
    amount_fen: int = 0
    policy: CollectionPolicy | None = None
    mandate: str | None = None
    attempt: int = 0
    channel: str = ""
    tried: tuple[str, ...] = ()
    retries: int = 0
    not_before: date | None = None
    received_fen: int = 0
    returned_fen: int = 0
    paid_by: tuple[int, ...] = ()
    callbacks: tuple[str, ...] = ()

    def channel_of(self, attempt: int) -> str:
        """The channel that an attempt was made in."""
        return self.tried[attempt - 1]

    @property
    def left_fen(self) -> int:
        """What stays of the money that arrived."""
        return self.received_fen - self.returned_fen
