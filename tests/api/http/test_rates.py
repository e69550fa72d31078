"""How often one may ask over HTTP: by key, by tenant, and by address without a valid key; nobody pays for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from adapters.fair_queue import ASKING
from adapters.postgres.connections import AsyncConnection
from adapters.postgres.reading.reader import ALWAYS_FREE
from api.compose import Base
from api.edge.rates import Buckets, RateLimits
from api.identity.authentication import Principal
from domain.access.key_text import PresentedKey
from tests.api.http.driver import QUICK, UNLIMITED, Http, opened, opened_with

PATIENCE_S = 60
LIMITS = RateLimits(key=3, tenant=4, address=5)


@pytest_asyncio.fixture(loop_scope="session")
async def limited(on: Base) -> AsyncIterator[Http]:
    async with opened_with(on, LIMITS) as driver:
        yield driver


def then_limited(answer: object, limit: str) -> None:
    assert answer.status_code == 429, answer.text  # type: ignore[attr-defined]
    problem = answer.json()  # type: ignore[attr-defined]
    assert (problem["code"], problem["facts"]) == ("rate.limited", {"limit": limit})
    assert int(answer.headers["retry-after"]) >= 1  # type: ignore[attr-defined]


async def test_a_key(limited: Http) -> None:
    for left in (5, 4, 3, 2, 1, 0):
        answer = await limited.get("/v1/plans")
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"key";q=6;w=2, "tenant";q=8;w=2'
        assert answer.headers["ratelimit"].startswith(f'"key";r={left};')
    then_limited(await limited.get("/v1/plans"), "key")
    answer = await limited.post("/v1/applications", {})
    then_limited(answer, "key")
    assert answer.headers["ratelimit"].startswith('"key";r=0;')


async def test_all_keys_of_a_tenant(limited: Http) -> None:
    for role in ("operator", "auditor", "operator", "auditor", "operator", "auditor", "operator", "auditor"):
        assert (await limited.get("/v1/plans", role=role)).status_code == 200
    then_limited(await limited.get("/v1/plans", role="auditor"), "tenant")
    assert (await limited.another_tenant().get("/v1/plans")).status_code == 200


async def test_made_up_keys_cost_no_query_once_there_were_too_many(limited: Http, monkeypatch: object) -> None:
    """Who has a key goes on, from the same address."""
    assert (await limited.get("/v1/plans")).status_code == 200
    asked, find = list[PresentedKey](), limited.app.state.services.access._find

    async def counted(key: PresentedKey) -> Principal | None:
        asked.append(key)
        found: Principal | None = await find(key)
        return found

    limited.app.state.services.access._find = counted
    answers = [
        await limited.client.get("/v1/plans", headers={"Authorization": f"Bearer llk_{number:043d}"})
        for number in range(20)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 10
    assert len(asked) == 10
    then_limited(answers[-1], "address")
    then_limited(await limited.client.get("/v1/plans"), "address")
    then_limited(await limited.client.get("/tlog/vkeys"), "address")
    assert (await limited.client.get("/healthz")).status_code == 200
    assert (await limited.get("/v1/plans")).status_code == 200


async def test_what_one_tenant_asks_for_does_not_keep_another_waiting(
    on: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty questions of a tenant get no answer before the other's one question has its own."""
    async with opened(on, QUICK, UNLIMITED) as http:
        address, other = await http.given(), http.another_tenant()
        pool, working, crowded, answered = http.running.reader._pool, list[Hashable](), asyncio.Event(), asyncio.Event()
        connection, its_turns = pool.connection, pool.max_size - ALWAYS_FREE

        @asynccontextmanager
        async def slow_for_the_crowd() -> AsyncIterator[AsyncConnection]:
            working.append(ASKING.get())
            if working[-1] == http.tenant:
                if working.count(http.tenant) == its_turns:
                    crowded.set()
                await answered.wait()
            async with connection() as one:
                yield one

        monkeypatch.setattr(pool, "connection", slow_for_the_crowd)
        many = [asyncio.create_task(http.get(f"{address}/events")) for _ in range(60)]
        await crowded.wait()
        assert (await asyncio.wait_for(other.get("/v1/events?limit=1"), PATIENCE_S)).status_code == 200
        assert working.count(http.tenant) == its_turns
        answered.set()
        assert {answer.status_code for answer in await asyncio.gather(*many)} == {200}


async def test_a_crowd_with_one_new_key_is_one_question(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restart nobody's key is known; whoever has one must not be taken for somebody who guesses."""
    services = http.app.state.services
    secret, asked = http.key(), list[PresentedKey]()
    find = services.access._find

    async def counted(key: PresentedKey) -> Any:
        asked.append(key)
        return await find(key)

    monkeypatch.setattr(services.access, "_find", counted)
    monkeypatch.setattr(services.rates, "addresses", Buckets(5))
    headers = {"Authorization": f"Bearer {secret}"}
    answers = await asyncio.gather(*(http.client.get("/v1/plans", headers=headers) for _ in range(40)))
    assert {one.status_code for one in answers} == {200}
    assert len(asked) == 1
    others = [f"Bearer llk_{n:043d}" for n in range(40)]
    guesses = await asyncio.gather(*(http.client.get("/v1/plans", headers={"Authorization": o}) for o in others))
    assert {one.status_code for one in guesses} == {401, 429}
