"""`leaseledger end-of-day` and dates that do not fit: what is closed is told, what is a slip changes nothing."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest

from adapters import system
from adapters.processes.end_of_day import EndOfDay
from adapters.processes.firing import EndOfDayError
from domain.kernel.times import business_date
from tests.api.cli.program import Program

TODAY = business_date(system.now())
BEFORE, LATER = TODAY - timedelta(days=2), TODAY + timedelta(days=8)


OPENING = 1
"""The event that every ledger begins with."""


def events(program: Program) -> int:
    """How many events the ledger has."""
    with program.superuser() as connection:
        found = connection.execute("SELECT count(*) FROM ledger.events").fetchone()
    assert found is not None
    return int(found[0])


@pytest.mark.parametrize("first", [(), ("--open", BEFORE)])
def test_a_date_that_has_not_come_closes_no_day_before_it(program: Program, first: tuple[object, ...]) -> None:
    """Neither on a ledger whose calendar is open, nor on one where the same command would open it."""
    if not first:
        program("end-of-day", "--open", BEFORE, "--to", BEFORE).then(0)
    before = events(program)
    said = program("end-of-day", *first, "--to", LATER).then(1)
    assert events(program) == max(before, OPENING)
    assert f"(business day {LATER}, today {TODAY}); give `--to` a date that has come" in said.err


def test_days_that_were_closed_are_told_before_the_one_that_was_not(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = EndOfDay.close

    async def stopped(self: EndOfDay, day: date, *given: Any) -> object:
        if day == TODAY:
            raise EndOfDayError("the day is stuck")
        return await close(self, day, *given)

    monkeypatch.setattr(EndOfDay, "close", stopped)
    said = program("end-of-day", "--open", BEFORE, "--to", TODAY).then(1)
    assert re.findall(r"^20\S+", said.text, re.MULTILINE) == [str(BEFORE), str(BEFORE + timedelta(days=1))]
    assert said.err == "leaseledger: the day is stuck\n"
    again = program("end-of-day", "--to", TODAY, "--json").then(1)
    assert again.json["error"]["message"] == "the day is stuck", "stdout is one object"


@pytest.mark.parametrize(
    ("first", "to", "english", "chinese"),
    [
        (None, TODAY, "begin it once with `--open DATE`", "营业日历尚未开启；首次请用 `--open 日期` 开启"),
        (BEFORE, LATER, "give `--to` a date that has come", "`--to` 请给不晚于今天的日期"),
        (TODAY, TODAY, "go on without `--open`", "不带 `--open` 即可继续"),
    ],
)
def test_a_refusal_says_what_to_type_next_in_the_readers_language(
    program: Program, first: date | None, to: date, english: str, chinese: str
) -> None:
    if first is not None:
        program("end-of-day", "--open", BEFORE, "--to", BEFORE).then(0)
    typed = ("end-of-day", "--to", to, *(("--open", first) if first else ()))
    assert english in program(*typed).then(1).err
    said = program(*typed, "--lang", "zh").then(1).err
    assert chinese in said
    assert not re.search(r"[a-z]{3,}", re.sub(r"leaseledger|--[a-z]+", "", said)), said
