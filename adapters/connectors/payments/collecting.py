"""Collecting: the reactor that takes attempts and refunds to their providers, and what answers and callbacks become.

    payment.attempt_started(amount) ─▶ provider.initiate ─▶ RecordPending | RecordSucceeded | RecordFailed | …Unknown
    payment.outcome_unknown         ─▶ provider.query ─▶ RecordSucceeded | RecordFailed, source query
    payment.refund_requested        ─▶ provider.refund ─▶ RecordRefunded | RecordRefundFailed
    callback (headers, body)        ─▶ verified ─▶ ReceiveCallback

A provider that raises, or does not answer in time, leaves the outcome unknown: money may have moved. An attempt is
asked for by a query then, a refund by asking for it again, each evening until the provider says how it ended. The
reactor may see an event twice; the same request is the same transaction there, and the same key the same command here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

import structlog

from adapters.connectors.payments.port import (
    Answer,
    Callback,
    CallbackForged,
    CallbackMalformed,
    Order,
    PaymentProvider,
    RequestMalformed,
    Status,
    parse_request,
    refund_key,
    request_of,
)
from adapters.postgres.ledger import Ledger
from adapters.postgres.reading.reader import Reader
from adapters.system import now
from domain.calendar.calendar import CALENDAR, CalendarState, calendar_stream
from domain.kernel.command import Command
from domain.kernel.decider import DECIDERS
from domain.kernel.event import Event
from domain.kernel.needs import FirstEvent, Need, StreamState
from domain.kernel.process import Followed, FollowUp, Occurrence, Unanswered
from domain.kernel.times import business_date
from domain.leasing.basis import basis_needs, without_basis
from domain.leasing.lease.rules.decider import LEASE
from domain.payments.mandate import MANDATE, MandateState, mandate_stream, permits
from domain.payments.payment.commands import (
    ReceiveCallback,
    RecordFailed,
    RecordOutcomeUnknown,
    RecordPending,
    RecordRefunded,
    RecordRefundFailed,
    RecordSucceeded,
)
from domain.payments.payment.events import AttemptStarted, OutcomeUnknown, RefundRequested
from domain.payments.payment.rules import PAYMENT, value_date_far
from domain.payments.payment.state import PaymentPhase, PaymentState
from domain.payments.payment.values import Reported, Source

ANSWER_TIMEOUT_S = 20
INTEREST: frozenset[type[Event]] = frozenset({AttemptStarted, OutcomeUnknown, RefundRequested})
"""The events this reactor acts on."""

COLLECTOR = "collector:"
_log = structlog.get_logger(__name__)


def collector_name(tenant: UUID) -> str:
    """The name under which the reactor that asks a tenant's providers keeps its position.

    Providers know a tenant's account, and it begins when there are some.
    """
    return f"{COLLECTOR}{tenant}"


Verify = Callable[[Mapping[str, str], bytes], Callback]
"""Checks a provider's signature. Raises `CallbackForged` or `CallbackMalformed`."""


class Payments(Protocol):
    """Where payments are read: their mandate stands in their first event only."""

    async def payment(self, stream: UUID) -> PaymentState:
        """The payment as the ledger has it now."""

    async def may_be_asked(self, payment: PaymentState, amount_fen: int, by: Occurrence) -> bool:
        """Whether what an attempt stands on stands now: its mandate permits the debit, if it is under one, and the
        contract of its lease is there.
        """


class LedgerPayments:
    """Payments as the write path knows them."""

    def __init__(self, ledger: Ledger, reader: Reader) -> None:
        self._ledger = ledger
        self._reader = reader

    async def payment(self, stream: UUID) -> PaymentState:
        """The payment as the ledger has it now."""
        _, state = await self._ledger.load(PAYMENT, stream)
        assert isinstance(state, PaymentState)
        return state

    async def may_be_asked(self, payment: PaymentState, amount_fen: int, by: Occurrence) -> bool:
        """Whether what an attempt stands on stands now: its mandate permits the debit, if it is under one, and the
        contract of its lease is there.
        """
        lease = payment.lease
        assert lease is not None, "a payment that was initiated is for a lease"
        if payment.mandate is not None:
            _, mandate = await self._ledger.load(MANDATE, mandate_stream(lease))
            assert isinstance(mandate, MandateState)
            if permits(mandate, payment.mandate, amount_fen, await self._today(by)) is not None:
                return False
        facts: dict[Need, Any] = {}
        for need in basis_needs(lease, facts):
            facts[need] = await self._fact(need)
        _, state = await self._ledger.load(LEASE, lease)
        return without_basis(lease, state.phase, facts) is None

    async def _today(self, by: Occurrence) -> date:
        """The business date now, which may have moved on since the attempt was begun."""
        _, calendar = await self._ledger.load(CALENDAR, calendar_stream(by.tenant))
        assert isinstance(calendar, CalendarState)
        return max(by.business_date, calendar.business_date or by.business_date)

    async def _fact(self, need: Need) -> Any:
        if isinstance(need, FirstEvent):
            first = await self._reader.first(need.stream)
            return None if first is None else first.parsed().event()
        assert isinstance(need, StreamState), "a lease's basis is told by these two"
        return (await self._ledger.load(DECIDERS[need.aggregate], need.stream))[1]


