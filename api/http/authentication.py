"""Authentication over HTTP: the one place where a request gets its principal, and with it its tenant.

Authorization: Bearer llk_… ──▶ Authentication ──▶ Principal(tenant, role, key id)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from api.authentication import Authentication, Principal
from api.http.problems import kinds
from api.permissions import Permission

_BEARER = "bearer "


async def principal_of(access: Authentication, authorization: str | None) -> Principal:
    """The principal of an Authorization header. Raises `auth.missing` or `auth.unknown`."""
    if authorization is None or not authorization[: len(_BEARER)].lower() == _BEARER:
        raise kinds.KEY_MISSING().with_headers(WWW_Authenticate="Bearer")
    found = await access.find(authorization[len(_BEARER) :].strip())
    if found is None:
        raise kinds.KEY_UNKNOWN().with_headers(WWW_Authenticate='Bearer error="invalid_token"')
    return found


def require(principal: Principal, permission: Permission) -> None:
    """Raise the problem `auth.not_allowed` unless the principal may."""
    if not principal.may(permission):
        raise kinds.NOT_ALLOWED(role=principal.role, permission=permission.value)


_scheme = HTTPBearer(
    auto_error=False,
    scheme_name="ApiKey",
    description="An API key: `llk_` and 43 characters, shown once when it is made.",
)


async def caller(request: Request, _: object = Depends(_scheme)) -> Principal:
    """The dependency by which every protected route knows its tenant."""
    access: Authentication = request.app.state.services.access
    return await principal_of(access, request.headers.get("authorization"))


def needs(permission: Permission) -> Callable[..., Awaitable[Principal]]:
    """The dependency of a route that takes one permission; it gives the principal."""

    async def allowed(principal: Principal = Depends(caller)) -> Principal:
        require(principal, permission)
        return principal

    allowed.__doc__ = f"A principal that may {permission.value}."
    return allowed
