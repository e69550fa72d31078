"""The providers' door: signed callbacks are recorded, and each answer says whether to send them again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest

from adapters.connectors.payments.port import Answer, Order, Status, request_of
from adapters.connectors.payments.sandbox import SandboxBank
from adapters.connectors.payments.scenarios import Script, always
from adapters.connectors.payments.signature import BODY_MAX_BYTES, callback_body, sign
from adapters.system import now
from api.compose import Base
from api.roles.role import react
from chain.entry import Entry
from domain.kernel.ids import parse_id
from domain.kernel.times import business_date
from domain.payments.payment.events import PaymentInitiated
from domain.payments.payment.values import FORGED_KEPT
from tests.api.http import cases
from tests.api.http.cases import COLLECT, done
from tests.api.http.driver import Http

TRIES = 200
"""Looks, a tenth of a second apart, before it counts as lost."""

STRANGER = b"a secret of somebody else"


def secret(http: Http, provider: str = "bank_a") -> bytes:
    """What the provider and this installation share."""
    made = http.on.keys.provider_secret(provider, make=True)
    assert made is not None
    return made


async def collecting(http: Http) -> UUID:
    """A payment whose attempt is at bank A, with whom a secret is shared."""
    secret(http)
    lease = (await cases.leased(http))[0].rpartition("/")[2]
    payment = (await done(http, "/v1/payments", COLLECT | {"lease": lease})).headers["location"]
    return parse_id("payment", payment.rpartition("/")[2])


def paid(fen: int = 40_000) -> Answer:
    return Answer(status=Status.SUCCEEDED, ref="f" * 64, amount_fen=fen, value_date=business_date(now()))


BACK = Answer(status=Status.CHARGED_BACK, ref="f" * 64, amount_fen=40_000, code="disputed")


async def call(
    http: Http, payment: UUID, answer: Answer, *, key: bytes | None = None, provider: str = "bank_a", **more: Any
) -> httpx.Response:
    """A provider calls back, without any API key."""
    body = more.get("body", callback_body(request_of(payment, more.get("attempt", 1)), answer))
    headers = sign(secret(http) if key is None else key, 1_700_000_000, body)
    return await http.client.post(f"/v1/providers/{provider}/callbacks", content=body, headers=headers)


async def recorded(http: Http, payment: UUID) -> list[str]:
    return [one.parsed().type for one in await http.running.reader.stream(payment)]


async def test_a_success_is_applied_once(http: Http) -> None:
    payment = await collecting(http)
    first = await call(http, payment, paid())
    assert (first.status_code, first.json()) == (200, {"result": "applied"})
    assert int(first.headers["ledger-position"]) == await http.size()
    again = await call(http, payment, paid())
    assert (again.status_code, again.json()) == (200, {"result": "duplicate"})
    assert (await recorded(http, payment))[2:] == [
        "payment.callback_applied.v1", "payment.succeeded.v1", "payment.callback_ignored.v1",
    ]  # fmt: skip


async def test_it_belongs_to_the_payments_tenant_and_case(http: Http) -> None:
    payment = await collecting(http)
    await call(http, payment, paid())
    entries = [one.parsed() for one in await http.running.reader.stream(payment)]
    assert {(entry.tenant, entry.correlation) for entry in entries} == {(http.tenant, entries[0].correlation)}
    assert (entries[-1].actor.role, entries[-1].actor.id) == ("system", "provider:bank_a")


async def test_a_forged_one_is_refused_and_recorded(http: Http) -> None:
    payment = await collecting(http)
    answer = await call(http, payment, paid(), key=STRANGER)
    assert (answer.status_code, answer.json()["code"]) == (401, "callback.forged")
    assert (await recorded(http, payment))[-1] == "payment.callback_ignored.v1"
    unsigned = await http.client.post(
        "/v1/providers/bank_a/callbacks", content=callback_body(request_of(payment, 1), paid())
    )
    assert unsigned.status_code == 401


async def test_money_that_is_taken_back_too_early_is_to_be_sent_again(http: Http) -> None:
    payment = await collecting(http)
    day = business_date(now())
    back = Answer(status=Status.CHARGED_BACK, ref="f" * 64, amount_fen=40_000, value_date=day, code="disputed")
    early = await call(http, payment, back)
    assert (early.status_code, early.json()["code"], early.headers["retry-after"]) == (409, "callback.early", "1")
    await call(http, payment, paid())
    assert (await call(http, payment, back)).json() == {"result": "applied"}
    assert (await recorded(http, payment))[-1] == "payment.charged_back.v1"


async def test_late_and_unresolved_ones_are_never_sent_again(http: Http) -> None:
    payment = await collecting(http)
    address = f"/v1/payments/payment_{payment.hex}"
    await done(http, f"{address}/record_outcome_unknown", {"attempt": 1, "reason": "timeout"})
    failed = Answer(status=Status.FAILED, code="limit_exceeded")
    assert (await call(http, payment, failed)).json() == {"result": "unresolved"}
    await done(http, f"{address}/record_failed", {"attempt": 1, "code": "limit_exceeded"})
    assert (await call(http, payment, failed)).json() == {"result": "late"}


async def test_what_is_not_ours(http: Http) -> None:
    """A provider, a payment, an attempt, a lease's id, and another provider's attempt."""
    payment = await collecting(http)
    assert (await call(http, payment, paid(), provider="bank_x")).status_code == 404
    assert (await call(http, payment, paid(), provider="../keys")).status_code == 404
    assert (await call(http, UUID(int=7), paid())).status_code == 404
    assert (await call(http, payment, paid(), attempt=2)).status_code == 404
    lease = parse_id("lease", (await cases.leased(http))[0].rpartition("/")[2])
    assert (await call(http, lease, paid())).status_code == 404
    other = secret(http, "bank_b")
    assert (await call(http, payment, paid(), provider="bank_b", key=other)).status_code == 404
    assert "payment.succeeded.v1" not in await recorded(http, payment)


async def test_what_makes_no_sense(http: Http) -> None:
    payment = await collecting(http)
    for answer in (Answer(status=Status.ACCEPTED), Answer(status=Status.UNKNOWN)):
        assert (await call(http, payment, answer)).json()["code"] == "callback.malformed"
    for body in (b"hello", b'{"request":"x"}', b"[]"):
        assert (await call(http, payment, paid(), body=body)).status_code == 400
    incomplete = await call(http, payment, BACK)
    assert incomplete.status_code == 409
    assert (await call(http, payment, paid(), body=b"x" * (BODY_MAX_BYTES + 1))).status_code == 413
    query = await http.client.post("/v1/providers/bank_a/callbacks?again=1", content=b"{}")
    assert query.status_code == 422


async def test_the_door_needs_no_key_and_gives_nothing_away(http: Http) -> None:
    """The answer to a forgery is the same whatever the payment's state."""
    payment = await collecting(http)
    before = (await call(http, payment, paid(), key=STRANGER)).json()
    await call(http, payment, paid())
    after = (await call(http, payment, paid(), key=STRANGER)).json()
    assert {name: before[name] for name in ("code", "status", "title")} == {
        name: after[name] for name in ("code", "status", "title")
    }


