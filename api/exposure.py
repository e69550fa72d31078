"""Every aggregate that people command over HTTP, as the contexts declare them, and those that nobody does."""

from __future__ import annotations

from collections.abc import Mapping

from api.exposed import Exposed
from api.queries.registry import MODULES

EXPOSED: tuple[Exposed, ...] = tuple(one for module in MODULES for one in getattr(module, "EXPOSED", ()))
"""In the order in which a case meets them."""

UNEXPOSED: Mapping[str, str] = {
    "provision": "recognised by the end of a day at month ends",
    "subject": "a look is recorded by whoever shows personal values",
    "ledger": "a ledger is opened by whoever runs it, on the command line",
    "calendar": "business dates move by the explicit end of day on the command line",
}
"""Aggregates that nobody commands over HTTP, and why."""


def exposed(noun: str) -> Exposed:
    """The aggregate with a name. Raises `KeyError`."""
    return {one.decider.name: one for one in EXPOSED}[noun]
