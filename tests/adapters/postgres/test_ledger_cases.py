"""Every event is of one case: that of its stream's first event, whatever a door names."""

from __future__ import annotations

from msgspec.structs import replace

from adapters.system import new_id
from api.compose import Running, running
from domain.intake.application.commands import StartVerification
from domain.intake.application.rules import APPLICATION
from tests.adapters.postgres.story import ANONYMOUS, SUBMIT, context, request


async def test_every_event_is_of_the_case_of_its_stream(program: Running) -> None:
    """Whatever case a door names, from memory and read anew; a stream about another one begins in its case."""
    case, stream, second = new_id(), new_id(), new_id()
    begun = replace(request(stream, ANONYMOUS), context=replace(context(stream), correlation=case))
    await program.ledger.execute(APPLICATION, begun)
    await program.ledger.execute(APPLICATION, request(stream, SUBMIT))
    async with running(program) as elsewhere:
        await elsewhere.ledger.execute(APPLICATION, request(stream, StartVerification()))
        await elsewhere.ledger.execute(APPLICATION, replace(request(second, ANONYMOUS), about=stream))
    entries = [stored.parsed() for of in (stream, second) for stored in await program.reader.stream(of)]
    assert [entry.correlation for entry in entries] == [case] * 4


async def test_a_stream_about_nothing_begins_in_the_case_that_is_named(program: Running) -> None:
    stream = new_id()
    await program.ledger.execute(APPLICATION, replace(request(stream, ANONYMOUS), about=new_id()))
    (first,) = await program.reader.stream(stream)
    assert first.parsed().correlation == stream
