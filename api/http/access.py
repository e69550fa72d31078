"""Who may do what: the roles, what each may do, and the one place where a request gets its tenant.

Authorization: Bearer llk_… ──SHA-256──▶ key (cached for seconds) ──▶ Principal(tenant, role, key id)
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from msgspec import Struct

from adapters.postgres.api_keys import ApiKey, key_hash
from api.http.problems import catalogue
from api.permissions import ROLES, Permission
from domain.kernel.command import Actor

KEY_CACHE_S = 5.0
"""How long a revoked key may still work, in exchange for not asking the database on every request."""

CACHED_KEYS = 10_000
_BEARER = "bearer "
_KEY_MAX_CHARS = 200


class Principal(Struct, frozen=True):
    """Who asks: the tenant whose data exists for this request, the role and the key's id."""

    tenant: UUID
    role: str
    key: str

    @property
    def actor(self) -> Actor:
        """As events name the caller."""
        return Actor(self.role, self.key)

    def may(self, permission: Permission) -> bool:
        """Whether the role's row of the table has the permission; a role that the table does not know has none."""
        return permission in ROLES.get(self.role, ())

    def require(self, permission: Permission) -> None:
        """Raise the problem `auth.not_allowed` unless the role may."""
        if not self.may(permission):
            raise catalogue.NOT_ALLOWED(role=self.role, permission=permission.value)


class Access:
    """Turns an Authorization header into a principal. `find` asks the database for a key by its hash."""

    def __init__(self, find: Callable[[bytes], Awaitable[ApiKey | None]]) -> None:
        self._find = find
        self._cache: OrderedDict[bytes, tuple[float, Principal | None]] = OrderedDict()

    async def principal(self, authorization: str | None) -> Principal:
        """The one place where a request gets its tenant. Raises `auth.missing` or `auth.unknown`."""
        if authorization is None or not authorization[: len(_BEARER)].lower() == _BEARER:
            raise catalogue.KEY_MISSING().with_headers(WWW_Authenticate="Bearer")
        secret = authorization[len(_BEARER) :].strip()
        found = await self._look_up(key_hash(secret)) if len(secret) <= _KEY_MAX_CHARS else None
        if found is None:
            raise catalogue.KEY_UNKNOWN().with_headers(WWW_Authenticate='Bearer error="invalid_token"')
        return found

    async def _look_up(self, hashed: bytes) -> Principal | None:
        now_s = asyncio.get_running_loop().time()
        known = self._cache.get(hashed)
        if known is not None and known[0] > now_s:
            return known[1]
        key = await self._find(hashed)
        principal = Principal(key.tenant, key.role, key.id) if key else None
        self._cache[hashed] = (now_s + KEY_CACHE_S, principal)
        self._cache.move_to_end(hashed)
        if len(self._cache) > CACHED_KEYS:
            self._cache.popitem(last=False)
        return principal


_scheme = HTTPBearer(
    auto_error=False,
    scheme_name="ApiKey",
    description="An API key: `llk_` and 43 characters, shown once when it is made.",
)


async def caller(request: Request, _: object = Depends(_scheme)) -> Principal:
    """The dependency by which every protected route knows its tenant."""
    access: Access = request.app.state.services.access
    return await access.principal(request.headers.get("authorization"))


def needs(permission: Permission) -> Callable[..., Awaitable[Principal]]:
    """The dependency of a route that takes one permission; it gives the principal."""

    async def allowed(principal: Principal = Depends(caller)) -> Principal:
        principal.require(permission)
        return principal

    allowed.__doc__ = f"A principal that may {permission.value}."
    return allowed
