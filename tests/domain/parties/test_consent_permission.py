"""Nothing that needs a consent works without one: purpose, recipient, use and day, and what an end does not undo."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.kernel.decider import fold
from domain.kernel.refusal import RefusalKind
from domain.parties import consent as r
from domain.parties import permission
from domain.parties.consent import (
    CONSENT,
    ConsentDeclined,
    ConsentExpired,
    ConsentGranted,
    ConsentRenewed,
    ConsentState,
    ConsentWithdrawn,
)
from domain.parties.permission import permits, permits_any
from domain.parties.purposes import Purpose
from tests.domain.parties import consents as c
from tests.given import TODAY

INQUIRY = Purpose.CREDIT_INQUIRY
FIRST = c.GRANTED.granted_on
STANDING = fold(CONSENT, c.TO_GRANTED)
WITHDRAWN = fold(CONSENT, [ConsentWithdrawn(withdrawn_on=TODAY, channel="app")], STANDING)
GAP_ENDS = date(2026, 6, 1)
GAPPED = fold(
    CONSENT,
    [
        c.REQUESTED,
        c.LAPSED,
        ConsentExpired(business_date=TODAY),
        ConsentRenewed(clause=c.NEWER, renewed_on=GAP_ENDS, expires_on=c.LATER, evidence=c.EVIDENCE),
    ],
)
DAY = timedelta(days=1)


def said(state: ConsentState, on: date, **changes: object) -> RefusalKind | None:
    """The rule that says no to an inquiry with the usual bureau and use, changed as told."""
    wish = {"purpose": INQUIRY, "recipient": c.BUREAU, "use": c.USE, **changes}
    answer = permits(state, wish["purpose"], wish["recipient"], on, use=wish["use"])  # type: ignore[arg-type]
    return None if answer is None else answer.kind


@pytest.mark.parametrize(
    ("state", "on", "expected"),
    [
        (STANDING, FIRST - DAY, permission.NOT_YET_GRANTED),
        (STANDING, FIRST, None),
        (STANDING, c.UNTIL, None),
        (STANDING, c.UNTIL + DAY, permission.EXPIRED),
        (WITHDRAWN, TODAY - DAY, None),
        (WITHDRAWN, TODAY, permission.WITHDRAWN),
        (WITHDRAWN, c.UNTIL + DAY, permission.WITHDRAWN),
        (GAPPED, c.YESTERDAY, None),
        (GAPPED, TODAY, permission.EXPIRED),
        (GAPPED, GAP_ENDS - DAY, permission.EXPIRED),
        (GAPPED, GAP_ENDS, None),
        (GAPPED, c.LATER + DAY, permission.EXPIRED),
    ],
)
def test_days(state: ConsentState, on: date, expected: RefusalKind | None) -> None:
    assert said(state, on) is expected


def test_an_end_does_not_undo_what_was_done_before() -> None:
    """个人信息保护法 15: the same act on the same day is judged alike before and after the withdrawal."""
    for days in range((TODAY - FIRST).days):
        on = FIRST + timedelta(days=days)
        assert said(STANDING, on) is said(WITHDRAWN, on) is None


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose is not INQUIRY])
def test_each_purpose_needs_its_own(purpose: Purpose) -> None:
    assert said(STANDING, TODAY, purpose=purpose) is permission.PURPOSE_DIFFERS
    own = fold(CONSENT, [replace(c.REQUESTED, purpose=purpose, uses=()), replace(c.GRANTED, purpose=purpose, uses=())])
    assert said(own, TODAY, purpose=purpose, use=None) is None
    assert said(own, TODAY) is permission.PURPOSE_DIFFERS


def test_recipient_and_use_as_agreed() -> None:
    assert said(STANDING, TODAY, recipient=c.OTHER_BUREAU) is permission.RECIPIENT_NOT_NAMED
    assert said(STANDING, TODAY, use="marketing") is permission.USE_NOT_AGREED
    assert said(STANDING, TODAY, use=None) is permission.USE_NOT_AGREED


def test_no_grant_no_permission() -> None:
    assert said(ConsentState(), TODAY) is r.UNKNOWN
    assert said(fold(CONSENT, [c.REQUESTED]), TODAY) is r.NOT_GRANTED
    assert said(fold(CONSENT, [c.REQUESTED, ConsentDeclined(channel="app")]), TODAY) is r.NOT_GRANTED


def test_any_of_a_persons_consents_will_do() -> None:
    other = fold(
        CONSENT, [replace(c.REQUESTED, purpose=Purpose.BIOMETRICS), replace(c.GRANTED, purpose=Purpose.BIOMETRICS)]
    )
    ask = (INQUIRY, c.BUREAU, TODAY)
    assert permits_any([other, WITHDRAWN, STANDING], *ask, use=c.USE) is None
    assert permits_any([STANDING], *ask, use="marketing") == permission.USE_NOT_AGREED(use="marketing")
    assert permits_any([other, WITHDRAWN], *ask, use=c.USE) == permission.WITHDRAWN(withdrawn_on=TODAY, on=TODAY)
    assert permits_any([other, ConsentState()], *ask, use=c.USE) == permission.MISSING(
        purpose=INQUIRY, recipient=c.BUREAU
    )
    assert permits_any([], *ask) == permission.MISSING(purpose=INQUIRY, recipient=c.BUREAU)


days = st.integers(-40, 40).map(lambda n: TODAY + timedelta(days=n))


@forall(first=days, length=st.integers(0, 30), withdrawn=st.none() | days, on=days)
def test_permission_is_exactly_the_days_of_the_grant(
    first: date, length: int, withdrawn: date | None, on: date
) -> None:
    last = first + timedelta(days=length)
    events = [
        c.REQUESTED,
        ConsentGranted(
            purpose=INQUIRY,
            recipients=(c.BUREAU,),
            clause=c.CLAUSE,
            granted_on=first,
            expires_on=last,
            uses=(c.USE,),
            evidence=c.EVIDENCE,
        ),
        *([ConsentWithdrawn(withdrawn_on=withdrawn, channel="app")] if withdrawn is not None else []),
    ]
    stands = first <= on <= last and (withdrawn is None or on < withdrawn)
    assert (said(fold(CONSENT, events), on) is None) == stands
