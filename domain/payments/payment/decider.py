"""The decider of this aggregate."""

from __future__ import annotations

from domain.kernel.decider import Decider
from domain.payments.payment.evolve import evolve
from domain.payments.payment.rules import decide
from domain.payments.payment.state import PaymentState

PAYMENT = Decider(name="payment", initial=PaymentState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""
