"""What rules ask of the catalogue: plans, cost policies, and offers worked out."""

from __future__ import annotations

from domain.kernel.needs import Reference
from domain.pricing.quoting import QuoteRequest

OFFER = "offer"

PLANS = Reference("plans")
"""Every version of every plan of the tenant's catalogue."""

COST_POLICY = Reference("cost_policy")
"""What the tenant's offers may cost."""


def worked_out(request: QuoteRequest) -> Reference:
    """The offer of a request, or the rule that says no; its rates are solved outside the domain."""
    return Reference(OFFER, request)
