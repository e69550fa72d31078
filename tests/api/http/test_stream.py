"""The event stream: what was missed comes first, then what happens, then the end of the connection's life."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.api.http.driver import Http

STREAM = "/v1/events/stream"


def frames(text: str) -> list[dict[str, str]]:
    """Server-sent events (WHATWG HTML §9.2.6) as dictionaries; comments and `retry` are left out."""
    blocks = [block for block in text.split("\n\n") if block.startswith("id: ")]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


async def open_streams(http: Http, count: int) -> None:
    """Wait until so many streams are open; connecting goes through other tasks and threads."""
    while http.app.state.services.open_streams < count:  # noqa: ASYNC110 - the program has no event to wait for
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
    assert http.app.state.services.open_streams == 0


async def test_only_so_many(http: Http) -> None:
    limit = http.app.state.services.limits.streams
    answers = await asyncio.gather(*(http.get(STREAM) for _ in range(limit)), _one_more(http, limit))
    assert [answer.status_code for answer in answers] == [200] * limit + [503]
    assert answers[-1].json()["code"] == "stream.limit"


async def _one_more(http: Http, limit: int) -> Any:
    await open_streams(http, limit)
    return await http.get(STREAM)


@pytest.mark.parametrize("seen", ["-1", "one", "1.0", str(2**53)])
async def test_last_event_id_of_another_form(http: Http, seen: str) -> None:
    answer = await http.get(STREAM, Last_Event_ID=seen)
    assert (answer.status_code, answer.json()["code"]) == (400, "header.invalid")


async def test_who_may(http: Http) -> None:
    assert (await http.get(STREAM, role="collector")).status_code == 403
    assert (await http.client.get(STREAM)).status_code == 401
