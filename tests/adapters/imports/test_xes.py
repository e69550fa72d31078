"""Reading XES: what comes out of a right file, plain or gzip, and in bounded memory."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.imports import xes
from adapters.imports.xes import Case, XesEvent, cases, log_name
from tests.adapters.imports.logs import T0, Summary, attribute, describe, event, log, trace, write
from tests.adapters.imports.xes_writer import write_xes

TWO_CASES = log(
    attribute("concept:name", "Loans"),
    trace(
        "1",
        attribute("AMOUNT_REQ", "500"),
        event("A_SUBMITTED", "2011-10-01T10:00:00.250+02:00", attribute("org:resource", "112")),
        event("W_Afhandelen leads", "2011-10-01T08:00:01Z", attribute("lifecycle:transition", "start")),
    ),
    trace("2", event("A_SUBMITTED", "2011-10-03T00:00:00+02:00")),
)

EXPECTED = [
    Case(
        "1",
        {"AMOUNT_REQ": "500"},
        (
            XesEvent("A_SUBMITTED", "COMPLETE", T0 + timedelta(milliseconds=250), "112", 0),
            XesEvent("W_Afhandelen leads", "START", T0 + timedelta(seconds=1), None, 1),
        ),
    ),
    Case("2", {}, (XesEvent("A_SUBMITTED", "COMPLETE", datetime(2011, 10, 2, 22, tzinfo=UTC), None, 0),)),
]


def test_reads_cases_events_and_attributes_with_times_in_utc(tmp_path: Path) -> None:
    assert list(cases(write(tmp_path, TWO_CASES))) == EXPECTED


@pytest.mark.parametrize("name", ["log.xes.gz", "log.xes"])
def test_gzip_is_recognised_by_its_content(tmp_path: Path, name: str) -> None:
    assert list(cases(write(tmp_path, gzip.compress(TWO_CASES.encode()), name))) == EXPECTED


def test_gzip_of_several_members_is_one_file(tmp_path: Path) -> None:
    data = TWO_CASES.encode()
    members = gzip.compress(data[:200]) + gzip.compress(data[200:])
    assert list(cases(write(tmp_path, members, "log.xes.gz"))) == EXPECTED


def test_a_utf_16_file_is_read(tmp_path: Path) -> None:
    text = TWO_CASES.replace("UTF-8", "UTF-16").replace("Loans", "贷款")
    path = write(tmp_path, text.encode("utf-16"))
    assert list(cases(path)) == EXPECTED
    assert log_name(path) == "贷款"


def test_a_namespace_prefix_changes_nothing(tmp_path: Path) -> None:
    text = TWO_CASES.replace('xmlns="', 'xmlns:x="')
    for name in ("log", "trace", "event", "string", "date"):
        text = text.replace(f"<{name} ", f"<x:{name} ").replace(f"<{name}>", f"<x:{name}>")
        text = text.replace(f"</{name}>", f"</x:{name}>")
    assert "<x:trace>" in text
    assert list(cases(write(tmp_path, text))) == EXPECTED


def test_attributes_of_attributes_globals_and_lists_are_passed_over(tmp_path: Path) -> None:
    inner = '<string key="concept:name" value="inner"/>'
    text = log(
        f'<global scope="trace">{inner}</global>',
        f'<int key="total" value="3">{inner}</int>',
        trace(
            "1",
            f'<string key="note" value="outer">{inner}</string>',
            f'<list key="papers"><values>{inner}</values></list>',
            event("A", "2011-10-01T08:00:00Z", f'<string key="note" value="outer">{inner}</string>'),
        ),
    )
    path = write(tmp_path, text)
    (only,) = cases(path)
    assert only == Case("1", {"note": "outer"}, (XesEvent("A", "COMPLETE", T0, None, 0),))
    assert log_name(path) is None


def test_the_case_name_may_follow_its_events(tmp_path: Path) -> None:
    (only,) = cases(write(tmp_path, log(trace(None, event(), attribute("concept:name", "late")))))
    assert only.id == "late"


def test_events_at_the_same_instant_keep_the_order_of_the_file(tmp_path: Path) -> None:
    rows = [event(name, "2011-10-01T08:00:00Z") for name in "CAB"]
    (only,) = cases(write(tmp_path, log(trace("1", *rows))))
    assert [(row.activity, row.index) for row in only.events] == [("C", 0), ("A", 1), ("B", 2)]


def test_the_longest_allowed_value_is_read(tmp_path: Path) -> None:
    value = "x" * xes.ATTRIBUTE_MAX_CHARS
    (only,) = cases(write(tmp_path, log(trace("1", attribute("note", value), event()))))
    assert only.attributes["note"] == value


def test_describe_counts_without_importing(tmp_path: Path) -> None:
    assert describe(write(tmp_path, TWO_CASES)) == Summary(
        name="Loans",
        cases=2,
        events=3,
        first=T0 + timedelta(milliseconds=250),
        last=datetime(2011, 10, 2, 22, tzinfo=UTC),
    )


def test_log_name_does_not_read_past_the_first_chunk_with_a_case(tmp_path: Path) -> None:
    filler = (trace(str(number)) for number in range(10_000))
    path = write(tmp_path, log(attribute("concept:name", "Loans"), *filler).removesuffix("</log>"))
    assert log_name(path) == "Loans"


def test_nothing_is_opened_before_the_first_case_is_asked_for(tmp_path: Path) -> None:
    waiting = cases(tmp_path / "absent.xes")
    with pytest.raises(FileNotFoundError):
        next(waiting)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    many = (Case(str(number), {}, EXPECTED[0].events * 20) for number in range(2_000))
    path = tmp_path / "many.xes"
    write_xes((_sorted(case) for case in many), path)
    reader = cases(path)
    peaks = [_peak(islice(reader, 200)), _peak(reader)]
    assert path.stat().st_size > 15_000_000
    assert peaks[1] < peaks[0] + 1_000_000


def _sorted(case: Case) -> Case:
    rows = sorted(case.events, key=lambda row: row.at)
    events = tuple(XesEvent(row.activity, row.transition, row.at, row.resource, nth) for nth, row in enumerate(rows))
    return Case(case.id, case.attributes, events)


def _peak(some: Iterator[Case]) -> int:
    tracemalloc.start()
    try:
        for _ in some:
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# XML 1.0 §2.2 leaves out control characters and surrogates; everything else must survive, quotes and newlines too.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="￾￿"), min_size=1) | st.sampled_from(
    ["<&>", '"', "'", "\"'", "a\nb", "\t", "&amp;", "]]>", "中文"]
)
TIMES = st.integers(0, 2**47).map(lambda us: xes.EARLIEST + timedelta(microseconds=us * 1_000 + us % 1_000))
ROWS = st.tuples(TEXT, st.sampled_from(["SCHEDULE", "START", "COMPLETE"]), TIMES, st.none() | TEXT)


@st.composite
def any_cases(draw: st.DrawFn) -> list[Case]:
    found = []
    for name in draw(st.lists(TEXT, min_size=1, max_size=4, unique=True)):
        rows = sorted(draw(st.lists(ROWS, min_size=1, max_size=6)), key=lambda row: row[2])
        attributes = draw(st.dictionaries(TEXT.filter(lambda key: key != "concept:name"), TEXT, max_size=3))
        found.append(Case(name, attributes, tuple(XesEvent(*row, nth) for nth, row in enumerate(rows))))
    return found


@given(any_cases(), st.booleans(), st.integers(1, 400))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, written: list[Case], zipped: bool, chunk: int
) -> None:
    path = tmp_path_factory.mktemp("xes") / ("log.xes.gz" if zipped else "log.xes")
    write_xes(written, path, name="any")
    with pytest.MonkeyPatch.context() as patch:
        # The place where the file is cut into chunks must not matter.
        patch.setattr(xes, "_CHUNK_BYTES", chunk)
        assert list(cases(path)) == written
    assert log_name(path) == "any"