class Collector:
    """Takes attempts and refunds to providers. `providers` by channel, `payments` reads payments, `clock` says when an
    answer was heard.
    """

    def __init__(
        self, providers: Mapping[str, PaymentProvider], payments: Payments, clock: Callable[[], datetime] = now
    ) -> None:
        self._providers = providers
        self._payments = payments
        self._clock = clock

    async def react(self, occurrence: Occurrence) -> Followed:
        """What a provider says of an attempt or a refund, as a command; the reactor of a subscription."""
        stream, on = occurrence.stream, occurrence.business_date
        match occurrence.event:
            case AttemptStarted() as started:
                return await self._attempt(occurrence, started)
            case OutcomeUnknown() as unknown:
                return await self.resolve(stream, unknown.attempt, on)
            case RefundRequested() as asked:
                return await self.refund(stream, asked.number, on)
            case _:
                return ()

    async def _attempt(self, occurrence: Occurrence, event: AttemptStarted) -> Followed:
        """Ask for what the event says; an attempt that is over, or was taken, goes to nobody again."""
        stream, on, attempt = occurrence.stream, occurrence.business_date, event.attempt
        state = await self._payments.payment(stream)
        if state.attempt != attempt or state.under_way is not PaymentPhase.INITIATED:
            return ()
        provider = self._provider(event.channel)
        if provider is None:
            # An earlier configuration may have had it, and asked: nobody knows whether money moved.
            return (
                _follow_up(stream, f"attempt:{attempt}", RecordOutcomeUnknown(attempt=attempt, reason="no_provider")),
            )
        if not await self._payments.may_be_asked(state, event.amount_fen, occurrence):
            # What was ordered before it was suspended is asked about, and what was not is not ordered any more.
            answer = await _asked(provider, provider.query(request_of(stream, attempt), on))
            return self._heard(stream, f"attempt:{attempt}", _recorded(answer, attempt, Source.QUERY), on)
        order = Order(
            request=request_of(stream, attempt),
            amount_fen=event.amount_fen,
            channel=event.channel,
            on=on,
            mandate=state.mandate,
        )
        answer = await _asked(provider, provider.initiate(order))
        return self._heard(stream, f"attempt:{attempt}", _recorded(answer, attempt, Source.ANSWER), on)

    async def resolve(self, stream: UUID, attempt: int, on: date) -> Followed:
        """Ask what became of an attempt that is pending or unknown; nothing while the provider cannot say."""
        state = await self._payments.payment(stream)
        provider = self._provider(state.channel_of(attempt))
        if provider is None or state.attempt != attempt or state.under_way is None:
            return ()
        answer = await _asked(provider, provider.query(request_of(stream, attempt), on))
        command = _recorded(answer, attempt, Source.QUERY)
        if not isinstance(command, (RecordSucceeded, RecordFailed)):
            return ()
        return self._heard(stream, f"resolved:{attempt}", command, on)

    async def refund(self, stream: UUID, number: int, on: date) -> Followed:
        """Ask for a refund, or how it ended, which is the same question; nothing while the provider cannot say."""
        state = await self._payments.payment(stream)
        known = state.refund(number)
        if known is None or not known.open:
            return ()
        provider = self._provider(state.channel_of(known.attempt))
        if provider is None:
            return ()
        request = request_of(stream, known.attempt)
        answer = await _asked(provider, provider.refund(request, known.amount_fen, refund_key(stream, number), on))
        command = _refund_recorded(answer, number, known.amount_fen)
        return () if command is None else self._heard(stream, f"refund:{number}", command, on)

    def _heard(self, stream: UUID, what: str, command: Command, on: date) -> Followed:
        """The command that an answer is, or why it cannot be: a date far ahead of today, whatever day is caught up."""
        follow_up = _follow_up(stream, what, command)
        if isinstance(command, (RecordSucceeded, RecordRefunded)):
            far = value_date_far(command.value_date, max(on, business_date(self._clock())))
            if far is not None:
                _log.warning(far.code, key=follow_up.key, **dict(far.facts))
                return (Unanswered(stream=stream, key=follow_up.key, refusal=far),)
        return (follow_up,)

    def _provider(self, channel: str) -> PaymentProvider | None:
        found = self._providers.get(channel)
        if found is None:
            _log.warning("payment.no_provider", channel=channel)
        return found


