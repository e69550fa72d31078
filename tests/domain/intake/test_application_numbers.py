"""Check digits: published vehicle numbers pass, one changed character does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.ids import looks_personal, vin_is_valid

PUBLISHED = ("1M8GDM9AXKP042788", "5GZCZ43D13S812715", "11111111111111111")
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


@pytest.mark.parametrize("vin", PUBLISHED)
def test_published_numbers_hold(vin: str) -> None:
    assert vin_is_valid(vin)


@pytest.mark.parametrize(
    "vin",
    ["", "1M8GDM9AXKP04278", "1M8GDM9AXKP0427888", "1m8gdm9axkp042788", "IM8GDM9AXKP042788", "1M8GDM9A1KP042788"],
)
def test_others_do_not(vin: str) -> None:
    assert not vin_is_valid(vin)


@given(st.sampled_from(PUBLISHED), st.integers(0, 9))
def test_only_one_check_digit_holds(vin: str, digit: int) -> None:
    changed = f"{vin[:8]}{digit}{vin[9:]}"
    assert vin_is_valid(changed) == (changed == vin)


@given(st.text(alphabet=LETTERS, min_size=17, max_size=17))
def test_exactly_one_of_eleven_check_digits_holds(vin: str) -> None:
    assert sum(vin_is_valid(f"{vin[:8]}{check}{vin[9:]}") for check in "0123456789X") == 1


@pytest.mark.parametrize(
    "text",
    [
        "13800138000",
        "tel19900000000",
        "11010519491231002X",
        "11010519491231002x",
        "a-440524188001010014 11010519491231002X",
    ],
)
def test_numbers_of_persons_are_recognised(text: str) -> None:
    assert looks_personal(text)


@pytest.mark.parametrize(
    "text",
    [
        "173688",
        "JJ-2026-000173",
        "12800138000",
        "138001380001",
        "110105194912310021",
        "110105194913310029",
        "202611210800001234",
    ],
)
def test_business_numbers_are_not(text: str) -> None:
    assert not looks_personal(text)
