"""Commands and the context they arrive in.

A command says what is wanted of one aggregate. Its context says who asks, for whom, when, and in which
case; both are data, so that a decision can be repeated years later with the same answer.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

SYSTEM = "system"
"""The role of whatever the program does on its own; no key of a person has it."""


class Command(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """Base of all commands."""


_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


def snake(name: str) -> str:
    """`RouteToLane` → `route_to_lane`."""
    return _HUMP.sub("_", name).lower()


def command_word(aggregate: str, command: type[Command]) -> str:
    """The name of a command outside: `SubmitApplication` → `submit`, `RouteToLane` → `route_to_lane`."""
    return snake(command.__name__).removesuffix(f"_{aggregate}")


class Actor(Struct, frozen=True, gc=False):
    """Who acts: a role of the access model and the id of a user or process, never a person's name.

    `via` is the key that the user acted by, so that what was done with one that leaked can be listed.
    """

    role: str
    id: str
    via: str | UnsetType = UNSET


class Context(Struct, frozen=True, kw_only=True, gc=False):
    """Context of a command: tenant, actor, case, time and business date.

    `now` is the instant the command is about (an import passes the original one), an aware UTC datetime; it becomes the
    event's `occurred_at`. `business_date` is the ledger's calendar day in Asia/Shanghai. `correlation` is the case that
    a new stream begins in: all events of a stream are of the case of its first one. `proposed_by` is the person who
    proposed what the actor approved; nobody where one person alone acts.
    """

    tenant: UUID
    actor: Actor
    correlation: UUID
    now: datetime
    business_date: date
    proposed_by: str = ""
