"""Provision (减值准备计提): what the allowance of a tenant has to hold, month end by month end, in one currency.

    (nothing) ─recognised(31 March)─▶ recognised(30 April) ─▶ …      forward only, each month end at most once

One stream for each tenant and currency. The classes come from a read model; the amounts are computed again from the
exposures by the version of `domain.books.provisions` that is named, and refused when they differ. Between month ends
the allowance only shrinks, by what leases write off.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from domain.books.provision import refusals
from domain.books.provision.decide import COMMANDS, ProvisionState, RecogniseProvision, decide, evolve
from domain.books.provision.events import ClassSum, ProvisionRecognised
from domain.kernel import Decider

PROVISION = Decider(name="provision", initial=ProvisionState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""


def provision_stream(tenant: UUID, currency: str) -> UUID:
    """The stream of a tenant's provisions in a currency: derived, so that there is one and everyone finds it."""
    return uuid5(tenant, f"{PROVISION.name}:{currency}")


__all__ = [
    "COMMANDS",
    "PROVISION",
    "ClassSum",
    "ProvisionRecognised",
    "ProvisionState",
    "RecogniseProvision",
    "decide",
    "evolve",
    "provision_stream",
    "refusals",
]
