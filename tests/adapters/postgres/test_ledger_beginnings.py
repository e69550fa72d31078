"""Rules that stand on knowing all streams of a kind: those that the tenant begins are found, and those alone."""

from __future__ import annotations

from uuid import UUID

import pytest
from msgspec.structs import replace

from adapters.postgres.reading.facts import FactLoader, Members
from adapters.postgres.reading.states import States
from adapters.postgres.writing.sequencer import Appended, StateMoved
from adapters.system import new_id
from api.compose import Running
from domain.intake.application.commands import SubmitApplication
from domain.intake.application.rules import APPLICATION
from domain.kernel.needs import Related
from domain.kernel.refusal import RefusalKind
from tests.adapters.postgres.judged import Rules, Watch, drafted, not_today, nothing_held, ruled, rules
from tests.adapters.postgres.story import ANONYMOUS, SUBMIT, TENANT, context, request

__all__ = ["not_today", "rules"]


@pytest.mark.parametrize("answers", ["yes", "no"])
async def test_a_further_stream_between_look_and_answer(
    program: Running, rules: Rules, not_today: RefusalKind, answers: str
) -> None:
    """A rule that needs all of them judges again what was looked for too early, whether it had said yes or no."""
    looks: list[int] = []

    async def every(tenant: UUID, key: object) -> Members:
        looks.append(await program.reader.size())
        if len(looks) == 1:
            await drafted(program.ledger)
        return Members([], looks[-1], frozenset({"application.drafted.v1"}))

    Watch(not_today(), None) if answers == "no" else Watch()
    watch = Watch(needs=(Related("application", "every", "k", complete=True),))
    rules[SubmitApplication].reverse()
    ledger = ruled(program, rules, relations={"every": every})
    stream = await drafted(ledger)
    assert isinstance(await ledger.execute(APPLICATION, request(stream, SUBMIT)), Appended)
    assert (len(looks), len(watch.seen)) == (2, 2)


async def test_what_strangers_begin_judges_nobody_again(program: Running, rules: Rules) -> None:
    """However many streams of the kind another tenant begins meanwhile, in the facts of a process manager neither."""
    elsewhere = new_id()

    async def every(tenant: UUID, key: object) -> Members:
        position = await program.reader.size()
        theirs = replace(request(new_id(), ANONYMOUS), context=replace(context(new_id()), tenant=elsewhere))
        assert isinstance(await program.ledger.execute(APPLICATION, theirs), Appended)
        return Members([], position, frozenset({"application.drafted.v1"}))

    need = Related("application", "every", "k", complete=True)
    watch = Watch(needs=(need,))
    ledger = ruled(program, rules, relations={"every": every})
    stream = await drafted(program.ledger)
    assert isinstance(await ledger.execute(APPLICATION, request(stream, SUBMIT)), Appended)
    assert len(watch.seen) == 1
    loader = FactLoader(program.reader, States(program.reader), nothing_held, rules={}, relations={"every": every},
                        references={}, sums={})  # fmt: skip
    assert await loader.facts(TENANT, lambda _: (need,)) == {need: ()}


async def test_facts_that_move_at_every_look_are_said_to_have_moved(program: Running) -> None:
    """Nobody waits for ever for a tenant that begins one stream after the other."""
    looks = 0

    async def every(tenant: UUID, key: object) -> Members:
        nonlocal looks
        looks += 1
        position = await program.reader.size()
        await drafted(program.ledger)
        return Members([], position, frozenset({"application.drafted.v1"}))

    need = Related("application", "every", "k", complete=True)
    loader = FactLoader(program.reader, States(program.reader), nothing_held, rules={}, relations={"every": every},
                        references={}, sums={})  # fmt: skip
    with pytest.raises(StateMoved, match="what is asked about moved on 4 times"):
        await loader.facts(TENANT, lambda _: (need,))
    assert looks == 4


async def test_a_rule_that_does_not_need_all_of_them_is_judged_once(program: Running, rules: Rules) -> None:
    async def every(tenant: UUID, key: object) -> Members:
        position = await program.reader.size()
        await drafted(program.ledger)
        return Members([], position, frozenset({"application.drafted.v1"}))

    watch = Watch(needs=(Related("application", "every", "k"),))
    ledger = ruled(program, rules, relations={"every": every})
    assert isinstance(await ledger.execute(APPLICATION, request(await drafted(ledger), SUBMIT)), Appended)
    assert len(watch.seen) == 1
