"""`doctor` on what should have followed and did not, and on days that nobody closes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from adapters import system
from adapters.connectors.payments.collecting import collector_name
from adapters.postgres import role_locks
from adapters.postgres.connections import connect
from adapters.processes import parking
from adapters.processes.held import TIMERS_PROCESS
from adapters.system import new_id, now
from api import followers
from api.cli.failures import REFUSED
from api.compose import base, running
from api.demonstration.taking_over import take_over, taken_over_on
from domain.kernel.times import business_date
from domain.leasing.lease.commands import ActivateLease, RecordDelivery
from domain.leasing.lease.rules.decider import LEASE
from tests.adapters.processes.world import FIRST, creation
from tests.api.cli.commands.installation.test_doctor import forgiving, problems
from tests.api.cli.commands.test_banks import settings
from tests.api.cli.program import Program

__all__ = ["forgiving"]
pytestmark = pytest.mark.network
OF = UUID(int=7)
MONEY = "payment:1:posted"


def park(program: Program, code: str, process: str = "payments") -> None:
    """Park money of a lease for a reason."""
    program.filled(1)
    program.behind_the_back(parking.DDL)
    program.behind_the_back(
        "INSERT INTO read.parked (shard, process, position, key, tenant, stream, code, facts, tries)"
        f" VALUES (0, '{process}', 1, '{MONEY}', '{OF}', '{OF}', '{code}', '{{}}', 1)"
    )


def test_money_that_waits_for_its_day_is_a_note(program: Program) -> None:
    park(program, "process.not_yet")
    done = program("doctor", "--json").then(0)
    assert f"payments: waiting for a business date: 1, such as {MONEY}" in done.json["notes"]


@pytest.mark.parametrize(
    ("code", "do"), [("lease.payment_known", "by hand under a new id"), ("lease.unknown", "the next `end-of-day`")]
)
def test_money_that_a_lease_refused_is_named_with_its_lease(program: Program, code: str, do: str) -> None:
    """What is advised is what works: money of a payment is never posted by hand under the payment's own id."""
    park(program, code)
    done = program("doctor", "--json").then(REFUSED)
    assert problems(done) == [f"payments: what should have followed did not (1), such as {MONEY}: {code}"]
    advice = done.json["problems"][0]["do"]
    assert advice.startswith(f"lease_{OF.hex} ")
    assert do in advice


def test_money_that_a_bank_brought_and_no_payment_takes_is_a_problem(program: Program) -> None:
    """Whichever process holds it: the money is at the bank, and its lease is never debited for it again."""
    park(program, "payment.value_date_far", collector_name(OF))
    (problem,) = program("doctor", "--json").then(REFUSED).json["problems"]
    assert problem["problem"].endswith(f"such as {MONEY}: payment.value_date_far")
    assert problem["do"].startswith(f"payment_{OF.hex} does not show what its bank answered")


def test_what_failed_at_a_bank_that_nobody_asks_any_more_is_not_tried_again_by_itself(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is told to wait would wait for ever."""
    park(program, "process.failed", collector_name(OF))
    for banks, do in (("", "configure them as before"), ("bank_a", "it is tried again by itself")):
        monkeypatch.setenv("LEASELEDGER_SANDBOX_BANKS", banks)
        monkeypatch.setenv("LEASELEDGER_TENANT", str(OF))
        (problem,) = program("doctor", "--json").then(REFUSED).json["problems"]
        assert do in problem["do"]


def running_lease(program: Program, tenant: UUID) -> None:
    """A lease that runs, seen by the read models."""

    async def begin() -> None:
        with base(settings(program, tenant)) as on:
            async with running(on) as ledger:
                start = (creation(0), RecordDelivery(on=FIRST), ActivateLease(on=FIRST))
                lease = new_id()
                await take_over(ledger, LEASE, lease, taken_over_on(tenant, lease, FIRST), *start)

    asyncio.run(begin())
    program("project").then(0)


@pytest.mark.parametrize("opened", [False, True])
def test_days_that_nobody_closes_are_a_problem_with_the_command_that_mends_it(program: Program, opened: bool) -> None:
    """A scheduler that stopped: nothing is billed or debited, and every role is well."""
    tenant, today = new_id(), business_date(now())
    running_lease(program, tenant)
    told = "its calendar was never opened: nothing is billed or debited"
    if opened:
        first = today - timedelta(days=5)
        program("end-of-day", "--open", first, "--to", first, "--tenant", tenant).then(0)
        told = f"its open day is {first + timedelta(days=1)}: nothing is billed or debited since"
    (problem,) = [one for one in program("doctor", "--json").then(REFUSED).json["problems"] if str(tenant) in str(one)]
    assert problem["problem"] == f"leases of {tenant} run and {told}"
    _, _, typed = problem["do"].partition("leaseledger ")
    program(*typed.split()).then(0)
    assert str(tenant) not in str(program("doctor", "--json").json["problems"])


def test_things_that_wait_are_seen_after_a_clock_that_was_ahead(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what is stored they were recorded in an hour, and wait for nothing."""
    program.filled(1)
    put_right = now() - timedelta(hours=1)
    monkeypatch.setattr(system, "now", lambda: put_right)
    monkeypatch.setattr(followers, "PATIENCE_S", 0.0)
    monkeypatch.setattr(followers, "LOOK_AGAIN_S", 0.0)
    with connect(program.url) as connection:
        for role in (role_locks.SERVE, role_locks.PROJECT, role_locks.PUBLISH):
            assert role_locks.take(connection, role)
        found = problems(program("doctor", "--json").then(REFUSED))
    assert any(one.startswith("no `react` works, and things wait for it") for one in found)


def test_a_lease_that_is_held_out_is_a_problem(program: Program) -> None:
    """Nobody bills it until somebody mends what its timer stumbles over."""
    park(program, "process.failed", TIMERS_PROCESS)
    (problem,) = program("doctor", "--json").then(REFUSED).json["problems"]
    assert problem["problem"].startswith("held out of the days, for a timer cannot be fired: 1, such as ")
    assert problem["problem"].endswith(f"such as {MONEY}: process.failed")
    assert "`leaseledger parked retry`" in problem["do"]


def test_money_that_waits_for_a_lease_that_is_held_out_is_a_note(program: Program) -> None:
    park(program, "process.held")
    assert (
        f"payments: waiting for what is held out of its days: 1, such as {MONEY}"
        in program("doctor", "--json").then(0).json["notes"]
    )
