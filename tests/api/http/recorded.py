"""Answers that tests were given, one JSON line each, for `make clients`, where generated models parse all of them.

Recorded only where the variable below names a file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

RECORD = "LEASELEDGER_RECORD_ANSWERS"

Hook = Callable[[httpx.Response], Awaitable[None]]


def hooks() -> dict[str, list[Hook]]:
    """The hooks of a client: none, or one that writes answers to a file."""
    place = os.environ.get(RECORD)
    return {} if place is None else {"response": [_writing(Path(place))]}


def _writing(place: Path) -> Hook:
    async def write(response: httpx.Response) -> None:
        kind = response.headers.get("content-type", "")
        if not kind.partition(";")[0].endswith("json"):
            return
        await response.aread()
        line = {
            "method": response.request.method, "path": response.request.url.path, "status": response.status_code,
            "type": kind, "body": response.text,
        }  # fmt: skip
        # One write: lines of several processes stay whole.
        with place.open("ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")

    return write
