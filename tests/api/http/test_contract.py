"""The check of the promised interface finds what breaks a client, and nothing else."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.api.http import contract

PROMISED: dict[str, Any] = {
    "GET /v1/things": {"operation": "list_things", "parameters": {"limit": "integer", "state": "open|shut|null",
                                      "size": "Size"},
                       "answers": {"200": "Thing", "404": "Problem404"}},
    "POST /v1/things": {"operation": "make", "parameters": {}, "body": "Make", "answers": {"201": "Thing"}},
    "Make": {"kind!": "big|small", "note": "string"},
    "Thing": {"id!": "string", "state!": "open|shut", "parts!": "[Part]", "note!": "string|null"},
    "Part": {"number!": "integer"},
    "Size": {"": "big|small"},
}  # fmt: skip


def changed(path: str, value: Any) -> dict[str, Any]:
    """The promise with one member set, or with `None` removed."""
    found = deepcopy(PROMISED)
    *outer, last = path.split("~")
    part = found
    for name in outer:
        part = part[name]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return found


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("GET /v1/things", None),
        ("GET /v1/things~parameters~limit", None),
        ("Size~", "big"),
        ("GET /v1/things~parameters~state", "open|null"),
        ("GET /v1/things~parameters~on!", "date"),
        ("GET /v1/things~answers~200", "Other"),
        ("POST /v1/things~body", "Other"),
        ("Make~kind!", "big"),
        ("Make~note", None),
        ("Make~colour!", "string"),
        ("Thing~id!", None),
        ("Thing~note!", "integer|null"),
        ("Thing~id!", "string|null"),
        ("Part~number!", None),
        ("Part~number!", "string"),
    ],
)
def test_what_breaks_a_client(path: str, value: Any) -> None:
    assert contract.breaks(PROMISED, changed(path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("GET /v1/others", {"operation": "x", "parameters": {}, "answers": {}}),
        ("GET /v1/things~parameters~on", "date"),
        ("GET /v1/things~parameters~state", "open|shut|gone|null"),
        ("GET /v1/things~answers~409", "Problem409"),
        ("Make~kind!", "big|small|huge"),
        ("Make~colour", "string"),
        ("Thing~state!", "open|shut|gone"),
        ("Thing~colour!", "string"),
        ("Thing~note!", "string"),
    ],
)
def test_what_breaks_nobody(path: str, value: Any) -> None:
    assert contract.breaks(PROMISED, changed(path, value)) == []


def test_lines_are_read_as_they_were_written() -> None:
    assert contract.read(contract.written(PROMISED)) == PROMISED
