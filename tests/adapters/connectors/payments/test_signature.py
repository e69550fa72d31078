"""Signed callbacks: the published HMAC vector, and nothing forged gets through."""

from __future__ import annotations

import hmac
from datetime import date
from hashlib import sha256

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from adapters.connectors.payments.port import (
    Answer,
    CallbackForged,
    CallbackMalformed,
    RequestMalformed,
    Status,
    parse_request,
    request_of,
)
from adapters.connectors.payments.signature import (
    BODY_MAX_BYTES,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    callback_body,
    sign,
    verify,
)

SECRET = b"only these tests know it"
ANSWER = Answer(status=Status.SUCCEEDED, ref="a" * 64, amount_fen=5, value_date=date(2005, 5, 4))
REQUEST = "0f" * 16 + "-2"
BODY = callback_body(REQUEST, ANSWER)
HEADERS = sign(SECRET, 1_114_819_200, BODY)


def test_the_signature_is_hmac_sha256_over_time_and_body() -> None:
    expected = hmac.new(SECRET, b"1114819200." + BODY, sha256).hexdigest()
    assert {TIMESTAMP_HEADER: "1114819200", SIGNATURE_HEADER: expected} == HEADERS


def test_rfc_4231_case_2() -> None:
    """The primitive is the one of the standard: key "Jefe", published result."""
    got = hmac.new(b"Jefe", b"what do ya want for nothing?", sha256).hexdigest()
    assert got == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_a_true_callback_is_read() -> None:
    callback = verify(SECRET, HEADERS, BODY)
    assert (callback.request, callback.answer, callback.digest) == (REQUEST, ANSWER, sha256(BODY).hexdigest())


@pytest.mark.parametrize("missing", [TIMESTAMP_HEADER, SIGNATURE_HEADER])
def test_headers_are_needed(missing: str) -> None:
    headers = {name: value for name, value in HEADERS.items() if name != missing}
    with pytest.raises(CallbackForged, match=f"expected the header {missing}, got none"):
        verify(SECRET, headers, BODY)


def test_another_secret_another_time_another_body() -> None:
    for secret, headers, body in (
        (SECRET + b"x", HEADERS, BODY),
        (SECRET, {**HEADERS, TIMESTAMP_HEADER: "1114819201"}, BODY),
        (SECRET, HEADERS, BODY.replace(b":5", b":6")),
        (SECRET, {**HEADERS, SIGNATURE_HEADER: "签名"}, BODY),
    ):
        with pytest.raises(CallbackForged, match="expected the provider's signature"):
            verify(secret, headers, body)


@for_all(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_any_changed_byte_is_a_forgery(at: int, flip: int) -> None:
    changed = BODY[:at] + bytes([BODY[at] ^ flip]) + BODY[at + 1 :]
    with pytest.raises(CallbackForged):
        verify(SECRET, HEADERS, changed)


def test_the_message_never_holds_the_secret_or_the_right_signature() -> None:
    with pytest.raises(CallbackForged) as caught:
        verify(SECRET, {**HEADERS, SIGNATURE_HEADER: "0" * 64}, BODY)
    assert HEADERS[SIGNATURE_HEADER][:16] not in str(caught.value)
    assert SECRET.decode() not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "expected a callback's JSON"),
        (b'{"request":"x","status":"perhaps"}', "expected a callback's JSON"),
        (b'{"request":"x","status":"failed","more":1}', "more"),
        (b" " * (BODY_MAX_BYTES + 1), f"expected at most {BODY_MAX_BYTES} bytes"),
    ],
)
def test_signed_nonsense_is_malformed(body: bytes, says: str) -> None:
    with pytest.raises(CallbackMalformed, match=says):
        verify(SECRET, sign(SECRET, 1, body), body)


def test_requests_name_an_attempt() -> None:
    payment, attempt = parse_request(REQUEST)
    assert request_of(payment, attempt) == REQUEST
    for wrong in ("", "x-1", "0f" * 16 + "-0", "0f" * 16 + "-01", "0F" * 16 + "-1", REQUEST + "\n"):
        with pytest.raises(RequestMalformed, match="expected <32 hex digits>-<attempt>"):
            parse_request(wrong)
