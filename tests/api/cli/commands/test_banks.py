"""`leaseledger end-of-day` in processes of their own: sandbox banks remember, the day is done once, money is right."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adapters.connectors.payments.sandbox import SandboxBank
from adapters.files import write_private
from adapters.postgres.connections import connect
from adapters.postgres.ledger import Request
from adapters.processes.dispatch import context
from adapters.system import new_id
from api.compose import base, running
from api.demonstration.taking_over import take_over, taken_over_on
from api.roles.days import days
from api.settings import Settings
from chain.entry import parse
from domain.kernel.refusal import Refusal
from domain.leasing.lease.commands import ActivateLease, RecordDelivery, RefundCredit
from domain.leasing.lease.rules.decider import LEASE
from domain.payments.collection import collection_stream
from domain.payments.mandate import MANDATE, GrantMandate, mandate_stream
from domain.payments.payment.values import CollectionPolicy
from tests.adapters.processes.world import creation
from tests.api.cli.program import Program
from tests.ledger import ORIGIN

FIRST, OPENED, DUE, LAST = date(2005, 4, 1), date(2005, 4, 29), date(2005, 5, 1), date(2005, 5, 20)
LEASES = 6
POLICY = CollectionPolicy(channels=("bank_a", "bank_b"), retries=2, spacing_days=(1, 2))


def settings(program: Program, tenant: UUID, **more: Any) -> Settings:
    """As the command line has them."""
    values = {"database_url": program.url, "data": program.data, "origin": ORIGIN, "tenant": tenant}
    return Settings.model_validate(values | more)


async def _make(program: Program, tenant: UUID) -> list[UUID]:
    leases = [new_id() for _ in range(LEASES)]
    with base(settings(program, tenant)) as on:
        async with running(on) as ledger:
            for number, lease in enumerate(leases):
                at = taken_over_on(tenant, lease, FIRST)
                start = (creation(number), RecordDelivery(on=FIRST), ActivateLease(on=FIRST))
                await take_over(ledger, LEASE, lease, at, *start)
                grant = GrantMandate(lease=lease, reference="DD-1", policy=POLICY)
                by = context(tenant, FIRST, "test", lease)
                stream = mandate_stream(lease)
                asked = Request(stream=stream, key=f"grant:{lease}", command=grant, context=by)
                assert not isinstance(await ledger.ledger.execute(MANDATE, asked), Refusal)
    return leases


@pytest.fixture
def tenant() -> UUID:
    """Somebody new."""
    return new_id()


@pytest.fixture
def leases(program: Program, tenant: UUID) -> list[UUID]:
    """Leases with mandates, their first bills due on the first days of May."""
    return asyncio.run(_make(program, tenant))


def end_of_day(commands: Path, program: Program, tenant: UUID, to: date, banks: str = "bank_a,bank_b") -> Any:
    """One process; what it says as data."""
    given = {
        "LEASELEDGER_SANDBOX_BANKS": banks,
        "LEASELEDGER_SANDBOX_SEED": "2005",
        "LEASELEDGER_TENANT": str(tenant),
        "LEASELEDGER_DATABASE_URL": program.url,
        "LEASELEDGER_ORIGIN": ORIGIN,
    }
    command = [str(commands / "leaseledger"), "--data", str(program.data), "end-of-day", "--to", str(to), "--json"]
    if to == OPENED:
        command += ["--open", str(OPENED)]
    done = subprocess.run(command, env=os.environ | given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def types(program: Program, tenant: UUID) -> Counter[str]:
    """How many events of each type a tenant has."""
    with connect(program.url) as connection:
        rows = connection.execute("SELECT entry FROM ledger.events").fetchall()
    entries = [parse(bytes(row[0])) for row in rows]
    return Counter(entry.type for entry in entries if entry.tenant == tenant)


def balances(program: Program, tenant: UUID, on: date) -> int:
    """What the tenant's accounts at the sandbox banks hold."""

    async def ask() -> int:
        with base(settings(program, tenant, sandbox_banks="bank_a,bank_b")) as prepared:
            from api.roles.banks import banks

            with banks(prepared, tenant) as opened:
                return sum(bank.balance_fen(on) for bank in opened.values() if isinstance(bank, SandboxBank))

    return asyncio.run(ask())


