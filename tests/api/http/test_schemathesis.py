"""Requests that a machine makes up from the OpenAPI document: no undocumented answer, no failure on our side."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from adapters.system import new_id
from api.compose import Base
from api.exposure import EXPOSED
from api.http import Limits
from tests.api.http import contract
from tests.api.http.cases import existing
from tests.api.http.driver import Http, opened
from tests.api.http.test_openapi import GOLDEN
from tests.sampling import examples

T = TypeVar("T")


@schemathesis.serializer("application/pdf")
def as_file(_: Any, value: Any) -> bytes:
    """A made-up file: whatever the machine thinks of, as bytes."""
    return value if isinstance(value, bytes) else str(value).encode()


EXAMPLES = 4
QUICKEST = Limits(wait_s=0.05, poll_s=0.01, stream_life_s=0.02, stream_poll_s=0.01, heartbeat_s=0.01, streams=2)
CONFORMANCE = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_PROMISED = (name.split(" ") for name in contract.read(GOLDEN.read_text("utf-8")) if " " in name)
OPERATIONS = [(path, method.lower()) for method, path in _PROMISED]


class Elsewhere:
    """An event loop on a thread of its own: the machine asks synchronously, the application answers there."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def close(self) -> None:
        """End the loop and its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Asked:
    """An application with one case in it, and the machine that reads its description."""

    def __init__(self, on: Base) -> None:
        self.elsewhere = Elsewhere()
        self._context = opened(on, QUICKEST)
        self.http: Http = self.elsewhere.run(self._context.__aenter__())
        self.application = self.elsewhere.run(self.http.given(("submit", None))).rpartition("/")[2]
        addresses = [self.elsewhere.run(existing(self.http, of)) for of in EXPOSED[1:]]
        self.known = {
            of.decider.name: address.rpartition("/")[2] for of, address in zip(EXPOSED[1:], addresses, strict=True)
        }
        self.http.project()
        self.projected = self.elsewhere.run(self.http.size())
        self.schema = schemathesis.openapi.from_dict(_without_security(self.http.app.openapi()))

    def close(self) -> None:
        """End everything."""
        self.elsewhere.run(self._context.__aexit__(None, None, None))
        self.elsewhere.close()

    def answer(self, case: Case[Any]) -> httpx.Response:
        """What the application says to one made-up request under an operator's key."""
        sent = case.as_transport_kwargs(base_url="http://ledger")
        names = {"data": "content", "json": "json", "params": "params", "method": "method", "url": "url"}
        request = {names[name]: value for name, value in sent.items() if name in names and value is not None}
        # The framework underneath the machine writes headers as bytes of ISO 8859-1; so do we.
        headers = {name: str(value).encode("latin-1") for name, value in sent["headers"].items()}
        headers["Authorization"] = f"Bearer {self.http.key()}".encode()
        return self.elsewhere.run(self.http.client.request(headers=headers, **request))


def _without_security(document: dict[str, Any]) -> dict[str, Any]:
    """The document for a client whose key is always right: access has tests of its own."""
    operations = {
        path: {method: {**operation, "security": []} for method, operation in methods.items()}
        for path, methods in document["paths"].items()
    }
    return {**document, "paths": operations}


@pytest.fixture(scope="module")
def asked(on: Base) -> Iterator[Asked]:
    """The application and its description."""
    found = Asked(on)
    yield found
    found.close()


def ask(asked: Asked, path: str, method: str, mode: GenerationMode, checks: list[Any]) -> int:
    """Make requests up and check every answer; gives the number of requests."""
    count = 0

    @settings(
        max_examples=examples(EXAMPLES), database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=st.data())
    def one(data: st.DataObject) -> None:
        nonlocal count
        case = data.draw(asked.schema[path][method].as_strategy(generation_mode=mode))
        if mode is GenerationMode.POSITIVE:
            _make_answerable(case, asked)
        case.validate_response(asked.answer(case), checks=checks)
        count += 1

    one()
    return count


def _make_answerable(case: Case[Any], asked: Asked) -> None:
    """Let a fitting request be about something that exists, and not wait for a future that never comes."""
    if "application" in case.path_parameters:
        case.path_parameters["application"] = asked.application
    for noun in asked.known.keys() & case.path_parameters.keys():
        case.path_parameters[noun] = asked.known[noun]
    if "event" in case.path_parameters:
        case.path_parameters["event"] = "1"
    query = case.query or {}
    query.pop("at_least", None)
    if isinstance(query.get("as_of_position"), int):
        # Between the read models and the ledger's head lies what is answered later: 503.
        query["as_of_position"] %= asked.projected
    if case.method == "POST":
        case.headers["Idempotency-Key"] = new_id().hex


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_fitting_requests(asked: Asked, path: str, method: str) -> None:
    assert ask(asked, path, method, GenerationMode.POSITIVE, CONFORMANCE) > 0


REFUSING = [(path, method) for path, method in OPERATIONS if method == "post" or "applications" in path]


@pytest.mark.parametrize(("path", "method"), REFUSING)
def test_requests_that_do_not_fit(asked: Asked, path: str, method: str) -> None:
    checks = [not_a_server_error, status_code_conformance, negative_data_rejection]
    assert ask(asked, path, method, GenerationMode.NEGATIVE, checks) > 0
