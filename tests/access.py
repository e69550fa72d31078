"""Keys for tests: principals that an application knows without a ledger's word, and keys that a ledger really holds."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid5

from adapters.system import new_id, random_bytes
from api.compose import Base, Running
from api.identity.authentication import Authentication, Principal
from api.identity.keys import Acting, WantedKey, executed, make_key
from api.identity.recorded import authentication
from api.roles.opening import opened
from domain.access.api_key import API_KEY
from domain.access.approval import APPROVAL, RequireApproval, approval_stream
from domain.access.key_text import SECRET_BYTES, PresentedKey, key_text, presented
from domain.access.proposal import PROPOSAL, MakeProposal
from domain.access.tenant import TENANT, RegisterTenant
from domain.access.user import USER, RegisterUser, UserKind
from domain.access.values import UserRole
from domain.kernel.command import SYSTEM, Actor
from domain.kernel.ids import format_id
from domain.kernel.refusal import Refusal
from domain.parties.subject import SUBJECT, LookAtSubject, LookPurpose, subject_stream


def stream_of(key: str) -> UUID:
    """The stream that a key names."""
    asked = presented(key)
    assert asked is not None
    return asked.stream


class KnownKeys:
    """Keys of any role and tenant that leave no events: whoever is not among them is asked of the ledger."""

    def __init__(self, access: Authentication) -> None:
        self._known: dict[str, Principal] = {}
        self._ledger = access._find
        access._find = self

    async def __call__(self, key: PresentedKey) -> Principal | None:
        """The principal of a key."""
        known = self._known.get(key.digest)
        return known if known is not None else await self._ledger(key)

    def key(self, tenant: UUID, role: str, kind: str = "person", scopes: frozenset[str] = frozenset()) -> str:
        """A key of a user of its own."""
        stream = new_id()
        text = key_text(stream, random_bytes(SECRET_BYTES))
        asked = presented(text)
        assert asked is not None
        name = format_id(API_KEY.name, stream)
        self._known[asked.digest] = Principal(tenant, role, name, uuid5(tenant, f"{role}:{kind}"), kind, scopes)
        return text

    def forget(self, key: str) -> None:
        """Let a key be nobody's from now on."""
        asked = presented(key)
        assert asked is not None
        del self._known[asked.digest]


async def recorded_key(ledger: Running, tenant: UUID, role: str, *, kind: UserKind = UserKind.PERSON) -> str:
    """A key that the ledger holds, of a user who was registered for it."""
    by, user = Acting(tenant, Actor(SYSTEM, "tests")), new_id()
    label = "E1" if kind is UserKind.PERSON else "tests"
    command = RegisterUser(kind=kind, label=label, roles=(UserRole(role),))
    registered = await executed(ledger.ledger, by, USER, user, command)
    assert not isinstance(registered, Refusal), registered
    made = await make_key(ledger.ledger, by, WantedKey(user=user, role=UserRole(role), label="tests"))
    assert not isinstance(made, Refusal), made
    assert made.text is not None
    return made.text


async def one_of_each(ledger: Running, tenant: UUID) -> None:
    """What the life of a demonstration does not have: a user with a key, a tenant, a proposal, a list, a look."""
    by = Acting(tenant, Actor(SYSTEM, "tests"))
    found = await authentication(ledger).find(await recorded_key(ledger, tenant, "merchant_admin"))
    assert found is not None
    await executed(ledger.ledger, by, TENANT, new_id(), RegisterTenant(tenant=new_id(), label="branch"))
    proposal = MakeProposal(
        target=new_id(), command="lease.charge_off", given='{"reason":"insolvent"}', version=1, reason="lost"
    )
    made = await executed(ledger.ledger, Acting(tenant, found.actor), PROPOSAL, new_id(), proposal)
    assert not isinstance(made, Refusal), made
    someone = new_id()
    look = LookAtSubject(subject=someone, purpose=LookPurpose.CONTACT, fields=("application.phone",))
    await executed(ledger.ledger, by, SUBJECT, subject_stream(tenant, someone), look)
    listed = RequireApproval(commands=("lease.charge_off",))
    await executed(ledger.ledger, by, APPROVAL, approval_stream(tenant), listed)


def key_of(on: Base, tenant: UUID, role: str) -> str:
    """As `recorded_key`, for whoever has no loop: on a thread and a ledger at work of its own."""

    async def work() -> str:
        async with opened(on) as ledger:
            return await recorded_key(ledger, tenant, role)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()
