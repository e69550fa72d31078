"""History of another system, as imports write it: decided and appended unjudged, under an actor that says so."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from adapters.postgres.ledger import Request, payload
from adapters.postgres.writing.sequencer import Append, Part
from adapters.processes.dispatch import context
from adapters.system import new_id
from api.compose import Running
from chain.entry import PAYLOAD_KEY, DecidedEvent, import_cause
from domain.kernel.command import Actor, Command, Context
from domain.kernel.decider import Decider
from domain.kernel.refusal import Refusal

IMPORT = Actor("import", "taken_over")


def taken_over_on(tenant: UUID, stream: UUID, day: date) -> Context:
    """The context of a stream that is taken over on a day."""
    return replace(context(tenant, day, "", stream), actor=IMPORT)


async def take_over(program: Running, decider: Decider[Any], stream: UUID, at: Context, *commands: Command) -> None:
    """Append what commands lead to, as one append; each must be granted. Doing it again changes nothing."""
    state, decided = decider.initial, list[DecidedEvent]()
    cause = import_cause(at.tenant, f"taken_over:{stream.hex}")
    for command in commands:
        decision = decider.decide(command, state, at)
        assert not isinstance(decision, Refusal), decision.sentence()
        for event in decision:
            state = decider.evolve(state, event)
            decided.append(DecidedEvent(event, at, cause, new_id()))
    drafted = await program.ledger.prepare(stream, decided)
    request = Request(stream=stream, key=f"import:{stream.hex}", command=commands[0], context=at)
    await program.ledger.append(
        Append(
            tenant=at.tenant,
            key=request.key,
            system=True,
            digest=program.keys.digest(payload(request)),
            digest_key=PAYLOAD_KEY,
            parts=(Part(stream, 0, drafted.drafts),),
            personal=drafted.personal,
            subject_keys=drafted.subject_keys,
        )
    )
