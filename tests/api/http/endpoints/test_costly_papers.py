"""Signed files that cost much: nobody else waits for them, and few of one tenant are held at a time."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from adapters.documents.checking import Costs, checked_apart
from adapters.documents.port import Flaw, SignatureInvalid
from api.http.endpoints import papers
from api.http.services import UPLOADS_OF_TENANT
from tests.adapters.documents.test_checking import a_number_of_digits
from tests.api.http import cases
from tests.api.http.driver import Http
from tests.api.http.endpoints.test_papers import assembled, hand_in


async def test_a_costly_file_of_one_tenant_keeps_no_other_waiting(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused by the limit that it met, and others were answered meanwhile."""
    monkeypatch.setattr(papers, "checked_apart", partial(checked_apart, costs=Costs(cpu_s=2)))
    address, other = await assembled(http, cases.person()), http.another_tenant()
    assert (await other.get("/v1/plans")).status_code == 200
    costly = asyncio.create_task(hand_in(http, address, a_number_of_digits()))
    while not http.app.state.services.uploads[http.tenant]:  # noqa: ASYNC110 - the program has no event to wait for
        await asyncio.sleep(0)
    for _ in range(20):
        assert (await other.get("/v1/events?limit=1")).status_code == 200
    assert not costly.done()
    problem = (await costly).json()
    assert (problem["code"], problem["facts"]) == ("signature.too_costly", {"limit": "2 seconds of processor time"})


async def test_a_tenant_has_few_files_checked_at_a_time(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    working, most = list[int](), list[int]()

    def slow(*_: object, **__: object) -> None:
        working.append(1)
        most.append(len(working))
        asyncio.run(asyncio.sleep(0))
        working.pop()
        raise SignatureInvalid(Flaw.UNSIGNED, "(all)", "a signature", "none")

    monkeypatch.setattr(papers, "checked_apart", slow)
    address = await assembled(http, cases.person())
    answers = await asyncio.gather(*(hand_in(http, address, b"file %d" % number) for number in range(7)))
    assert sorted(answer.status_code for answer in answers) == [422] * UPLOADS_OF_TENANT + [429] * (
        7 - UPLOADS_OF_TENANT
    )
    assert set(most) == {1}
    assert not http.app.state.services.uploads