async def _asked(provider: PaymentProvider, question: Awaitable[Answer]) -> Answer:
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            return await question
    except Exception as error:  # noqa: BLE001  whatever goes wrong on the way, money may have moved
        _log.warning("payment.answer_lost", channel=provider.name, error=type(error).__name__)
        return Answer(status=Status.UNKNOWN, code="no_answer")


def received(channel: str, check: Verify, headers: Mapping[str, str], body: bytes, arrival: UUID) -> FollowUp:
    """The command that a callback is, forged or not: a forged one is recorded with the payment it names, if it does.

    `channel` is the provider's name, `arrival` the id of this delivery: the same bytes that come again are recorded
    again, as a duplicate. Raises `CallbackMalformed`, or `RequestMalformed` when no payment can be told.
    """
    digest = sha256(body).hexdigest()
    try:
        callback = check(headers, body)
    except CallbackForged:
        stream, attempt = _claimed(body)
        forged = ReceiveCallback(
            callback=digest, verified=False, channel=channel, attempt=attempt, reported=Reported.FAILED
        )
        return _follow_up(stream, f"callback:{arrival.hex}", forged)
    stream, attempt = parse_request(callback.request)
    answer = callback.answer
    reported = _REPORTED.get(answer.status)
    if reported is None:
        raise CallbackMalformed(f"expected one of {', '.join(_REPORTED)}, got {answer.status}")
    failed = reported is Reported.FAILED
    command = ReceiveCallback(
        callback=callback.digest,
        verified=True,
        channel=channel,
        attempt=attempt,
        reported=reported,
        amount_fen=None if failed else answer.amount_fen,
        value_date=None if failed else answer.value_date,
        ref=answer.ref,
        code=None if reported is Reported.SUCCEEDED else answer.code,
    )
    return _follow_up(stream, f"callback:{arrival.hex}", command)


_REPORTED = {
    Status.SUCCEEDED: Reported.SUCCEEDED,
    Status.FAILED: Reported.FAILED,
    Status.CHARGED_BACK: Reported.CHARGED_BACK,
}


def _claimed(body: bytes) -> tuple[UUID, int]:
    """The payment that unsigned bytes speak of; only good for saying where a forgery was aimed at."""
    marker = b'"request":"'
    at = body.find(marker)
    if at < 0:
        raise RequestMalformed("expected a callback that names a request, got none")
    claimed = body[at + len(marker) :].split(b'"', 1)[0]
    return parse_request(claimed.decode("ascii", "replace"))


def _recorded(answer: Answer, attempt: int, source: Source) -> Command:
    """What an answer becomes; one that contradicts itself is as good as none."""
    match answer:
        case Answer(status=Status.ACCEPTED, ref=str(ref)):
            return RecordPending(attempt=attempt, ref=ref)
        case Answer(status=Status.SUCCEEDED, ref=str(ref), amount_fen=int(fen), value_date=on) if on is not None:
            return RecordSucceeded(attempt=attempt, amount_fen=fen, value_date=on, ref=ref, source=source)
        case Answer(status=Status.FAILED, code=str(code)):
            return RecordFailed(attempt=attempt, code=code, source=source)
        case _:
            return RecordOutcomeUnknown(attempt=attempt, reason=answer.code or "no_sense")


def _refund_recorded(answer: Answer, number: int, amount_fen: int) -> Command | None:
    """A refund is over when the provider says how; one that paid another amount is asked for again, and by people."""
    match answer:
        case Answer(status=Status.SUCCEEDED, ref=str(ref), amount_fen=int(fen), value_date=date() as on):
            return RecordRefunded(number=number, value_date=on, ref=ref) if fen == amount_fen else None
        case Answer(status=Status.FAILED, code=str(code)):
            return RecordRefundFailed(number=number, code=code)
        case _:
            return None


def _follow_up(stream: UUID, what: str, command: Command) -> FollowUp:
    return FollowUp(decider=PAYMENT, stream=stream, key=f"payment:{stream.hex}:{what}", command=command)
