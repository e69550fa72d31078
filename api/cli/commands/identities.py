"""`user`, `api-key`, `tenant`, `approval`: who may do what, as whoever owns the data directory says.

These commands need no key: they are the way back for somebody who lost the last one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.cli.failures import Failure, Unusable
from api.cli.frame import Session, command, group
from api.language import message, text

if TYPE_CHECKING:
    from adapters.postgres.writing.sequencer import Appended
    from api.compose import Running
    from api.identity.keys import Acting, ShownKey
    from domain.kernel.command import Command
    from domain.kernel.decider import Decider
    from domain.kernel.refusal import Refusal

users = group("The people and machines that act for a tenant.")
api_keys = group("The API keys that they act by.")
tenants = group("The tenants of the ledger.")
approvals = group("The commands that need a second person.")

_ROLE = message(
    "A role: operator, merchant_admin, merchant_operator, risk_officer, collector, auditor, regulator, court."
)
Tenant = Annotated[UUID | None, typer.Option(help="Whose (LEASELEDGER_TENANT).", show_default=False)]
Reason = Annotated[
    str,
    typer.Option("--reason", metavar="CODE", help="Why, as a code: small letters, digits, _ and .", show_default=False),
]
User = Annotated[str, typer.Argument(metavar="USER", help="The user's id, user_…", show_default=False)]
RoleName = Annotated[str, typer.Argument(metavar="ROLE", help=_ROLE, show_default=False)]
ApiKey = Annotated[str, typer.Argument(metavar="KEY", help="The key's id, api_key_…", show_default=False)]
TenantId = Annotated[UUID, typer.Argument(metavar="TENANT", help="The tenant's id, a UUID.", show_default=False)]
Days = Annotated[int, typer.Option(min=1, max=366, help="Days until it expires.")]


@command(users, "register")
def register_user(
    session: Session,
    label: Annotated[
        str, typer.Argument(metavar="LABEL", help="A staff number (E017), or a machine's name.", show_default=False)
    ],
    role: Annotated[list[str], typer.Option("--role", metavar="ROLE", help=_ROLE, show_default=False)],
    machine: Annotated[bool, typer.Option("--machine", help="A program, not a person.")] = False,
    tenant: Tenant = None,
) -> None:
    """Register a person or a machine, with its roles."""
    from adapters.system import new_id
    from domain.access.user import USER, RegisterUser

    given = {"kind": "machine" if machine else "person", "label": label, "roles": role}
    _give(session, tenant, USER, new_id(), RegisterUser, given)


@command(users, "grant")
def grant_role(session: Session, user: User, role: RoleName, tenant: Tenant = None) -> None:
    """Let a user act in a further role."""
    from domain.access.user import USER, GrantRole

    _give(session, tenant, USER, _id("user", user), GrantRole, {"role": role})


@command(users, "withdraw")
def withdraw_role(session: Session, user: User, role: RoleName, tenant: Tenant = None) -> None:
    """Take a role from a user, whose keys of it end."""
    from domain.access.user import USER, WithdrawRole

    _give(session, tenant, USER, _id("user", user), WithdrawRole, {"role": role})


@command(users, "suspend")
def suspend_user(session: Session, user: User, reason: Reason, tenant: Tenant = None) -> None:
    """Let no key of a user work."""
    from domain.access.user import USER, SuspendUser

    _give(session, tenant, USER, _id("user", user), SuspendUser, {"reason": reason})


@command(users, "reinstate")
def reinstate_user(session: Session, user: User, tenant: Tenant = None) -> None:
    """Let a suspended user's keys work again."""
    from domain.access.user import USER, ReinstateUser

    _give(session, tenant, USER, _id("user", user), ReinstateUser, {})


@command(api_keys, "make")
def make_api_key(
    session: Session,
    user: User,
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help=_ROLE, show_default=False)],
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help="What it is for.", show_default=False)],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", metavar="NAME", help="Only this permission of the role (OPERATIONS.md, People and keys)."
        ),
    ] = None,
    days: Days = 90,
    tenant: Tenant = None,
) -> None:
    """Make a key of a user. Its secret is shown this once."""
    from api.identity.keys import WantedKey, make_key

    given = {"user": _id("user", user), "role": role, "label": label, "scopes": tuple(scope or ()), "days": days}

    async def make(program: Running, by: Acting) -> ShownKey | Refusal:
        return await make_key(program.ledger, by, _read(WantedKey, given))

    _show(session, tenant, make)


@command(api_keys, "rotate")
def rotate_api_key(
    session: Session,
    key: ApiKey,
    days: Days = 90,
    overlap: Annotated[
        int, typer.Option("--overlap-hours", min=0, max=168, help="Hours for which the secret of before works on.")
    ] = 24,
    tenant: Tenant = None,
) -> None:
    """Give a key a new secret, which is shown this once."""
    from api.identity.keys import rotate_key

    async def rotate(program: Running, by: Acting) -> ShownKey | Refusal:
        return await rotate_key(program.ledger, by, _id("api_key", key), days=days, overlap_hours=overlap)

    _show(session, tenant, rotate)


