"""Recorded keys: who is let in by one, and which commands need a second person, as the ledger has it now.

key ─▶ its own stream ─▶ its user's stream ─▶ the tenant's registration ─▶ Principal
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from adapters.postgres.reading.opening import ledger_state
from adapters.postgres.reading.reader import Reader
from adapters.postgres.reading.states import States, whose
from adapters.system import now
from api.compose import Running
from api.identity.authentication import Authentication, Principal
from domain.access.api_key import API_KEY, ApiKeyState, accepts, acts
from domain.access.approval import APPROVAL, ApprovalState, approval_stream
from domain.access.key_text import PresentedKey
from domain.access.tenant import TENANT, TenantPhase, TenantState, tenant_stream
from domain.access.user import USER, UserState
from domain.access.values import OUTSIDE
from domain.kernel.ids import format_id

APPROVALS_KEPT_S = 1.0
"""How long a command that was put on a tenant's list may still be given by one person alone, in another process."""

TENANTS_KEPT = 10_000


def authentication(ledger: Running) -> Authentication:
    """The authentication of a running ledger's doors."""
    return Authentication(RecordedKeys(ledger.reader, ledger.ledger.states, _Owner(ledger), now))


class _Owner:
    """The tenant that runs the log; it never changes once the ledger is opened."""

    def __init__(self, ledger: Running) -> None:
        self._ledger = ledger
        self._known: UUID | None = None

    async def __call__(self) -> UUID | None:
        """The owner; `None` before the ledger is opened."""
        if self._known is None:
            self._known = (await self._ledger.queries.run(ledger_state)).owner
        return self._known


class RecordedKeys:
    """Who a key lets in, as the ledger has it now. `owner` gives the tenant that runs the log."""

    def __init__(
        self, reader: Reader, states: States, owner: Callable[[], Awaitable[UUID | None]], now: Callable[[], datetime]
    ) -> None:
        self._reader = reader
        self._states = states
        self._owner = owner
        self._now = now

    async def __call__(self, key: PresentedKey) -> Principal | None:
        """The principal of a key, if it opens, its user may act, and its tenant is let in."""
        first = await self._reader.first(key.stream)
        if first is None:
            return None
        tenant, aggregate = whose(first.parsed())
        if aggregate != API_KEY.name:
            return None
        state: ApiKeyState | None = await self._states.current(API_KEY, key.stream, tenant)
        if state is None or state.user is None or not accepts(state, key.digest, self._now()):
            return None
        user: UserState | None = await self._states.current(USER, state.user, tenant)
        if user is None or not acts(state, user) or (state.role not in OUTSIDE and await self._suspended(tenant)):
            return None
        name = format_id(API_KEY.name, key.stream)
        return Principal(tenant, state.role, name, state.user, user.kind.value, frozenset(state.scopes))

    async def _suspended(self, tenant: UUID) -> bool:
        owner = await self._owner()
        if owner is None or owner == tenant:
            return False
        state: TenantState | None = await self._states.current(TENANT, tenant_stream(owner, tenant), owner)
        return state is not None and state.phase is TenantPhase.SUSPENDED


class Approvals:
    """The commands that each tenant wants two persons for."""

    def __init__(self, ledger: Running) -> None:
        self._states = ledger.ledger.states
        self._looked: OrderedDict[UUID, float] = OrderedDict()

    async def needed(self, tenant: UUID, command: str) -> bool:
        """Whether the tenant wants a second person for a command, `lease.charge_off`."""
        stream = approval_stream(tenant)
        if self._looked.get(tenant, 0.0) < time.monotonic():
            await self._states.catch_up(APPROVAL, stream)
            self._looked[tenant] = time.monotonic() + APPROVALS_KEPT_S
            self._looked.move_to_end(tenant)
            if len(self._looked) > TENANTS_KEPT:
                self._looked.popitem(last=False)
        state: ApprovalState = (await self._states.load(APPROVAL, stream))[1]
        return command in state.commands
