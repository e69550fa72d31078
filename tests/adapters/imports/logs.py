"""Small event logs for tests: XML text from a few rows, and cases without a file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from adapters.imports.xes import Case, XesEvent, cases, log_name

T0 = datetime(2011, 10, 1, 8, 0, tzinfo=UTC)


def attribute(key: str, value: str, kind: str = "string") -> str:
    return f'<{kind} key="{key}" value="{value}"/>'


def event(activity: str | None = "A_SUBMITTED", time: str | None = "2011-10-01T08:00:00Z", more: str = "") -> str:
    name = "" if activity is None else attribute("concept:name", activity)
    stamp = "" if time is None else attribute("time:timestamp", time, "date")
    return f"<event>{name}{stamp}{more}</event>"


def trace(name: str | None = "1", *inside: str) -> str:
    head = "" if name is None else attribute("concept:name", name)
    return f"<trace>{head}{''.join(inside or (event(),))}</trace>"


def log(*inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><log xmlns="http://www.xes-standard.org/">{"".join(inside)}</log>'


def write(folder: Path, text: str | bytes, name: str = "log.xes") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def case(rows: Iterable[tuple[str, int]], name: str = "173688", amount: str = "20000") -> Case:
    """A case from `(activity, milliseconds since T0)`; an activity may end in ` SCHEDULE` or another transition."""
    events = []
    for index, (text, at_ms) in enumerate(rows):
        head, _, last = text.rpartition(" ")
        activity, transition = (head, last) if last.isupper() and head else (text, "COMPLETE")
        events.append(XesEvent(activity, transition, T0 + timedelta(milliseconds=at_ms), "112", index))
    return Case(name, {"REG_DATE": "2011-10-01T10:00:00.000+02:00", "AMOUNT_REQ": amount}, tuple(events))


class Summary(Struct, frozen=True):
    """What a log holds: its own name if it has one, how many cases and events, first and last instant (UTC)."""

    name: str | None
    cases: int
    events: int
    first: datetime
    last: datetime


def describe(path: Path) -> Summary:
    """Read the whole log once and say what it holds."""
    read = list(cases(path))
    return Summary(
        name=log_name(path),
        cases=len(read),
        events=sum(len(case.events) for case in read),
        first=min(case.events[0].at for case in read),
        last=max(case.events[-1].at for case in read),
    )
