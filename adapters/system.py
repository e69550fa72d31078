"""Clock and randomness of the real world; everything else gets them passed in."""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime
from uuid import UUID

from domain.kernel.ids import RANDOM_BITS, uuid7


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A fresh UUIDv7 whose 74 random bits come from the operating system."""
    return uuid7(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10)) >> 80 - RANDOM_BITS)


def random_bytes(count: int) -> bytes:
    """So many bytes from the operating system's generator."""
    return secrets.token_bytes(count)
