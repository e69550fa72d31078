"""Reading XES: every way to be wrong has a name, says where, and leaves the cases before it alone."""

from __future__ import annotations

import contextlib
import gzip
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.imports import errors, xes
from adapters.imports.errors import LogError
from adapters.imports.xes import Case, cases, log_name
from domain.kernel.times import utc_text
from tests.adapters.imports.logs import T0, attribute, describe, event, log, trace, write

GOOD = trace("good")
LAUGHS = (
    '<!DOCTYPE log [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    f"<log>{GOOD}<trace>{attribute('concept:name', '&c;')}</trace></log>"
)
OUTSIDE = f'<!DOCTYPE log [<!ENTITY a SYSTEM "file:///etc/hostname">]><log>{GOOD}&a;</log>'


# The error, what stands in the log behind a good case, and the message behind the name of the file.
WRONG = (
    ("CaseWithoutName", trace(None), "case number 2: expected a trace with concept:name, got none"),
    ("CaseWithoutName", trace(""), "case number 2: expected a trace with concept:name, got none"),
    ("CaseWithoutEvents", trace("b", " "), "case 'b' (number 2): expected at least one event, got none"),
    ("DuplicateCase", trace("good"), "case 'good' (number 2): expected concept:name once in a log, got it again"),
    ("EventWithoutCase", event(), "after case number 1: expected <event> directly in <trace>, got it elsewhere"),
    (
        "EventWithoutCase",
        trace("b", event(more=event())),
        "case 'b' (number 2), event 0: expected <event> directly in <trace>, got it elsewhere",
    ),
    (
        "MisplacedTrace",
        trace("b", trace("c")),
        "case 'b' (number 2): expected <trace> directly in <log>, got it 2 elements deep",
    ),
    (
        "EventWithoutActivity",
        trace("b", event(), event(None)),
        "case 'b' (number 2), event 1: expected an event with concept:name, got none",
    ),
    (
        "EventWithoutActivity",
        trace("b", event("")),
        "case 'b' (number 2), event 0: expected an event with concept:name, got none",
    ),
    (
        "EventWithoutTimestamp",
        trace("b", event(time=None)),
        "case 'b' (number 2), event 0: expected an event with time:timestamp, got none",
    ),
    (
        "BadTimestamp",
        trace("b", event(time="yesterday")),
        "case 'b' (number 2), event 0: expected an RFC 3339 date-time with an offset, got 'yesterday'",
    ),
    (
        "BadTimestamp",
        trace("b", event(time="2011-10-01T08:00:00")),
        "case 'b' (number 2), event 0: expected an RFC 3339 date-time with an offset, got '2011-10-01T08:00:00'",
    ),
    (
        "BadTimestamp",
        trace("b", event(time="0001-01-01T00:00:00+09:00")),
        "case 'b' (number 2), event 0: expected an RFC 3339 date-time with an offset, got '0001-01-01T00:00:00+09:00'",
    ),
    (
        "BadTimestamp",
        trace("b", event(time="1969-12-31T23:59:59Z")),
        "case 'b' (number 2), event 0: expected an instant from 1970 on, got '1969-12-31T23:59:59Z'",
    ),
    (
        "TimeGoesBack",
        trace("b", event(), event(time="2011-10-01T09:59:59+02:00")),
        f"case 'b' (number 2), event 1: expected {utc_text(T0)} or later, got 2011-10-01T07:59:59.000000Z",
    ),
    (
        "DuplicateAttribute",
        trace("b", event(more=attribute("concept:name", "other"))),
        "case 'b' (number 2), event 0: expected 'concept:name' once, got it again",
    ),
    (
        "DuplicateAttribute",
        trace("b", attribute("concept:name", "c")),
        "case 'b' (number 2): expected 'concept:name' once, got it again",
    ),
    (
        "AttributeTooLarge",
        trace("b", event(more=attribute("note", "x" * 65_537))),
        "case 'b' (number 2), event 0: expected 'note' of at most 65536 characters, got 65537",
    ),
    (
        "AttributeTooLarge",
        trace("b", attribute("note", "x" * 65_537)),
        "case 'b' (number 2): expected 'note' of at most 65536 characters, got 65537",
    ),
    (
        "AttributeTooLarge",
        attribute("note", "x" * 65_537),
        "after case number 1: expected 'note' of at most 65536 characters, got 65537",
    ),
    (
        "TooComplex",
        "<string key='k' value='v'>" * 64,
        "after case number 1: expected elements nested at most 64 deep, got 65",
    ),
)


