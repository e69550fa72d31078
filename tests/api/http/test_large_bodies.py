"""A body of very many members is refused before anything walks them, and no answer lists faults without end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.exposure import EXPOSED
from api.http.commands.models import CommandReader, members_of
from api.http.commands.specs import specs
from api.http.endpoints.papers import INSTALMENTS_MAX, GivenSchedule
from api.http.endpoints.subjects import GivenLook
from api.http.problems import kinds
from api.http.problems.faults import FAULTS_MAX
from api.http.problems.problem import Problem
from api.queries.pricing.answers import QuoteInquiry
from tests.api.http.driver import DRAFT, Http

READERS: dict[str, CommandReader[Any]] = {
    **{spec.name: spec.reader for of in EXPOSED for spec in specs(of)},
    **{one.__name__: CommandReader(one) for one in (GivenSchedule, GivenLook, QuoteInquiry)},
}
MANY = b"{" + b",".join(b'"k%d":1' % number for number in range(80_000)) + b"}"
INSTALMENT = {"number": 1, "due_on": "2026-01-31", "principal_fen": 1, "interest_fen": 1, "fee_fen": 0}


class Walked(Exception):
    """The validator was asked."""


def refused(reader: CommandReader[Any], body: bytes) -> Problem:
    with pytest.raises(Problem) as raised:
        reader.members(body)
    return raised.value


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "body",
    [
        MANY,
        b"[" + b"1," * 400_000 + b"1]",
        b'{"a":[' + b'"x",' * 200_000 + b'"x"]}',
        b"{" + b'"a":1,' * 150_000 + b'"a":1}',
        b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    ],
    ids=["members", "numbers", "texts", "one member", "depth"],
)
def test_too_many_members_are_refused_unread(name: str, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = READERS[name]

    def walk(_: bytes) -> None:
        raise Walked

    monkeypatch.setattr(reader, "_validate", walk)
    problem = refused(reader, body)
    assert problem.kind is kinds.PAYLOAD_INVALID
    assert [(one.pointer, one.code) for one in problem.faults] == [("", "too_many")]


@pytest.mark.parametrize("name", READERS)
def test_no_answer_lists_faults_without_end(name: str) -> None:
    """As many unknown members as are read at all."""
    reader = READERS[name]
    body = b"{" + b",".join(b'"k%d":1' % number for number in range(reader._most)) + b"}"
    problem = refused(reader, body)
    assert len(problem.faults) == FAULTS_MAX
    assert int(problem.facts["more_faults"]) >= reader._most - FAULTS_MAX


async def test_an_answer_says_how_many_faults_it_does_not_list(http: Http) -> None:
    answer = await http.post("/v1/applications", DRAFT | {f"k{number}": 1 for number in range(FAULTS_MAX + 7)})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == FAULTS_MAX
    assert answer.json()["facts"] == {"more_faults": "7"}
    assert "more_faults=7" in answer.json()["detail"]


async def test_as_many_faults_as_fit_are_all_listed(http: Http) -> None:
    answer = await http.post("/v1/applications", DRAFT | {f"k{number}": 1 for number in range(FAULTS_MAX)})
    assert (len(answer.json()["errors"]), "facts" in answer.json()) == (FAULTS_MAX, False)


@pytest.mark.parametrize("item", [1, {}, INSTALMENT | {"number": "x", "due_on": 1}])
def test_of_a_long_array_the_first_wrong_item_is_reported(item: object) -> None:
    body = json.dumps({"schedule": [item] * INSTALMENTS_MAX}).encode()
    problem = refused(READERS["GivenSchedule"], body)
    assert {one.pointer.split("/")[2] for one in problem.faults} == {"0"}
    assert problem.facts == {}


def test_a_long_array_must_have_items() -> None:
    (fault,) = refused(READERS["GivenSchedule"], b'{"schedule":[]}').faults
    assert (fault.pointer, fault.code, fault.en) == ("/schedule", "too_few", "must have at least 1 items")
    assert READERS["GivenSchedule"].model.model_json_schema()["properties"]["schedule"]["minItems"] == 1


async def test_a_large_body_is_answered_shortly(http: Http) -> None:
    answer = await http.client.post(
        "/v1/applications", content=MANY, headers=http.headers(Idempotency_Key="k", Content_Type="application/json")
    )
    assert answer.status_code == 422
    assert len(answer.content) < 1_000


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet=st.sampled_from('a",:\\{}[]欧\n'), max_size=9),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=5), inner, max_size=9),
    max_leaves=400,
)


def counted(value: Any) -> int:
    """Members and items of a value, those inside of others included."""
    if isinstance(value, dict):
        return len(value) + sum(map(counted, value.values()))
    return len(value) + sum(map(counted, value)) if isinstance(value, list) else 0


def empty(value: Any) -> int:
    """Objects and arrays with nothing in them."""
    inside = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return (isinstance(value, dict | list) and not inside) + sum(map(empty, inside))


@given(JSON_VALUES)
def test_members_are_counted_without_reading(value: Any) -> None:
    """Exactly, but for the empty; what stands in texts is none."""
    padded = [value] * 101
    assert members_of(json.dumps(padded, ensure_ascii=False).encode()) == counted(padded) + empty(padded)
