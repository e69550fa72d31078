"""A fair queue: nobody waits behind another's crowd."""

from __future__ import annotations

import asyncio

import pytest

from adapters.fair_queue import ASKING, FairQueue


class Crowd:
    """Askers at one set of turns; `begun` in the order in which they got theirs."""

    def __init__(self, turns: FairQueue) -> None:
        self.turns, self.begun, self.gates = turns, list[str](), dict[str, asyncio.Event]()

    async def _ask(self, whose: str, name: str) -> None:
        ASKING.set(whose)
        async with self.turns.turn():
            self.begun.append(name)
            await self.gates[name].wait()

    def ask(self, name: str) -> asyncio.Task[None]:
        """`a1` asks for `a`."""
        self.gates[name] = asyncio.Event()
        return asyncio.create_task(self._ask(name[0], name))

    async def end(self, name: str) -> None:
        self.gates[name].set()
        for _ in range(5):
            await asyncio.sleep(0)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_one_place_is_for_somebody_else() -> None:
    crowd = Crowd(FairQueue(3, 2))
    tasks = [crowd.ask(name) for name in ("a1", "a2", "a3", "b1")]
    await settled()
    assert crowd.begun == ["a1", "a2", "b1"]
    await crowd.end("b1")
    assert crowd.begun == ["a1", "a2", "b1"], "a has his two"
    await crowd.end("a1")
    assert crowd.begun[-1] == "a3"
    for name in crowd.gates:
        await crowd.end(name)
    await asyncio.gather(*tasks)


async def test_of_those_who_wait_each_is_next_in_turn() -> None:
    crowd = Crowd(FairQueue(1, 1))
    tasks = [crowd.ask(name) for name in ("a1", "a2", "a3", "b1", "b2", "c1")]
    await settled()
    for name in ("a1", "a2", "b1", "c1", "a3", "b2"):
        await crowd.end(name)
    assert crowd.begun == ["a1", "a2", "b1", "c1", "a3", "b2"]
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("gone", [1, 3])
async def test_who_hangs_up_in_the_moment_of_his_turn_does_not_take_it_along(gone: int) -> None:
    """His asker's next one has it, however many hung up before him."""
    crowd = Crowd(FairQueue(1, 1))
    first, *left, last = (crowd.ask(f"a{number}") for number in range(gone + 2))
    await settled()
    crowd.gates["a0"].set()
    for one in left:
        one.cancel()
    await settled()
    assert crowd.begun == ["a0", f"a{gone + 1}"]
    await crowd.end(f"a{gone + 1}")
    await asyncio.gather(first, last)
    assert (crowd.turns._free, dict(crowd.turns._waiting), dict(crowd.turns._working)) == (1, {}, {})


@pytest.mark.parametrize("late", [False, True])
async def test_who_hangs_up_gives_his_turn_back(late: bool) -> None:
    """Also one who was given it in the same moment."""
    crowd = Crowd(FairQueue(1, 1))
    first, second, third = (crowd.ask(name) for name in ("a1", "b1", "c1"))
    await settled()
    if late:
        crowd.gates["a1"].set()
        await asyncio.sleep(0)
    second.cancel()
    await crowd.end("a1")
    await settled()
    assert crowd.begun[-1] == "c1"
    await crowd.end("c1")
    await asyncio.gather(first, third)
    assert crowd.turns._free == 1
    assert not crowd.turns._waiting
    assert not crowd.turns._working
