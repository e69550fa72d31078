"""Which permission every command takes: a command that nobody placed is noticed here, and so is one that moved."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from api.exposure import EXPOSED
from api.permissions import ROLES, Permission

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "goldens" / "permissions.txt"
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


@pytest.mark.parametrize("page", ["OPERATIONS.md", "OPERATIONS.zh-CN.md"])
def test_operators_read_which_role_has_which_permission(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    rows = re.findall(rf"^\| (`(?:{'|'.join(ROLES)})`.*?) \| (.*) \|$", text, re.MULTILINE)
    told: dict[str, set[str]] = {}
    for roles, said in rows:
        codes = set(re.findall(r"`([a-z_]+)`", said))
        everything = re.search("everything|全部", said) is not None
        told |= {one: set(Permission) - codes if everything else codes for one in re.findall(r"`([a-z_]+)`", roles)}
    assert told == {role: set(may) for role, may in ROLES.items()}
