"""What origination is tested with: a tenant with room for anything, the process, and cases people did their part of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from adapters.postgres.ledger import Ledger
from adapters.processes.subscription import Subscription
from adapters.system import new_id
from api.compose import Running
from api.roles.subscriptions import subscription_of
from domain.leasing.admission import lease_stream
from domain.leasing.lease.commands import (
    ActivateLease,
    PreauthoriseDeposit,
    RecordDelivery,
    RecordDownPayment,
)
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.origination import ORIGINATION
from tests.adapters.lessor import DAY, Lessor, contract_stream, wish
from tests.adapters.processes.world import pool_of

ROOM_FEN = 1_000_000_000


@pytest.fixture
def lessor(program: Running) -> Lessor:
    """A tenant with room for anything."""
    made = Lessor(program)
    made.has(ROOM_FEN)
    return made


@pytest.fixture
async def pool(program: Running) -> AsyncIterator[Any]:
    """Connections of the subscription."""
    with pool_of(program.url) as made:
        async with made:
            yield made


@pytest.fixture
async def origination(program: Running, pool: Any) -> Subscription:
    """The process, when it is told to catch up."""
    subscription = subscription_of(program, pool, ORIGINATION)
    await subscription.prepare()
    return subscription


async def leased(lessor: Lessor, origination: Subscription, of: Any) -> tuple[UUID, UUID, UUID]:
    """A case in which people did people's steps: application, contract, lease."""
    await lessor.consents()
    application = await lessor.accepted(of)
    await origination.catch_up()
    contract = contract_stream(application)
    await lessor.signed(contract)
    await origination.catch_up()
    return application, contract, lease_stream(contract)


async def contracting(lessor: Lessor, origination: Subscription) -> tuple[UUID, UUID]:
    """An application, and its contract that waits for people."""
    await lessor.consents()
    application = await lessor.accepted(wish())
    await origination.catch_up()
    return application, contract_stream(application)


async def reason_of_end(lessor: Lessor, stream: UUID, ending: str) -> str:
    """Why a stream's last event, which is of this type, says that it ended."""
    entry = (await lessor.program.reader.stream(stream))[-1].parsed()
    assert entry.type == ending
    reason: str = getattr(entry.event(), "reason", "")
    return reason


async def activated(lessor: Lessor, origination: Subscription, lease: UUID) -> None:
    """The object is handed over, and the process hears of it."""
    await handed_over(lessor, lease)
    await origination.catch_up()


async def handed_over(lessor: Lessor, lease: UUID) -> None:
    """The lease begins."""
    state = await lessor.lease(lease)
    assert state is not None
    if state.deposit_fen:
        await lessor.given(LEASE, lease, PreauthoriseDeposit(fen=state.deposit_fen, hold="H-1"))
    if state.down_payment_open_fen:
        await lessor.given(LEASE, lease, RecordDownPayment(fen=state.down_payment_open_fen))
    await lessor.given(LEASE, lease, RecordDelivery(on=DAY), ActivateLease(on=DAY))


def unruled(program: Running) -> Ledger:
    """A ledger as it was before there were rules over other streams."""
    return Ledger(program.writer, program.reader, program.vault, keys=program.keys, new_id=new_id)
