"""Log lines of a serving program: JSON on one line each, whatever is in them."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from uuid import UUID

import msgspec
import pytest
import structlog

from api.edge import log
from api.edge.log import SAME_CODE_MAX, SAME_PLACE_MAX, THROTTLE_S, PlacesOnly, Throttle, configure_logging, log_refused


@pytest.fixture
def lines() -> Iterator[io.BytesIO]:
    """What was logged; the configuration is put back afterwards."""
    stream, root = io.BytesIO(), logging.getLogger()
    kept = {name: (logging.getLogger(name).handlers[:], logging.getLogger(name).propagate) for name in loggers()}
    level = root.level
    configure_logging(stream)
    yield stream
    structlog.reset_defaults()
    root.setLevel(level)
    for name, (handlers, propagate) in kept.items():
        logging.getLogger(name).handlers[:], logging.getLogger(name).propagate = handlers, propagate


def loggers() -> list[str | None]:
    """Every logger there is, the root first."""
    return [None, *logging.Logger.manager.loggerDict]


def test_one_object_on_a_line(lines: io.BytesIO) -> None:
    log = structlog.get_logger("test")
    log.info("request", status=201, note="two\nlines", stream=UUID(int=7))
    log.error("failed", at=["a.py:1 f"])
    first, second = (msgspec.json.decode(line) for line in lines.getvalue().splitlines())
    assert (first["event"], first["level"], first["status"]) == ("request", "info", 201)
    assert (first["note"], first["stream"]) == ("two\nlines", str(UUID(int=7)))
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["level"], second["at"]) == ("failed", "error", ["a.py:1 f"])


FORGED = "王小明 11010519491231002X\n2026-11-28 10:00:00 [info] FORGED status=200"


def logged(stream: io.BytesIO) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in stream.getvalue().splitlines()]


def test_of_foreign_loggers_the_place_is_kept_and_no_text(lines: io.BytesIO) -> None:
    """What they say may hold names from certificates, and line breaks that look like our own lines."""
    foreign = logging.getLogger("pyhanko.sign.general")
    try:
        raise ValueError(FORGED)
    except ValueError:
        foreign.exception("chain of %s is not trusted: %s", FORGED, FORGED, extra={"note": FORGED})
    foreign.info("not worth a line")
    (line,) = logged(lines)
    assert (line["event"], line["logger"], line["error"]) == ("library", "pyhanko.sign.general", "ValueError")
    assert str(line["where"]).startswith("test_log:")
    text = lines.getvalue().decode()
    assert "王小明" not in text
    assert "FORGED" not in text


@pytest.mark.parametrize("name", ["uvicorn.error", "asyncio", "psycopg.pool", "pyhanko.sign.validation"])
def test_a_logger_with_a_handler_of_its_own_goes_the_same_way(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    foreign, stream = logging.getLogger(name), io.BytesIO()
    root = logging.getLogger()
    kept = (foreign.handlers[:], foreign.propagate, root.handlers[:], root.level)
    foreign.addHandler(logging.StreamHandler())
    foreign.propagate = False
    level, foreign.disabled = foreign.level, False
    foreign.setLevel(logging.WARNING)
    try:
        configure_logging(stream)
        foreign.warning(FORGED)
    finally:
        structlog.reset_defaults()
        foreign.handlers[:], foreign.propagate, root.handlers[:] = kept[0], kept[1], kept[2]
        root.setLevel(kept[3])
        foreign.setLevel(level)
    (line,) = logged(stream)
    assert line["logger"] == name
    assert capsys.readouterr().err == ""


def test_one_place_cannot_fill_the_disk() -> None:
    now_s = 0.0
    handler, record = PlacesOnly(lambda: now_s), logging.LogRecord("asyncio", 40, "a.py", 7, "again", None, None)
    other = logging.LogRecord("asyncio", 40, "a.py", 8, "another", None, None)
    with structlog.testing.capture_logs() as seen:
        for _ in range(1_000):
            handler.emit(record)
        handler.emit(other)
        assert len(seen) == SAME_PLACE_MAX + 1
        now_s = THROTTLE_S
        handler.emit(record)
    assert len(seen) == SAME_PLACE_MAX + 2


def test_who_opens_connections_without_end_does_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_refusals", Throttle(SAME_CODE_MAX, lambda: 0.0))
    with structlog.testing.capture_logs() as seen:
        for _ in range(1_000):
            log_refused("request.head_late", 408, "1", "192.0.2.7")
        log_refused("request.not_http", 400, "1", "192.0.2.7")
    assert [line["code"] for line in seen] == ["request.head_late"] * SAME_CODE_MAX + ["request.not_http"]
