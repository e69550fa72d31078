"""What happens to a tenant's provisions: a month end at which the allowance was brought to what it has to hold."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from domain.accounting.provisioning import FiveClass
from domain.kernel.event import Event, event_type
from domain.kernel.money import Currency, Fen
from domain.leasing.values import DeltaFen


class ClassSum(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the five classes: leases, what would be lost of them, and what is set aside for that, in fen."""

    five_class: FiveClass
    leases: Annotated[int, Meta(ge=0)]
    exposure_fen: Fen
    required_fen: Fen


ClassSums = Annotated[tuple[ClassSum, ...], Meta(min_length=len(FiveClass), max_length=len(FiveClass))]
"""Every class once, the best first."""


@event_type("provision.recognised.v1")
class ProvisionRecognised(Event, frozen=True):
    """At the end of a month the allowance held `held_fen` and has to hold `required_fen`, the sum of the classes.

    `held_fen` is negative when more was written off since than had been set aside.
    """

    as_of: date
    currency: Currency
    policy: Annotated[int, Meta(ge=1)]
    classes: ClassSums
    held_fen: DeltaFen
    required_fen: Fen
