"""Who may do what: the roles, what each may do, and the one place where a request gets its tenant.

Authorization: Bearer llk_… ──SHA-256──▶ key (cached for seconds) ──▶ Principal(tenant, role, key id)
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from enum import StrEnum
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from msgspec import Struct

from adapters.postgres.api_keys import ApiKey, key_hash
from api.http import catalogue
from domain.kernel.command import Actor

KEY_CACHE_S = 5.0
"""How long a revoked key may still work, in exchange for not asking the database on every request."""

CACHED_KEYS = 10_000
_BEARER = "bearer "
_KEY_MAX_CHARS = 200


class Permission(StrEnum):
    """What a role can be allowed."""

    INTAKE = "intake"
    VERIFY = "verify"
    DECIDE = "decide"
    REVIEW = "review"
    OFFER = "offer"
    WORK = "work"
    CONSENT = "consent"
    LIBRARY = "library"
    CONTRACT = "contract"
    SIGN_ON_TRUST = "sign_on_trust"
    END_CONTRACT = "end_contract"
    LEASE = "lease"
    MONEY = "money"
    CONCEDE = "concede"
    ENFORCE = "enforce"
    COLLECT = "collect"
    RECONCILE = "reconcile"
    QUOTE = "quote"
    READ_PLANS = "read_plans"
    READ_APPLICATIONS = "read_applications"
    READ_EVENTS = "read_events"
    READ_STATISTICS = "read_statistics"
    READ_RECEIPTS = "read_receipts"
    READ_LOG_ENTRIES = "read_log_entries"


_P = Permission
_READS = frozenset({_P.READ_APPLICATIONS, _P.READ_PLANS, _P.READ_RECEIPTS, _P.READ_STATISTICS})

ROLES: dict[str, frozenset[Permission]] = {
    "operator": frozenset(_P),
    "merchant_admin": frozenset(_P) - {_P.READ_LOG_ENTRIES},
    "merchant_operator": _READS
    | {_P.INTAKE, _P.VERIFY, _P.REVIEW, _P.OFFER, _P.WORK}
    | {_P.CONSENT, _P.CONTRACT, _P.LEASE, _P.COLLECT, _P.QUOTE},
    "risk_officer": _READS
    | {_P.VERIFY, _P.DECIDE, _P.REVIEW, _P.WORK, _P.READ_EVENTS}
    | {_P.CONCEDE, _P.ENFORCE, _P.END_CONTRACT, _P.QUOTE},
    "collector": frozenset({_P.READ_APPLICATIONS, _P.READ_RECEIPTS, _P.COLLECT, _P.ENFORCE}),
    "auditor": _READS | {_P.READ_EVENTS, _P.READ_LOG_ENTRIES},
    "regulator": frozenset({_P.READ_PLANS, _P.READ_RECEIPTS, _P.READ_STATISTICS}),
    "court": frozenset({_P.READ_RECEIPTS}),
    # These see their own cases and devices only, which needs a narrower scope than a tenant.
    "lessee": frozenset(),
    "device_gateway": frozenset(),
}
"""The access model's table: what each role may do within its tenant.

Entry bundles of the log hold the entries of every tenant: only the tenant that runs the log is given them, see
`tlog.tile`. A human review is completed by the lessor's own people; that is a rule of the domain.
"""


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
