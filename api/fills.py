"""Filled members of commands: those that no caller gives, from the plan catalogue and the clause library.

members ─▶ fill (catalogue, clause library) ─▶ command ─▶ Ledger.execute, which judges it
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from api.compose import Running
from domain.contracts.contract import refusals as contract_refusals
from domain.contracts.contract.commands import AssembleContract, ProposeAmendment, SignAmendment, SignContract
from domain.contracts.contract.values import CLAUSES_MAX, LIBRARY_MAX, SignatureMethod
from domain.contracts.cross_rules import application
from domain.contracts.library import entries_about, library_needs
from domain.contracts.offered import LIBRARY_TOO_LARGE
from domain.intake.application.state import ApplicationState
from domain.intake.offers import plan_version
from domain.kernel.command import Command
from domain.kernel.needs import Facts, Need
from domain.kernel.refusal import Refusal
from domain.leasing.lease.commands import CreateLease
from domain.payments.payment.commands import RecordFailed, RecordSucceeded
from domain.payments.payment.values import Source
from domain.pricing.matching import plan_in_force
from domain.pricing.plans import Plan, digest_of
from domain.pricing.quoting import PLANS

Members = dict[str, Any]
"""What was given of a command, by name: values of the domain's own types, nested structs as further members."""


class Given(Struct, frozen=True):
    """One request: whose stream, on which business date, and what was given."""

    tenant: UUID
    stream: UUID
    on: date
    members: Members


Fill = Callable[[Running, Given], Awaitable[Members | Refusal]]


def _plan(given: Given, facts: Facts) -> Plan | Refusal:
    return plan_in_force(facts[PLANS], given.members["plan"], given.on)


async def plan_of_lease(running: Running, given: Given) -> Members | Refusal:
    """Which business a plan belongs to, and the digest of its exact terms."""
    plan = _plan(given, await running.facts.facts(given.tenant, lambda _: (PLANS,)))
    return plan if isinstance(plan, Refusal) else {"plan_digest": digest_of(plan), "business": plan.business.value}


async def plan_of_contract(running: Running, given: Given) -> Members | Refusal:
    """The form of lease that a plan has, the digest of its exact terms, and the clause library.

    The plan of an application's contract is that of its offer, though a newer version be in force by now.
    """
    stream = given.members.get("application")

    def needs(facts: Facts) -> Iterable[Need]:
        yield PLANS
        yield from library_needs(given.tenant, _named(given), facts)
        if stream is not None:
            yield application(stream)

    facts = await running.facts.facts(given.tenant, needs)
    plan = (None if stream is None else _plan_of_offer(given, stream, facts)) or _plan(given, facts)
    if isinstance(plan, Refusal):
        return plan
    library = _library(given, facts)
    if isinstance(library, Refusal):
        return library
    return {"plan_digest": digest_of(plan), "form": plan.form.value, **library}


def _plan_of_offer(given: Given, stream: UUID, facts: Facts) -> Plan | None:
    state: ApplicationState | None = facts[application(stream)]
    if state is None or state.offer is None or state.offer.terms.priced is UNSET:
        return None
    priced = state.offer.terms.priced
    plan = plan_version(facts[PLANS], priced.plan, priced.plan_digest)
    return plan if isinstance(plan, Plan) and plan.id == given.members["plan"] else None


async def clause_library(running: Running, given: Given) -> Members | Refusal:
    """What the clause library says of the clauses that are named, and of mandatory ones."""
    facts = await running.facts.facts(given.tenant, lambda facts: library_needs(given.tenant, _named(given), facts))
    return _library(given, facts)


def _named(given: Given) -> set[str]:
    return {held["clause"] for held in given.members["clauses"]}


def _library(given: Given, facts: Facts) -> Members | Refusal:
    held = {(one["clause"], one["version"]) for one in given.members["clauses"]}
    about = entries_about(facts, held, given.on)
    if len(about) > LIBRARY_MAX:
        return LIBRARY_TOO_LARGE(limit=CLAUSES_MAX, clauses=len(about))
    return {"library": msgspec.to_builtins(about)}


async def looked_up(*_: object) -> Members:
    """What a person records of a payment was looked up at the provider."""
    return {"source": Source.QUERY.value}


async def signed_on_trust(_: Running, given: Given) -> Members | Refusal:
    """Adds nothing: whoever says that somebody signed elsewhere does not say that it was checked here."""
    claimed = given.members["signature"]["method"]
    return contract_refusals.SIGNATURE_UNVERIFIED() if claimed is SignatureMethod.PADES else {}


class Filled(Struct, frozen=True):
    """Fields of a command that no caller gives, and what gives them."""

    fields: tuple[str, ...]
    work: Fill


_SOURCE = Filled(("source",), looked_up)

FILLED: Mapping[type[Command], Filled] = {
    AssembleContract: Filled(("plan_digest", "form", "library"), plan_of_contract),
    ProposeAmendment: Filled(("library",), clause_library),
    SignContract: Filled((), signed_on_trust),
    SignAmendment: Filled((), signed_on_trust),
    CreateLease: Filled(("plan_digest", "business"), plan_of_lease),
    RecordSucceeded: _SOURCE,
    RecordFailed: _SOURCE,
}
"""The commands that are filled in."""
