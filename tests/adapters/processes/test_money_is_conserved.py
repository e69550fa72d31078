"""Random worlds of leases and banks: nothing is collected that was not owed, and both sides agree to the fen.

Leases with mandates; payments from the app, in part, too much, scheduled; money in cash; refunds; mandates suspended
and resumed; banks that fail, wait, lose answers, bring half, take money back and refuse refunds. In between the program
is thrown away in the middle of things and put together anew.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid5

import pytest

from adapters.connectors.payments.scenarios import by_seed
from adapters.postgres.ledger import Request
from adapters.processes.dispatch import context
from api.compose import Base, Running, running
from domain.accounting.chart import CASH
from domain.accounting.posting import post
from domain.kernel.command import Command
from domain.kernel.decider import Decider
from domain.kernel.event import Event
from domain.leasing.lease.commands import PostPayment, RefundCredit
from domain.leasing.lease.events.money import PaymentPosted
from domain.leasing.lease.rules.decider import LEASE
from domain.payments.mandate import MANDATE, ResumeMandate, SuspendMandate, mandate_stream
from domain.payments.payment.commands import InitiatePayment
from domain.payments.payment.events import (
    AttemptStarted,
    PaymentFailed,
    PaymentInitiated,
    PaymentOverpaid,
    PaymentSucceeded,
)
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.values import CollectionPolicy
from domain.payments.reconciliation import BreakFound
from tests.adapters.processes.world import FIRST, POLICY, TENANT, World, a_world, cash, grant, lease_stream, make_lease
from tests.sampling import seeds

OPENED, LAST = date(2005, 4, 28), date(2005, 6, 8)
LEASES = 8
TRIES_MAX = 400


async def wish(program: Running, decider: Decider[Any], stream: UUID, key: str, command: Command, day: date) -> None:
    """A command that may be refused, and that is given once, however often the story is told."""
    request = Request(stream=stream, key=key, command=command, context=context(TENANT, day, "test", stream))
    await program.ledger.execute(decider, request)


async def people(program: Running, day: date, seed: int) -> None:
    """What people do on a day: the same each time the day is lived."""
    random = Random(f"{seed} {day}")
    for turn in range(random.randrange(4)):
        decider, stream, command = _something(random, day, turn)
        await wish(program, decider, stream, f"{day} {turn}", command, day)
    await _refunds(program, random, day)


async def _refunds(program: Running, random: Random, day: date) -> None:
    """Somebody wants credit back, through whichever payment of the last weeks brought it; most of that is refused."""
    lease, fen = lease_stream(random.randrange(LEASES)), random.choice((100, 5_000, 40_000))
    for days in range(1, 20):
        for turn in range(3):
            payment = uuid5(lease, f"app {day - timedelta(days=days)} {turn}")
            back = RefundCredit(amount_fen=fen, payment=payment)
            await wish(program, LEASE, lease, f"{day} refund {days} {turn}", back, day)


def _something(random: Random, day: date, turn: int) -> tuple[Decider[Any], UUID, Command]:
    lease = lease_stream(random.randrange(LEASES))
    fen = random.choice((300, 20_000, 51_000, 102_001, 150_000, 250_000))
    own = uuid5(lease, f"app {day} {turn}")
    later = day + timedelta(days=random.randrange(4))
    app = InitiatePayment(lease=lease, bill=1, amount_fen=fen, policy=POLICY, collect_on=later)
    posted = PostPayment(payment=cash(lease, f"cash {day} {turn}"), amount_fen=fen, value_date=day)
    choices: list[tuple[Decider[Any], UUID, Command]] = [
        (PAYMENT, own, app),
        (PAYMENT, own, app),
        (LEASE, lease, posted),
        (MANDATE, mandate_stream(lease), SuspendMandate(reason="lessee")),
        (MANDATE, mandate_stream(lease), ResumeMandate()),
    ]
    return random.choice(choices)


async def live(world: World, seed: int) -> None:
    """From wherever it is to the last day."""
    program, ending = world.program, world.end_of_day
    for number in range(LEASES):
        policy = POLICY if number % 2 else CollectionPolicy(channels=("bank_b", "bank_a"), retries=1, minimum_fen=50)
        limit_fen = 60_000 if number % 4 == 2 else None
        await grant(program, await make_lease(program, number), policy=policy, limit_fen=limit_fen)
    await ending.open(OPENED)
    while (today := (await ending.state()).business_date) is not None and today <= LAST:
        if (await ending.state()).steps == ():
            await people(program, today, seed)
        await ending.close(today)


async def lived(composed: Base, folder: Path, seed: int) -> tuple[list[tuple[UUID, Event]], Counter[str], int]:
    """(stream, event) of the whole life, the refusals of its processes, and what the banks hold in the end."""
    random = Random(seed)
    rule = by_seed(
        f"{seed}", failures_pct=40, pending_pct=30, lost_pct=15, partial_pct=15, charged_back_pct=25,
        refund_failures_pct=40,
    )  # fmt: skip
    for tries in range(TRIES_MAX):
        async with running(composed) as program, a_world(program, rule, folder, streams_in_flight=4) as world:
            story = asyncio.create_task(live(world, seed))
            if tries % 4 != 3:
                await asyncio.wait([story], timeout=random.uniform(0.05, 1.5))
                story.cancel()
            else:
                await asyncio.wait([story], timeout=20)
                story.cancel()
            try:
                await story
            except asyncio.CancelledError:
                continue
            found = [(one.stream, one.event()) for one in await entries(program)]
            refused = Counter(one.code for one in await world.days.parked(TENANT))
            return found, refused, sum(bank.balance_fen(LAST) for bank in world.banks.values())
    raise AssertionError(f"expected the story to end within {TRIES_MAX} tries")


async def entries(program: Running) -> list[Any]:
    found: list[Any] = []
    while page := await program.reader.after(len(found), 5_000):
        found += [stored.parsed() for stored in page]
    return found


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("seed", seeds(3))
async def test_money_is_conserved(composed: Base, tmp_path: Path, seed: int) -> None:
    found, refused, banked_fen = await lived(composed, tmp_path / "accounts", seed)
    assert refused == {}, "no process ever wished for what an aggregate refuses"
    counts = Counter(type(event).__name__ for _, event in found)
    happened = {"PaymentSucceeded", "PaymentFailed", "OutcomeUnknown", "PaymentChargedBack", "CreditRefunded"}
    assert happened <= counts.keys(), counts
    _the_books_balance_and_hold_what_the_banks_hold(found, banked_fen)
    _no_debit_asks_for_more_than_is_owed(found)
    assert [event for _, event in found if isinstance(event, BreakFound)] == []
    assert counts["RefundReturned"] == counts["RefundFailed"]


def _the_books_balance_and_hold_what_the_banks_hold(found: list[tuple[UUID, Event]], banked_fen: int) -> None:
    """The trial balance is zero after every event; cash is what the banks hold, and what came in by hand."""
    totals: dict[str, int] = defaultdict(int)
    by_hand_fen = 0
    through_banks = {stream for stream, event in found if isinstance(event, PaymentInitiated)}
    through_banks |= {
        uuid5(stream, f"attempt:{event.attempt}") for stream, event in found if isinstance(event, PaymentOverpaid)
    }
    for _, event in found:
        for line in post(event):
            totals[line.account] += line.debit_fen - line.credit_fen
        assert sum(totals.values()) == 0
        if isinstance(event, PaymentPosted) and event.payment not in through_banks:
            by_hand_fen += event.amount_fen
    assert totals[CASH] == banked_fen + by_hand_fen


def _no_debit_asks_for_more_than_is_owed(found: list[tuple[UUID, Event]]) -> None:
    """At the moment a debit begins, it asks for no more than is billed and open, less every order that is out."""
    leases: dict[UUID, Any] = {}
    under_way: dict[UUID, int] = {}
    payments = {stream: event for stream, event in found if isinstance(event, PaymentInitiated)}
    mine = {lease_stream(number) for number in range(LEASES)}
    debits = 0
    for stream, event in found:
        if stream in mine:
            leases[stream] = LEASE.evolve(leases.get(stream, LEASE.initial), event)
        elif isinstance(event, AttemptStarted):
            begun = payments[stream]
            out_fen = sum(fen for other, fen in under_way.items() if payments[other].lease == begun.lease)
            owed_fen = leases[begun.lease].balances.open_fen - out_fen
            assert begun.mandate is None or event.amount_fen <= owed_fen, (stream, event)
            debits += begun.mandate is not None
            under_way[stream] = event.amount_fen
        elif isinstance(event, (PaymentSucceeded, PaymentOverpaid, PaymentFailed)):
            under_way.pop(stream, None)
    assert debits > LEASES
    assert FIRST < OPENED
