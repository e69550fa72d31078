"""Every aggregate that people command over HTTP, as the contexts declare them, and those that nobody does."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from api.exposed import Exposed
from api.fills import FILLED
from api.queries.registry import MODULES
from domain.access.approval import UNKNOWN_COMMAND, RequireApproval, command_name
from domain.access.proposal import PROPOSAL
from domain.kernel.command import Command
from domain.kernel.event import is_personal
from domain.kernel.refusal import Refusal

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


def list_refused(command: Command) -> Refusal | None:
    """The refusal of a list of second-person commands, by whichever way it comes: one on it that cannot be proposed
    could never be given again.
    """
    if not isinstance(command, RequireApproval):
        return None
    unknown = next((one for one in command.commands if one not in proposable()), None)
    return None if unknown is None else UNKNOWN_COMMAND(command=unknown)


def exposed(noun: str) -> Exposed:
    """The aggregate with a name. Raises `KeyError`."""
    return {one.decider.name: one for one in EXPOSED}[noun]
