"""Values of a consent: its purposes, its recipients, the uses agreed upon, the days it stood."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from domain.kernel.values import Code

RECIPIENTS_MAX = 20
USES_MAX = 10
RENEWALS_MAX = 60
"""Renewals of one consent: a yearly one for as long as anybody leases anything."""

Recipients = Annotated[
    tuple[Code, ...],
    Meta(min_length=1, max_length=RECIPIENTS_MAX, description="Who may get the data: codes of organisations."),
]
"""Who may get the data, as codes of organisations, each named to the person (个人信息保护法 23)."""

Uses = Annotated[tuple[Code, ...], Meta(max_length=USES_MAX, description="What the data may be used for, as codes.")]
"""What the data may be used for, as agreed with the person (征信业管理条例 18, 20)."""


class Purpose(StrEnum):
    """What a consent is for. Each needs its own; none is contained in another."""

    BIOMETRICS = "biometrics"
    """Faces and other biometric data (个人信息保护法 28–29)."""
    WHEREABOUTS = "whereabouts"
    """Positions and tracks (个人信息保护法 28–29)."""
    THIRD_PARTIES = "third_parties"
    """Handing data to another handler (个人信息保护法 23)."""
    AUTOMATED_DECISION = "automated_decision"
    """Decisions by machine with considerable effect on the person (个人信息保护法 24)."""
    CREDIT_INQUIRY = "credit_inquiry"
    """Asking a credit bureau (征信业管理条例 18)."""
    CREDIT_FILING = "credit_filing"
    """Giving credit data to a bureau or the central database (征信业管理条例 29)."""


class Period(Struct, frozen=True):
    """Business dates on which a consent stood: from the first, up to and including the last."""

    first: date
    last: date


IN_WRITING = frozenset({Purpose.CREDIT_INQUIRY, Purpose.CREDIT_FILING})
"""Purposes whose consent is in writing: the record of the act is kept and enters by its digest."""

WITH_USES = frozenset({Purpose.CREDIT_INQUIRY})
"""Purposes whose uses are agreed upon with the person."""
