"""Keys of access: made and given a new secret, each shown once; whoever looks after access gives commands.

make_key   ─▶ a secret and the key's stream ─▶ MakeApiKey ─▶ the key's text, told once
rotate_key ─▶ a new secret of the same key
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from adapters.postgres.ledger import Ledger, Request
from adapters.postgres.writing.sequencer import Appended
from adapters.system import new_id, now, random_bytes
from api.permissions import ROLES, Permission
from domain.access.api_key import API_KEY, SCOPE_NOT_OF_ROLE, SCOPE_NOT_YOURS, MakeApiKey, RotateApiKey
from domain.access.key_text import SECRET_BYTES, digest_of, key_text
from domain.access.values import UserRole
from domain.kernel.command import Actor, Command, Context
from domain.kernel.decider import Decider
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date, utc_text

KEY_DAYS = 90
OVERLAP_HOURS = 24


class Acting(Struct, frozen=True):
    """Who looks after keys: the tenant, the actor, and all that the actor may; `None` for whoever owns the data."""

    tenant: UUID
    actor: Actor
    may: Collection[Permission] | None = None


class WantedKey(Struct, frozen=True, kw_only=True):
    """The key that is wanted."""

    user: UUID
    role: UserRole
    label: str
    scopes: tuple[str, ...] = ()
    days: int = KEY_DAYS


class ShownKey(Struct, frozen=True):
    """A key with its text, which is shown once; `text` is None where the command was given before."""

    id: UUID
    text: str | None
    expires_at: str
    appended: Appended


async def make_key(
    ledger: Ledger, by: Acting, wanted: WantedKey, *, key: str = "", stream: UUID | None = None
) -> ShownKey | Refusal:
    """Make a key of a user. Under an idempotency key that is known the key is told without its text.

    Raises `KeyReused` for another payload under the idempotency key.
    """
    if (refused := _beyond(by, wanted.role, wanted.scopes) or _not_of_role(wanted)) is not None:
        return refused
    at, stream = now(), stream or new_id()
    text = key_text(stream, random_bytes(SECRET_BYTES))
    command = MakeApiKey(
        user=wanted.user,
        role=wanted.role,
        label=wanted.label,
        scopes=wanted.scopes,
        digest=digest_of(text),
        expires_at=utc_text(at + timedelta(days=wanted.days)),
    )
    return await _shown(ledger, by, _Asked(stream, command, wanted, key, at), text)


async def rotate_key(
    ledger: Ledger,
    by: Acting,
    stream: UUID,
    *,
    days: int = KEY_DAYS,
    overlap_hours: int = OVERLAP_HOURS,
    key: str = "",
    expected: int | None = None,
) -> ShownKey | Refusal:
    """Give a key a new secret; the one before works on for some hours. Raises `VersionConflict`."""
    _, state = await ledger.load(API_KEY, stream)
    if (refused := _beyond(by, state.role, state.scopes)) is not None:
        return refused
    at = now()
    text = key_text(stream, random_bytes(SECRET_BYTES))
    command = RotateApiKey(
        digest=digest_of(text),
        previous_until=utc_text(at + timedelta(hours=overlap_hours)),
        expires_at=utc_text(at + timedelta(days=days)),
    )
    return await _shown(ledger, by, _Asked(stream, command, (stream, days, overlap_hours), key, at, expected), text)


class _Asked(Struct, frozen=True):
    stream: UUID
    command: MakeApiKey | RotateApiKey
    asked: object
    key: str
    at: datetime
    expected: int | None = None


async def _shown(ledger: Ledger, by: Acting, asked: _Asked, text: str) -> ShownKey | Refusal:
    caller = bool(asked.key)
    if caller:
        known = await ledger.repeated(by.tenant, asked.key, type(asked.command), asked.asked, _stream_of(asked))
        if known is not None:
            _, state = await ledger.load(API_KEY, known.stream)
            return ShownKey(known.stream, None, state.expires_at, known)
    request = Request(
        stream=asked.stream,
        key=asked.key or f"api_key:{new_id().hex}",
        command=asked.command,
        asked=asked.asked,
        context=context_of(by, asked.stream, asked.at),
        expected=asked.expected,
        new=isinstance(asked.command, MakeApiKey),
        system=not caller,
    )
    done = await ledger.execute(API_KEY, request)
    if isinstance(done, Refusal):
        return done
    return ShownKey(asked.stream, text, asked.command.expires_at, done)


def _stream_of(asked: _Asked) -> UUID | None:
    return None if isinstance(asked.command, MakeApiKey) else asked.stream


async def executed(
    ledger: Ledger, by: Acting, decider: Decider[Any], stream: UUID, command: Command
) -> Appended | Refusal:
    """Give a command of access under a key of the program's own."""
    context = context_of(by, stream, now())
    return await ledger.execute(
        decider, Request(stream=stream, key=f"access:{new_id().hex}", command=command, context=context)
    )


def context_of(by: Acting, case: UUID, at: datetime) -> Context:
    """The context of a command of whoever looks after access."""
    return Context(tenant=by.tenant, actor=by.actor, correlation=case, now=at, business_date=business_date(at))


def _beyond(by: Acting, role: str, scopes: Collection[str]) -> Refusal | None:
    """The refusal of a key that may more than who makes it: a narrow key could else make a wider one."""
    if by.may is None:
        return None
    wanted = {str(one) for one in ROLES.get(role, ())} & (set(scopes) or {str(one) for one in Permission})
    missing = sorted(wanted - {str(one) for one in by.may})
    return SCOPE_NOT_YOURS(missing=" ".join(missing)) if missing else None


def _not_of_role(wanted: WantedKey) -> Refusal | None:
    """The refusal of a key that is narrowed to what its role may not do: it could do nothing, and nobody would know."""
    has = sorted(ROLES.get(wanted.role, ()))
    unknown = sorted(set(wanted.scopes) - set(has))
    return SCOPE_NOT_OF_ROLE(scopes=" ".join(unknown), permissions=" ".join(has)) if unknown else None
