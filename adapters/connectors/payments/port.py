"""Port of a payment provider: it takes orders, tells their outcomes, refunds, calls back signed, and reports a day.

    initiate(order) ─▶ Answer(accepted | succeeded | failed | unknown)     the same order again is the same transaction
    query(request)  ─▶ Answer                                              what really became of it
    refund(request) ─▶ Answer                                              the same key again is the same refund
    callback        ─▶ verify_callback(headers, body) ─▶ Callback | CallbackForged
    statement(day)  ─▶ bytes | None                                        see `adapters.connectors.payments.statement`

A request is our own name of one attempt, `<payment hex>-<attempt>`: the provider repeats it in whatever it says, so
that even a callback that is faster than its answer finds its attempt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from msgspec import Struct

_REQUEST = re.compile(r"([0-9a-f]{32})-([1-9][0-9]{0,2})")


class Status(StrEnum):
    """What a provider says of an order, or calls back with.

    `UNKNOWN` also stands for no answer, or one that makes no sense; only callbacks say `CHARGED_BACK`.
    """

    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CHARGED_BACK = "charged_back"


class Order(Struct, frozen=True, kw_only=True):
    """One attempt to collect, as it goes to a provider on a business date."""

    request: str
    amount_fen: int
    channel: str
    on: date
    mandate: str | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """What the provider says of an order: its own reference as a digest; amount and value date of a success, code of a
    failure, and of an unknown outcome the reason why it is unknown.
    """

    status: Status
    ref: str | None = None
    amount_fen: int | None = None
    value_date: date | None = None
    code: str | None = None


class Callback(Struct, frozen=True, kw_only=True):
    """A verified callback; `digest` is SHA-256 of its body, in hex."""

    digest: str
    request: str
    answer: Answer


class ProviderError(Exception):
    """A provider, or somebody in its name, that did not say what was expected."""


class CallbackForged(ProviderError):
    """A callback whose signature does not verify; the message has expected and got, never the secret."""


class CallbackMalformed(ProviderError):
    """A callback that is signed and still makes no sense."""


class RequestMalformed(ProviderError):
    """A request that is not of the form `<32 hex digits>-<attempt>`."""


class PaymentProvider(Protocol):
    """One provider; its name is the channel that policies speak of."""

    name: str

    async def initiate(self, order: Order) -> Answer:
        """Start an attempt. Repeating an order starts nothing and gives the answer of now."""

    async def query(self, request: str, on: date) -> Answer:
        """What became of an attempt, as of a business date; `FAILED` with `not_received` if it never arrived."""

    async def refund(self, request: str, amount_fen: int, key: str, on: date) -> Answer:
        """Pay back a part of a collected amount on a business date, once for each key; the answer of now for one known.

        A success says reference, amount and value date; after `FAILED` nothing went out and nothing will.
        """

    def verify_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        """The callback in signed bytes. Raises `CallbackForged` or `CallbackMalformed`."""

    async def statement(self, day: date) -> bytes | None:
        """The statement of a day: everything that moved with that value date; `None` without an online statement."""


def refund_key(payment: UUID, number: int) -> str:
    """Our name of one refund of a payment."""
    return f"{payment.hex}-refund-{number}"


def request_of(payment: UUID, attempt: int) -> str:
    """Our name of one attempt of a payment."""
    return f"{payment.hex}-{attempt}"


def parse_request(request: str) -> tuple[UUID, int]:
    """Payment and attempt of a request. Raises `RequestMalformed`."""
    found = _REQUEST.fullmatch(request)
    if found is None:
        raise RequestMalformed(f"expected <32 hex digits>-<attempt>, got {request[:50]!r}")
    return UUID(hex=found[1]), int(found[2])
