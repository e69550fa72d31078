"""Tenants: registered by whoever runs the log, and by nobody else."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.access import tenant as t
from domain.access.cross_rules import OWNER
from domain.access.tenant import (
    TENANT,
    RegisterTenant,
    ReinstateTenant,
    SuspendTenant,
    TenantRegistered,
    TenantReinstated,
    TenantState,
    TenantSuspended,
    tenant_stream,
)
from tests.given import CONTEXT, given

SHOP = UUID(int=77)
REGISTER = RegisterTenant(tenant=SHOP, label="shop-77")
REGISTERED = TenantRegistered(tenant=SHOP, label="shop-77")


def test_a_tenant_is_registered_suspended_and_reinstated() -> None:
    given(TENANT).when(REGISTER).then(REGISTERED)
    suspended = TenantSuspended(reason="unpaid")
    given(TENANT, REGISTERED).when(SuspendTenant(reason="unpaid")).then(suspended)
    given(TENANT, REGISTERED, suspended).when(ReinstateTenant()).then(TenantReinstated())


def test_out_of_turn() -> None:
    given(TENANT, REGISTERED).when(REGISTER).then_refused(t.KNOWN)
    given(TENANT).when(SuspendTenant(reason="unpaid")).then_refused(t.UNKNOWN)
    given(TENANT, REGISTERED).when(ReinstateTenant()).then_refused(t.OTHER_STATE)
    given(TENANT).when(RegisterTenant(tenant=CONTEXT.tenant, label="me")).then_refused(t.OWNER)
    given(TENANT).when(RegisterTenant(tenant=SHOP, label="13800138000")).then_refused(t.LABEL_PERSONAL)


@pytest.mark.parametrize("command", [REGISTER, SuspendTenant(reason="x"), ReinstateTenant()])
@pytest.mark.parametrize(("owner", "refusal"), [(CONTEXT.tenant, None), (SHOP, t.NOT_OWNER), (None, t.NOT_OWNER)])
def test_only_who_runs_the_log_says_which_tenants_there_are(
    command: object, owner: UUID | None, refusal: object
) -> None:
    verdict = given({OWNER: owner}).when(command, TenantState())  # type: ignore[arg-type]
    assert (verdict.answer.kind if verdict.answer else None) is refusal


def test_streams_are_for_ever() -> None:
    assert tenant_stream(UUID(int=1), SHOP) == UUID("ecec911e-9a5c-5888-aa7d-cda907554380")
