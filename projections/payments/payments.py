"""Payments and their status: one row per payment, with what is under way, what arrived and what went back.

    payment.initiated ─▶ waiting ─attempt_started─▶ initiated ─▶ pending | unknown ─▶ succeeded ─▶ refunded, …
                            ▲                         │
                            └── retry, other channel ─┴─▶ exhausted | cancelled

`under_way_fen` is what the attempt asks for whose order is at a provider now; it outlives the state when money of
another attempt came first. The past of a row is folded again from its own stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from domain.kernel.fields import INTERNAL, shown, states
from domain.payments.collection import OWN_REASONS
from domain.payments.payment import events as e
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.state import PaymentPhase, PaymentState
from projections.engine.model import Index, Recorded, StateRow
from projections.engine.states import BY_ID, state_projection

STATES = tuple(phase.value for phase in PaymentPhase if phase is not PaymentPhase.ABSENT)


class Payment(StateRow, frozen=True, kw_only=True):
    """One payment.

    `amount_fen` is what was wished at first, `asked_on` the business date of the last attempt. `mandate` is empty for a
    payment of the lessee's own, `code` that of the last failure. `rests_since` is the day on which it was exhausted,
    charged back, or cancelled by people.
    """

    lease: UUID
    state: Annotated[str, states(PaymentPhase)]
    bill: int | None
    mandate: Annotated[str, shown(str | None)]
    channel: str
    attempt: int
    amount_fen: int
    under_way_fen: int
    received_fen: int
    refunded_fen: int
    charged_back_fen: int = 0
    not_before: date | None
    initiated_on: date
    asked_on: Annotated[date | None, INTERNAL] = None
    rests_since: Annotated[date | None, INTERNAL] = None
    code: Annotated[str, shown(str | None)] = ""


def _on(name: str, recorded: Recorded) -> Mapping[str, Any]:
    return {name: recorded.envelope.business_date}


def _charged_back(noted: Mapping[str, Any], event: e.PaymentChargedBack, recorded: Recorded) -> Mapping[str, Any]:
    fen: int = noted.get("charged_back_fen", 0) + event.amount_fen
    return {"charged_back_fen": fen, **_on("rests_since", recorded)}


def _under_way_fen(state: PaymentState) -> int:
    return state.asked_fen[-1] if state.under_way is not None else 0


PAYMENTS = state_projection(
    PAYMENT,
    Payment,
    name="payments",
    version=2,
    columns={
        "mandate": lambda state: state.mandate or "",
        "under_way_fen": _under_way_fen,
        "refunded_fen": lambda state: sum(one.refunded_fen for one in state.received),
    },
    noted={
        e.PaymentInitiated: lambda noted, event, recorded: _on("initiated_on", recorded),
        e.AttemptStarted: lambda noted, event, recorded: _on("asked_on", recorded),
        e.PaymentFailed: lambda noted, event, recorded: {"code": event.code},
        e.PaymentExhausted: lambda noted, event, recorded: _on("rests_since", recorded),
        e.PaymentCancelled: lambda noted, event, recorded: (
            {"rests_since": None} if event.reason in OWN_REASONS else _on("rests_since", recorded)
        ),
        e.PaymentChargedBack: _charged_back,
    },
    indexes=(
        BY_ID,
        ("tenant", "lease"),
        Index(("tenant",), where="under_way_fen > 0"),
        Index(("tenant", "not_before"), where="state = 'waiting'"),
    ),
)
