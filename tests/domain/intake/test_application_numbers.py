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
        "8613800138000",
        "+86 138-0013-8000",
        "(0086)13800138000",
        "013800138000",
        "138 0013 8000",
        "1380.013.8000",
        "1-3-8-0-0-1-3-8-0-0-0",
        "１３８００１３８０００",
        "١٣٨٠٠١٣٨٠٠٠",
        "一三八零零一三八〇〇〇",
        "①③⑧⓪⓪①③⑧⓪⓪⓪",
        "138\u200b0013\u200b8000",
        "电话：13800138000。",
        "110105-19491231-002X",
        "110105 1949 1231 002x",
        "１１０１０５１９４９１２３１００２Ｘ",
        "110105491231002",
        "110105 491231 002",
        "6222 0260 0013 1450 003",
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
        "353879234252633",  # an IMEI
        "861234567890128",
        "110105491331002",  # no such month
        "990105491231002",  # no such province
        "6222 0260 0013 1450 004",  # not its check digit
        "1, 3, 5, 7, 9, 11, 13, 15",
        "1,380,013,800.00",
        "SHOP/2026-11-28/0017",
        "2026-11-28 13:45:00",
        "第十二条 一、二、三",
        "01a1e215-6f4f-796c-9b79-d41c88790407",
    ],
)
def test_business_numbers_are_not(text: str) -> None:
    assert not looks_personal(text)


@pytest.mark.parametrize(
    "key", ["a13800138000b", "01a1e215691380013800012345", "k8613800138000", "x11010519491231002X"]
)
def test_digits_between_letters_of_an_identifier_are_random(key: str) -> None:
    assert not looks_personal(key, alone=True)
    assert looks_personal(f"{key[:1]}-13800138000", alone=True)


@given(
    st.integers(10**10, 10**11 - 1), st.sampled_from(["", "-", " ", "."]), st.sampled_from(["", "86", "+86 ", "0086-"])
)
def test_a_mobile_number_is_seen_in_every_form_or_none(number: int, gap: str, country: str) -> None:
    text = str(number)
    written = country + gap.join((text[:3], text[3:7], text[7:]))
    assert looks_personal(written) == (text[0] == "1" and text[1] >= "3")
