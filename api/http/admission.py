"""What the service itself adds to a command: fields that no caller gives, from the catalogue and the clause library.

members ─▶ fill (catalogue, clause library) ─▶ command ─▶ Ledger.execute, which asks the gate
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from adapters.reference.plans import plans_of
from api.http.models import Members
from api.http.services import Services
from domain.contracts.contract import refusals as contract_refusals
from domain.contracts.contract.values import SignatureMethod
from domain.intake.application.decider import APPLICATION
from domain.kernel.refusal import Refusal
from domain.payments.payment.values import Source
from domain.pricing.matching import plan_in_force
from domain.pricing.plans import Plan, digest_of


class Asked(Struct, frozen=True):
    """One request: whose stream, on which business date, and what was given."""

    tenant: UUID
    stream: UUID
    on: date
    members: Members


Fill = Callable[[Services, Asked], Awaitable[Members | Refusal]]


def _plan(of: Services, asked: Asked) -> Plan | Refusal:
    return plan_in_force(plans_of(of.running.settings.data), asked.members["plan"], asked.on)


async def plan_of_lease(of: Services, asked: Asked) -> Members | Refusal:
    """Which business a plan belongs to, and the digest of its exact terms."""
    plan = _plan(of, asked)
    return plan if isinstance(plan, Refusal) else {"plan_digest": digest_of(plan), "business": plan.business.value}


async def plan_of_contract(of: Services, asked: Asked) -> Members | Refusal:
    """The form of lease that a plan has, the digest of its exact terms, and the clause library.

    The plan of an application's contract is that of its offer, though a newer version be in force by now.
    """
    plan = await _plan_of_offer(of, asked) or _plan(of, asked)
    if isinstance(plan, Refusal):
        return plan
    return {"plan_digest": digest_of(plan), "form": plan.form.value, **await clause_library(of, asked)}


async def _plan_of_offer(of: Services, asked: Asked) -> Plan | None:
    house = of.running.house
    state = await house.streams.state(APPLICATION, asked.members.get("application"), asked.tenant)
    if state is None or state.offer is None or state.offer.terms.priced is UNSET:
        return None
    priced = state.offer.terms.priced
    plan = house.offers.plan(priced.plan, priced.plan_digest, asked.tenant)
    return plan if isinstance(plan, Plan) and plan.id == asked.members["plan"] else None


async def clause_library(of: Services, asked: Asked) -> Members:
    """What the clause library says of the clauses that are named, and of mandatory ones."""
    named = {held["clause"] for held in asked.members["clauses"]}
    wanted = await of.running.house.library.about(asked.tenant, named)
    return {"library": msgspec.to_builtins(wanted)}


async def looked_up(*_: object) -> Members:
    """What a person records of a payment was looked up at the provider."""
    return {"source": Source.QUERY.value}


async def signed_on_trust(_: Services, asked: Asked) -> Members | Refusal:
    """Adds nothing: whoever says that somebody signed elsewhere does not say that it was checked here."""
    claimed = asked.members["signature"]["method"]
    return contract_refusals.SIGNATURE_UNVERIFIED() if claimed is SignatureMethod.PADES else {}
