"""Numbers, durations and tables as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.wording.words import count, duration, number, refusal_rows, seconds, share, size, table, width, wrapped
from api.language import Language, speaking

MS = 1
S = 1_000 * MS
MIN = 60 * S
H = 60 * MIN
D = 24 * H


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (999, "999"), (13_087, "13,087"), (1_000_000, "1,000,000")])
def test_number(value: int, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0 events"), (1, "1 event"), (2_000, "2,000 events")])
def test_count(value: int, text: str) -> None:
    assert count(value, "event") == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.00 s"), (9.994, "9.99 s"), (10.0, "10.0 s"), (59.4, "59.4 s"), (185.0, "3 min 05 s")]
)
def test_seconds(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0 ms"),
        (999, "999 ms"),
        (38 * S, "38 s"),
        (MIN, "1 min"),
        (H + 5 * S, "1 h"),
        (17 * H + 12 * MIN + 3 * S, "17 h 12 min"),
        (16 * D + 4 * H, "16 d 4 h"),
        (16 * D + 4 * MIN, "16 d"),
    ],
)
def test_duration(value: int | None, text: str) -> None:
    assert duration(value) == text


@given(st.integers(0, 10**13))
def test_a_duration_never_has_more_than_two_units(value: int) -> None:
    parts = duration(value).split()
    assert len(parts) in (2, 4)
    assert all(part.isdigit() for part in parts[::2])


@pytest.mark.parametrize(("part", "whole", "text"), [(1, 3, "33.3 %"), (3, 3, "100.0 %"), (0, 0, "–"), (0, 5, "0.0 %")])
def test_share(part: int, whole: int, text: str) -> None:
    assert share(part, whole) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (3 << 29, "1.5 GiB"), (1 << 44, "16.0 TiB")],
)
def test_size(value: int, text: str) -> None:
    assert size(value) == text


def test_a_table_is_aligned_and_has_no_blanks_at_the_end() -> None:
    made = table("lr", [("a", "1,000"), ("long name", "7")], head=("name", "count"), indent=2)
    assert made.splitlines() == ["  name        count", "  a           1,000", "  long name       7"]


def test_a_chinese_character_takes_two_columns() -> None:
    made = table("lr", [("租赁", "1,000"), ("lease", "7")], head=("名称", "数量"))
    assert made.splitlines() == ["名称     数量", "租赁    1,000", "lease       7"]
    assert {width(line) for line in made.splitlines()} == {13}


def test_chinese_is_broken_anywhere_but_before_its_punctuation() -> None:
    assert wrapped("租赁，合同 paid 账单。", 6) == ["租赁，", "合同", "paid", "账单。"]
    assert wrapped("paid bills are closed", 10) == ["paid bills", "are closed"]


@given(st.text("租赁合同，。ab （", max_size=60), st.integers(8, 30))
def test_nothing_of_a_paragraph_is_lost(words: str, columns: int) -> None:
    assert "".join("".join(wrapped(words, columns)).split()) == "".join(words.split())


def test_counts_have_their_measure_words_in_chinese() -> None:
    with speaking(Language.ZH):
        assert [count(1, "event"), count(2_000, "lease")] == ["1 条事件", "2,000 笔租赁"]
        assert refusal_rows({"application.closed": 2})[0][2] == "租赁申请已结束"


def test_a_table_without_rows_is_empty() -> None:
    assert table("lr", []) == ""


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(AssertionError, match="one cell for each column"):
        table("lr", [("a",)])


@given(st.lists(st.tuples(st.text("ab ", max_size=9), st.text("xy", max_size=9)), min_size=1))
def test_every_line_of_a_table_is_clean(rows: list[tuple[str, str]]) -> None:
    assert all(line == line.rstrip() for line in table("ll", rows).split("\n"))


def test_refusals_come_most_frequent_first_with_their_sentences() -> None:
    rows = refusal_rows({"application.closed": 2, "application.unknown": 30, "application.exists": 2})
    assert rows == [
        ("30", "application.unknown", "There is no such application"),
        ("2", "application.closed", "The application is closed"),
        ("2", "application.exists", "The application exists already"),
    ]


def test_a_refusal_that_nobody_declares_any_more_keeps_its_code() -> None:
    assert refusal_rows({"application.of_old": 1}) == [("1", "application.of_old", "")]
