"""Authentication: an API key gives a principal with a tenant and a role. Every door uses it, and nothing else.

key ──SHA-256──▶ living key (cached for seconds) ──▶ Principal(tenant, role, key id)
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from uuid import UUID

from msgspec import Struct

from adapters.postgres.api_keys import ApiKey, key_hash
from api.permissions import ROLES, Permission
from domain.kernel.command import Actor

KEY_CACHE_S = 5.0
"""How long a revoked key may still work, in exchange for not asking the database on every request."""

CACHED_KEYS = 10_000
_KEY_MAX_CHARS = 200


class Principal(Struct, frozen=True):
    """Principal of a request: the tenant whose data exists for it, the role and the key's id."""

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


class Authentication:
    """Turns API keys into principals. `find_key` asks the database for a key by its hash."""

    def __init__(self, find_key: Callable[[bytes], Awaitable[ApiKey | None]]) -> None:
        self._find_key = find_key
        self._cache: OrderedDict[bytes, tuple[float, Principal | None]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Principal | None]] = {}

    async def find(self, key: str) -> Principal | None:
        """The principal of a key; `None` for one that was never made or is revoked."""
        return await self._look_up(key_hash(key)) if len(key) <= _KEY_MAX_CHARS else None

    def knew(self, key: str) -> bool:
        """Whether this key was somebody's when it was last asked for, or is being asked for: it costs nothing more."""
        hashed = key_hash(key) if len(key) <= _KEY_MAX_CHARS else b""
        known = self._cache.get(hashed)
        return hashed in self._asking or (known is not None and known[1] is not None)

    async def _look_up(self, hashed: bytes) -> Principal | None:
        now_s = asyncio.get_running_loop().time()
        known = self._cache.get(hashed)
        if known is not None and known[0] > now_s:
            return known[1]
        asking = self._asking.get(hashed)
        if asking is None:
            # A crowd that comes with one key is one question.
            asking = self._asking[hashed] = asyncio.create_task(self._ask(hashed, now_s))
            asking.add_done_callback(lambda _: self._asking.pop(hashed, None))
        return await asyncio.shield(asking)

    async def _ask(self, hashed: bytes, now_s: float) -> Principal | None:
        key = await self._find_key(hashed)
        principal = Principal(key.tenant, key.role, key.id) if key else None
        self._cache[hashed] = (now_s + KEY_CACHE_S, principal)
        self._cache.move_to_end(hashed)
        if len(self._cache) > CACHED_KEYS:
            self._cache.popitem(last=False)
        return principal
