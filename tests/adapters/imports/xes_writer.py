"""Writes cases as an XES file (IEEE 1849-2016) that our reader, and any other, reads back."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import quoteattr

from adapters.imports.xes import CONCEPT_NAME, RESOURCE, TIMESTAMP, TRANSITION, Case, XesEvent
from domain.kernel.times import utc_text

DEFAULT_NAME = "generated"

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
"""
_DATES = frozenset({TIMESTAMP, "REG_DATE"})


def write_xes(cases: Iterable[Case], path: Path, name: str = DEFAULT_NAME) -> None:
    """Write `cases` to `path`, compressed if it ends in .gz; the same cases give the same bytes."""
    with path.open("wb") as file:
        if path.suffix == ".gz":
            # No name and no time in the header: a file is the same wherever and whenever it was written.
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as zipped:
                _write(cases, zipped, name)
        else:
            _write(cases, file, name)


def _write(cases: Iterable[Case], file: BinaryIO | gzip.GzipFile, name: str) -> None:
    file.write((_HEAD + _attribute(CONCEPT_NAME, name)).encode())
    for case in cases:
        file.write(_trace(case).encode())
    file.write(b"</log>\n")


def _trace(case: Case) -> str:
    attributes = "".join(_attribute(key, value) for key, value in case.attributes.items())
    events = "".join(map(_event, case.events))
    return f"<trace>\n{_attribute(CONCEPT_NAME, case.id)}{attributes}{events}</trace>\n"


def _event(event: XesEvent) -> str:
    resource = "" if event.resource is None else _attribute(RESOURCE, event.resource)
    transition = _attribute(TRANSITION, event.transition)
    name, time = _attribute(CONCEPT_NAME, event.activity), _attribute(TIMESTAMP, utc_text(event.at))
    return f"<event>\n{resource}{transition}{name}{time}</event>\n"


def _attribute(key: str, value: str) -> str:
    kind = "date" if key in _DATES else "string"
    return f"<{kind} key={quoteattr(key)} value={quoteattr(value)}/>\n"
