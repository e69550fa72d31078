"""Exposure of an aggregate: one declaration, from which routes, permissions and words follow.

A declaration says under which plural it is found, which permission each command takes, and which commands are not for
people. It stands beside the reads of its context, in `api.queries`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from api.permissions import Permission
from domain.kernel.command import Command, command_word
from domain.kernel.decider import Decider
from domain.kernel.refusal import RefusalKind

Members = Mapping[str, Any]
"""What was given of a command, by name."""


def _drawn(_: UUID, __: Members) -> None:
    """The stream does not follow from the payload."""


class Exposed(Struct, frozen=True, kw_only=True):
    """One aggregate on the wire. Commands stand by the names of their classes.

    `permissions` says which permission they take, `otherwise` what those take that stand nowhere. `place` gives a new
    one its stream, where that follows from the payload, and `taken` says that it is there already; otherwise an id is
    drawn. `again` is the path segment of the creating command where it is also a change of what exists. `withheld` says
    why a command is not for people.
    """

    decider: Decider[Any]
    permissions: Mapping[Permission, str] = {}
    otherwise: Permission | None = None
    withheld: Mapping[str, str] = {}
    place: Callable[[UUID, Members], UUID | None] = _drawn
    taken: RefusalKind | None = None
    again: str = ""

    @property
    def commands(self) -> tuple[type[Command], ...]:
        """Every command, in the order of the aggregate's life."""
        return self.decider.commands

    @property
    def creator(self) -> type[Command]:
        """The command that opens a stream: the first of an aggregate."""
        return self.commands[0]

    @property
    def collection(self) -> str:
        """The address of all of them."""
        return f"/v1/{self.decider.plural}"

    @property
    def permission_of(self) -> dict[str, Permission]:
        """Which permission each command takes."""
        named = {name: permission for permission, names in self.permissions.items() for name in names.split()}
        if self.otherwise is None:
            return named
        rest = (command.__name__ for command in self.commands)
        return dict.fromkeys((name for name in rest if name not in self.withheld), self.otherwise) | named


def segment_of(command: type[Command], of: Exposed) -> str:
    """`SubmitApplication` → `submit`, `RouteToLane` → `route_to_lane`, the one that creates → nothing."""
    return "" if command is of.creator else command_word(of.decider.name, command)
