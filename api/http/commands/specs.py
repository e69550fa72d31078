"""Wire form of each command: its path, its permission, the reader of its body."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from api.exposed import Exposed, segment_of
from api.fills import FILLED
from api.http.commands.models import CommandReader
from api.permissions import Permission
from domain.access.approval import command_name
from domain.kernel.command import Command, snake


class Spec(Struct, frozen=True):
    """One command on the wire: its aggregate, its path segment (empty for the one that creates), its reader."""

    of: Exposed
    segment: str
    permission: Permission
    reader: CommandReader[Command]

    @property
    def command(self) -> type[Command]:
        """The command's class."""
        return self.reader.command

    @property
    def kind(self) -> str:
        """The name of the command's class."""
        return self.command.__name__

    @property
    def command_name(self) -> str:
        """What approvals and proposals call it: `lease.charge_off`."""
        return command_name(self.of.decider.name, self.command)

    @property
    def creates(self) -> bool:
        """Whether it opens a new stream."""
        return not self.segment

    @property
    def path(self) -> str:
        """The route's pattern."""
        of = self.of
        return of.collection if self.creates else f"{of.collection}/{{{of.decider.name}}}/{self.segment}"

    @property
    def name(self) -> str:
        """The operation's name."""
        return (
            f"{snake(self.kind)}_version" if not self.creates and self.command is self.of.creator else snake(self.kind)
        )


def specs(of: Exposed) -> list[Spec]:
    """Every command of an aggregate that people may give. Raises `KeyError` for one without a permission."""
    return list(_specs(of))


def _specs(of: Exposed) -> Iterable[Spec]:
    for command in of.commands:
        kind = command.__name__
        if kind in of.withheld:
            continue
        filled = FILLED.get(command)
        reader = CommandReader(command, filled.fields if filled else ())
        yield Spec(of, segment_of(command, of), of.permission_of[kind], reader)
        if of.again and command is of.creator:
            yield Spec(of, of.again, of.permission_of[kind], reader)