def read(path: Path) -> tuple[list[Case], LogError]:
    """The cases before the error, and the error."""
    found: list[Case] = []
    with pytest.raises(LogError) as caught:
        found.extend(cases(path))
    # extend keeps what came before the generator raised.
    return found, caught.value


@pytest.mark.parametrize(("name", "second", "message"), WRONG)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, name: str, second: str, message: str) -> None:
    path = write(tmp_path, log(GOOD, second))
    found, error = read(path)
    assert (error.name, str(error)) == (name, f"{path}, {message}")
    assert [case.id for case in found] == ["good"]


@pytest.mark.parametrize(
    ("name", "text", "got"),
    [
        ("EmptyLog", log(), "expected at least one trace, got none"),
        ("NotALog", "<html><body/></html>", "expected <log>, got <'html'>"),
        ("NotALog", trace("1"), "expected <log>, got <'trace'>"),
        ("NotWellFormed", "", "expected well-formed XML, got no element found: line 1, column 0"),
        ("NotWellFormed", "case,activity\n1,A\n", "got syntax error: line 1, column 0"),
        ("NotWellFormed", '<?xml version="1.0" encoding="klingon"?><log/>', "expected "),
        ("NotWellFormed", b'<?xml version="1.0" encoding="UTF-8"?><log \xff="1"/>', "not well-formed"),
        ("ForbiddenDoctype", LAUGHS, "expected no document type, got <!DOCTYPE 'log'"),
        ("ForbiddenDoctype", OUTSIDE, "expected no document type, got <!DOCTYPE 'log'"),
    ],
)
def test_what_is_no_log_at_all_is_refused_before_any_case(
    tmp_path: Path, name: str, text: str | bytes, got: str
) -> None:
    found, error = read(write(tmp_path, text))
    assert (error.name, found) == (name, [])
    assert got in str(error)


@pytest.mark.parametrize("reader", [log_name, describe])
def test_the_readers_of_the_whole_log_name_the_same_errors(tmp_path: Path, reader: object) -> None:
    assert callable(reader)
    with pytest.raises(errors.EmptyLog):
        reader(write(tmp_path, log()))


@pytest.mark.parametrize(("data", "got"), [(b"PK\x03\x04 a zip", "got 50 4b"), (b"", "got an empty file")])
def test_a_name_that_says_gzip_must_be_right(tmp_path: Path, data: bytes, got: str) -> None:
    found, error = read(write(tmp_path, data, "log.xes.gz"))
    assert isinstance(error, errors.NotGzip)
    assert got in str(error)
    assert found == []


def many() -> bytes:
    """A log of 3,000 cases that gzip cannot make tiny."""
    chance = random.Random(2012)
    return log(
        *(trace(f"c{number}", attribute("note", f"{chance.getrandbits(400):x}"), event()) for number in range(3_000))
    ).encode()