def test_a_process_for_each_day_collects_and_reconciles(
    program: Program, tenant: UUID, leases: list[UUID], commands: Path
) -> None:
    """Each process forgets everything, the banks do not: orders settle days later, callbacks come, statements agree."""
    processed: Counter[str] = Counter()
    for day in (OPENED + timedelta(days=n) for n in range((LAST - OPENED).days + 1)):
        told = end_of_day(commands, program, tenant, day)
        assert told["providers"] == ["bank_a", "bank_b"]
        for closed in told["days"]:
            processed.update({name: closed[name] for name in ("collection", "queries", "reconciliation")})
    found = types(program, tenant)
    assert found["payment.succeeded.v1"] >= LEASES
    assert found["lease.payment_posted.v1"] == found["payment.succeeded.v1"] + found["payment.overpaid.v1"]
    assert processed["collection"] >= LEASES
    assert processed["reconciliation"] >= found["payment.succeeded.v1"]
    assert found["reconciliation.break_found.v1"] == 0
    assert found["reconciliation.closed.v1"] == 2 * found["calendar.day_closed.v1"]
    with connect(program.url) as connection:
        books = connection.execute("SELECT count(*) FROM read.parked WHERE tenant = %s", (tenant,)).fetchone()
    assert books == (0,), "no process wished for what was refused"
    assert len(list((program.data / "banks" / str(tenant)).glob("*.sqlite"))) == 2
    assert end_of_day(commands, program, tenant, LAST)["days"] == [], "a day is closed once"


def test_a_day_that_closes_says_that_something_is_parked(
    program: Program, tenant: UUID, leases: list[UUID], commands: Path
) -> None:
    """Whoever runs it each morning hears of it there."""
    files = settings(program, tenant).statements_directory(tenant)
    files.mkdir(parents=True)
    (files / f"bank_a-{OPENED}.csv").write_text("rubbish\n")
    assert end_of_day(commands, program, tenant, OPENED)["parked"] == 1
    outcome = program("end-of-day", "--to", OPENED, "--tenant", tenant).then(0)
    assert "1 are parked: `leaseledger list parked` says what, and what keeps it." in outcome.err


def test_without_banks_nothing_is_collected_and_it_says_so(
    program: Program, tenant: UUID, leases: list[UUID], commands: Path
) -> None:
    told = end_of_day(commands, program, tenant, OPENED, banks="")
    assert (told["providers"], [day["day"] for day in told["days"]]) == ([], [str(OPENED)])
    outcome = program("end-of-day", "--to", DUE, "--tenant", tenant).then(0)
    assert "No payment provider is configured: nothing was collected or reconciled." in outcome.text
    assert not any(name.startswith("payment.") for name in types(program, tenant))
    assert not (program.data / "banks").exists()


