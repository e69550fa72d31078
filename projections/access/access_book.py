"""Access: one row for each user, key and tenant, for whoever looks after who may do what.

Who is let in is asked of the streams themselves (`api.identity`) and never of these rows,
which may be behind.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from domain.access.api_key import API_KEY, ApiKeyPhase
from domain.access.tenant import TENANT, TenantPhase
from domain.access.user import USER, UserKind, UserPhase
from domain.access.values import UserRole
from domain.kernel.fields import noun, shown, states
from projections.engine.model import StateRow
from projections.engine.states import BY_ID, state_projection


class User(StateRow, frozen=True, kw_only=True):
    """One person or machine that acts for the tenant; `roles` are joined by spaces."""

    state: Annotated[str, states(UserPhase)]
    kind: Annotated[str, states(UserKind)]
    label: str
    roles: Annotated[str, shown(tuple[str, ...])]


class ApiKey(StateRow, frozen=True, kw_only=True):
    """One API key without its secret; `scopes` are joined by spaces, none means all that its role may."""

    holder: Annotated[UUID, noun("user")]
    state: Annotated[str, states(ApiKeyPhase)]
    role: Annotated[str, states(UserRole)]
    scopes: Annotated[str, shown(tuple[str, ...])]
    label: str
    expires_at: str
    previous_until: str


class Tenant(StateRow, frozen=True, kw_only=True):
    """One tenant that the owner of the log registered; `registered` is its id, `tenant` the owner's."""

    registered: Annotated[UUID, noun("merchant")]
    state: Annotated[str, states(TenantPhase)]
    label: str


USERS = state_projection(
    USER,
    User,
    name="users",
    version=1,
    columns={"roles": lambda state: " ".join(state.roles)},
    indexes=(BY_ID,),
)

API_KEYS = state_projection(
    API_KEY,
    ApiKey,
    name="api_keys",
    version=1,
    columns={"holder": lambda state: state.user, "scopes": lambda state: " ".join(state.scopes)},
    indexes=(BY_ID, ("tenant", "holder")),
)

TENANTS = state_projection(
    TENANT,
    Tenant,
    name="tenants",
    version=1,
    columns={"registered": lambda state: state.tenant},
    indexes=(BY_ID,),
)
