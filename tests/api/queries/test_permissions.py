"""Which permission every command takes: a command that nobody placed is noticed here, and so is one that moved."""

from __future__ import annotations

import os
from pathlib import Path

from api.exposure import EXPOSED

GOLDEN = Path(__file__).parents[2] / "goldens" / "permissions.txt"
UPDATE = "LEASELEDGER_UPDATE_PERMISSIONS"


def lines() -> str:
    """Aggregate, command and permission of every command that people may give, and why the others are withheld."""
    found = []
    for one in EXPOSED:
        for command in one.commands:
            name = command.__name__
            what = f"withheld: {one.withheld[name]}" if name in one.withheld else one.permission_of[name].value
            found.append(f"{one.decider.name:<16}{name:<28}{what}")
    return "\n".join(found) + "\n"


def test_every_command_takes_the_permission_that_was_agreed() -> None:
    """`LEASELEDGER_UPDATE_PERMISSIONS=1` writes the table anew; whoever does that reads the difference."""
    if os.environ.get(UPDATE):
        GOLDEN.write_text(lines(), "utf-8")
    assert lines() == GOLDEN.read_text("utf-8"), f"set {UPDATE}=1 and read the difference"