async def test_what_a_sandbox_bank_sends_is_what_the_door_takes(http: Http) -> None:
    """Order, callbacks on their day, a forged one, and the money taken back: all over HTTP, as a real bank would."""
    payment, today = await collecting(http), business_date(now())
    script = Script(callbacks_after_days=(0, 0), forged_after_days=(0,), charged_back_after_days=0)
    bank = SandboxBank("bank_a", secret(http), always(script))
    order = Order(request=request_of(payment, 1), amount_fen=40_000, channel="bank_a", on=today)
    assert (await bank.initiate(order)).status is Status.SUCCEEDED
    told = []
    for delivery in bank.deliveries(today):
        path = "/v1/providers/bank_a/callbacks"
        answer = await http.client.post(path, content=delivery.body, headers=delivery.headers)
        told.append((answer.status_code, answer.json().get("result") or answer.json()["code"]))
    assert told == [(200, "applied"), (200, "duplicate"), (401, "callback.forged"), (200, "applied")]
    assert [kind.removesuffix(".v1") for kind in (await recorded(http, payment))[2:]] == [
        "payment.callback_applied", "payment.succeeded", "payment.callback_ignored", "payment.callback_ignored",
        "payment.callback_applied", "payment.charged_back",
    ]  # fmt: skip
    bank.close()


async def test_a_thousand_forgeries_do_not_fill_the_ledger(http: Http) -> None:
    """Whoever knows a payment's id can send them; each is refused, the first ones are kept."""
    payment = await collecting(http)
    size = await http.size()
    for number in range(FORGED_KEPT + 5):
        assert (await call(http, payment, paid(number + 1), key=STRANGER)).status_code == 401
    assert await http.size() == size + FORGED_KEPT
    assert (await call(http, payment, paid())).json() == {"result": "applied"}


async def test_another_tenants_payment_is_its_own(http: Http) -> None:
    """The door has no key, so a payment's own tenant is the one that an event belongs to."""
    other = http.another_tenant()
    mine, theirs = await collecting(http), await collecting(other)
    await call(http, theirs, paid())
    assert "payment.succeeded.v1" not in await recorded(http, mine)
    entries = [one.parsed() for one in await http.running.reader.stream(theirs)]
    assert {entry.tenant for entry in entries} == {other.tenant}


async def test_the_log_has_the_route_and_not_the_payment(http: Http, capsys: pytest.CaptureFixture[str]) -> None:
    payment = await collecting(http)
    capsys.readouterr()
    answer = await call(http, payment, paid(), key=STRANGER)
    logged = capsys.readouterr().out
    assert "/v1/providers/{provider}/callbacks" in logged
    assert payment.hex not in logged + answer.text


async def test_a_callback_in_pieces_is_one_callback(http: Http) -> None:
    """The signature is over the bytes as they add up; too many of them are refused before they are all here."""
    payment = await collecting(http)
    body = callback_body(request_of(payment, 1), paid())
    headers = sign(secret(http), 1_700_000_000, body)

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 7):
            yield body[at : at + 7]

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1_000

    path = "/v1/providers/bank_a/callbacks"
    assert (await http.client.post(path, content=pieces(), headers=headers)).json() == {"result": "applied"}
    assert (await http.client.post(path, content=endless(), headers=headers)).status_code == 413


@contextmanager
def reacting(on: Base) -> Iterator[None]:
    """The role that lets follow what follows, beside the interface."""
    stop = threading.Event()
    thread = threading.Thread(target=react, args=(on, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


async def newest(http: Http, stream: UUID) -> Entry:
    return (await http.running.reader.stream(stream))[-1].parsed()


async def test_money_reaches_its_lease_without_an_end_of_day(http: Http) -> None:
    payment = await collecting(http)
    lease = (await http.running.reader.stream(payment))[0].parsed().event()
    assert isinstance(lease, PaymentInitiated)
    assert (await call(http, payment, paid())).status_code == 200
    with reacting(http.on):
        last = await newest(http, lease.lease)
        for _ in range(TRIES):
            if last.type == "lease.payment_posted.v1":
                break
            await asyncio.sleep(0.1)
            last = await newest(http, lease.lease)
    assert (last.type, last.actor.id) == ("lease.payment_posted.v1", "process:payments")
