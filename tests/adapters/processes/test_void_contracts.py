"""Under a void contract nothing is asked for by machine and nothing agreed anew; what comes in is taken."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID, uuid4

from structlog.testing import capture_logs

from adapters.connectors.payments.scenarios import Script, always
from adapters.processes.subscription import Subscription
from api.compose import Running
from domain.contracts.contract.commands import VoidContract
from domain.contracts.contract.rules import CONTRACT
from domain.leasing.lease.commands import PostPayment, RenewLease
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.origination import ORIGINATION
from domain.payments.mandate import MANDATE, GrantMandate, MandateSuspended, ResumeMandate, mandate_stream
from domain.payments.payment.commands import InitiatePayment
from domain.payments.payment.rules import PAYMENT
from domain.pricing.schedules import Instalment
from tests.adapters.lessor import Lessor, wish
from tests.adapters.processes.conftest import ROOM_FEN, activated, leased, unruled
from tests.adapters.processes.world import POLICY, TENANT, World, a_world
from tests.given import appended

VOID = VoidContract(reason="judgement", basis="b" * 64)
MONTH_MORE = RenewLease(
    months=1,
    schedule=(Instalment(number=13, due_on=date(2027, 4, 9), principal_fen=1_000, interest_fen=0),),
)
NOT_IN_FORCE = "contract.not_in_force"


def lessor_of(program: Running) -> Lessor:
    """The tenant whose days the world ends."""
    made = Lessor(program)
    made.tenant = TENANT
    made.may_cost("0.36")
    made.has(ROOM_FEN)
    return made


def origination_of(world: World) -> Subscription:
    """The process, as the world's days have it."""
    return next(one for one in world.days.subscriptions if one.name == ORIGINATION.name)


async def running(world: World, lessor: Lessor) -> tuple[UUID, UUID, date]:
    """A lease that runs under a mandate, on the eve of its second bill: contract, lease, that bill's due date."""
    _, contract, lease = await leased(lessor, origination_of(world), wish())
    await activated(lessor, origination_of(world), lease)
    await lessor.given(MANDATE, mandate_stream(lease), GrantMandate(lease=lease, reference="M-1", policy=POLICY))
    state = await lessor.lease(lease)
    assert state is not None
    due_on = state.unbilled[1].due_on
    await world.end_of_day.open(due_on - timedelta(days=1))
    return contract, lease, due_on


async def asked_since(program: Running, before: int) -> list[str]:
    """What was asked for since a position."""
    return [kind for kind in await appended(program, before) if kind.startswith("payment.")]


async def test_nothing_is_debited_under_a_void_contract(program: Running) -> None:
    """Nor an advance that waits; the mandate rests and says why, a person hears of it, what comes in is posted."""
    lessor = lessor_of(program)
    async with a_world(program, always(Script())) as world:
        contract, lease, due_on = await running(world, lessor)
        wished = InitiatePayment(lease=lease, bill=None, amount_fen=500, policy=POLICY, collect_on=due_on)
        await lessor.given(PAYMENT, uuid4(), wished)
        before = await program.reader.size()
        await lessor.given(CONTRACT, contract, VOID)
        await world.end_of_day.catch_up(due_on + timedelta(days=1))
        assert await asked_since(program, before) == []
        (_, rests) = [one.parsed() for one in await program.reader.stream(mandate_stream(lease))]
        assert rests.event() == MandateSuspended(reason="contract_void")
        (told,) = await world.days.parked(TENANT)
        assert (told.stream, told.code) == (lease, "contract.lease_not_settled")
        state = await lessor.lease(lease)
        assert state is not None
        fen = state.balances.open_fen
        assert fen, "what is owed is for people"
        lessor.today = due_on
        await lessor.given(LEASE, lease, PostPayment(payment=uuid4(), amount_fen=fen, value_date=due_on))


async def test_nothing_is_agreed_anew_under_a_void_contract(program: Running) -> None:
    lessor = lessor_of(program)
    async with a_world(program, always(Script())) as world:
        contract, lease, _ = await running(world, lessor)
        await lessor.given(CONTRACT, contract, VOID)
        await world.settle()
        (await lessor.when(LEASE, lease, MONTH_MORE)).then_refused(NOT_IN_FORCE, phase="void")
        again = await lessor.when(MANDATE, mandate_stream(lease), ResumeMandate())
        again.then_refused(NOT_IN_FORCE, phase="void")
        advance = InitiatePayment(lease=lease, bill=None, amount_fen=500, policy=POLICY)
        (await lessor.when(PAYMENT, uuid4(), advance)).then_refused(NOT_IN_FORCE, phase="void")


async def test_a_lease_that_can_begin_no_more_is_not_asked_for_money(program: Running) -> None:
    lessor = lessor_of(program)
    async with a_world(program, always(Script())) as world:
        _, contract, lease = await leased(lessor, origination_of(world), wish())
        await lessor.given(CONTRACT, contract, VOID)
        mandate = GrantMandate(lease=lease, reference="M-1", policy=POLICY)
        (await lessor.when(MANDATE, mandate_stream(lease), mandate)).then_refused(NOT_IN_FORCE, phase="void")
        advance = InitiatePayment(lease=lease, bill=None, amount_fen=500, policy=POLICY)
        (await lessor.when(PAYMENT, uuid4(), advance)).then_refused(NOT_IN_FORCE, phase="void")


async def test_a_mandate_that_stands_under_a_void_contract_debits_nothing(program: Running) -> None:
    """From a time without the rule, or in the instant before the process hears of it: the collector is refused."""
    lessor = lessor_of(program)
    async with a_world(program, always(Script())) as world:
        contract, lease, due_on = await running(world, lessor)
        await lessor.given(CONTRACT, contract, VOID)
        await world.settle()
        lessor.through = unruled(program)
        await lessor.given(MANDATE, mandate_stream(lease), ResumeMandate())
        before = await program.reader.size()
        with capture_logs() as told:
            await world.end_of_day.catch_up(due_on)
        assert await asked_since(program, before) == []
        assert {
            "event": "collection.refused",
            "lease": str(lease),
            "code": NOT_IN_FORCE,
            "log_level": "warning",
        } in told


async def test_an_order_that_never_left_does_not_leave_after_the_judgement(program: Running) -> None:
    """The attempt was begun while its contract stood; the bank is asked what became of it, and is given none."""
    lessor = lessor_of(program)
    async with a_world(program, always(Script())) as world:
        contract, lease, _ = await running(world, lessor)
        await lessor.given(PAYMENT, uuid4(), InitiatePayment(lease=lease, bill=None, amount_fen=500, policy=POLICY))
        await lessor.given(CONTRACT, contract, VOID)
        before = await program.reader.size()
        await world.settle()
        assert await asked_since(program, before) == ["payment.failed.v1", "payment.retry_scheduled.v1"]
