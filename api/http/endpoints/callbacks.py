"""Callbacks of payment providers: authenticated by the provider's signature instead of an API key.

    POST /v1/providers/<name>/callbacks ─▶ signature over the exact bytes ─▶ ReceiveCallback ─▶ recorded, applied or not

What a provider needs to know is whether to send it again: 2xx means never, 409 and 5xx later, every other 4xx that it
is not ours. There is no Idempotency-Key: a callback that comes twice is recorded twice and applied once.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Path, Request
from msgspec import Struct
from starlette.responses import Response

from adapters.connectors.payments.collecting import received
from adapters.connectors.payments.port import CallbackMalformed, RequestMalformed
from adapters.connectors.payments.signature import BODY_MAX_BYTES, verify
from adapters.postgres.ledger import Request as CommandRequest
from adapters.postgres.reading import browse
from adapters.system import new_id
from api.http.description import POSITION, Description, add
from api.http.problems import kinds
from api.http.problems.problem import RETRY_AFTER_S, Problem, refused
from api.http.reads.answers import JSON, encode
from api.http.reads.routes import PUBLIC, Of
from api.http.services import Services
from domain.kernel.command import SYSTEM, Actor, Context
from domain.kernel.event import Event
from domain.kernel.process import FollowUp
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date
from domain.payments.payment.commands import ReceiveCallback
from domain.payments.payment.events import CallbackIgnored
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.values import Ignored
from projections.engine.reading import decode

APPLIED = "applied"


class Taken(Struct, frozen=True):
    """What became of a callback: applied, or why it changed nothing."""

    result: str


ProviderPath = Annotated[str, Path(description="The provider's name, which is its channel.", examples=["bank_a"])]


async def receive_callback(request: Request, provider: ProviderPath, of: Of) -> Response:
    """A payment provider reports a success, a failure or a chargeback, in bytes that it signed.

    Headers `payment-timestamp` and `payment-signature`: HMAC-SHA-256 (RFC 2104) over timestamp, a full stop and the
    body, with the secret that the provider and this installation share.
    """
    body = await _body(request)
    secret = of.running.keys.provider_secret(provider)
    if secret is None:
        raise Problem(kinds.NOT_FOUND)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        follow_up = received(provider, lambda given, raw: verify(secret, given, raw), headers, body, new_id())
    except (CallbackMalformed, RequestMalformed):
        raise Problem(kinds.CALLBACK_MALFORMED) from None
    position, result = await _record(of, provider, follow_up)
    answer = Taken(result)
    return Response(encode(answer), media_type=JSON, headers={"Ledger-Position": str(position)})


async def _body(request: Request) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_MAX_BYTES:
            raise kinds.TOO_LARGE(limit_bytes=BODY_MAX_BYTES)
        chunks.append(chunk)
    return b"".join(chunks)


async def _record(of: Services, provider: str, follow_up: FollowUp) -> tuple[int, str]:
    """Where the callback stands in the ledger, and what became of it. Raises what the provider must not repeat."""
    first = await of.queries.run(browse.first_envelope, follow_up.stream)
    if first is None or first.type.partition(".")[0] != PAYMENT.name:
        raise Problem(kinds.NOT_FOUND)
    now = of.now()
    context = Context(
        tenant=first.tenant,
        actor=Actor(SYSTEM, f"provider:{provider}"),
        correlation=first.correlation,
        now=now,
        business_date=business_date(now),
    )
    request = CommandRequest(stream=follow_up.stream, key=follow_up.key, command=follow_up.command, context=context)
    outcome = await of.running.ledger.execute(PAYMENT, request)
    if isinstance(outcome, Refusal):
        raise refused(outcome)
    assert isinstance(follow_up.command, ReceiveCallback)
    if not follow_up.command.verified:
        raise Problem(kinds.CALLBACK_FORGED)
    stored = await of.running.reader.stream(follow_up.stream, after=outcome.seq - 1)
    return outcome.last_position, _result(decode(stored[0].position, stored[0].entry).event)


def _result(event: Event) -> str:
    if not isinstance(event, CallbackIgnored):
        return APPLIED
    if event.reason is Ignored.UNKNOWN:
        raise Problem(kinds.NOT_FOUND)
    if event.reason is Ignored.EARLY:
        raise kinds.CALLBACK_EARLY().with_headers(Retry_After=RETRY_AFTER_S)
    return event.reason.value


def register(app: FastAPI) -> None:
    """Add the route of this file."""
    description = Description(
        answer=Taken, headers=(POSITION,), problems=(400, 401, 404, 409, 413, 422, 500, 503),
        takes={"application/json": {"type": "object", "required": ["request", "status"]}},
    )  # fmt: skip
    add(
        app,
        "POST",
        "/v1/providers/{provider}/callbacks",
        receive_callback,
        "payments",
        description,
        dependencies=PUBLIC,
    )