@pytest.mark.network
def test_a_damaged_file_of_a_bank_is_named(program: Program, tenant: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the end of day, which leaves the day open, and by `doctor`; neither takes it for a fault of the program."""
    path = program.data / "banks" / str(tenant) / "bank_a.sqlite"
    write_private(path, b"no database" * 500)
    monkeypatch.setenv("LEASELEDGER_SANDBOX_BANKS", "bank_a")
    monkeypatch.setenv("LEASELEDGER_TENANT", str(tenant))
    what = f"{path}: expected the books of a sandbox bank, got file is not a database"
    assert what in program("end-of-day", "--open", OPENED, "--to", OPENED).then(2).err
    problems = [one["problem"] for one in program("doctor", "--json").then(1).json["problems"]]
    assert what in problems
    assert "calendar.opened.v1" not in types(program, tenant)


def test_banks_that_come_later_collect_what_is_still_due(
    program: Program, tenant: UUID, leases: list[UUID], commands: Path
) -> None:
    end_of_day(commands, program, tenant, OPENED, banks="")
    end_of_day(commands, program, tenant, DUE + timedelta(days=4), banks="")
    assert types(program, tenant)["payment.initiated.v1"] == 0
    end_of_day(commands, program, tenant, DUE + timedelta(days=5))
    assert types(program, tenant)["payment.initiated.v1"] == LEASES


def test_two_tenants_have_accounts_of_their_own(
    program: Program, tenant: UUID, leases: list[UUID], commands: Path
) -> None:
    """The same banks, the same days: neither sees the other's orders, callbacks or statements."""
    other = new_id()
    asyncio.run(_make(program, other))
    for whose in (tenant, other):
        for day in (OPENED, DUE + timedelta(days=10)):
            end_of_day(commands, program, whose, day)
    for whose in (tenant, other):
        found = types(program, whose)
        assert found["payment.initiated.v1"] >= LEASES
        assert found["reconciliation.break_found.v1"] == 0
        assert balances(program, whose, DUE + timedelta(days=10)) > 0


def test_a_refund_is_paid_by_another_process(
    program: Program, tenant: UUID, leases: list[UUID], commands: Path
) -> None:
    """Credit of an advance that people overpaid goes back at the next end of day, once."""
    end_of_day(commands, program, tenant, OPENED)
    end_of_day(commands, program, tenant, LAST)
    found = types(program, tenant)
    refunded = asyncio.run(_overpay_and_refund(program, tenant, leases))
    before = balances(program, tenant, LAST + timedelta(days=30))
    end_of_day(commands, program, tenant, LAST + timedelta(days=1))
    end_of_day(commands, program, tenant, LAST + timedelta(days=2))
    after = types(program, tenant)
    ended = after["payment.refunded.v1"] + after["payment.refund_failed.v1"]
    assert ended == found["payment.refunded.v1"] + found["payment.refund_failed.v1"] + 1
    paid_fen = before - balances(program, tenant, LAST + timedelta(days=30))
    assert paid_fen >= refunded * (after["payment.refund_failed.v1"] == 0)
    assert after["reconciliation.break_found.v1"] == 0


async def _overpay_and_refund(program: Program, tenant: UUID, leases: list[UUID]) -> int:
    """Money in cash makes credit on a lease that was debited; it goes back through the debit's bank."""
    from domain.leasing.lease.commands import PostPayment

    with base(settings(program, tenant)) as on:
        async with running(on) as ledger, days(ledger, tenant, {}) as composed:
            on_day = (await composed.ending.state()).business_date
            assert on_day is not None
            for lease in leases:
                _, state = await ledger.ledger.load(LEASE, lease)
                own = {collection_stream(lease, OPENED + timedelta(days=n)) for n in range(30)}
                debits = [one.payment for one in state.receipts if one.payment in own and not one.reversed]
                if not debits:
                    continue
                commands = (
                    PostPayment(payment=new_id(), amount_fen=10_000 + state.balances.open_fen, value_date=on_day),
                    RefundCredit(amount_fen=5_000, payment=debits[0]),
                )
                for number, command in enumerate(commands):
                    key = f"back:{lease}:{number}"
                    by = context(tenant, on_day, "test", lease)
                    asked = Request(stream=lease, key=key, command=command, context=by)
                    assert not isinstance(await ledger.ledger.execute(LEASE, asked), Refusal)
                return 5_000
    raise AssertionError("expected a lease that was debited")


@pytest.mark.parametrize("banks", ["Bank", "bank_a,", ",bank_a", "a b", "../x", ",".join(f"b{n}" for n in range(11))])
def test_names_of_banks_are_channels(tmp_path: Path, banks: str) -> None:
    with pytest.raises(ValueError, match="sandbox_banks"):
        Settings.model_validate({"data": tmp_path, "sandbox_banks": banks})


def test_no_bank_unless_asked_for(tmp_path: Path) -> None:
    """A production that sets nothing never has a sandbox."""
    plain = Settings.model_validate({"data": tmp_path})
    assert plain.sandbox_bank_names == ()
    asked = Settings.model_validate({"data": tmp_path, "sandbox_banks": "bank_a,bank_b"})
    assert asked.sandbox_bank_names == ("bank_a", "bank_b")
