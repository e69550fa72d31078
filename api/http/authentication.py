"""Authentication over HTTP: the one place where a request gets its principal, and with it its tenant.

Authorization: Bearer llk_… ──▶ Authentication ──▶ Principal(tenant, role, key id)
"""

from __future__ import annotations

from math import ceil

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import Scope

from adapters.fair_queue import ASKING
from api.edge.log import about
from api.edge.rates import Quota, place_of
from api.http.problems import kinds
from api.http.services import Services
from api.identity.authentication import Principal
from api.permissions import Permission

_BEARER = "bearer "


async def principal_of(of: Services, scope: Scope, authorization: str | None) -> Principal:
    """The principal of an Authorization header, who has not asked too often.

    Raises `auth.missing`, `auth.unknown`, and `rate.limited`, before the database is asked for a key that nobody had.
    """
    key = bearer(authorization)
    stranger = key is None or not of.access.knew(key)
    if stranger:
        take_by_address(of, scope)
    if key is None:
        raise kinds.KEY_MISSING().with_headers(WWW_Authenticate="Bearer")
    found = await of.access.find(key)
    if found is None:
        raise kinds.KEY_UNKNOWN().with_headers(WWW_Authenticate='Bearer error="invalid_token"')
    if stranger:
        of.rates.addresses.give_back(place_of(scope.get("client")))
    known = about(scope)
    known.tenant, known.key = found.tenant, found.key
    ASKING.set(found.tenant)
    by_key, by_tenant = of.rates.keys.take(found.key), of.rates.tenants.take(found.tenant)
    known.headers += (of.rates.policy, of.rates.header(by_key, by_tenant))
    _refuse(by_key, "key")
    _refuse(by_tenant, "tenant")
    return found


def bearer(authorization: str | None) -> str | None:
    """The key in an Authorization header; `None` for every other one."""
    if authorization is None or authorization[: len(_BEARER)].lower() != _BEARER:
        return None
    return authorization[len(_BEARER) :].strip()


def take_by_address(of: Services, scope: Scope) -> None:
    """Count a request by the address that it came from. Raises `rate.limited`."""
    _refuse(of.rates.addresses.take(place_of(scope.get("client"))), "address")


def _refuse(quota: Quota, limit: str) -> None:
    if quota.wait_s:
        raise kinds.RATE_LIMITED(limit=limit).with_headers(Retry_After=str(max(1, ceil(quota.wait_s))))


async def counted(scope: Scope) -> None:
    """Count a request that no route takes, by its key where somebody has it, else by its address.

    Raises `rate.limited`.
    """
    of: Services = scope["app"].state.services
    given = Headers(scope=scope).get("authorization")
    key = bearer(given)
    if key is not None and of.access.knew(key):
        await principal_of(of, scope, given)
    else:
        take_by_address(of, scope)


async def anybody(request: Request) -> None:
    """The dependency of routes that need no key."""
    ASKING.set(None)
    take_by_address(request.app.state.services, request.scope)


def require(principal: Principal, permission: Permission) -> None:
    """Raise the problem `auth.not_allowed` unless the principal may."""
    if not principal.may(permission):
        raise kinds.NOT_ALLOWED(role=principal.role, permission=permission.value)


_scheme = HTTPBearer(
    auto_error=False,
    scheme_name="ApiKey",
    description="An API key: `llk_` and 61 letters and digits, shown once when it is made.",
)


async def caller(request: Request, _: object = Depends(_scheme)) -> Principal:
    """The dependency by which every protected route knows its tenant."""
    return await principal_of(request.app.state.services, request.scope, request.headers.get("authorization"))


class Needs:
    """The dependency of a route that takes one permission; it gives the principal."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, principal: Principal = Depends(caller)) -> Principal:
        """The principal. Raises `auth.not_allowed`."""
        require(principal, self.permission)
        return principal
