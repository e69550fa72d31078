"""`react` with banks: an attempt reaches its bank, and its money the lease, without any end of day."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
from msgspec.structs import replace

from adapters.connectors.payments.sandbox import SandboxBank
from adapters.files import write_private
from adapters.postgres.connections import connect
from adapters.postgres.ledger import Request
from adapters.postgres.reading import browse
from adapters.processes.dispatch import context
from api.compose import Base, base, running
from api.roles.banks import banks
from api.roles.role import react, subscribed
from api.roles.subscriptions import settle
from domain.kernel.command import Command
from domain.kernel.refusal import Refusal
from domain.payments.payment.commands import InitiatePayment, RetryPayment
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.state import PaymentPhase, PaymentState
from domain.payments.payment.values import CollectionPolicy
from tests.api.cli.commands.test_banks import DUE, leases, settings, tenant, types
from tests.api.cli.program import Program, program_on
from tests.ledger import Server
from tests.serving import until

__all__ = ["leases", "tenant"]
STRAIGHT = CollectionPolicy(channels=("bank_a",), retries=0, spacing_days=(1,))
AMOUNT_FEN = 12_300
TWO_BANKS = CollectionPolicy(channels=("bank_a", "bank_b"), retries=0, spacing_days=(1,))
ADVANCE = InitiatePayment(lease=UUID(int=0), bill=None, amount_fen=AMOUNT_FEN, policy=TWO_BANKS, mandate="DD-1")
SEED = "2005"


@pytest.fixture
def program(server: Server, tmp_path: Path) -> Iterator[Program]:
    """An empty ledger with a data directory of its own."""
    with program_on(server, tmp_path) as one:
        yield one


@contextmanager
def reacting(on: Base) -> Iterator[threading.Thread]:
    """The role, in a thread of its own."""
    stop = threading.Event()
    thread = threading.Thread(target=react, args=(on, stop))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join()


async def debit(on: Base, tenant: UUID, lease: UUID, number: int = 1) -> None:
    """An advance under the lease's mandate; what becomes of it at the bank is drawn from the number."""
    payment = UUID(int=number)
    command = InitiatePayment(lease=lease, bill=None, amount_fen=AMOUNT_FEN, policy=STRAIGHT, mandate="DD-1")
    by = context(tenant, DUE, "test", lease)
    async with running(on) as program:
        asked = Request(stream=payment, key=f"debit:{payment}", command=command, context=by)
        assert not isinstance(await program.ledger.execute(PAYMENT, asked), Refusal)


def test_an_attempt_reaches_its_bank_without_an_end_of_day(program: Program, tenant: UUID, leases: list[UUID]) -> None:
    with base(settings(program, tenant, sandbox_banks="bank_a", sandbox_seed=SEED)) as on:
        with reacting(on) as thread:
            for number, lease in enumerate(leases):
                asyncio.run(debit(on, tenant, lease, number))
            until(lambda: all_answered(program, tenant, len(leases)) or not thread.is_alive())
            assert thread.is_alive(), "the role goes on"
        with banks(on, tenant) as providers:
            (bank,) = providers.values()
            assert isinstance(bank, SandboxBank)
            held = bank.balance_fen(DUE + timedelta(days=30))
    found = types(program, tenant)
    assert found["payment.attempt_started.v1"] == len(leases), "each was asked for once"
    assert held > 0
    assert found["lease.payment_posted.v1"] == found["payment.succeeded.v1"] > 0
    assert found["calendar.day_closed.v1"] == 0


def all_answered(program: Program, tenant: UUID, attempts: int) -> bool:
    """Whether every attempt has heard from its bank, and all that was paid has reached its lease."""
    found = types(program, tenant)
    names = ("payment.pending.v1", "payment.succeeded.v1", "payment.failed.v1", "payment.outcome_unknown.v1")
    posted = found["lease.payment_posted.v1"]
    return sum(found[name] for name in names) >= attempts and found["payment.succeeded.v1"] == posted


@pytest.mark.parametrize("configured", ["", "bank_b"])
def test_an_attempt_for_a_bank_that_is_not_there_is_not_taken_for_paid(
    program: Program, tenant: UUID, leases: list[UUID], configured: str
) -> None:
    """Without any bank the attempt waits for one; with others its outcome is unknown, since one may have asked."""
    with base(settings(program, tenant, sandbox_banks=configured)) as on:
        asyncio.run(debit(on, tenant, leases[0]))
        asyncio.run(settled(on))
    found = types(program, tenant)
    assert found["payment.attempt_started.v1"] == 1
    assert found["payment.outcome_unknown.v1"] == bool(configured)
    assert found["payment.succeeded.v1"] + found["payment.failed.v1"] == 0


def test_an_attempt_that_another_process_began_reaches_its_bank(
    program: Program, tenant: UUID, leases: list[UUID]
) -> None:
    """The role lives long and has seen these payments before; what it remembers of them is not what they are."""
    with base(settings(program, tenant, sandbox_banks="bank_a,bank_b", sandbox_seed=SEED)) as on:
        phases = asyncio.run(_tried_again(on, tenant, leases * 8))
    assert phases, "some debits failed at the first bank"
    assert PaymentPhase.INITIATED not in phases, "the second bank was asked"


async def _tried_again(on: Base, tenant: UUID, leases: list[UUID]) -> list[PaymentPhase]:
    """Debits that wait after the first bank's no are begun again elsewhere; in which phase the role leaves them."""
    async with running(on) as role, subscribed(role) as subscriptions, running(on) as elsewhere:

        async def does(payment: UUID, command: Command) -> None:
            key = f"{type(command).__name__}:{payment}"
            by = context(tenant, DUE, "test", payment)
            asked = Request(stream=payment, key=key, command=command, context=by)
            assert not isinstance(await elsewhere.ledger.execute(PAYMENT, asked), Refusal)

        async def phase(payment: UUID) -> PaymentPhase:
            return cast("PaymentState", (await elsewhere.ledger.load(PAYMENT, payment))[1]).phase

        payments = [UUID(int=number) for number in range(len(leases))]
        for payment, lease in zip(payments, leases, strict=True):
            await does(payment, replace(ADVANCE, lease=lease))
        await settle(subscriptions)
        waiting = [payment for payment in payments if await phase(payment) is PaymentPhase.WAITING]
        for payment in waiting:
            await does(payment, RetryPayment(attempt=2, amount_fen=AMOUNT_FEN))
        await settle(subscriptions)
        return [await phase(payment) for payment in waiting]


@pytest.mark.parametrize("damaged", ["key", "books"])
def test_banks_that_cannot_be_opened_keep_nobody_elses_money_waiting(
    program: Program, tenant: UUID, leases: list[UUID], damaged: str
) -> None:
    """A bank's key that others can read, or a damaged file: no bank is asked, and process managers go on."""
    with base(settings(program, tenant, sandbox_banks="bank_a")) as on:
        on.keys.provider_secret("bank_a", make=True)
        if damaged == "key":
            (on.settings.keys_directory / "provider-bank_a.key").chmod(0o644)
        else:
            write_private(on.settings.banks_directory(tenant) / "bank_a.sqlite", b"no database" * 500)
        asyncio.run(settled(on))

        async def positions() -> set[int]:
            async with running(on) as role, subscribed(role) as subscriptions:
                return {await one.position() for one in subscriptions}

        with connect(on.url) as connection:
            assert asyncio.run(positions()) == {browse.head_size(connection)}


async def settled(on: Base) -> None:
    """What the role does until nothing is left to do."""
    async with running(on) as program, subscribed(program) as subscriptions:
        await settle(subscriptions)
