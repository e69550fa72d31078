"""The access log: one line for each request, of the interface and of the console.

What a person sent, and the text of an exception, are never logged: only routes, codes, sizes and times.
"""

from __future__ import annotations

import traceback

import structlog
from starlette.types import Scope

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
"""Methods that are logged by their name; any other word is the caller's."""

REQUEST_ID = "leaseledger"
"""The member of a request's scope that holds its id."""

_FRAMES = 6
_log = structlog.get_logger("http")


def log_request(scope: Scope, route: str, status: int, seconds: float) -> None:
    """The line of a request; `route` is a pattern, because an address may hold what a person typed."""
    _log.info(
        "request",
        method=scope["method"] if scope["method"] in METHODS else "OTHER",
        route=route,
        status=status,
        ms=round(seconds * 1000, 3),
        request_id=scope.get(REQUEST_ID, ""),
    )


def log_failure(error: Exception, scope: Scope) -> None:
    """The line of what nobody foresaw: its kind and where it was raised, without its text."""
    _log.error("failed", error=type(error).__name__, at=_frames(error), request_id=scope.get(REQUEST_ID, ""))


def _frames(error: Exception) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
