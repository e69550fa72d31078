"""Which command passes which guard: one table for every door.

Whoever processes data on behalf of the tenant (个人信息保护法 21), such as a reader of documents, is not a third
party and is not asked about here. An inquiry at a credit bureau has no command yet; the consents that a plan names are
asked for before the lease.
"""

from __future__ import annotations

from adapters.gate.bookings import Bookings
from adapters.gate.consents import Consents
from adapters.gate.contracts import Contracts
from adapters.gate.money import Money
from adapters.gate.offers import Offers
from adapters.postgres.ledger import Gate, Gates, Guard, Request
from domain.contracts.contract.commands import AssembleContract, ProposeAmendment
from domain.intake.application import commands as a
from domain.kernel.refusal import Refusal
from domain.leasing.lease.commands import ActivateLease, CreateLease, RefundCredit
from domain.parties.purposes import Purpose
from domain.payments.mandate import GrantMandate
from domain.payments.payment.commands import InitiatePayment, RetryPayment

THIRD_PARTIES = (
    *(a.RecordIdentityVerified, a.RecordIdentityFailed),
    *(a.RecordCarrierNameMatched, a.RecordCarrierNameMismatched),
)
"""Commands that say what another handler answered about a person it was asked about."""

BIOMETRICS = (a.RecordLivenessPassed, a.RecordLivenessFailed)
"""Commands that say what was found in somebody's face."""


def gates_of(consents: Consents, offers: Offers, contracts: Contracts, bookings: Bookings, money: Money) -> Gates:
    """The gate of the write path."""
    handed_on = Gate(consents.provider_asked(Purpose.THIRD_PARTIES))
    face = Gate(consents.provider_asked(Purpose.BIOMETRICS))
    return {
        **dict.fromkeys(THIRD_PARTIES, handed_on),
        **dict.fromkeys(BIOMETRICS, face),
        a.FinaliseTerms: Gate(offers.terms_settled),
        a.ApproveApplication: Gate(_both(consents.decided, offers.terms_settled)),
        a.DeclineApplication: Gate(consents.decided),
        a.CreateOffer: Gate(offers.created),
        a.PresentOffer: Gate(offers.presented),
        AssembleContract: Gate(contracts.assembled),
        ProposeAmendment: Gate(contracts.amended),
        CreateLease: Gate(contracts.leased, in_turn=True),
        ActivateLease: Gate(bookings.activated, in_turn=True),
        GrantMandate: Gate(money.granted),
        InitiatePayment: Gate(money.begun),
        RetryPayment: Gate(money.tried_again),
        RefundCredit: Gate(money.refunded),
    }


def _both(first: Guard, second: Guard) -> Guard:
    async def guard(request: Request, state: object) -> Refusal | None:
        return await first(request, state) or await second(request, state)

    return guard
