"""Identifiers, instants, days and money: what goes through and what does not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.ids import RANDOM_BITS, IdError, format_id, parse_id, uuid7
from domain.kernel.money import MAX_SAFE_INTEGER, Currency, Fen
from domain.kernel.times import BEIJING, TimeError, business_date, parse_utc, utc_text

instants = st.datetimes(
    min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - Hypothesis wants naive bounds
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, BEIJING, timezone(timedelta(hours=-11, minutes=-30))]),
)


def test_uuid7_is_the_published_example() -> None:
    """RFC 9562 appendix A.6."""
    made = uuid7(0x017F22E279B0, 0xCC3 << 62 | 0x18C4DC0C0C07398F)
    assert made == UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**RANDOM_BITS - 1))
def test_uuid7_keeps_time_and_randomness(unix_ms: int, random: int) -> None:
    made = uuid7(unix_ms, random)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == unix_ms
    assert (made.int >> 64 & 0xFFF) << 62 | made.int & (1 << 62) - 1 == random


@given(st.integers(0, 2**48 - 2), st.integers(0, 2**RANDOM_BITS - 1), st.integers(0, 2**RANDOM_BITS - 1))
def test_uuid7_sorts_by_time(unix_ms: int, one: int, other: int) -> None:
    assert uuid7(unix_ms, one) < uuid7(unix_ms + 1, other)


@pytest.mark.parametrize(("unix_ms", "random"), [(-1, 0), (2**48, 0), (0, -1), (0, 2**RANDOM_BITS)])
def test_uuid7_refuses_what_does_not_fit(unix_ms: int, random: int) -> None:
    with pytest.raises(IdError, match="expected"):
        uuid7(unix_ms, random)


@given(st.uuids(), st.from_regex("[a-z][a-z_]*", fullmatch=True))
def test_ids_come_back(value: UUID, noun: str) -> None:
    assert parse_id(noun, format_id(noun, value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lease_",
        "application_" + "0" * 32,
        "lease_" + "0" * 31,
        "lease_" + "0" * 33,
        "lease_" + "A" * 32,
        "lease_" + "0" * 32 + "\n",
        "lease_00000000-0000-0000-0000-000000000000",
    ],
)
def test_other_ids_are_refused(text: str) -> None:
    with pytest.raises(IdError, match="expected lease_"):
        parse_id("lease", text)


def test_instants_are_written_with_six_digits_in_utc() -> None:
    assert utc_text(datetime(2026, 3, 2, 8, 0, tzinfo=BEIJING)) == "2026-03-02T00:00:00.000000Z"
    assert utc_text(datetime(2026, 3, 2, 0, 0, 0, 7, tzinfo=UTC)) == "2026-03-02T00:00:00.000007Z"


@given(instants)
def test_instants_come_back(instant: datetime) -> None:
    assert parse_utc(utc_text(instant)) == instant
    assert parse_utc(instant.isoformat()) == instant
    assert parse_utc(instant.isoformat()).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-03-02",
        "2026-03-02T08:00:00",
        "20260302T080000Z",
        "2026-W10-1T08:00:00Z",
        "2026-03-02 08:00:00Z",
        "2026-03-02T08:00:00.Z",
        "2026-03-02T08:00:00+08",
        "2026-13-02T08:00:00Z",
        "0001-01-01T00:00:00+08:00",
        "２０２６-03-02T08:00:00Z",
        "2026-03-02T08:00:00Z\n",
    ],
)
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(TimeError, match="expected an RFC 3339 date-time"):
        parse_utc(text)


@pytest.mark.parametrize("text", ["2026-03-02t23:59:59.9999999z", "2026-03-02T23:59:59.999999999999+00:00"])
def test_what_is_finer_than_microseconds_is_cut_and_small_letters_are_read(text: str) -> None:
    """RFC 3339 §5.6. Rounded up, an instant of today would be one of tomorrow."""
    assert utc_text(parse_utc(text)) == "2026-03-02T23:59:59.999999Z"


def test_naive_instants_are_refused() -> None:
    """They would be read in the zone of whatever machine runs this."""
    naive = datetime(2026, 3, 2, 8, 0)  # noqa: DTZ001 - the mistake under test
    with pytest.raises(TimeError, match="aware"):
        utc_text(naive)
    with pytest.raises(TimeError, match="aware"):
        business_date(naive)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(2026, 3, 2, 15, 59, 59, 999_999, tzinfo=UTC), date(2026, 3, 2)),
        (datetime(2026, 3, 2, 16, 0, tzinfo=UTC), date(2026, 3, 3)),
        (datetime(2026, 3, 2, 0, 0, tzinfo=BEIJING), date(2026, 3, 2)),
    ],
)
def test_business_date_is_the_day_in_shanghai(instant: datetime, day: date) -> None:
    assert business_date(instant) == day


@pytest.mark.parametrize("code", ["", "cny", "CN", "CNYX", "CNY\n", "C1Y"])
def test_other_currencies_are_refused(code: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(code, Currency)


@pytest.mark.parametrize("amount", [-1, MAX_SAFE_INTEGER + 1, 1.5, "1", None])
def test_other_amounts_are_refused(amount: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(amount, Fen)


def test_amounts_and_currencies_go_through() -> None:
    assert msgspec.convert(0, Fen) == 0
    assert msgspec.convert(MAX_SAFE_INTEGER, Fen) == MAX_SAFE_INTEGER
    assert msgspec.convert("CNY", Currency) == "CNY"
