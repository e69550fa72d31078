"""Collecting: the reactor that takes attempts to their providers, and what answers and callbacks become.

    payment initiated | attempt_started | channel_switched ─▶ provider.initiate ─▶ RecordPending | …Succeeded | …
    callback (headers, body) ─▶ provider.verify_callback ─▶ ReceiveCallback
    outcome unknown ─▶ provider.query ─▶ RecordSucceeded | RecordFailed, source query

A provider that raises, or does not answer in time, leaves the outcome unknown: money may have moved. The reactor may
see an event twice; the same request is the same transaction there, and the same key the same command here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Protocol
from uuid import UUID

import structlog

from adapters.payments.port import (
    Answer,
    CallbackForged,
    CallbackMalformed,
    Order,
    PaymentProvider,
    RequestMalformed,
    Status,
    parse_request,
    request_of,
)
from adapters.postgres.ledger import Ledger
from adapters.processes.following import Wish
from chain.entry import Entry
from domain.kernel import Command, Event
from domain.payments.payment import (
    PAYMENT,
    AttemptStarted,
    ChannelSwitched,
    OutcomeUnknown,
    PaymentInitiated,
    PaymentState,
    ReceiveCallback,
    RecordFailed,
    RecordOutcomeUnknown,
    RecordPending,
    RecordSucceeded,
    Reported,
    Source,
)

ANSWER_TIMEOUT_S = 20
INTEREST: frozenset[type[Event]] = frozenset({PaymentInitiated, AttemptStarted, ChannelSwitched, OutcomeUnknown})
"""The events this reactor acts on."""

_log = structlog.get_logger(__name__)


class UnknownChannel(LookupError):
    """A channel that no provider is configured for."""


class Payments(Protocol):
    """Where payments are read: amount and mandate stand in their first event only."""

    async def payment(self, stream: UUID) -> PaymentState:
        """The payment as the ledger has it now."""


class LedgerPayments:
    """Payments as the write path knows them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def payment(self, stream: UUID) -> PaymentState:
        """The payment as the ledger has it now."""
        _, state = await self._ledger.load(PAYMENT, stream)
        assert isinstance(state, PaymentState)
        return state


class Collector:
    """Takes attempts to providers. `providers` by channel, `payments` reads payments."""

    def __init__(self, providers: Mapping[str, PaymentProvider], payments: Payments) -> None:
        self._providers = providers
        self._payments = payments

    async def react(self, event: Event, entry: Entry) -> Sequence[Wish]:
        """What an attempt's provider says, as a command; the reactor of `Follower`."""
        stream = entry.stream
        match event:
            case PaymentInitiated(collect_on=None):
                attempt, channel = 1, event.channel
            case AttemptStarted() | ChannelSwitched():
                attempt, channel = event.attempt, event.channel
            case OutcomeUnknown():
                return await self.resolve(stream, event.attempt, entry.business_date)
            case _:
                return ()
        state = await self._payments.payment(stream)
        order = Order(
            request=request_of(stream, attempt),
            amount_fen=state.amount_fen,
            channel=channel,
            on=entry.business_date,
            mandate=state.mandate,
        )
        answer = await self._ask(self._provider(channel), order)
        return (_wish(stream, f"attempt:{attempt}", _recorded(answer, attempt, Source.ANSWER)),)

    async def resolve(self, stream: UUID, attempt: int, on: date) -> Sequence[Wish]:
        """Ask what became of an attempt that is pending or unknown; nothing while the provider cannot say."""
        state = await self._payments.payment(stream)
        provider = self._provider(state.channel_of(attempt))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                answer = await provider.query(request_of(stream, attempt), on)
        except Exception as error:  # noqa: BLE001  whatever goes wrong on the way, the outcome stays unknown
            _log.warning("payment.query_failed", channel=provider.name, error=type(error).__name__)
            return ()
        command = _recorded(answer, attempt, Source.QUERY)
        if not isinstance(command, (RecordSucceeded, RecordFailed)):
            return ()
        return (_wish(stream, f"resolved:{attempt}", command),)

    async def _ask(self, provider: PaymentProvider, order: Order) -> Answer:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await provider.initiate(order)
        except Exception as error:  # noqa: BLE001  whatever goes wrong on the way, money may have moved
            _log.warning("payment.answer_lost", channel=provider.name, error=type(error).__name__)
            return Answer(status=Status.UNKNOWN, code="no_answer")

    def _provider(self, channel: str) -> PaymentProvider:
        found = self._providers.get(channel)
        if found is None:
            known = ", ".join(sorted(self._providers))
            raise UnknownChannel(f"expected a provider for one of {known}, got the channel {channel!r}")
        return found


def received(provider: PaymentProvider, headers: Mapping[str, str], body: bytes, arrival: UUID) -> Wish:
    """The command that a callback is, forged or not: a forged one is recorded with the payment it names, if it does.

    `arrival` is the id of this delivery: the same bytes that come again are recorded again, as a duplicate. Raises
    `CallbackMalformed`, or `RequestMalformed` when no payment can be told.
    """
    digest = sha256(body).hexdigest()
    try:
        callback = provider.verify_callback(headers, body)
    except CallbackForged:
        stream, attempt = _claimed(body)
        forged = ReceiveCallback(callback=digest, verified=False, attempt=attempt, reported=Reported.FAILED)
        return _wish(stream, f"callback:{arrival.hex}", forged)
    stream, attempt = parse_request(callback.request)
    answer = callback.answer
    succeeded = answer.status is Status.SUCCEEDED
    if not succeeded and answer.status is not Status.FAILED:
        raise CallbackMalformed(f"expected news of a success or a failure, got {answer.status}")
    command = ReceiveCallback(
        callback=callback.digest,
        verified=True,
        attempt=attempt,
        reported=Reported.SUCCEEDED if succeeded else Reported.FAILED,
        amount_fen=answer.amount_fen if succeeded else None,
        value_date=answer.value_date if succeeded else None,
        ref=answer.ref,
        code=None if succeeded else answer.code,
    )
    return _wish(stream, f"callback:{arrival.hex}", command)


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


def _wish(stream: UUID, what: str, command: Command) -> Wish:
    return Wish(decider=PAYMENT, stream=stream, key=f"payment:{stream.hex}:{what}", command=command)
