"""Statements: what is written is read back, and every way of being wrong has its line, expected and got."""

from __future__ import annotations

from datetime import date
from hashlib import sha256

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from adapters.connectors.payments.statement import HEADER, StatementError, StatementRow, read_statement, write_statement
from domain.payments.matching import Movement

DAY = date(2005, 5, 4)
ONE = StatementRow(Movement.COLLECTION, "0f" * 16 + "-1", "a" * 64, 108_315)
TWO = StatementRow(Movement.REFUND, "0e" * 16 + "-12", "b" * 64, 7)
GOOD = write_statement(DAY, [ONE, TWO])


def test_the_format_is_what_is_documented() -> None:
    assert GOOD.decode().splitlines() == [
        "row,kind,request,ref,amount_fen,value_date",
        f"1,collection,{ONE.request},{ONE.ref},108315,2005-05-04",
        f"2,refund,{TWO.request},{TWO.ref},7,2005-05-04",
        "total,2,,,108322,2005-05-04",
    ]


def test_it_is_read_back_and_named_by_its_digest() -> None:
    read = read_statement("bank_a.csv", GOOD, DAY)
    assert read.rows == (ONE, TWO)
    assert (read.total_fen, read.day, read.digest) == (108_322, DAY, sha256(GOOD).hexdigest())


def test_a_day_without_payments_is_a_statement_too() -> None:
    read = read_statement("bank_a.csv", write_statement(DAY, []), DAY)
    assert (read.rows, read.total_fen) == ((), 0)


@pytest.mark.parametrize(
    ("old", "new", "line", "expected", "got"),
    [
        (HEADER, HEADER.upper(), 1, HEADER, HEADER.upper()),
        ("row,", "\ufeffrow,", 1, HEADER, "\ufeff" + HEADER),
        ("\n1,", "\n2,", 2, "row 1", "2"),
        ("\n2,", "\n3,", 3, "row 2", "3"),
        ("\n1,collection", "\n1,gift", 2, "one of collection, refund, chargeback", "gift"),
        ("-1,", ",", 2, "a request <32 hex digits>-<attempt>", "0f" * 16),
        ("a" * 64, "A" * 64, 2, "a reference of 64 hex digits", "A" * 64),
        ("108315", "1083.15", 2, "a positive integer of fen", "1083.15"),
        ("108315", "0", 2, "a positive integer of fen", "0"),
        ("108315", "-5", 2, "a positive integer of fen", "-5"),
        ("108315", "0108315", 2, "a positive integer of fen", "0108315"),
        ("108315,2005-05-04", "108315,2005-05-05", 2, "the value date 2005-05-04", "2005-05-05"),
        ("108315,2005-05-04", "108315,2005-05-04,x", 2, "6 fields", None),
        ("total,2,,,108322", "total,2,,,108321", 4, "total,2,,,108322,2005-05-04", "total,2,,,108321,2005-05-04"),
        ("total,2,", "total,3,", 4, "total,2,,,108322,2005-05-04", None),
        ("2005-05-04\ntotal", "2005-05-04\r\ntotal", 3, "the value date 2005-05-04", "2005-05-04\r"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, line: int, expected: str, got: str | None) -> None:
    broken = GOOD.decode().replace(old, new, 1).encode()
    with pytest.raises(StatementError) as caught:
        read_statement("bank_a.csv", broken, DAY)
    assert (caught.value.file, caught.value.line, caught.value.expected) == ("bank_a.csv", line, expected)
    assert got is None or caught.value.got == got
    assert str(caught.value).startswith(f"bank_a.csv, line {line}: expected ")


@pytest.mark.parametrize("cut", [1, 20, 27, len(GOOD) - len(HEADER) - 1, len(GOOD) - 1])
def test_a_truncated_file_is_refused(cut: int) -> None:
    with pytest.raises(StatementError):
        read_statement("bank_a.csv", GOOD[:-cut], DAY)


def test_a_missing_row_is_noticed() -> None:
    lines = GOOD.decode().split("\n")
    with pytest.raises(StatementError, match=r"line 3: expected total,1,,,108315"):
        read_statement("bank_a.csv", "\n".join([*lines[:2], *lines[3:]]).encode(), DAY)


def test_bytes_that_are_not_text() -> None:
    with pytest.raises(StatementError, match=r"bank_a\.csv, line 2: expected UTF-8"):
        read_statement("bank_a.csv", GOOD.replace(b"108315", b"\xff\xfe"), DAY)


rows = st.builds(
    StatementRow,
    st.sampled_from(Movement),
    st.builds(lambda n, a: f"{n:032x}-{a}", st.integers(0, 2**128 - 1), st.integers(1, 999)),
    st.builds(lambda n: f"{n:064x}", st.integers(0, 2**256 - 1)),
    st.integers(1, 10**15),
)


@for_all(st.lists(rows, max_size=30), st.dates())
def test_any_statement_comes_back(told: list[StatementRow], day: date) -> None:
    read = read_statement("x.csv", write_statement(day, told), day)
    assert read.rows == tuple(told)


@for_all(st.data())
def test_any_changed_byte_is_noticed_or_is_another_file(data: st.DataObject) -> None:
    """No single byte turns one valid statement into another with other amounts: the total would have to change too."""
    at = data.draw(st.integers(0, len(GOOD) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != GOOD[at]))
    changed = GOOD[:at] + bytes([other]) + GOOD[at + 1 :]
    try:
        read = read_statement("x.csv", changed, DAY)
    except StatementError:
        return
    assert read.total_fen == 108_322
    assert read.rows != (ONE, TWO), "only a name may differ unnoticed; the digest tells"
    assert read.digest != sha256(GOOD).hexdigest()
