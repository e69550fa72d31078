"""Every aggregate that people command over HTTP, as the contexts declare them, and those that nobody does."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from api.exposed import Exposed
from api.fills import FILLED
from api.queries.registry import MODULES
from domain.access.approval import command_name
from domain.access.proposal import PROPOSAL
from domain.kernel.command import Command
from domain.kernel.event import is_personal

EXPOSED: tuple[Exposed, ...] = tuple(one for module in MODULES for one in getattr(module, "EXPOSED", ()))
"""In the order in which a case meets them."""

UNEXPOSED: Mapping[str, str] = {
    "provision": "recognised by the end of a day at month ends",
    "subject": "a look is recorded by whoever shows personal values",
    "ledger": "a ledger is opened by whoever runs it, on the command line",
    "calendar": "business dates move by the explicit end of day on the command line",
}
"""Aggregates that nobody commands over HTTP, and why."""


@cache
def proposable() -> dict[str, tuple[Exposed, type[Command]]]:
    """The commands that a second person can approve, by name: to what exists, given whole by a caller, and without
    personal data; approving is not itself approved.
    """
    return {
        command_name(of.decider.name, command): (of, command)
        for of in EXPOSED
        if of.decider is not PROPOSAL
        for command in of.commands
        if (command is not of.creator or of.again) and command.__name__ not in of.withheld
        if command not in FILLED and not is_personal(command)
    }


def exposed(noun: str) -> Exposed:
    """The aggregate with a name. Raises `KeyError`."""
    return {one.decider.name: one for one in EXPOSED}[noun]
