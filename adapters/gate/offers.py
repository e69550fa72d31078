"""Guards before every offer: it is priced from a plan in force, to the fen, and every rule on offers lets it pass.

    terms ─▶ plan of the catalogue ─▶ worked out again ─▶ the same numbers? ─▶ cost cap, wording, up-front interest

A plan that was superseded since is nobody's offer any more: it is priced again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any
from uuid import UUID

from msgspec import UNSET

from adapters.postgres.ledger import Request
from adapters.pricing.quotes import offer_of
from domain.contracts import offered
from domain.intake.application.state import ApplicationState
from domain.intake.application.values import Priced, Terms
from domain.kernel.refusal import Refusal
from domain.kernel.values import AssetClass
from domain.pricing.guards import CostPolicy
from domain.pricing.matching import PLAN_UNKNOWN, plan_in_force
from domain.pricing.offer import Offer
from domain.pricing.plans import Plan, digest_of

Plans = Callable[[UUID], Iterable[Plan]]
"""The catalogue of a tenant, every version of every plan."""

Policies = Callable[[UUID], CostPolicy]
"""What a tenant's offers may cost."""


class Offers:
    """Offers worked out again from what the ledger says of them."""

    def __init__(self, plans: Plans, policies: Policies) -> None:
        self._plans = plans
        self._policies = policies

    async def terms_settled(self, request: Request, state: ApplicationState) -> Refusal | None:
        """A guard of commands that settle terms: those that are priced are right at once."""
        command: Any = request.command
        return None if command.terms.priced is UNSET else self._wrong(request, state, command.terms, "")

    async def created(self, request: Request, state: ApplicationState) -> Refusal | None:
        """A guard of `CreateOffer`: nobody is made an offer that was not priced."""
        command: Any = request.command
        assert state.terms is not None, "an offer that may be created has terms"
        return self._wrong(request, state, state.terms, "" if command.title is UNSET else command.title)

    async def presented(self, request: Request, state: ApplicationState) -> Refusal | None:
        """A guard of `PresentOffer`: what was right when it was drawn up is still right today."""
        assert state.offer is not None, "an offer that may be presented is there"
        return self._wrong(request, state, state.offer.terms, state.offer.title)

    def of(self, priced: Priced, tenant: UUID) -> tuple[Plan, Offer] | Refusal:
        """The plan and the offer that terms were made of, whether or not the plan is still in force."""
        plan = self.plan(priced.plan, priced.plan_digest, tenant)
        if isinstance(plan, Refusal):
            return plan
        asked = offered.request_of(priced, plan)
        if isinstance(asked, Refusal):
            return asked
        offer = offer_of(asked)
        return offer if isinstance(offer, Refusal) else (plan, offer)

    def plan(self, code: str, digest: str, tenant: UUID) -> Plan | Refusal:
        """The version of a plan that has this digest."""
        versions = [plan for plan in self._plans(tenant) if plan.id == code]
        if not versions:
            return PLAN_UNKNOWN()
        same = (plan for plan in versions if digest_of(plan) == digest)
        return next(same, None) or offered.PLAN_DIFFERS(plan=code)

    def in_force(self, code: str, tenant: UUID, on: date) -> Plan | Refusal:
        """The version of a plan that is in force on a business date."""
        return plan_in_force(self._plans(tenant), code, on)

    def _wrong(self, request: Request, state: ApplicationState, terms: Terms, title: str) -> Refusal | None:
        if terms.priced is UNSET:
            return offered.NOT_PRICED()
        priced, tenant, on = terms.priced, request.context.tenant, request.context.business_date
        current = self.in_force(priced.plan, tenant, on)
        if isinstance(current, Refusal):
            return current
        if digest_of(current) != priced.plan_digest:
            return offered.PLAN_DIFFERS(plan=priced.plan)
        found = self.of(priced, tenant)
        if isinstance(found, Refusal):
            return found
        plan, offer = found
        if state.asset_class not in (AssetClass.UNSPECIFIED, offer.asset_kind.asset_class):
            return offered.ASSET_DIFFERS(asset_kind=offer.asset_kind, asset_class=state.asset_class)
        return offered.wrong_offer(terms, offer, self._policies(tenant), _texts(plan, title), on)


def _texts(plan: Plan, title: str) -> dict[str, str]:
    """Every word that goes with an offer: its title, the plan's names and those of its fees."""
    fees = {f"fee.{fee.code}": f"{fee.en} {fee.zh}" for fee in plan.fees}
    return {"title": title, "plan.en": plan.en, "plan.zh": plan.zh, **fees}
