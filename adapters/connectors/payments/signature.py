"""Signed callbacks: HMAC-SHA256 (RFC 2104) over the time of sending and the body.

    payment-timestamp: 1114819200
    payment-signature: hex(HMAC-SHA256(secret, timestamp ‖ "." ‖ body))

A callback that comes again is not an attack but a habit of providers: payments tell repeats by the digest of the body.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import date
from hashlib import sha256

import msgspec
from msgspec import Struct

from adapters.connectors.payments.port import Answer, Callback, CallbackForged, CallbackMalformed, Status
from domain.kernel.values import canonical_json

TIMESTAMP_HEADER = "payment-timestamp"
SIGNATURE_HEADER = "payment-signature"
BODY_MAX_BYTES = 16_384


class _Body(Struct, frozen=True, forbid_unknown_fields=True):
    request: str
    status: Status
    ref: str | None = None
    amount_fen: int | None = None
    value_date: date | None = None
    code: str | None = None


_decode = msgspec.json.Decoder(_Body).decode


def callback_body(request: str, answer: Answer) -> bytes:
    """The body of a callback, as canonical JSON."""
    return canonical_json(_Body(request, answer.status, answer.ref, answer.amount_fen, answer.value_date, answer.code))


def sign(secret: bytes, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The headers that a provider sends with a body."""
    return {TIMESTAMP_HEADER: str(timestamp_s), SIGNATURE_HEADER: _mac(secret, str(timestamp_s), body)}


def verify(secret: bytes, headers: Mapping[str, str], body: bytes) -> Callback:
    """The callback in a signed body. Raises `CallbackForged` or `CallbackMalformed`; header names are in lower case."""
    for name in (TIMESTAMP_HEADER, SIGNATURE_HEADER):
        if name not in headers:
            raise CallbackForged(f"expected the header {name}, got none")
    if len(body) > BODY_MAX_BYTES:
        raise CallbackMalformed(f"expected at most {BODY_MAX_BYTES} bytes, got {len(body)}")
    expected = _mac(secret, headers[TIMESTAMP_HEADER], body)
    if not hmac.compare_digest(expected.encode(), headers[SIGNATURE_HEADER].encode()):
        raise CallbackForged(
            f"expected the provider's signature of these {len(body)} bytes, got {headers[SIGNATURE_HEADER][:16]!r}…"
        )
    try:
        said = _decode(body)
    except msgspec.MsgspecError as error:
        raise CallbackMalformed(f"expected a callback's JSON, got: {error}") from error
    answer = Answer(
        status=said.status, ref=said.ref, amount_fen=said.amount_fen, value_date=said.value_date, code=said.code
    )
    return Callback(digest=sha256(body).hexdigest(), request=said.request, answer=answer)


def _mac(secret: bytes, timestamp: str, body: bytes) -> str:
    return hmac.new(secret, timestamp.encode() + b"." + body, sha256).hexdigest()
