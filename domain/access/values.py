"""Values of access: roles, references of users and keys, instants, scopes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from domain.kernel.command import SYSTEM, Actor
from domain.kernel.times import utc_text

ROLES_MAX = 16
SCOPES_MAX = 64


class UserRole(StrEnum):
    """Role of a user: what it may do within its tenant stands in the access model's table, `api.permissions`."""

    OPERATOR = "operator"
    MERCHANT_ADMIN = "merchant_admin"
    MERCHANT_OPERATOR = "merchant_operator"
    RISK_OFFICER = "risk_officer"
    COLLECTOR = "collector"
    AUDITOR = "auditor"
    REGULATOR = "regulator"
    COURT = "court"
    LESSEE = "lessee"
    DEVICE_GATEWAY = "device_gateway"


GIVEN_BY: Mapping[str, frozenset[UserRole]] = {
    SYSTEM: frozenset(UserRole) - {UserRole.LESSEE, UserRole.DEVICE_GATEWAY},
    UserRole.OPERATOR: frozenset(UserRole) - {UserRole.LESSEE, UserRole.DEVICE_GATEWAY},
    UserRole.MERCHANT_ADMIN: frozenset(
        {UserRole.MERCHANT_ADMIN, UserRole.MERCHANT_OPERATOR, UserRole.RISK_OFFICER, UserRole.COLLECTOR}
    ),
}
"""The roles that a role may give to users. Auditors, courts and regulators look at a merchant from outside, and are
named by whoever runs the log. Nobody is made a lessee or a device's gateway yet: theirs will be kept to one case.
"""

OUTSIDE = frozenset({UserRole.AUDITOR, UserRole.COURT, UserRole.REGULATOR, UserRole.LESSEE, UserRole.DEVICE_GATEWAY})
"""Roles of those who are not the tenant's own: a tenant's suspension does not shut them out."""

STAFF_NUMBER = re.compile(r"[A-Z]{0,4}-?[0-9]{1,10}")
"""A person's number at the tenant, `E017`: names have no such form, so that none is kept by mistake."""

Label = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$(?!\n)", max_length=64)]
"""The tenant's own name of a user or a key (a staff number, `till-3`); says nothing about a person."""

Scope = Annotated[str, Meta(pattern=r"^[a-z][a-z_]*$(?!\n)", max_length=40)]
"""A permission of the access model, by its name."""

Instant = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$(?!\n)")]
"""An instant as events say it: RFC 3339 in UTC with six fractional digits, so that texts compare as instants do."""

ActorId = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9:_.-]*$(?!\n)", max_length=80)]
"""Who acted, as envelopes say it: `person_` or `machine_` and the hex digits of the user; or a process's name."""

PersonId = Annotated[str, Meta(pattern=r"^person_[0-9a-f]{32}$(?!\n)")]
"""A person who acted: `person_` and the hex digits of the user."""


_ACTOR = re.compile(r"(person|machine)_[0-9a-f]{32}")


def vouches(actor: Actor, proposed_by: str) -> bool:
    """Whether what an actor does about users and keys makes somebody a person of its own to four eyes: whoever runs the
    ledger, or two persons, do; a tenant's administrator alone could register himself twice.
    """
    return actor.role in (SYSTEM, UserRole.OPERATOR) or bool(proposed_by)


def is_past(instant: str, now: datetime) -> bool:
    """Whether an instant has come."""
    return instant <= utc_text(now)


def is_person(actor: str) -> bool:
    """Whether the id of an actor is a person's, and not a machine's or a process's."""
    found = _ACTOR.fullmatch(actor)
    return found is not None and found[1] == "person"


def is_machine(actor: str) -> bool:
    """Whether the id of an actor is a machine's: not a person's, and not of a process of the program's own."""
    found = _ACTOR.fullmatch(actor)
    return found is not None and found[1] == "machine"


def user_of(actor: str) -> UUID | None:
    """The user that an actor's id names, if it names one."""
    return UUID(hex=actor.rpartition("_")[2]) if _ACTOR.fullmatch(actor) else None
