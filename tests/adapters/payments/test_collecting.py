"""Attempts at their providers: every answer has its command, silence is unknown, callbacks are taken as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta
from uuid import UUID

import pytest

from adapters.payments.collecting import Collector, UnknownChannel, received
from adapters.payments.in_process import InProcessProvider, Script, always
from adapters.payments.port import (
    Answer,
    Callback,
    CallbackMalformed,
    Order,
    PaymentProvider,
    RequestMalformed,
    Status,
    request_of,
)
from adapters.payments.signature import callback_body, sign
from chain.entry import Entry, draft, parse, seal
from domain.kernel import Command, Event, fold
from domain.payments.payment import (
    PAYMENT,
    PaymentState,
    ReceiveCallback,
    RecordFailed,
    RecordOutcomeUnknown,
    RecordPending,
    RecordSucceeded,
    Reported,
    Source,
)
from tests.domain.payments.cases import FEN, INITIATED, LATER, SWITCHED, UNKNOWN
from tests.domain.scenario import CONTEXT, TODAY

STREAM = UUID(int=7)
ARRIVAL = UUID(int=8)
SECRET = b"secret"


def entry(event: Event) -> Entry:
    """The envelope of an event of the payment."""
    drafted = draft(event, CONTEXT, stream=STREAM, eid=UUID(int=9))
    return parse(seal(drafted, 1, None, "2026-03-02T01:30:00.000000Z"))


class Known:
    """Payments that are what their events say."""

    def __init__(self, *events: Event) -> None:
        self._events = events

    async def payment(self, stream: UUID) -> PaymentState:
        return fold(PAYMENT, self._events)


class Says(InProcessProvider):
    """A provider that says what a test wants, or raises it."""

    def __init__(self, answer: Answer | Exception) -> None:
        super().__init__("bank_a", SECRET, always(Script()))
        self.answer = answer
        self.orders: list[Order] = []

    async def initiate(self, order: Order) -> Answer:
        self.orders.append(order)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def query(self, request: str, on: date) -> Answer:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


PAID = Answer(status=Status.SUCCEEDED, ref="a" * 64, amount_fen=FEN, value_date=TODAY)
ANSWERS: list[tuple[Answer | Exception, Command]] = [
    (Answer(status=Status.ACCEPTED, ref="a" * 64), RecordPending(attempt=1, ref="a" * 64)),
    (PAID, RecordSucceeded(attempt=1, amount_fen=FEN, value_date=TODAY, ref="a" * 64)),
    (Answer(status=Status.FAILED, code="limit_exceeded"), RecordFailed(attempt=1, code="limit_exceeded")),
    (Answer(status=Status.UNKNOWN, code="timeout"), RecordOutcomeUnknown(attempt=1, reason="timeout")),
    (Answer(status=Status.SUCCEEDED, ref="a" * 64), RecordOutcomeUnknown(attempt=1, reason="no_sense")),
    (Answer(status=Status.FAILED), RecordOutcomeUnknown(attempt=1, reason="no_sense")),
    (Answer(status=Status.ACCEPTED), RecordOutcomeUnknown(attempt=1, reason="no_sense")),
    (ConnectionError("gone"), RecordOutcomeUnknown(attempt=1, reason="no_answer")),
]


@pytest.mark.parametrize(("answer", "command"), ANSWERS)
async def test_every_answer_has_its_command(answer: Answer | Exception, command: Command) -> None:
    provider = Says(answer)
    (wish,) = await Collector({"bank_a": provider}, Known(INITIATED)).react(INITIATED, entry(INITIATED))
    assert wish.command == command
    assert (wish.stream, wish.key) == (STREAM, f"payment:{STREAM.hex}:attempt:1")
    assert provider.orders == [
        Order(request=request_of(STREAM, 1), amount_fen=FEN, channel="bank_a", on=TODAY, mandate="M-1")
    ]


async def test_silence_is_an_unknown_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Says):
        async def initiate(self, order: Order) -> Answer:
            await asyncio.sleep(60)
            raise AssertionError("nobody waits so long")

    monkeypatch.setattr("adapters.payments.collecting.ANSWER_TIMEOUT_S", 0.01)
    (wish,) = await Collector({"bank_a": Silent(PAID)}, Known(INITIATED)).react(INITIATED, entry(INITIATED))
    assert wish.command == RecordOutcomeUnknown(attempt=1, reason="no_answer")


async def test_what_waits_for_its_day_goes_nowhere() -> None:
    assert await Collector({}, Known(LATER)).react(LATER, entry(LATER)) == ()


async def test_a_switched_channel_is_the_next_providers() -> None:
    with pytest.raises(UnknownChannel, match="expected a provider for one of bank_a, got the channel 'bank_b'"):
        await Collector({"bank_a": Says(PAID)}, Known(INITIATED, SWITCHED)).react(SWITCHED, entry(SWITCHED))


async def test_an_unknown_outcome_is_asked_for() -> None:
    collector = Collector({"bank_a": Says(PAID)}, Known(INITIATED, UNKNOWN))
    (wish,) = await collector.react(UNKNOWN, entry(UNKNOWN))
    assert wish.command == RecordSucceeded(
        attempt=1, amount_fen=FEN, value_date=TODAY, ref="a" * 64, source=Source.QUERY
    )
    assert wish.key == f"payment:{STREAM.hex}:resolved:1"


@pytest.mark.parametrize("answer", [Answer(status=Status.ACCEPTED, ref="a" * 64), ConnectionError("gone")])
async def test_what_nobody_knows_yet_stays_unknown(answer: Answer | Exception) -> None:
    assert await Collector({"bank_a": Says(answer)}, Known(INITIATED, UNKNOWN)).resolve(STREAM, 1, TODAY) == ()


# ---------------------------------------------------------------------------------------------- callbacks


def provider() -> PaymentProvider:
    return InProcessProvider("bank_a", SECRET, always(Script()))


def delivered(answer: Answer, request: str = request_of(STREAM, 1)) -> tuple[Mapping[str, str], bytes]:
    body = callback_body(request, answer)
    return sign(SECRET, 1, body), body


def test_a_true_callback_becomes_its_command() -> None:
    wish = received(provider(), *delivered(PAID), ARRIVAL)
    command = wish.command
    assert isinstance(command, ReceiveCallback)
    assert (command.verified, command.attempt, command.reported) == (True, 1, Reported.SUCCEEDED)
    assert (command.amount_fen, command.value_date, command.ref) == (FEN, TODAY, "a" * 64)
    assert (wish.stream, wish.key) == (STREAM, f"payment:{STREAM.hex}:callback:{ARRIVAL.hex}")


def test_a_failure_carries_its_code_only() -> None:
    command = received(provider(), *delivered(Answer(status=Status.FAILED, code="limit_exceeded")), ARRIVAL).command
    assert isinstance(command, ReceiveCallback)
    assert (command.reported, command.code, command.amount_fen) == (Reported.FAILED, "limit_exceeded", None)


def test_a_forged_one_is_recorded_with_the_payment_it_names() -> None:
    headers, body = delivered(PAID)
    command = received(provider(), {**headers, "payment-signature": "0" * 64}, body, ARRIVAL).command
    assert isinstance(command, ReceiveCallback)
    assert (command.verified, command.attempt, command.amount_fen) == (False, 1, None)


def test_a_forged_one_that_names_nothing_is_not_ours() -> None:
    with pytest.raises(RequestMalformed):
        received(provider(), {}, b"hello", ARRIVAL)
    with pytest.raises(RequestMalformed):
        received(provider(), {}, b'{"request":"../../etc"}', ARRIVAL)


def test_a_signed_callback_without_news_is_malformed() -> None:
    with pytest.raises(CallbackMalformed, match="got accepted"):
        received(provider(), *delivered(Answer(status=Status.ACCEPTED, ref="a" * 64)), ARRIVAL)


async def test_what_a_provider_sends_is_what_we_take() -> None:
    """The whole way: order, callbacks on their day, applied once, then duplicates, and a forgery."""
    bank = InProcessProvider(
        "bank_a", SECRET, always(Script(settles_after_days=1, callbacks_after_days=(1, 1), forged_after_days=(1,)))
    )
    events: list[Event] = [INITIATED]
    (wish,) = await Collector({"bank_a": bank}, Known(*events)).react(INITIATED, entry(INITIATED))
    events += _granted(wish.command, events)
    told = []
    for number, delivery in enumerate(bank.deliveries(TODAY + timedelta(days=1))):
        arrived = received(bank, delivery.headers, delivery.body, UUID(int=number))
        new = _granted(arrived.command, events)
        told.append([type(event).__name__ for event in new])
        events += new
    assert told == [["CallbackApplied", "PaymentSucceeded"], ["CallbackIgnored"], ["CallbackIgnored"]]


def _granted(command: Command, events: list[Event]) -> tuple[Event, ...]:
    answer = PAYMENT.decide(command, fold(PAYMENT, events), CONTEXT)
    assert isinstance(answer, tuple)
    return answer


def test_a_callback_is_named_by_its_bytes() -> None:
    headers, body = delivered(PAID)
    callback = provider().verify_callback(headers, body)
    assert isinstance(callback, Callback)
    assert len(callback.digest) == 64
