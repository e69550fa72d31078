"""Money: integers of the smallest unit (fen for CNY, cents for EUR) beside an ISO 4217 code; no float anywhere."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

MAX_SAFE_INTEGER = 2**53 - 1
"""Largest integer that every I-JSON reader keeps exactly (RFC 7493 §2.2)."""

Fen = Annotated[int, Meta(ge=0, le=MAX_SAFE_INTEGER)]
"""An amount in the smallest unit of its currency, not negative."""

Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", max_length=3)]
"""ISO 4217 alphabetic code."""
