"""Rules over other streams: judged after the decider agreed, on what is still true when the events are written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from adapters.postgres.ledger import Ledger
from adapters.postgres.reading import facts as facts_module
from adapters.postgres.reading.facts import FactLoader, Members
from adapters.postgres.reading.states import States
from adapters.postgres.writing.sequencer import Append, Appended, Fence, StateMoved, VersionConflict
from adapters.system import new_id
from api.compose import Running
from domain.intake.application.commands import ScheduleWork, StartVerification, SubmitApplication
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase
from domain.kernel import needs as module
from domain.kernel.needs import CrossRule, Facts, FirstEvent, Need, Proposal, Reference, Related, StreamState
from domain.kernel.refusal import REFUSALS, Refusal, RefusalKind, refusal
from tests.adapters.postgres.story import ANONYMOUS, SUBMIT, TENANT, context, request

Hook = Callable[[], Awaitable[object]]
Rules = dict[Any, list[CrossRule]]


@pytest.fixture
def not_today() -> Iterator[RefusalKind]:
    """A refusal of these tests."""
    yield refusal("rules.not_today", "Not today", "今日不可")
    del REFUSALS["rules.not_today"]


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Rules:
    """A table of rules that rules of these tests register in."""
    fresh: Rules = {}
    monkeypatch.setattr(module, "CROSS_RULES", fresh)
    return fresh


class Interposed:
    """A writer before whose appends something else happens: between the look and the append."""

    def __init__(self, program: Running, hook: Hook | None = None) -> None:
        self._writer = program.writer
        self.hook = hook

    async def append(self, append: Append) -> Appended:
        if self.hook is not None:
            await self.hook()
        return await self._writer.append(append)


@asynccontextmanager
async def nothing_held(tenant: UUID) -> AsyncIterator[Fence]:
    raise AssertionError("no sum is read")
    yield


def ruled(
    program: Running, rules: Rules, *, writer: Interposed | None = None, lock: Any = nothing_held, **tables: Any
) -> Ledger:
    """The program's ledger with rules of its own, and a memory of its own: another process."""
    given: dict[str, Any] = {"relations": {}, "references": {}, "sums": {}} | tables
    facts = FactLoader(program.reader, States(program.reader), lock, rules=rules, **given)
    return Ledger(
        writer or program.writer,  # type: ignore[arg-type]
        program.reader,
        program.vault,
        digest=program.keys.digest,
        new_id=new_id,
        facts=facts,
    )


async def drafted(ledger: Ledger, stream: UUID | None = None) -> UUID:
    stream = stream or new_id()
    assert isinstance(await ledger.execute(APPLICATION, request(stream, ANONYMOUS)), Appended)
    return stream


def application(stream: UUID) -> StreamState:
    return StreamState(APPLICATION.name, stream)


class Watch:
    """A rule on handing in that remembers in which states it judged; says what it is told to, the last for ever."""

    def __init__(self, *answers: Refusal | None, needs: Iterable[Need] = ()) -> None:
        self.answers, self.needs = list(answers) or [None], tuple(needs)
        self.seen: list[ApplicationPhase] = []
        self.facts: list[Any] = []
        CrossRule(SubmitApplication, lambda _, __: self.needs, self.judge)

    def judge(self, proposal: Proposal, facts: Facts) -> Refusal | None:
        self.seen.append(proposal.state.phase)
        self.facts.append([facts[need] for need in self.needs])
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


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


async def test_what_is_another_tenants_is_not_there(program: Running, rules: Rules) -> None:
    there = await drafted(program.ledger)
    needs = (application(there), FirstEvent("application", there))
    found = await program.facts.facts(new_id(), lambda _: needs)
    assert list(found.values()) == [None, None]
    assert (await program.facts.facts(TENANT, lambda _: needs))[needs[0]] is not None


async def test_needs_may_depend_on_facts(program: Running, rules: Rules) -> None:
    names: list[str] = []

    def needs(_: Proposal, facts: Facts) -> Iterable[Need]:
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
    elsewhere = Ledger(program.writer, program.reader, program.vault, digest=program.keys.digest, new_id=new_id)
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

    def judge(_: Proposal, facts: Facts) -> Refusal | None:
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

    def needs(proposal: Proposal, _: Facts) -> Iterable[Need]:
        return (application(the_other[proposal.stream]),)

    def judge(proposal: Proposal, facts: Facts) -> Refusal | None:
        return None if facts[application(the_other[proposal.stream])] is None else not_today()

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
