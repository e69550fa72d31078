"""Rules over other streams: judged after the decider agreed, on what is still true when the events are written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pytest

from adapters.postgres.ledger import Ledger
from adapters.postgres.reading import facts as facts_module
from adapters.postgres.reading.facts import Members
from adapters.postgres.writing.sequencer import Appended, StateMoved, VersionConflict
from adapters.system import new_id
from api.compose import Running
from domain.intake.application.commands import ScheduleWork, StartVerification, SubmitApplication
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase
from domain.kernel.needs import Candidate, CrossRule, Facts, FirstEvent, Need, Reference, Related, StreamState
from domain.kernel.refusal import Refusal, RefusalKind
from tests.adapters.postgres.judged import Hook, Interposed, Rules, Watch, application, drafted, not_today, ruled, rules
from tests.adapters.postgres.story import ANONYMOUS, SUBMIT, TENANT, request

__all__ = ["not_today", "rules"]


async def test_a_rule_says_no_and_nothing_is_written(program: Running, rules: Rules, not_today: RefusalKind) -> None:
    watch = Watch(not_today(), None)
    ledger = ruled(program, rules)
    stream = await drafted(ledger)
    assert watch.seen == [], "other commands are nobody's business"
    size = await program.reader.size()
    asked = request(stream, SUBMIT)
    assert await ledger.execute(APPLICATION, asked) == not_today()
    assert await program.reader.size() == size
    assert isinstance(await ledger.execute(APPLICATION, asked), Appended), "a refusal uses no key up"
    assert watch.seen == [ApplicationPhase.DRAFT] * 2


async def test_rules_are_judged_in_order_up_to_the_first_no(
    program: Running, rules: Rules, not_today: RefusalKind
) -> None:
    first, second, third = Watch(), Watch(not_today(number=2)), Watch(not_today(number=3))
    ledger = ruled(program, rules)
    assert await ledger.execute(APPLICATION, request(await drafted(ledger), SUBMIT)) == not_today(number=2)
    assert [len(one.seen) for one in (first, second, third)] == [1, 1, 0]


async def test_what_the_aggregate_refuses_is_not_asked_about(
    program: Running, rules: Rules, not_today: RefusalKind
) -> None:
    watch = Watch(not_today())
    told = await ruled(program, rules).execute(APPLICATION, request(new_id(), SUBMIT))
    assert isinstance(told, Refusal)
    assert (told.code, watch.seen) == ("application.unknown", [])


async def test_a_repeated_command_gets_its_first_outcome(
    program: Running, rules: Rules, not_today: RefusalKind
) -> None:
    """What was true of it once need not be true again."""
    Watch(None, not_today())
    ledger = ruled(program, rules)
    asked = request(await drafted(ledger), SUBMIT)
    first = await ledger.execute(APPLICATION, asked)
    again = await ledger.execute(APPLICATION, asked)
    assert isinstance(first, Appended)
    assert isinstance(again, Appended)
    assert (again.position, again.replayed) == (first.position, True)


async def test_a_version_that_the_caller_insists_on_comes_first(program: Running, rules: Rules) -> None:
    watch = Watch()
    ledger = ruled(program, rules)
    with pytest.raises(VersionConflict):
        await ledger.execute(APPLICATION, request(await drafted(ledger), SUBMIT, expected=7))
    assert watch.seen == []


# ------------------------------------------------------------------------------------------------------------- facts


async def test_what_a_need_finds(program: Running, rules: Rules) -> None:
    """Streams of the tenant and of the aggregate that is asked for, in every combination; the rest by its table."""
    there, other, gone = await drafted(program.ledger), await drafted(program.ledger), new_id()
    needs = (
        application(there), application(gone), StreamState("lease", there),
        FirstEvent("application", there), FirstEvent("application", gone), FirstEvent("lease", there),
        Related("application", "every", "k"), Reference("given", 7), Reference("given"),
    )  # fmt: skip
    watch = Watch(needs=needs)

    async def every(tenant: UUID, key: object) -> Members:
        assert (tenant, key) == (TENANT, "k")
        return Members([there, gone, other], 0, frozenset({"application.drafted.v1"}))

    ledger = ruled(program, rules, relations={"every": every}, references={"given": lambda tenant, key: (tenant, key)})
    assert isinstance(await ledger.execute(APPLICATION, request(await drafted(ledger), SUBMIT)), Appended)
    [(state, none, lease, first, no_first, no_lease, related, seven, without)] = watch.facts
    assert (state.phase, none, lease, no_first, no_lease) == (ApplicationPhase.DRAFT, None, None, None, None)
    assert type(first).__name__ == "ApplicationDrafted"
    assert [one.phase for one in related] == [ApplicationPhase.DRAFT, ApplicationPhase.DRAFT]
    assert (seven, without) == ((TENANT, 7), (TENANT, None))


async def test_what_is_another_tenants_is_not_there(program: Running, rules: Rules) -> None:
    there = await drafted(program.ledger)
    needs = (application(there), FirstEvent("application", there))
    found = await program.facts.facts(new_id(), lambda _: needs)
    assert list(found.values()) == [None, None]
    assert (await program.facts.facts(TENANT, lambda _: needs))[needs[0]] is not None


async def test_needs_may_depend_on_facts(program: Running, rules: Rules) -> None:
    names: list[str] = []

    def needs(_: Candidate, facts: Facts) -> Iterable[Need]:
        first = Reference("word", "a")
        return (first, Reference("word", facts[first])) if first in facts else (first,)

    def word(_: UUID, key: str) -> str:
        names.append(key)
        return key + "b"

    CrossRule(SubmitApplication, needs, lambda _, facts: None)
    ledger = ruled(program, rules, references={"word": word})
    await ledger.execute(APPLICATION, request(await drafted(ledger), SUBMIT))
    assert names == ["a", "ab"]


async def test_facts_for_others_are_never_old(program: Running) -> None:
    """A process asks about a stream that this memory has at an older version."""
    stream = await drafted(program.ledger)
    elsewhere = Ledger(program.writer, program.reader, program.vault, keys=program.keys, new_id=new_id)
    await elsewhere.execute(APPLICATION, request(stream, SUBMIT))
    need = application(stream)
    assert (await program.facts.facts(TENANT, lambda _: (need,)))[need].phase is ApplicationPhase.SUBMITTED


# ------------------------------------------------------------------------------------------------------------- races


def writes(ledger: Ledger, stream: UUID, *commands: Any) -> Hook:
    """Somebody else's commands, one at each call, then none."""
    left = list(commands)

    async def hook() -> None:
        if left:
            outcome = await ledger.execute(APPLICATION, request(stream, left.pop(0)))
            assert isinstance(outcome, Appended), outcome

    return hook


