"""Versions over HTTP: ETag, If-Match, If-None-Match."""

from __future__ import annotations

import asyncio

import pytest

from api.http.commands.headers import if_match, none_match
from api.http.problems.problem import Problem
from tests.api.http.driver import Http


async def test_matching_version(http: Http) -> None:
    address = await http.given()
    seen = (await http.get(address)).headers["etag"]
    done = (await http.when(f"{address}/submit", If_Match=seen)).then(200, "application.submitted.v1")
    assert done.headers["etag"] == '"2"'


@pytest.mark.parametrize("tags", ['"1"', '"7"', 'W/"2"', '"abc"', '"1", "3"'])
async def test_other_versions(http: Http, tags: str) -> None:
    address = await http.given(("submit", None))
    answer = await http.when(f"{address}/start_verification", If_Match=tags)
    answer.then_refused(412, "precondition.failed", version=2)


@pytest.mark.parametrize("tags", ["*", '"1", "2"', '"2"', 'W/"1" , "2"'])
async def test_one_of_several(http: Http, tags: str) -> None:
    address = await http.given(("submit", None))
    answer = await http.when(f"{address}/start_verification", If_Match=tags)
    answer.then(200, "application.verification_started.v1")


async def test_of_two_at_once_one_wins(http: Http) -> None:
    address = await http.given(("submit", None))
    answers = await asyncio.gather(
        *(http.post(f"{address}/schedule_work", {"lane": name}, If_Match='"2"') for name in ("a", "b"))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert len(await http.events(address)) == 3


async def test_malformed(http: Http) -> None:
    answer = await http.when(f"{await http.given()}/submit", If_Match="1")
    answer.then_refused(400, "precondition.malformed")


async def test_not_modified(http: Http) -> None:
    address = await http.given()
    full = await http.get(address)
    same = await http.get(address, If_None_Match=full.headers["etag"])
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == full.headers["etag"]
    await http.post(f"{address}/submit")
    assert (await http.get(address, If_None_Match=full.headers["etag"])).status_code == 200


async def test_tags_on_several_lines_are_one_list(http: Http) -> None:
    """RFC 9110 §5.3: lines of one name are a list."""
    address = await http.given()
    several = [("If-None-Match", '"7"'), ("If-None-Match", '"1"')]
    answer = await http.client.get(address, headers=[*http.headers("operator").items(), *several])
    assert answer.status_code == 304


def test_if_match() -> None:
    assert if_match(None) is None
    assert if_match("*") is None
    assert if_match('"3"') == frozenset({3})
    assert if_match('W/"3"') == frozenset()
    assert if_match('"03"') == frozenset()
    for text in ("", ",", "3", '"3', '"3" "4"', "**"):
        with pytest.raises(Problem):
            if_match(text)


def test_if_none_match() -> None:
    assert none_match('"3"', 3)
    assert none_match('W/"3"', 3)
    assert none_match('"1", "3"', 3)
    assert none_match("*", 3)
    assert not none_match(None, 3)
    assert not none_match('"13"', 3)
    assert not none_match("3", 3)
