"""Values of access: roles, references of users and keys, instants, scopes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from domain.kernel.command import SYSTEM
from domain.kernel.times import utc_text

ROLES_MAX = 16
SCOPES_MAX = 64


class Role(StrEnum):
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


GIVEN_BY: Mapping[str, frozenset[Role]] = {
    SYSTEM: frozenset(Role),
    Role.OPERATOR: frozenset(Role),
    Role.MERCHANT_ADMIN: frozenset(Role) - {Role.OPERATOR, Role.AUDITOR},
}
"""The roles that a role may give to users. An auditor of the tenant that runs the log reads entries of all tenants, which
its merchant's administrator may not; so only the operator names auditors.
"""

Label = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$(?!\n)", max_length=64)]
"""The tenant's own name of a user or a key (a staff number, `till-3`); says nothing about a person."""

Scope = Annotated[str, Meta(pattern=r"^[a-z][a-z_]*$(?!\n)", max_length=40)]
"""A permission of the access model, by its name."""

Instant = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$(?!\n)")]
"""An instant as events say it: RFC 3339 in UTC with six fractional digits, so that texts compare as instants do."""

ActorId = Annotated[str, Meta(pattern=r"^(person|machine)_[0-9a-f]{32}$(?!\n)")]
"""Who acted: `person_` or `machine_` and the hex digits of the user."""


def is_past(instant: str, now: datetime) -> bool:
    """Whether an instant has come."""
    return instant <= utc_text(now)
