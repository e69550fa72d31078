"""The log of the serving program: one JSON object on a line, and one line for each request of any door.

What a person sent, and the text of an exception, are never logged: only routes, codes, sizes, times, who asked (the
tenant, the key's id, the address it came from). Other people's loggers (of the server, the database, the library for
signatures) may repeat names and bytes that came from outside, so that of theirs only the place is kept.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Hashable, Mapping
from typing import Any, BinaryIO
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct
from starlette.types import Scope

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
"""Methods that are logged by their name; any other word is the caller's."""

ABOUT = "leaseledger"
"""The member of a request's scope that holds what is known about it."""

GONE = 499
"""Status of a request whose client hung up before it was answered; nobody is told of it but the log."""

SAME_PLACE_MAX, SAME_CODE_MAX, THROTTLE_S = 10, 100, 60.0
"""Lines of a foreign logger from one place in its code, and of connections refused by one code, in which time."""

_FRAMES = 6
_log = structlog.get_logger("http")
_encode = msgspec.json.Encoder(enc_hook=str).encode


class About(Struct):
    """What is known about a request: its id; whether the head alone is wanted; who asks; more headers of its answer.

    Who asks is known once the key is: the tenant and the key's id, which is no secret.
    """

    request_id: str = ""
    head: bool = False
    tenant: UUID | None = None
    key: str = ""
    headers: list[tuple[bytes, bytes]] = []


def about(scope: Scope) -> About:
    """What is known about a request; of one that nobody watches, nothing."""
    found: About = scope.setdefault(ABOUT, About())
    return found


class Answered(Struct, frozen=True):
    """What a request was answered. `route` is a pattern, because an address may hold what a person typed."""

    route: str
    status: int
    seconds: float
    bytes: int = 0


def log_request(scope: Scope, answered: Answered) -> None:
    """The line of a request."""
    known, client = about(scope), scope.get("client")
    _log.info(
        "request",
        method=scope["method"] if scope["method"] in METHODS else "OTHER",
        route=answered.route,
        status=answered.status,
        ms=round(answered.seconds * 1000, 3),
        bytes=answered.bytes,
        request_id=known.request_id,
        client=client[0] if client else "",
        **({"tenant": str(known.tenant), "key": known.key} if known.key else {}),
    )


class Throttle:
    """Throttle of log lines about one thing, so that nobody fills the disk by doing it again; `clock` tells seconds."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._seen: dict[Hashable, tuple[float, int]] = {}

    def allows(self, thing: Hashable) -> bool:
        """Whether one more line about a thing is worth it."""
        now_s = self._clock()
        since_s, count = self._seen.get(thing, (now_s, 0))
        if now_s - since_s >= THROTTLE_S:
            since_s, count = now_s, 0
        self._seen[thing] = (since_s, count + 1)
        return count < self._most


_refusals = Throttle(SAME_CODE_MAX)


def log_refused(code: str, status: int, request_id: str, client: str) -> None:
    """The line of a connection that was refused before there was a request; who opens thousands gets a hundred."""
    if not _refusals.allows(code):
        return
    _log.info("refused", code=code, status=status, request_id=request_id, client=client)


def log_failure(error: Exception, scope: Scope) -> None:
    """The line of what nobody foresaw: its kind and where it was raised, without its text."""
    _log.error("failed", error=type(error).__name__, at=_frames(error), request_id=about(scope).request_id)


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]


# -------------------------------------------------------------------------------------------------- where it goes


def configure_logging(stream: BinaryIO) -> None:
    """Send all log lines of this process to a binary stream, such as `sys.stderr.buffer`, foreign loggers' too.

    The access log is on the path of every command, and pretty printing costs more processor time than the command.
    """
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), _line],
        wrapper_class=structlog.BoundLogger,
        logger_factory=structlog.BytesLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    silence_foreign_loggers()


def silence_foreign_loggers() -> None:
    """Have every logger of the standard library say where it warned, and nothing of what about."""
    root = logging.getLogger()
    for name in (None, *logging.Logger.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    root.addHandler(PlacesOnly())
    root.setLevel(logging.WARNING)


class PlacesOnly(logging.Handler):
    """Logs the logger, level, place and kind of exception of a record; never its text, and no flood of one place."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._throttle = Throttle(SAME_PLACE_MAX, clock)
        self._log = structlog.get_logger("library")

    def emit(self, record: logging.LogRecord) -> None:
        """One line, unless this place said enough for now."""
        if not self._throttle.allows((record.name, record.module, record.lineno)):
            return
        error = record.exc_info[1] if record.exc_info else None
        more: Mapping[str, Any] = {} if error is None else {"error": type(error).__name__, "at": _frames(error)}
        self._log.warning(
            "library", logger=record.name, severity=record.levelname, where=f"{record.module}:{record.lineno}", **more
        )


def _line(_: object, __: str, event: Any) -> bytes:
    return _encode(event)