def test_a_truncated_gzip_gives_the_cases_before_the_cut_and_says_where_it_stopped(tmp_path: Path) -> None:
    whole = gzip.compress(many())
    found, error = read(write(tmp_path, whole[: len(whole) // 2], "log.xes.gz"))
    assert isinstance(error, errors.TruncatedGzip)
    assert [case.id for case in found] == [f"c{number}" for number in range(len(found))]
    assert 1_300 < len(found) < 1_700
    assert f"number {len(found)}" in str(error) or f"number {len(found) + 1}" in str(error)


def test_only_the_last_bytes_of_a_gzip_missing_is_still_an_error(tmp_path: Path) -> None:
    found, error = read(write(tmp_path, gzip.compress(many())[:-1], "log.xes.gz"))
    assert isinstance(error, errors.TruncatedGzip)
    assert len(found) == 3_000


@pytest.mark.parametrize("place", ["checksum", "middle", "after"])
def test_a_damaged_gzip_is_named(tmp_path: Path, place: str) -> None:
    data = bytearray(gzip.compress(many()))
    if place == "checksum":
        data[-6] ^= 1
    elif place == "middle":
        data[len(data) // 2 : len(data) // 2 + 64] = b"\xff" * 64
    else:
        data += b"something else"
    found, error = read(write(tmp_path, bytes(data), "log.xes.gz"))
    # Damaged data may still decompress to something, which is then no XML.
    assert isinstance(error, errors.BrokenGzip | errors.NotWellFormed)
    assert place == "middle" or isinstance(error, errors.BrokenGzip)
    assert [case.id for case in found] == [f"c{number}" for number in range(len(found))]


@pytest.mark.parametrize("inside", [trace("b", event(more=attribute("note", "x" * 10_000_000))), " " * 10])
def test_ten_megabytes_in_one_attribute_are_refused_while_they_arrive(tmp_path: Path, inside: str) -> None:
    path = write(tmp_path, log(GOOD, inside, "<!--" + "y" * 10_000_000 + "-->"))
    found, error = read(path)
    assert isinstance(error, errors.AttributeTooLarge)
    assert int(error.got.split()[0]) < xes.TOKEN_MAX_BYTES + 3 * xes._CHUNK_BYTES
    assert [case.id for case in found] == ["good"]
    if "note" in inside:
        assert "case 'b' (number 2), event 0" in str(error)


def test_a_case_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xes, "CASE_MAX_BYTES", 100_000)
    monkeypatch.setattr(xes, "_CHUNK_BYTES", 1_000)
    endless = trace("b", *(event() for _ in range(2_000)))
    found, error = read(write(tmp_path, log(GOOD, endless)))
    assert isinstance(error, errors.CaseTooLarge)
    assert (error.place.case, error.place.case_number) == ("b", 2)
    assert [case.id for case in found] == ["good"]


def test_a_case_just_within_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = trace("b", *(event() for _ in range(2_000)))
    monkeypatch.setattr(xes, "CASE_MAX_BYTES", len(large))
    monkeypatch.setattr(xes, "_CHUNK_BYTES", 1_000)
    assert [case.id for case in cases(write(tmp_path, log(GOOD, large, trace("c"))))] == ["good", "b", "c"]


def test_names_without_end_are_refused(tmp_path: Path) -> None:
    found, error = read(write(tmp_path, log(GOOD, *(f"<n{number}/>" for number in range(2_000)))))
    assert isinstance(error, errors.TooComplex)
    assert "different names" in str(error)
    assert [case.id for case in found] == ["good"]


def test_a_long_foreign_text_is_cut_in_the_message(tmp_path: Path) -> None:
    _, error = read(write(tmp_path, log(trace("n" * 5_000, event(time="z" * 5_000)))))
    assert isinstance(error, errors.BadTimestamp)
    assert len(str(error)) < 500
    assert "(5000 characters)" in str(error)


def test_control_characters_of_a_file_never_reach_a_terminal(tmp_path: Path) -> None:
    _, error = read(write(tmp_path, log(trace("\u009b31m", event(time="\u009b31m")))))
    assert str(error).isprintable()


WELL = log(*(trace(f"c{number}", event(), event("W_X")) for number in range(20))).encode()


@given(st.data())
def test_a_damaged_file_gives_right_cases_or_a_named_error_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    damaged = bytearray(WELL)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(damaged) - 1))
        damaged[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=8))
    path = write(tmp_path_factory.mktemp("damaged"), bytes(damaged))
    found: list[Case] = []
    with contextlib.suppress(LogError):
        found.extend(cases(path))
    for case in found:
        assert case.id
        assert case.events
        assert [row.index for row in case.events] == list(range(len(case.events)))


@given(st.integers(0, len(WELL) - 1))
def test_a_file_cut_anywhere_gives_every_whole_case_before_the_cut(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = write(tmp_path_factory.mktemp("cut"), WELL[:cut])
    found, error = read(path)
    assert isinstance(error, errors.NotWellFormed)
    assert len(found) == WELL[:cut].count(b"</trace>")
