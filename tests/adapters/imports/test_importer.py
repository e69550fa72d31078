"""Importing on a real server: with a second process and without, again, grown, diverged, and hurt in the middle."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest

from adapters.imports import importer
from adapters.imports.drafting import DraftedCase
from adapters.imports.errors import UnknownActivity
from adapters.imports.importer import ImportReport, import_cases
from adapters.imports.second import SecondProcess, SecondProcessGone
from adapters.imports.xes import Case
from api.compose import Running
from tests.adapters.imports.generated import generate
from tests.adapters.imports.test_drafting import unusable

SOURCE = "test"
CASES = 35
CHUNK = 10

both_ways = pytest.mark.parametrize("two_processes", [False, True], ids=["one process", "two processes"])


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some chunks, and a last one that is not full."""
    monkeypatch.setattr(importer, "CASES_AT_ONCE", CHUNK)
    monkeypatch.setattr(importer, "SECOND_FROM_CASES", 0)


@pytest.fixture
def history() -> list[Case]:
    return list(generate(CASES, 3))


async def imported(program: Running, cases: Iterable[Case], *, two_processes: bool) -> ImportReport:
    return await import_cases(
        program.ledger,
        program.reader,
        cases,
        source=SOURCE,
        tenant=program.settings.tenant,
        two_processes=two_processes,
    )


async def stored(program: Running) -> list[tuple[str, str, str, bytes]]:
    """Every event without its place in the ledger and its time of recording."""
    entries = [row.parsed() for row in await program.reader.after(0, 100_000)]
    return sorted((str(e.stream), f"{e.seq:04d}", f"{e.eid} {e.cause} {e.type}", bytes(e.body)) for e in entries)


async def streams(program: Running) -> set[UUID]:
    return {row.parsed().stream for row in await program.reader.after(0, 100_000)}


async def test_two_processes_write_what_one_writes(program: Running, history: list[Case]) -> None:
    two = await imported(program, history, two_processes=True)
    written = await stored(program)
    again = await imported(program, history, two_processes=False)
    assert (again.cases_skipped, again.events) == (CASES, 0)
    assert await stored(program) == written
    assert (two.cases, two.events) == (CASES, len(written))


@both_ways
async def test_the_report_counts_everything(program: Running, history: list[Case], two_processes: bool) -> None:
    report = await imported(program, history, two_processes=two_processes)
    assert (report.cases, report.cases_skipped, report.diverged) == (CASES, 0, ())
    assert report.events == await program.reader.size()
    assert report.commands >= report.events + sum(report.refusals.values()) - CASES


async def test_a_second_process_is_used_for_full_chunks(
    program: Running, history: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered: list[int] = []
    receive = SecondProcess.receive

    async def counted(self: SecondProcess) -> list[DraftedCase | None]:
        done = await receive(self)
        answered.append(len([case for case in done if case is not None]))
        return done

    monkeypatch.setattr(SecondProcess, "receive", counted)
    await imported(program, history, two_processes=True)
    assert answered == [CHUNK] * (CASES // CHUNK)


async def test_a_small_import_needs_no_second_process(
    program: Running, history: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "SECOND_FROM_CASES", CASES)
    monkeypatch.delattr(SecondProcess, "start")
    report = await imported(program, history, two_processes=True)
    assert report.events == await program.reader.size() > 0


async def test_a_second_process_that_dies_leaves_its_work_to_the_first(
    program: Running, history: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    send = SecondProcess.send

    def dying(self: SecondProcess, job: Any) -> None:
        send(self, job)
        if self.waiting > 1:
            self._process.kill()

    monkeypatch.setattr(SecondProcess, "send", dying)
    report = await imported(program, history, two_processes=True)
    assert (report.cases, report.events) == (CASES, await program.reader.size())
    assert (
        len(await program.reader.versions([row.parsed().stream for row in await program.reader.after(0, 9_999)]))
        == CASES
    )


async def test_an_import_goes_on_where_no_second_process_can_start(
    program: Running, history: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(SecondProcessGone, match="starting /nowhere/python"):
        await SecondProcess.start()
    report = await imported(program, history, two_processes=True)
    assert report.events == await program.reader.size() > 0


@both_ways
async def test_what_was_read_before_a_bad_case_is_imported(program: Running, two_processes: bool) -> None:
    """And nothing that came after it, although the second process was ahead."""
    history, bad = list(generate(2 * CASES, 3)), 23
    history[bad] = unusable(history[bad])
    with pytest.raises(UnknownActivity):
        await imported(program, history, two_processes=two_processes)
    assert len(await streams(program)) == bad


@both_ways
async def test_what_was_read_before_the_file_ended_badly_is_imported(
    program: Running, history: list[Case], two_processes: bool
) -> None:
    def broken() -> Iterator[Case]:
        yield from history[:30]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        await imported(program, broken(), two_processes=two_processes)
    assert len(await streams(program)) == 30


@both_ways
async def test_a_case_that_grew_is_continued(program: Running, history: list[Case], two_processes: bool) -> None:
    younger = [msgspec.structs.replace(case, events=case.events[:-1]) for case in history]
    await imported(program, younger, two_processes=two_processes)
    before = await program.reader.size()
    report = await imported(program, history, two_processes=two_processes)
    assert report.diverged == ()
    assert report.events == await program.reader.size() - before > 0
    again = await imported(program, history, two_processes=two_processes)
    assert (again.cases_skipped, again.events) == (CASES, 0)


@both_ways
async def test_a_case_that_tells_another_story_is_left_alone(
    program: Running, history: list[Case], two_processes: bool
) -> None:
    await imported(program, history, two_processes=two_processes)
    before = await stored(program)
    other = msgspec.structs.replace(history[4], attributes={**history[4].attributes, "AMOUNT_REQ": "77"})
    report = await imported(program, [*history[:4], other, *history[5:]], two_processes=two_processes)
    assert len(report.diverged) == 1
    assert f"case {other.id}, event 1" in report.diverged[0]
    assert await stored(program) == before
