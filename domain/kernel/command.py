"""Commands and the context they arrive in.

A command says what is wanted of one aggregate. Its context says who asks, for whom, when, and in which
case; both are data, so that a decision can be repeated years later with the same answer.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

SYSTEM = "system"
"""The role of whatever the program does on its own; no key of a person has it."""


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all commands."""


class Actor(Struct, frozen=True, gc=False):
    """Who acts: a role of the access model and the id of a key or account, never a person's name."""

    role: str
    id: str


class Context(Struct, frozen=True, kw_only=True):
    """Context of a command: tenant, actor, case, time and business date.

    `now` is the instant the command is about (an import passes the original one), an aware UTC datetime; it becomes the
    event's `occurred_at`. `business_date` is the ledger's calendar day in Asia/Shanghai. `correlation` is the case that
    a new stream begins in: all events of a stream are of the case of its first one.
    """

    tenant: UUID
    actor: Actor
    correlation: UUID
    now: datetime
    business_date: date
