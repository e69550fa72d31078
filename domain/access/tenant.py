"""Tenant (租户): a merchant whose data the ledger keeps apart, as the tenant that runs the log registers it.

    Absent ─registered─▶ Active ⇄ Suspended

The stream is the owner's: only who runs the log says which tenants there are. The owner itself needs no registration;
the ledger's opening names it. Nothing of a suspended tenant is lost or forgotten: nobody is let in for it meanwhile.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid5

from msgspec import Meta
from msgspec.structs import replace

from domain.access.values import Label
from domain.kernel.command import Command, Context
from domain.kernel.decider import ABSENT, Answer, Decider, Rule, State, without_phase
from domain.kernel.event import Event, event_type
from domain.kernel.fields import ReasonField, noun
from domain.kernel.ids import looks_personal
from domain.kernel.refusal import refusal
from domain.kernel.values import Code


@event_type("tenant.registered.v1")
class TenantRegistered(Event, frozen=True):
    """A tenant of this ledger; `label` is what the owner calls it."""

    tenant: Annotated[UUID, noun("merchant")]
    label: Label


@event_type("tenant.suspended.v1")
class TenantSuspended(Event, frozen=True):
    """No key of the tenant's own people and machines works; its days, bills and processes go on, and auditors, courts,
    regulators, lessees and devices are let in as before.
    """

    reason: Code


@event_type("tenant.reinstated.v1")
class TenantReinstated(Event, frozen=True):
    """The tenant's keys work again."""


class TenantPhase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class TenantState(State, frozen=True, kw_only=True):
    """One tenant."""

    phase: TenantPhase = TenantPhase.ABSENT
    tenant: UUID | None = None
    label: str = ""


class RegisterTenant(Command, frozen=True):
    """Register a tenant."""

    tenant: Annotated[
        UUID, noun("merchant"), Meta(description="The tenant's id, `merchant_` and the hex digits of a UUID of yours.")
    ]
    label: Annotated[Label, Meta(description="What the owner calls it; says nothing about a person.")]


class SuspendTenant(Command, frozen=True):
    """Let no key of a tenant work."""

    reason: ReasonField


class ReinstateTenant(Command, frozen=True):
    """Let the keys of a suspended tenant work again."""


UNKNOWN = refusal("tenant.unknown", "There is no such tenant", "没有该租户")
KNOWN = refusal("tenant.known", "The tenant is registered already", "该租户已登记")
OTHER_STATE = refusal("tenant.wrong_state", "The tenant is not in a state for this", "租户当前状态不允许此操作")
LABEL_PERSONAL = refusal("tenant.label_personal", "A label must not hold a number of a person", "标签不得包含个人号码")
NOT_OWNER = refusal(
    "tenant.not_owner", "Only the tenant that runs the log registers tenants", "只有运行账本的租户可以登记租户"
)
OWNER = refusal("tenant.owner", "The tenant that runs the log needs no registration", "运行账本的租户无需登记")


def _register(command: RegisterTenant, state: TenantState, context: Context) -> Answer:
    if looks_personal(command.label):
        return LABEL_PERSONAL()
    return (
        OWNER() if command.tenant == context.tenant else (TenantRegistered(tenant=command.tenant, label=command.label),)
    )


def _suspend(command: SuspendTenant, state: TenantState, context: Context) -> Answer:
    return (TenantSuspended(reason=command.reason),)


def _reinstate(command: ReinstateTenant, state: TenantState, context: Context) -> Answer:
    return (TenantReinstated(),)


def _registered(state: TenantState, event: TenantRegistered) -> TenantState:
    return replace(state, phase=TenantPhase.ACTIVE, tenant=event.tenant, label=event.label)


def _suspended(state: TenantState, event: TenantSuspended) -> TenantState:
    return replace(state, phase=TenantPhase.SUSPENDED)


def _reinstated(state: TenantState, event: TenantReinstated) -> TenantState:
    return replace(state, phase=TenantPhase.ACTIVE)


TENANT = Decider(
    name="tenant",
    initial=TenantState(),
    rules={
        RegisterTenant: Rule(ABSENT, without_phase(KNOWN), _register),
        SuspendTenant: Rule(frozenset({TenantPhase.ACTIVE}), OTHER_STATE, _suspend),
        ReinstateTenant: Rule(frozenset({TenantPhase.SUSPENDED}), OTHER_STATE, _reinstate),
    },
    evolve={TenantRegistered: _registered, TenantSuspended: _suspended, TenantReinstated: _reinstated},
    unknown=UNKNOWN,
)


def tenant_stream(owner: UUID, tenant: UUID) -> UUID:
    """The stream of a tenant, which is its owner's."""
    return uuid5(owner, f"tenant:{tenant}")
