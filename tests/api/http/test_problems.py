"""Problems: every "no" is an RFC 9457 document, in two languages, described where its type points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import psycopg_pool
import pytest
from msgspec import ValidationError
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from adapters.postgres.connections import DatabaseUnavailable, connect
from adapters.postgres.ledger import StreamBusy
from adapters.postgres.vault import destroy_key
from adapters.postgres.writing.group_commit import OutcomeUnknown, WriterClosed
from adapters.postgres.writing.sequencer import StateMoved, SubjectErased
from api.http.edge import AnswerBroken, Edge
from api.http.problems import kinds
from api.http.problems.kinds import descriptions
from api.http.problems.problem import language_of
from chain.entry import EntryError
from domain.kernel.ids import parse_id
from domain.kernel.refusal import REFUSALS
from projections.engine.pages import TooMuchPast
from tests.api.http.driver import DRAFT, PERSON, Http

MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


async def test_every_problem_has_the_same_shape(http: Http) -> None:
    address = await http.given()
    answers = [
        await http.get("/nowhere"),
        await http.get("/v1/applications/"),
        await http.client.delete("/v1/applications"),
        await http.client.get("/v1/applications"),
        await http.get("/v1/events", role="collector"),
        await http.get("/v1/applications?limit=0"),
        await http.post("/v1/applications", {}),
        await http.post(f"{address}/complete"),
        await http.post(f"{address}/submit", If_Match='"9"'),
        await http.get(f"{address}?at_least=9007199254740991"),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 405, 401, 403, 422, 422, 409, 412, 409]
    for answer in answers:
        body = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["content-language"] == "en"
        assert answer.headers["cache-control"] == "no-store"
        assert body.keys() - {"errors", "facts", "source"} == MEMBERS
        assert body["status"] == answer.status_code
        assert body["request_id"] == answer.headers["x-request-id"]
        described = await http.client.get(body["type"])
        assert described.json()["code"] == body["code"]
        assert described.json()["title"]["en"] == body["title"]


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"),
        ("zh", "zh-CN"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("zh-Hans-CN", "zh-CN"),
        ("en-GB, zh;q=0.9", "en"),
        ("zh;q=0.1, en;q=0.9", "en"),
        ("fr, zh;q=0.5", "zh-CN"),
        ("fr", "en"),
        ("*", "en"),
        ("zh;q=0", "en"),
        ("zh;q=x", "en"),
        ("zh;level=1", "zh-CN"),
        (",;,=", "en"),
    ],
)
async def test_languages(http: Http, accept: str, language: str) -> None:
    assert language_of(accept) == language
    answer = await http.client.get("/nowhere", headers={"Accept-Language": accept})
    assert answer.headers["content-language"] == language
    assert answer.headers["vary"] == "Accept-Language"
    assert answer.json()["title"] == (kinds.NO_ROUTE.zh if language == "zh-CN" else kinds.NO_ROUTE.en)


async def test_faults_and_rules_in_chinese(http: Http) -> None:
    answer = await http.post("/v1/applications", {}, Accept_Language="zh-CN")
    assert {fault["detail"] for fault in answer.json()["errors"]} == {"为必填项"}
    refused = await http.post(f"{await http.given()}/complete", Accept_Language="zh-CN")
    assert refused.json()["title"] == REFUSALS["application.not_contracting"].zh
    assert refused.json()["detail"].endswith("(phase=draft)")


async def test_methods_that_an_address_takes(http: Http) -> None:
    address = await http.given()
    for path, allowed in (
        ("/v1/applications", "GET, HEAD, OPTIONS, POST"),
        (address, "GET, HEAD, OPTIONS"),
        (f"{address}/submit", "OPTIONS, POST"),
        ("/healthz", "GET, HEAD, OPTIONS"),
    ):
        answer = await http.client.put(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert (await http.client.post("/healthz")).status_code == 405


async def test_catalogue_page(http: Http) -> None:
    listed = (await http.client.get("/problems")).json()
    assert [one["code"] for one in listed] == sorted({kind.code for kind in kinds.KINDS} | REFUSALS.keys())
    rule = (await http.client.get("/problems/application.human_review_pending")).json()
    assert rule["source"] == "个人信息保护法 24"
    assert (await http.client.get("/problems/nobody.knows")).status_code == 404


def test_every_kind_speaks_both_languages() -> None:
    codes = [kind.code for kind in kinds.KINDS]
    assert len(codes) == len(set(codes)) > 30
    assert not set(codes) & REFUSALS.keys()
    for kind in kinds.KINDS:
        assert kind.en.isascii()
        assert not kind.zh.isascii()
        assert bool(kind.help_en) == bool(kind.help_zh)
    assert set(codes) <= descriptions().keys()


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (OutcomeUnknown("x"), 503, "ledger.outcome_unknown"),
        (WriterClosed("x"), 503, "service.closing"),
        (StreamBusy("x"), 503, "ledger.busy"),
        (StateMoved("x"), 409, "state.moved"),
        (SubjectErased("x"), 409, "subject.erased"),
        (EntryError("x"), 422, "body.not_storable"),
        (ValidationError("x"), 422, "body.not_storable"),
        (TooMuchPast("x"), 409, "position.too_far"),
        (DatabaseUnavailable("x"), 503, "database.unavailable"),
        (psycopg.OperationalError("x"), 503, "database.unavailable"),
        (psycopg.errors.DiskFull("x"), 503, "database.no_room"),
        (psycopg_pool.PoolTimeout("x"), 503, "database.unavailable"),
        (psycopg.errors.UndefinedTable("x"), 503, "projection.unavailable"),
        (RuntimeError("13912345678"), 500, "service.internal"),
        (AssertionError("13912345678"), 500, "service.internal"),
    ],
)
async def test_what_is_raised_below(
    http: Http, monkeypatch: pytest.MonkeyPatch, raised: Exception, status: int, code: str
) -> None:
    """On the way of commands and on the way of reads alike; nobody is told the text of an exception."""

    async def fail(*_: object, **__: object) -> None:
        raise raised

    address = await http.given()
    monkeypatch.setattr(http.running.ledger, "execute", fail)
    monkeypatch.setattr(http.app.state.services.queries, "run", fail)
    with capture_logs() as logs:
        answers = [await http.post(f"{address}/submit"), await http.get(f"{address}/events")]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert "13912345678" not in answer.text
        assert (answer.headers.get("retry-after") == "1") == (status == 503)
    assert "13912345678" not in repr(logs)
    failed = [line for line in logs if line["event"] == "failed"]
    assert len(failed) == (2 if status == 500 else 0)
    assert all(line["at"][-1].endswith(" fail") for line in failed)


async def test_erased_subject(http: Http) -> None:
    await http.given(**PERSON | {"subject": "subject_" + "e" * 32})
    with connect(http.on.url) as connection:
        subject = parse_id("subject", "subject_" + "e" * 32)
        assert destroy_key(connection, http.tenant, subject, "2026-11-21T00:00:00.000000Z")
    answer = await http.post("/v1/applications", DRAFT | PERSON | {"subject": "subject_" + "e" * 32})
    assert (answer.status_code, answer.json()["code"]) == (409, "subject.erased")


Answering = Callable[[Scope, Receive, Send], Any]


def edge(http: Http, answering: Answering) -> Edge:
    """An edge around something that answers in an unusual way."""
    return Edge(answering, {})


async def test_half_an_answer_is_not_completed(http: Http) -> None:
    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("13912345678")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    with pytest.raises(AnswerBroken) as raised:
        await edge(http, half)(scope, _nothing, send)
    assert str(raised.value) == "RuntimeError"
    assert raised.value.__suppress_context__
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


async def test_what_fails_after_its_answer_is_not_heard_of(http: Http) -> None:
    async def whole(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"whole"})
        raise RuntimeError("too late")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await edge(http, whole)({"type": "http", "method": "GET", "path": "/", "headers": []}, _nothing, send)
    assert sent[-1]["body"] == b"whole"
    assert (b"x-content-type-options", b"nosniff") in sent[0]["headers"]


async def _nothing() -> Any:
    return {"type": "http.disconnect"}


async def test_languages_on_several_lines_are_one_list(http: Http) -> None:
    """RFC 9110 §5.3: lines of one name are a list."""
    lines = [("Accept-Language", "fr"), ("Accept-Language", "zh-CN;q=0.5")]
    assert (await http.client.get("/nowhere", headers=lines)).headers["content-language"] == "zh-CN"