def still_a_draft(other: UUID, no: RefusalKind) -> None:
    """A rule: the other application was not handed in."""
    need = application(other)

    def judge(_: Candidate, facts: Facts) -> Refusal | None:
        state = facts[need]
        return no(phase=state.phase) if state is not None and state.phase is not ApplicationPhase.DRAFT else None

    CrossRule(SubmitApplication, lambda _, __: (need,), judge)


async def test_the_other_stream_moves_between_look_and_append(
    program: Running, rules: Rules, not_today: RefusalKind
) -> None:
    """The second writer wins, and the first hears of it."""
    other = await drafted(program.ledger)
    still_a_draft(other, not_today)
    writer = Interposed(program, writes(program.ledger, other, SUBMIT))
    ledger = ruled(program, rules, writer=writer)
    stream = await drafted(program.ledger)
    size = await program.reader.size()
    assert await ledger.execute(APPLICATION, request(stream, SUBMIT)) == not_today(phase="submitted")
    assert await program.reader.size() == size + 1


async def test_a_move_that_changes_nothing_is_judged_again_and_passes(
    program: Running, rules: Rules, not_today: RefusalKind
) -> None:
    other = await drafted(program.ledger)
    still_a_draft(other, not_today)
    moves = [ScheduleWork(lane=f"lane_{number}") for number in range(facts_module.JUDGED_AGAIN)]
    ledger = ruled(program, rules, writer=Interposed(program, writes(program.ledger, other, *moves)))
    assert isinstance(await ledger.execute(APPLICATION, request(await drafted(program.ledger), SUBMIT)), Appended)


