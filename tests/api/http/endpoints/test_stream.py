"""The event stream: what was missed comes first, then what happens, then the end of the connection's life."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace

from api.identity import authentication
from tests.api.http.driver import QUICK, Http

STREAM = "/v1/events/stream"


def frames(text: str) -> list[dict[str, str]]:
    """Server-sent events (WHATWG HTML §9.2.6) as dictionaries; comments and `retry` are left out."""
    blocks = [block for block in text.split("\n\n") if block.startswith("id: ")]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


async def open_streams(http: Http, count: int) -> None:
    """Wait until so many streams are open; connecting goes through other tasks and threads."""
    while http.app.state.services.streams[http.tenant] < count:  # noqa: ASYNC110 - the program has no event to wait for
        await asyncio.sleep(0)


def types(text: str) -> list[str]:
    """The event types of a stream."""
    return [frame["event"].split(".")[1] for frame in frames(text)]


async def test_from_a_position(http: Http) -> None:
    before = await http.size()
    address = await http.given(("submit", None))
    answer = await http.get(f"{STREAM}?starting_after={before}")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert types(answer.text) == ["drafted", "submitted"]
    shown = (await http.get(f"{address}/events")).json()["data"]
    sent = frames(answer.text)
    assert [json.loads(frame["data"]) for frame in sent] == shown
    assert [int(frame["id"]) for frame in sent] == [one["position"] for one in shown]


async def test_after_the_last_event_seen(http: Http) -> None:
    await http.given(("submit", None), ("start_verification", None))
    seen = await http.size() - 1
    answer = await http.get(f"{STREAM}?starting_after=0", Last_Event_ID=str(seen))
    assert types(answer.text) == ["verification_started"]


async def test_live(http: Http) -> None:
    """Without a position it begins with what comes next."""
    await http.given()
    following = asyncio.create_task(http.get(STREAM))
    await open_streams(http, 1)
    address = await http.given()
    await http.another_tenant().given()
    await http.post(f"{address}/submit")
    assert types((await following).text) == ["drafted", "submitted"]


async def test_by_type(http: Http) -> None:
    before = await http.size()
    await http.given(("submit", None))
    answer = await http.get(f"{STREAM}?starting_after={before}&types=application.submitted.v1")
    assert types(answer.text) == ["submitted"]


async def test_quiet_stream_says_so_and_ends(http: Http) -> None:
    answer = await http.get(STREAM)
    assert answer.text.startswith("retry: 1000\n\n")
    assert ": quiet\n\n" in answer.text
    assert frames(answer.text) == []
    assert not http.app.state.services.streams


async def test_a_key_has_only_so_many_and_a_tenant_too(fresh: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has his own takes nobody else's."""
    services = fresh.app.state.services
    monkeypatch.setattr(services, "limits", replace(QUICK, streams_of_key=2, streams_of_tenant=3, stream_life_s=60))
    following = [asyncio.create_task(fresh.get(STREAM)) for _ in range(2)]
    await open_streams(fresh, 2)
    refused = await fresh.get(STREAM)
    assert (refused.status_code, refused.json()["code"]) == (429, "stream.limit")
    assert int(refused.headers["retry-after"]) > 0
    following.append(asyncio.create_task(fresh.get(STREAM, role="auditor")))
    await open_streams(fresh, 3)
    assert (await fresh.get(STREAM, role="auditor")).status_code == 429
    another = fresh.another_tenant()
    following.append(asyncio.create_task(another.get(STREAM)))
    await open_streams(another, 1)
    await cancelled(following)
    assert not services.streams


async def cancelled(tasks: list[asyncio.Task[Any]]) -> None:
    """Hang up, and wait until that was noticed."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_streams_that_are_asked_for_at_once_are_counted_before_they_begin(http: Http) -> None:
    limit = http.app.state.services.limits.streams_of_key
    answers = await asyncio.gather(*(http.get(STREAM) for _ in range(3 * limit)))
    assert sorted(answer.status_code for answer in answers) == [200] * limit + [429] * 2 * limit


async def test_the_whole_program_has_only_so_many(fresh: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh.app.state.services, "limits", replace(QUICK, streams=1, stream_life_s=60))
    following = asyncio.create_task(fresh.get(STREAM))
    await open_streams(fresh, 1)
    refused = await fresh.another_tenant().get(STREAM)
    assert (refused.status_code, refused.json()["code"]) == (503, "stream.full")
    await cancelled([following])


async def test_a_revoked_key_ends_its_streams(fresh: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the latest when the key is looked up again, as for every other request."""
    monkeypatch.setattr(authentication, "KEY_CACHE_S", 0.0)
    monkeypatch.setattr(fresh.app.state.services, "limits", replace(QUICK, stream_life_s=3600))
    following = asyncio.create_task(fresh.get(STREAM))
    await open_streams(fresh, 1)
    fresh.principals.forget(fresh.key())
    await fresh.another_tenant().given()
    assert (await following).status_code == 200
    assert not fresh.app.state.services.streams


@pytest.mark.parametrize("how", ["Last-Event-ID", "starting_after"])
async def test_a_position_that_was_never_reached_is_refused_at_once(http: Http, how: str) -> None:
    ahead = str(await http.size() + 1)
    answer = await (
        http.get(f"{STREAM}?starting_after={ahead}")
        if how == "starting_after"
        else http.get(STREAM, Last_Event_ID=ahead)
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "position.ahead")


@pytest.mark.parametrize("seen", ["-1", "one", "1.0", str(2**53)])
async def test_last_event_id_of_another_form(http: Http, seen: str) -> None:
    answer = await http.get(STREAM, Last_Event_ID=seen)
    assert (answer.status_code, answer.json()["code"]) == (400, "header.invalid")


async def test_who_may(http: Http) -> None:
    assert (await http.get(STREAM, role="collector")).status_code == 403
    assert (await http.client.get(STREAM)).status_code == 401
