"""Keys that nobody asks for: those of before, taken over once, and the first operator's, made when it can be shown.

keys of before ─▶ a user each, api_key.made with the same digest, ledger.keys_adopted ─ one append, once
first operator ─▶ user.registered, api_key.made ─▶ printed; revoked where printing failed
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from adapters.postgres.keys_of_before import KeyOfBefore, keys_of_before
from adapters.postgres.ledger import Request
from adapters.postgres.writing.sequencer import Append, KeyReused, Part, VersionConflict
from adapters.system import new_id, now
from api.compose import Running
from api.identity.keys import Acting, ShownKey, WantedKey, context_of, make_key
from chain.entry import PAYLOAD_KEY, DecidedEvent, command_id
from domain.access.api_key import API_KEY, NOT_SHOWN, ApiKeyMade, ApiKeyPhase, RevokeApiKey
from domain.access.key_text import stream_of_before
from domain.access.ledger import LEDGER, LedgerKeysAdopted, ledger_stream
from domain.access.user import USER, RegisterUser, UserKind, UserRegistered
from domain.access.values import UserRole
from domain.kernel.command import SYSTEM, Actor
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal
from domain.kernel.times import utc_text

ADOPTION = Actor(SYSTEM, "adoption")
OPENING = Actor(SYSTEM, "opening")
ADOPTED = "adopted"
ADOPTED_DAYS = 366
ADOPTED_KEY = "access:keys_adopted"
FIRST_OPERATOR = "1"
"""The staff number of the person who starts a ledger first."""

FIRST_LABEL = "first-operator"
FIRST_DAYS = 366
_TRIES = 100


async def adopt_keys(program: Running, owner: UUID) -> None:
    """Take over the keys of before, unless that was done. Safe to race: who comes second finds it done.

    One append for each tenant, the owner's last: with it stands that it was done, so that no row of the table counts
    that came later; nor does one in a ledger whose first key was an event.
    """
    found = await _to_adopt(program, owner)
    if not found:
        return
    at = now()
    for tenant in sorted({key.tenant for key in found} - {owner}):
        await _append(program, tenant, _of(tenant, found, at), at)
    stream = ledger_stream(program.settings.origin)
    version, _ = await program.ledger.load(LEDGER, stream)
    done: _Part = (stream, version, (LedgerKeysAdopted(count=len(found)),))
    await _append(program, owner, [done, *_of(owner, found, at)], at)


async def _to_adopt(program: Running, owner: UUID) -> list[KeyOfBefore]:
    _, state = await program.ledger.load(LEDGER, ledger_stream(program.settings.origin))
    begun, _ = await program.ledger.load(API_KEY, _first_key(owner, 1))
    return [] if state.keys_adopted or begun else await program.queries.run(keys_of_before)


def _of(tenant: UUID, keys: list[KeyOfBefore], at: datetime) -> list[_Part]:
    return [part for key in keys if key.tenant == tenant for part in _adopted(key, at)]


async def first_operator_key(program: Running) -> ShownKey | None:
    """A key for the person who starts a ledger first, made once; `None` where there is one.

    Keys that were made and could not be shown are revoked, and the next start makes another.
    """
    tenant = program.settings.tenant
    _, ledger = await program.ledger.load(LEDGER, ledger_stream(program.settings.origin))
    if ledger.keys_adopted:
        return None
    for number in range(1, _TRIES):
        stream = _first_key(tenant, number)
        _, state = await program.ledger.load(API_KEY, stream)
        if state.phase is ApiKeyPhase.ABSENT:
            return await _made(program, tenant, stream)
        if not state.never_shown:
            return None
    return None


async def revoke_unshown(program: Running, key: ShownKey) -> None:
    """Revoke a key that nobody could read."""
    await program.ledger.execute(
        API_KEY,
        Request(
            stream=key.id,
            key=f"api_key:{key.id.hex}:unshown",
            command=RevokeApiKey(reason=NOT_SHOWN),
            context=context_of(Acting(program.settings.tenant, OPENING), key.id, now()),
        ),
    )


async def _made(program: Running, tenant: UUID, stream: UUID) -> ShownKey | None:
    by, user = Acting(tenant, OPENING), uuid5(tenant, "first operator")
    register = RegisterUser(kind=UserKind.PERSON, label=FIRST_OPERATOR, roles=(UserRole.OPERATOR,))
    request = Request(stream=user, key="access:first_operator", command=register, context=context_of(by, user, now()))
    await program.ledger.execute(USER, request)
    wanted = WantedKey(user=user, role=UserRole.OPERATOR, label=FIRST_LABEL, days=FIRST_DAYS)
    shown = await make_key(program.ledger, by, wanted, stream=stream)
    return None if isinstance(shown, Refusal) else shown


def _first_key(tenant: UUID, number: int) -> UUID:
    return uuid5(tenant, f"first operator's key:{number}")


_Part = tuple[UUID, int, tuple[Event, ...]]


def _adopted(key: KeyOfBefore, at: datetime) -> list[_Part]:
    """A machine, for nobody knows which persons used a key of before, and the key itself."""
    stream = stream_of_before(key.digest)
    user = uuid5(stream, "user")
    registered = UserRegistered(
        kind=UserKind.MACHINE, label=ADOPTED, roles=(UserRole(key.role),), by=ADOPTION.id, vouched=False
    )
    made = ApiKeyMade(
        user=user,
        role=UserRole(key.role),
        scopes=(),
        label=ADOPTED,
        digest=key.digest,
        expires_at=utc_text(at + timedelta(days=ADOPTED_DAYS)),
        by=ADOPTION.id,
        vouched=False,
    )
    return [(user, 0, (registered,)), (stream, 0, (made,))]


async def _append(program: Running, tenant: UUID, parts: list[_Part], at: datetime) -> None:
    """One append of a tenant. Its digest is of the streams alone: whoever races makes the same one."""
    digest = program.keys.digest(b"".join(stream.bytes for stream, _, _ in parts))
    cause = command_id(tenant, ADOPTED_KEY, digest, system=True)
    drafted = []
    for stream, version, events in parts:
        context = context_of(Acting(tenant, ADOPTION), stream, at)
        decided = [DecidedEvent(event, context, cause, new_id()) for event in events]
        drafted.append(Part(stream, version, (await program.ledger.prepare(stream, decided)).drafts))
    append = Append(
        tenant=tenant,
        key=ADOPTED_KEY,
        system=True,
        digest=digest,
        digest_key=PAYLOAD_KEY,
        parts=tuple(drafted),
    )
    with suppress(VersionConflict, KeyReused):  # another program was first
        await program.ledger.append(append)