async def test_what_moves_at_every_look_is_said_to_have_moved(
    program: Running, rules: Rules, not_today: RefusalKind
) -> None:
    other, stream = await drafted(program.ledger), await drafted(program.ledger)
    still_a_draft(other, not_today)
    moves = [ScheduleWork(lane=f"lane_{number}") for number in range(facts_module.JUDGED_AGAIN + 1)]
    ledger = ruled(program, rules, writer=Interposed(program, writes(program.ledger, other, *moves)))
    asked = request(stream, SUBMIT)
    with pytest.raises(StateMoved, match=f"state.moved: what {stream} is judged by moved on 4 times"):
        await ledger.execute(APPLICATION, asked)
    assert (await program.reader.versions([stream]))[stream] == 1
    assert isinstance(await ledger.execute(APPLICATION, asked), Appended), "its key was not used up"


async def test_a_no_is_not_said_on_an_old_state(program: Running, rules: Rules, not_today: RefusalKind) -> None:
    """Another process wrote what the rule was waiting for; this one's memory does not know."""
    other, stream = await drafted(program.ledger), await drafted(program.ledger)
    need = application(other)
    CrossRule(
        SubmitApplication, lambda _, __: (need,),
        lambda _, facts: not_today() if facts[need].phase is ApplicationPhase.DRAFT else None,
    )  # fmt: skip
    ledger = ruled(program, rules)
    assert await ledger.execute(APPLICATION, request(stream, SUBMIT)) == not_today()
    await program.ledger.execute(APPLICATION, request(other, SUBMIT))
    assert isinstance(await ledger.execute(APPLICATION, request(stream, SUBMIT)), Appended)


async def test_its_own_stream_moves_while_it_is_judged(program: Running, rules: Rules) -> None:
    """Judged again in the newer state, and decided again first."""
    stream = await drafted(program.ledger)
    watch = Watch()
    ledger = ruled(program, rules, writer=Interposed(program, writes(program.ledger, stream, ScheduleWork(lane="x"))))
    assert isinstance(await ledger.execute(APPLICATION, request(stream, SUBMIT)), Appended)
    assert watch.seen == [ApplicationPhase.DRAFT] * 2
    handed_in = ruled(program, rules, writer=Interposed(program, writes(program.ledger, stream, StartVerification())))
    told = await handed_in.execute(APPLICATION, request(stream, StartVerification()))
    assert isinstance(told, Refusal)
    assert told.code == "application.not_submitted"


async def test_two_that_require_each_other_to_be_absent(program: Running, rules: Rules, not_today: RefusalKind) -> None:
    """The phantom, by two processes at once: neither is there when both look; one of them wins."""
    here, there = new_id(), new_id()
    the_other = {here: there, there: here}

    def needs(candidate: Candidate, _: Facts) -> Iterable[Need]:
        return (application(the_other[candidate.stream]),)

    def judge(candidate: Candidate, facts: Facts) -> Refusal | None:
        return None if facts[application(the_other[candidate.stream])] is None else not_today()

    CrossRule(type(ANONYMOUS), needs, judge)
    barrier, waited = asyncio.Barrier(2), set[UUID]()

    def both(stream: UUID) -> Hook:
        async def hook() -> None:
            if stream not in waited:
                waited.add(stream)
                await barrier.wait()

        return hook

    ledgers = {stream: ruled(program, rules, writer=Interposed(program, both(stream))) for stream in (here, there)}
    outcomes = await asyncio.gather(
        *(ledger.execute(APPLICATION, request(stream, ANONYMOUS)) for stream, ledger in ledgers.items())
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Appended", "Refusal"]
    assert not_today() in outcomes
    assert len(await program.reader.versions([here, there])) == 1
