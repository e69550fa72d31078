"""What a plan asks for: a consent that stands for each purpose, whoever is named in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from domain.kernel.refusal import Refusal
from domain.parties import consent as c
from domain.parties import permission as r
from domain.parties.permission import wrong_consents
from domain.parties.purposes import Period, Purpose
from tests.domain.parties.standing import consent
from tests.given import TODAY as DAY


def _kind(refusal: Refusal | None) -> object:
    return None if refusal is None else refusal.kind


def test_a_consent_for_each_purpose() -> None:
    needed = ("third_parties", "credit_inquiry")
    both = [consent(Purpose.THIRD_PARTIES, DAY), consent(Purpose.CREDIT_INQUIRY, DAY)]
    assert wrong_consents(needed, both, DAY) is None
    assert wrong_consents(needed, both[::-1], DAY) is None
    for one in both:
        assert _kind(wrong_consents(needed, [one], DAY)) is r.MISSING
    assert wrong_consents((), [], DAY) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"withdrawn_on": DAY}, r.WITHDRAWN),
        ({"withdrawn_on": DAY + timedelta(days=1)}, None),
        ({"periods": ()}, c.NOT_GRANTED),
        ({"periods": (Period(DAY - timedelta(days=9), DAY - timedelta(days=1)),)}, r.EXPIRED),
        ({"periods": (Period(DAY + timedelta(days=1), DAY + timedelta(days=9)),)}, r.NOT_YET_GRANTED),
        ({"purpose": Purpose.WHEREABOUTS}, r.MISSING),
    ],
)
def test_consents_that_do_not_stand(change: dict[str, Any], expected: object) -> None:
    one = replace(consent(Purpose.THIRD_PARTIES, DAY), **change)
    assert _kind(wrong_consents(["third_parties"], [one], DAY)) is expected
    assert wrong_consents(["third_parties"], [one, consent(Purpose.THIRD_PARTIES, DAY)], DAY) is None
