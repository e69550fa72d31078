"""Consents that stand, for rules that ask for one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.kernel.values import ClauseRef
from domain.parties.consent import ConsentPhase, ConsentState
from domain.parties.purposes import WITH_USES, Period, Purpose

PERSON = UUID(int=1)


def consent(purpose: Purpose, day: date, **changes: Any) -> ConsentState:
    """A consent of this purpose from a fortnight before a day until a fortnight after it."""
    fortnight = timedelta(days=15)
    stands = ConsentState(
        phase=ConsentPhase.GRANTED, subject=PERSON, purpose=purpose, recipients=("one", "two"),
        clause=ClauseRef(clause="personal_data", version=1, digest="c" * 64),
        uses=("leasing",) if purpose in WITH_USES else (),
        periods=(Period(day - fortnight, day + fortnight),),
    )  # fmt: skip
    return replace(stands, **changes)