@command(api_keys, "revoke")
def revoke_api_key(session: Session, key: ApiKey, reason: Reason, tenant: Tenant = None) -> None:
    """End a key's life at once."""
    from domain.access.api_key import API_KEY, RevokeApiKey

    _give(session, tenant, API_KEY, _id("api_key", key), RevokeApiKey, {"reason": reason})


@command(tenants, "register")
def register_tenant(
    session: Session,
    tenant: TenantId,
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help="What you call it.", show_default=False)],
) -> None:
    """Register a tenant of this ledger."""
    from domain.access.tenant import RegisterTenant

    _tenant(session, tenant, RegisterTenant, {"tenant": tenant, "label": label})


@command(tenants, "suspend")
def suspend_tenant(session: Session, tenant: TenantId, reason: Reason) -> None:
    """Let no key of a tenant's own people and machines work."""
    from domain.access.tenant import SuspendTenant

    _tenant(session, tenant, SuspendTenant, {"reason": reason})


@command(tenants, "reinstate")
def reinstate_tenant(session: Session, tenant: TenantId) -> None:
    """Let the keys of a suspended tenant work again."""
    from domain.access.tenant import ReinstateTenant

    _tenant(session, tenant, ReinstateTenant, {})


@command(approvals, "require")
def require_approval(
    session: Session,
    commands: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND…", help="Such as lease.charge_off; none for an empty list.", show_default=False
        ),
    ] = None,
    tenant: Tenant = None,
) -> None:
    """Say which commands need a second person: this is the whole list."""
    from api.exposure import list_refused
    from domain.access.approval import APPROVAL, RequireApproval, approval_stream

    if (refused := list_refused(RequireApproval(commands=tuple(commands or ())))) is not None:
        raise Failure(refused.sentence)
    whose = tenant or session.settings.tenant
    _give(session, whose, APPROVAL, approval_stream(whose), RequireApproval, {"commands": commands or []})


def _tenant(session: Session, tenant: UUID, kind: type[Command], given: dict[str, Any]) -> None:
    from domain.access.tenant import TENANT, tenant_stream

    async def done(program: Running) -> Appended | Refusal:
        from adapters.postgres.reading.opening import ledger_state
        from api.identity.keys import executed

        owner = (await program.queries.run(ledger_state)).owner
        assert owner is not None, "a ledger at work was opened"
        stream = tenant_stream(owner, tenant)
        return await executed(program.ledger, _acting(owner), TENANT, stream, _read(kind, given))

    _told(session, TENANT.name, done)


def _give(
    session: Session,
    tenant: UUID | None,
    decider: Decider[Any],
    stream: UUID,
    kind: type[Command],
    given: dict[str, Any],
) -> None:
    whose = tenant or session.settings.tenant

    async def done(program: Running) -> Appended | Refusal:
        from api.identity.keys import executed

        return await executed(program.ledger, _acting(whose), decider, stream, _read(kind, given))

    _told(session, decider.name, done)


def _told(session: Session, noun: str, work: Callable[[Running], Awaitable[Appended | Refusal]]) -> None:
    from domain.kernel.ids import format_id

    done = _run(session, work)
    name = format_id(noun, done.stream)
    session.emit({"id": name, "position": done.last_position}, lambda out: out.print(name, soft_wrap=True))


def _show(
    session: Session, tenant: UUID | None, work: Callable[[Running, Acting], Awaitable[ShownKey | Refusal]]
) -> None:
    from domain.kernel.ids import format_id

    whose = tenant or session.settings.tenant

    async def shown(program: Running) -> ShownKey | Refusal:
        return await work(program, _acting(whose))

    key = _run(session, shown)
    data = {"id": format_id("api_key", key.id), "key": key.text, "expires_at": key.expires_at}
    session.say(text("Shown this once; only its digest is kept. It expires at {instant}.", instant=key.expires_at))
    session.emit(data, lambda out: out.print(str(key.text), soft_wrap=True, markup=False, highlight=False))


def _run(session: Session, work: Callable[[Running], Awaitable[Any]]) -> Any:
    import asyncio

    from api.roles.opening import opened as at_work
    from domain.kernel.refusal import Refusal

    async def run() -> Any:
        async with at_work(on) as program:
            return await work(program)

    with session.base() as on:
        done = asyncio.run(run())
    if isinstance(done, Refusal):
        raise Failure(done.sentence)
    return done


def _acting(tenant: UUID) -> Acting:
    from api.identity.keys import Acting
    from domain.kernel.command import SYSTEM, Actor

    return Acting(tenant, Actor(SYSTEM, "command-line"))


def _read(kind: type[Any], given: dict[str, Any]) -> Any:
    """A struct of what was given. Raises `Unusable` for what does not fit, saying what was expected."""
    import msgspec

    from domain.access.values import UserRole

    roles = [*given.get("roles", ()), *([given["role"]] if "role" in given else ())]
    unknown = next((role for role in roles if role not in set(UserRole)), None)
    if unknown is not None:
        known = text(", ").join(UserRole)
        raise Unusable(lambda: text("role: expected one of {known}, got {value!r}", known=known, value=unknown))
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        name = str(error).rpartition("$.")[2].rstrip("`").partition("[")[0]
        raise Unusable(lambda: text("{name}: not of the form that is expected; see --help", name=name)) from None


def _id(noun: str, given: str) -> UUID:
    from domain.kernel.ids import parse_id

    return parse_id(noun, given)
