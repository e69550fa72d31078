"""Log lines of a serving program: one JSON object on a line, written by the fastest means there are.

The access log is on the path of every command, so it is worth a configuration of its own: pretty printing costs more
processor time than the command itself.
"""

from __future__ import annotations

from typing import Any, BinaryIO

import msgspec
import structlog

_encode = msgspec.json.Encoder(enc_hook=str).encode


def configure_logging(stream: BinaryIO) -> None:
    """Send all log lines of this process to a binary stream, such as `sys.stderr.buffer`."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True), _line],
        wrapper_class=structlog.BoundLogger,
        logger_factory=structlog.BytesLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )


def _line(_: object, __: str, event: Any) -> bytes:
    return _encode(event)
