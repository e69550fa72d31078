"""Authentication: an API key gives a principal with a tenant, a user and a role. Every door uses it, and nothing else.

key ─▶ its own stream ─▶ its user's stream ─▶ the tenant's registration ─▶ Principal (kept for seconds)

What the ledger says is what works: there is no table beside it that could say something else.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from api.permissions import ROLES, Permission
from domain.access.key_text import PresentedKey, presented
from domain.access.user import actor_of
from domain.kernel.command import Actor

KEY_CACHE_S = 5.0
"""How long a revoked key may still work, in exchange for not asking the database on every request."""

CACHED_KEYS = 10_000
_KEY_MAX_CHARS = 200


class Principal(Struct, frozen=True):
    """Principal of a request: the tenant whose data exists for it, who acts in which role, by which key.

    `scopes` are the permissions that the key was given within its role; none means all of them.
    """

    tenant: UUID
    role: str
    key: str
    user: UUID
    kind: str
    scopes: frozenset[str] = frozenset()

    @property
    def actor(self) -> Actor:
        """As events name the user."""
        return actor_of(self.user, self.kind, self.role, self.key)

    def may(self, permission: Permission) -> bool:
        """Whether the role's row of the table has the permission, and the key was not kept from it."""
        return permission in ROLES.get(self.role, ()) and (not self.scopes or permission in self.scopes)

    @property
    def permissions(self) -> frozenset[Permission]:
        """All that the key may."""
        return frozenset(one for one in Permission if self.may(one))


Find = Callable[[PresentedKey], Awaitable[Principal | None]]


class Authentication:
    """Turns API keys into principals. `find` asks the ledger."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._cache: OrderedDict[bytes, tuple[float, Principal | None]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Principal | None]] = {}

    async def find(self, key: str) -> Principal | None:
        """The principal of a key; `None` for one that was never made, has expired or is revoked."""
        if len(key) > _KEY_MAX_CHARS:
            return None
        hashed = _hashed(key)
        now_s = asyncio.get_running_loop().time()
        known = self._cache.get(hashed)
        if known is not None and known[0] > now_s:
            return known[1]
        asking = self._asking.get(hashed)
        if asking is None:
            asked = presented(key)
            if asked is None:
                return None
            # A crowd that comes with one key is one question.
            asking = self._asking[hashed] = asyncio.create_task(self._ask(asked, hashed, now_s))
            asking.add_done_callback(lambda _: self._asking.pop(hashed, None))
        return await asyncio.shield(asking)

    def knew(self, key: str) -> bool:
        """Whether this key was somebody's when it was last asked for, or is being asked for: it costs nothing more."""
        hashed = _hashed(key) if len(key) <= _KEY_MAX_CHARS else b""
        known = self._cache.get(hashed)
        return hashed in self._asking or (known is not None and known[1] is not None)

    async def _ask(self, key: PresentedKey, hashed: bytes, now_s: float) -> Principal | None:
        principal = await self._find(key)
        self._cache[hashed] = (now_s + KEY_CACHE_S, principal)
        self._cache.move_to_end(hashed)
        if len(self._cache) > CACHED_KEYS:
            self._cache.popitem(last=False)
        return principal


def _hashed(key: str) -> bytes:
    return sha256(key.encode()).digest()
