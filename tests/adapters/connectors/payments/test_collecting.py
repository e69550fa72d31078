"""Attempts at their providers: every answer has its command, silence is unknown, callbacks are taken as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from adapters.connectors.payments.collecting import Collector, received
from adapters.connectors.payments.port import (
    Answer,
    Callback,
    CallbackMalformed,
    Order,
    PaymentProvider,
    RequestMalformed,
    Status,
    request_of,
)
from adapters.connectors.payments.sandbox import SandboxBank
from adapters.connectors.payments.scenarios import Script, always
from adapters.connectors.payments.signature import callback_body, sign
from domain.kernel.command import Command
from domain.kernel.decider import fold
from domain.kernel.event import Event
from domain.kernel.process import Followed, FollowUp, Occurrence, Unanswered
from domain.kernel.times import BEIJING
from domain.payments.payment.commands import (
    ReceiveCallback,
    RecordFailed,
    RecordOutcomeUnknown,
    RecordPending,
    RecordRefunded,
    RecordRefundFailed,
    RecordSucceeded,
)
from domain.payments.payment.events import AttemptStarted, PaymentFailed
from domain.payments.payment.refusals import VALUE_DATE_FAR
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.state import PaymentState
from domain.payments.payment.values import Reported, Source
from tests.domain.payments.cases import (
    ASKED,
    BEGUN,
    FEN,
    FIRST,
    INITIATED,
    LATER,
    SWITCHED,
    UNKNOWN,
    refunded,
    succeeded,
)
from tests.given import CONTEXT, TODAY

STREAM = UUID(int=7)
ARRIVAL = UUID(int=8)
SECRET = b"secret"


def occurrence(event: Event) -> Occurrence:
    """An event of the payment."""
    return Occurrence(event=event, stream=STREAM, tenant=CONTEXT.tenant, business_date=CONTEXT.business_date)


def command_of(followed: Followed) -> FollowUp:
    """The one command that follows."""
    (one,) = followed
    assert isinstance(one, FollowUp)
    return one


class Known:
    """Payments that are what their events say."""

    def __init__(self, *events: Event) -> None:
        self._events = events
        self.void = False

    async def payment(self, stream: UUID) -> PaymentState:
        return fold(PAYMENT, self._events)

    async def may_be_asked(self, payment: PaymentState, amount_fen: int, by: Occurrence) -> bool:
        return not self.void


class Says(SandboxBank):
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

    async def refund(self, request: str, amount_fen: int, key: str, on: date) -> Answer:
        return await self.query(f"{request} {amount_fen} {key}", on)


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
    follow_up = command_of(await Collector({"bank_a": provider}, Known(*BEGUN)).react(occurrence(FIRST)))
    assert follow_up.command == command
    assert (follow_up.stream, follow_up.key) == (STREAM, f"payment:{STREAM.hex}:attempt:1")
    assert provider.orders == [
        Order(request=request_of(STREAM, 1), amount_fen=FEN, channel="bank_a", on=TODAY, mandate="M-1")
    ]


async def test_silence_is_an_unknown_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Says):
        async def initiate(self, order: Order) -> Answer:
            await asyncio.sleep(60)
            raise AssertionError("nobody waits so long")

    monkeypatch.setattr("adapters.connectors.payments.collecting.ANSWER_TIMEOUT_S", 0.01)
    follow_up = command_of(await Collector({"bank_a": Silent(PAID)}, Known(*BEGUN)).react(occurrence(FIRST)))
    assert follow_up.command == RecordOutcomeUnknown(attempt=1, reason="no_answer")


async def test_what_waits_for_its_day_goes_nowhere() -> None:
    assert await Collector({}, Known(LATER)).react(occurrence(LATER)) == ()


async def test_a_switched_channel_waits_for_its_amount() -> None:
    """The next attempt begins by an event of its own, when it is known what is open then."""
    past = (*BEGUN, PaymentFailed(attempt=1, channel="bank_a", code="account_closed"), SWITCHED)
    assert await Collector({"bank_a": Says(PAID)}, Known(*past)).react(occurrence(SWITCHED)) == ()


async def test_the_amount_is_that_of_the_event() -> None:
    """Not that of the payment: each attempt asks for what was open when it began."""
    less = AttemptStarted(attempt=1, channel="bank_a", amount_fen=7)
    provider = Says(PAID)
    await Collector({"bank_a": provider}, Known(INITIATED, less)).react(occurrence(less))
    assert [order.amount_fen for order in provider.orders] == [7]


async def test_an_attempt_that_is_over_goes_to_nobody_again() -> None:
    """A reactor that begins late, or again, meets attempts of the past."""
    provider = Says(PAID)
    for past in ((*BEGUN, succeeded()), (*BEGUN, UNKNOWN)):
        assert await Collector({"bank_a": provider}, Known(*past)).react(occurrence(FIRST)) == ()
    assert provider.orders == []


async def test_a_channel_that_nobody_serves_leaves_the_outcome_unknown() -> None:
    """Another configuration may have asked already; a query says so when there is somebody to ask."""
    follow_up = command_of(await Collector({}, Known(*BEGUN)).react(occurrence(FIRST)))
    assert follow_up.command == RecordOutcomeUnknown(attempt=1, reason="no_provider")
    assert await Collector({}, Known(*BEGUN, UNKNOWN)).react(occurrence(UNKNOWN)) == ()
    assert await Collector({}, Known(*BEGUN, succeeded(), ASKED)).react(occurrence(ASKED)) == ()


PAID_OUT = Answer(status=Status.SUCCEEDED, ref="b" * 64, amount_fen=ASKED.amount_fen, value_date=TODAY)


@pytest.mark.parametrize(
    ("answer", "command"),
    [
        (PAID_OUT, RecordRefunded(number=1, value_date=TODAY, ref="b" * 64)),
        (Answer(status=Status.FAILED, code="account_closed"), RecordRefundFailed(number=1, code="account_closed")),
        (Answer(status=Status.UNKNOWN, code="timeout"), None),
        (Answer(status=Status.ACCEPTED, ref="b" * 64), None),
        (replace(PAID_OUT, amount_fen=1), None),
        (replace(PAID_OUT, ref=None), None),
        (ConnectionError("gone"), None),
    ],
)
async def test_a_refund_is_over_when_the_provider_says_how(answer: Answer | Exception, command: Command | None) -> None:
    """Whatever else it says, money may have gone out: the same question is asked again."""
    past = (*BEGUN, succeeded(), ASKED)
    follow_ups = await Collector({"bank_a": Says(answer)}, Known(*past)).react(occurrence(ASKED))
    assert [getattr(follow_up, "command", None) for follow_up in follow_ups] == ([] if command is None else [command])
    assert all(follow_up.key == f"payment:{STREAM.hex}:refund:1" for follow_up in follow_ups)


async def test_a_refund_that_is_over_is_not_asked_for() -> None:
    collector = Collector({"bank_a": Says(PAID_OUT)}, Known(*BEGUN, succeeded(), ASKED, refunded()))
    assert await collector.refund(STREAM, 1, TODAY) == ()
    assert await collector.refund(STREAM, 9, TODAY) == ()


async def test_an_unknown_outcome_is_asked_for() -> None:
    collector = Collector({"bank_a": Says(PAID)}, Known(*BEGUN, UNKNOWN))
    follow_up = command_of(await collector.react(occurrence(UNKNOWN)))
    assert follow_up.command == RecordSucceeded(
        attempt=1, amount_fen=FEN, value_date=TODAY, ref="a" * 64, source=Source.QUERY
    )
    assert follow_up.key == f"payment:{STREAM.hex}:resolved:1"


@pytest.mark.parametrize("answer", [Answer(status=Status.ACCEPTED, ref="a" * 64), ConnectionError("gone")])
async def test_what_nobody_knows_yet_stays_unknown(answer: Answer | Exception) -> None:
    assert await Collector({"bank_a": Says(answer)}, Known(*BEGUN, UNKNOWN)).resolve(STREAM, 1, TODAY) == ()


# ---------------------------------------------------------------------------------------------- callbacks


def provider() -> PaymentProvider:
    return SandboxBank("bank_a", SECRET, always(Script()))


def delivered(answer: Answer, request: str = request_of(STREAM, 1)) -> tuple[Mapping[str, str], bytes]:
    body = callback_body(request, answer)
    return sign(SECRET, 1, body), body


def test_a_true_callback_becomes_its_command() -> None:
    follow_up = received("bank_a", provider().verify_callback, *delivered(PAID), ARRIVAL)
    command = follow_up.command
    assert isinstance(command, ReceiveCallback)
    assert (command.verified, command.attempt, command.reported) == (True, 1, Reported.SUCCEEDED)
    assert (command.amount_fen, command.value_date, command.ref) == (FEN, TODAY, "a" * 64)
    assert (follow_up.stream, follow_up.key) == (STREAM, f"payment:{STREAM.hex}:callback:{ARRIVAL.hex}")


FAILED = Answer(status=Status.FAILED, code="limit_exceeded")


def test_a_failure_carries_its_code_only() -> None:
    command = received(
        "bank_a", provider().verify_callback, *delivered(Answer(status=Status.FAILED, code="limit_exceeded")), ARRIVAL
    ).command
    assert isinstance(command, ReceiveCallback)
    assert (command.reported, command.code, command.amount_fen) == (Reported.FAILED, "limit_exceeded", None)


def test_a_forged_one_is_recorded_with_the_payment_it_names() -> None:
    headers, body = delivered(PAID)
    command = received(
        "bank_a", provider().verify_callback, {**headers, "payment-signature": "0" * 64}, body, ARRIVAL
    ).command
    assert isinstance(command, ReceiveCallback)
    assert (command.verified, command.attempt, command.amount_fen) == (False, 1, None)


def test_a_forged_one_that_names_nothing_is_not_ours() -> None:
    with pytest.raises(RequestMalformed):
        received("bank_a", provider().verify_callback, {}, b"hello", ARRIVAL)
    with pytest.raises(RequestMalformed):
        received("bank_a", provider().verify_callback, {}, b'{"request":"../../etc"}', ARRIVAL)


def test_a_chargeback_says_when_and_why() -> None:
    back = Answer(status=Status.CHARGED_BACK, ref="a" * 64, amount_fen=FEN, value_date=TODAY, code="disputed")
    command = received("bank_a", provider().verify_callback, *delivered(back), ARRIVAL).command
    assert isinstance(command, ReceiveCallback)
    assert (command.reported, command.value_date, command.code) == (Reported.CHARGED_BACK, TODAY, "disputed")


def test_a_signed_callback_without_news_is_malformed() -> None:
    with pytest.raises(CallbackMalformed, match="got accepted"):
        received(
            "bank_a", provider().verify_callback, *delivered(Answer(status=Status.ACCEPTED, ref="a" * 64)), ARRIVAL
        )


async def test_what_a_provider_sends_is_what_we_take() -> None:
    """The whole way: order, callbacks on their day, applied once, then duplicates, and a forgery."""
    bank = SandboxBank(
        "bank_a", SECRET, always(Script(settles_after_days=1, callbacks_after_days=(1, 1), forged_after_days=(1,)))
    )
    events: list[Event] = [*BEGUN]
    follow_up = command_of(await Collector({"bank_a": bank}, Known(*events)).react(occurrence(FIRST)))
    events += _granted(follow_up.command, events)
    told = []
    for number, delivery in enumerate(bank.deliveries(TODAY + timedelta(days=1))):
        arrived = received("bank_a", bank.verify_callback, delivery.headers, delivery.body, UUID(int=number))
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


async def test_what_may_not_be_asked_for_any_more_is_asked_about_and_not_ordered() -> None:
    """The order may have left before its mandate was suspended; if it did not, it leaves no more."""
    provider = Says(Answer(status=Status.FAILED, code="not_received"))
    known = Known(*BEGUN)
    known.void = True
    follow_up = command_of(await Collector({"bank_a": provider}, known).react(occurrence(FIRST)))
    assert provider.orders == []
    assert follow_up.command == RecordFailed(attempt=1, code="not_received", source=Source.QUERY)


@pytest.mark.parametrize("days", [0, 40])
async def test_what_a_bank_answers_is_judged_by_the_day_on_which_it_is_heard(days: int) -> None:
    """After a standstill days are caught up, and the bank speaks of today; a slip by years is left to people."""
    today = TODAY + timedelta(days=days)

    def clock() -> datetime:
        return datetime.combine(today, time(12), BEIJING)

    for events, event in ((BEGUN, FIRST), ((*BEGUN, UNKNOWN), UNKNOWN), ((*BEGUN, succeeded(), ASKED), ASKED)):
        for ahead, granted in ((0, True), (31, True), (32, False), (36_525, False)):
            answer = replace(PAID, value_date=today + timedelta(days=ahead))
            answer = replace(answer, amount_fen=ASKED.amount_fen) if event is ASKED else answer
            (heard,) = await Collector({"bank_a": Says(answer)}, Known(*events), clock).react(occurrence(event))
            if granted:
                assert isinstance(heard, FollowUp)
                assert isinstance(heard.command, RecordRefunded if event is ASKED else RecordSucceeded)
                assert heard.command.value_date == answer.value_date
                continue
            assert isinstance(heard, Unanswered)
            assert heard.refusal == VALUE_DATE_FAR(latest=today + timedelta(days=31), got=answer.value_date)
            assert (heard.stream, heard.key.startswith(f"payment:{STREAM.hex}:")) == (STREAM, True)


async def test_the_business_date_counts_where_it_is_ahead_of_the_clock() -> None:
    """A demonstration's days are."""
    answer = replace(PAID, value_date=TODAY + timedelta(days=31))

    def clock() -> datetime:
        return datetime.combine(TODAY - timedelta(days=400), time(12), BEIJING)

    (heard,) = await Collector({"bank_a": Says(answer)}, Known(*BEGUN), clock).react(occurrence(FIRST))
    assert isinstance(heard, FollowUp)
