"""Log lines of a serving program: JSON on one line each, whatever is in them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from uuid import UUID

import msgspec
import pytest
import structlog

from api.http.logs import configure_logging


@pytest.fixture
def lines() -> Iterator[io.BytesIO]:
    """What was logged; the configuration is put back afterwards."""
    stream = io.BytesIO()
    configure_logging(stream)
    yield stream
    structlog.reset_defaults()


def test_one_object_on_a_line(lines: io.BytesIO) -> None:
    log = structlog.get_logger("test")
    log.info("request", status=201, note="two\nlines", stream=UUID(int=7))
    log.error("failed", at=["a.py:1 f"])
    first, second = (msgspec.json.decode(line) for line in lines.getvalue().splitlines())
    assert (first["event"], first["level"], first["status"]) == ("request", "info", 201)
    assert (first["note"], first["stream"]) == ("two\nlines", str(UUID(int=7)))
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["level"], second["at"]) == ("failed", "error", ["a.py:1 f"])
