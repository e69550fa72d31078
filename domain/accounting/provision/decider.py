"""The decider of this aggregate."""

from __future__ import annotations

from uuid import UUID, uuid5

from domain.accounting.provision.rules import ProvisionState, decide, evolve
from domain.kernel.decider import Decider

PROVISION = Decider(name="provision", initial=ProvisionState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""


def provision_stream(tenant: UUID, currency: str) -> UUID:
    """The stream of a tenant's provisions in a currency: derived, so that there is one and everyone finds it."""
    return uuid5(tenant, f"{PROVISION.name}:{currency}")
