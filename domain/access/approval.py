"""Approvals (复核要求): the commands that a tenant wants two persons for.

    Absent ─required─▶ Present ─required─▶ Present (another list)

One stream for each tenant. Who takes a command off the list needs a second person for that, whatever the list says,
unless he owns the data directory. A command on the list is refused to whoever gives it alone; it is proposed, and a
second person approves it (`domain.access.proposal`). Without an event nothing is on the list.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID, uuid5

from msgspec import Meta
from msgspec.structs import replace

from domain.access.user import keeper_refused
from domain.kernel.command import SYSTEM, Command, Context, command_word
from domain.kernel.decider import ABSENT, DECIDERS, PRESENT, Answer, Decider, Rule, State, without_phase
from domain.kernel.event import Event, event_type, is_personal
from domain.kernel.refusal import refusal

COMMANDS_MAX = 200

CommandName = Annotated[str, Meta(pattern=r"^[a-z][a-z_]*\.[a-z][a-z_]*$(?!\n)", max_length=80)]
"""An aggregate and one of its commands: `lease.charge_off`."""

CommandNames = Annotated[tuple[CommandName, ...], Meta(max_length=COMMANDS_MAX)]


@event_type("approval.required.v1")
class ApprovalRequired(Event, frozen=True):
    """From now on exactly these commands need a second person, sorted."""

    commands: CommandNames


class ApprovalState(State, frozen=True, kw_only=True):
    """What needs a second person."""

    commands: tuple[str, ...] = ()


class RequireApproval(Command, frozen=True):
    """Say which commands need a second person; the list replaces the one before."""

    commands: Annotated[
        CommandNames, Meta(description="Aggregate and command, such as `lease.charge_off`; the whole list.")
    ]


UNKNOWN_COMMAND = refusal(
    "approval.unknown_command",
    "There is no such command that can be proposed",
    "没有此可供复核的命令",
)
UNCHANGED = refusal("approval.unchanged", "These are the commands that need a second person already", "复核要求未变")
KNOWN = refusal(
    "approval.known",
    "The list is there already; change it (POST …/require)",
    "复核清单已存在，请修改（POST …/require）",
)
NEEDED = refusal(
    "approval.needed",
    "This command needs a second person: propose it (POST /v1/proposals)",
    "该命令须由第二人复核：请先提交复核申请（POST /v1/proposals）",
)


def command_name(aggregate: str, command: type[Command]) -> str:
    """`lease.charge_off` of the lease's command `ChargeOff`."""
    return f"{aggregate}.{command_word(aggregate, command)}"


def _keepable() -> set[str]:
    """Commands whose payload may be kept in an event, which is for ever; approving is not itself approved.

    What can be proposed is less than that: who completes a command knows it (`api.exposure.proposable`).
    """
    return {
        command_name(decider.name, command)
        for decider in DECIDERS.values()
        for command in decider.commands
        if (command is not decider.commands[0] or command is RequireApproval)
        and decider.name != "proposal"
        and not is_personal(command)
    }


def _require(command: RequireApproval, state: ApprovalState, context: Context) -> Answer:
    commands = tuple(sorted(set(command.commands)))
    if (refused := keeper_refused(context.actor)) is not None:
        return refused
    unknown = sorted(set(commands) - _keepable())
    if unknown:
        return UNKNOWN_COMMAND(command=unknown[0])
    alone = not context.proposed_by and context.actor.role != SYSTEM
    if alone and not set(commands) >= set(state.commands):
        return NEEDED(command=command_name(APPROVAL.name, RequireApproval))
    return UNCHANGED() if commands == state.commands else (ApprovalRequired(commands=commands),)


def _required(state: ApprovalState, event: ApprovalRequired) -> ApprovalState:
    return replace(state, commands=event.commands)


APPROVAL = Decider(
    name="approval",
    initial=ApprovalState(),
    rules={RequireApproval: Rule(ABSENT | PRESENT, without_phase(UNCHANGED), _require)},
    evolve={ApprovalRequired: _required},
)


def approval_stream(tenant: UUID) -> UUID:
    """The stream of a tenant's approvals."""
    return uuid5(tenant, "approvals")
