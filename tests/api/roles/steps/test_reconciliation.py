"""The further steps of a day: open outcomes are asked for, statements are reconciled, every kind of break is found."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from adapters.connectors.payments import collecting
from adapters.connectors.payments.port import Order
from adapters.connectors.payments.sandbox import SandboxBank
from adapters.connectors.payments.scenarios import Script, always
from adapters.connectors.payments.statement import StatementRow, read_statement, write_statement
from adapters.processes.dispatch import context
from adapters.processes.end_of_day import DayRun
from adapters.processes.firing import EndOfDayError
from adapters.processes.parking import STATEMENTS, Parking
from api.compose import Running
from api.roles.read_models import ReadModels
from api.roles.steps.reconciliation import LATE_FILES_DAYS, ReconcileStatements
from domain.kernel.refusal import Refusal
from domain.payments.matching import Movement
from domain.payments.payment.commands import InitiatePayment, RecordChargeback
from domain.payments.payment.rules import PAYMENT
from domain.payments.reconciliation import (
    RECONCILIATION,
    CloseReconciliation,
    Resolution,
    ResolveBreak,
    reconciliation_stream,
)
from tests.adapters.processes.test_made_up import Died
from tests.adapters.processes.world import FIRST, POLICY, TENANT, World, a_world, contents, given, make_lease

NEXT = FIRST + timedelta(days=1)


def advance(number: int) -> UUID:
    """The payment stream of an advance."""
    return uuid5(TENANT, f"advance:{number}")


@asynccontextmanager
async def ordered(program: Running, script: Script, advances: int = 1) -> AsyncIterator[World]:
    """Some advances of 500 fen are on their way to the bank, on the first day."""
    async with a_world(program, always(script)) as world:
        lease = await make_lease(program, 1)
        await world.end_of_day.open(FIRST)
        for number in range(advances):
            begin = InitiatePayment(lease=lease, bill=None, amount_fen=500, policy=POLICY)
            await given(program, PAYMENT, advance(number), f"begin:{number}", begin, FIRST)
        yield world


async def found(program: Running) -> list[dict[str, Any]]:
    """The bodies of every break."""
    entries = [stored.parsed() for stored in await program.reader.after(0, 1_000)]
    return [vars_of(entry.event()) for entry in entries if entry.type == "reconciliation.break_found.v1"]


def vars_of(event: Any) -> dict[str, Any]:
    return {name: getattr(event, name) for name in ("number", "kind", "expected_fen", "got_fen")}


async def counts(program: Running) -> Counter[str]:
    return Counter(kind for events in (await contents(program)).values() for kind, _, _ in events)


@pytest.mark.parametrize(
    ("script", "breaks"),
    [
        (Script(), []),
        (Script(short_fen=3), [{"number": 1, "kind": "amount", "expected_fen": 500, "got_fen": 497}]),
        (Script(unlisted=True), [{"number": 1, "kind": "missing_there", "expected_fen": 500, "got_fen": 0}]),
        (Script(listed_twice=True), [{"number": 1, "kind": "duplicate", "expected_fen": 0, "got_fen": 500}]),
    ],
)
async def test_breaks_are_found_and_the_day_closes(
    program: Running, script: Script, breaks: list[dict[str, Any]]
) -> None:
    async with ordered(program, script) as world:
        await world.end_of_day.close(FIRST)
        assert await found(program) == breaks
        assert (await world.end_of_day.state()).business_date == FIRST + timedelta(days=1)
        assert (await counts(program))["reconciliation.closed.v1"] == (1 if breaks else 2)


async def test_money_that_only_the_provider_knows_is_missing_here(program: Running) -> None:
    async with ordered(program, Script(), advances=0) as world:
        stranger = Order(request="0f" * 16 + "-1", amount_fen=77, channel="bank_a", on=FIRST)
        await world.banks["bank_a"].initiate(stranger)
        await world.end_of_day.close(FIRST)
        assert await found(program) == [{"number": 1, "kind": "missing_here", "expected_fen": 0, "got_fen": 77}]


async def test_a_run_with_an_open_break_closes_when_it_is_resolved(program: Running) -> None:
    async with ordered(program, Script(unlisted=True)) as world:
        await world.end_of_day.close(FIRST)
        stream = reconciliation_stream(TENANT, "bank_a", FIRST)
        _, state = await program.ledger.load(RECONCILIATION, stream)
        by = context(TENANT, FIRST, "test", stream)
        answer = RECONCILIATION.decide(CloseReconciliation(), state, by)
        assert isinstance(answer, Refusal)
        assert answer.code == "reconciliation.breaks_open"
        resolve = ResolveBreak(number=1, how=Resolution.OTHER_DAY)
        await given(program, RECONCILIATION, stream, "resolve", resolve, FIRST)
        await given(program, RECONCILIATION, stream, "close", CloseReconciliation(), FIRST)
        assert (await counts(program))["reconciliation.closed.v1"] == 2


async def test_a_pending_attempt_is_asked_for_on_the_next_day(program: Running) -> None:
    """No callback ever comes: the query of the next day's end finds the money, and the statement agrees."""
    async with ordered(program, Script(settles_after_days=1)) as world:
        await world.end_of_day.close(FIRST)
        assert (await counts(program))["payment.succeeded.v1"] == 0
        await world.end_of_day.close(FIRST + timedelta(days=1))
        assert (await counts(program))["payment.succeeded.v1"] == 1
        assert await found(program) == []


async def test_an_unknown_outcome_is_resolved_by_a_query_and_never_retried(program: Running) -> None:
    async with ordered(program, Script(answer_lost=True, settles_after_days=2)) as world:
        await world.end_of_day.catch_up(FIRST + timedelta(days=3))
        events = [kind for kind, _, _ in (await contents(program))[advance(0)]]
        assert events == [
            "payment.initiated.v1",
            "payment.attempt_started.v1",
            "payment.outcome_unknown.v1",
            "payment.outcome_resolved.v1",
            "payment.succeeded.v1",
        ]
        assert await found(program) == []


async def test_callbacks_of_every_kind_are_recorded(program: Running) -> None:
    """On time, again, and forged; the forged one comes from somebody without the secret."""
    script = Script(settles_after_days=1, callbacks_after_days=(1, 1), forged_after_days=(1,))
    async with ordered(program, script) as world:
        await world.end_of_day.close(FIRST)
        closed = await world.end_of_day.close(NEXT)
        told = await counts(program)
        assert (told["payment.callback_applied.v1"], told["payment.callback_ignored.v1"]) == (1, 2)
        assert told["payment.succeeded.v1"] == 1
        assert closed.processed == {"collection": 0, "callbacks": 3, "queries": 0, "reconciliation": 1, "provisions": 0}
        assert await found(program) == []


async def test_a_chargeback_that_the_bank_reports_is_reversed_and_on_both_sides(program: Running) -> None:
    async with ordered(program, Script(charged_back_after_days=1)) as world:
        await world.end_of_day.catch_up(NEXT)
        told = await counts(program)
        assert told["payment.charged_back.v1"] == told["lease.payment_reversed.v1"] == 1
        assert await found(program) == []
        assert world.banks["bank_a"].balance_fen(NEXT) == 0


async def test_a_chargeback_that_nobody_reports_is_a_break(program: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The callback is lost; the statement has a row that we do not know of."""
    async with ordered(program, Script(charged_back_after_days=1)) as world:
        monkeypatch.setattr(world.banks["bank_a"], "deliveries", lambda _day: [])
        await world.end_of_day.catch_up(NEXT)
        assert await found(program) == [{"number": 1, "kind": "missing_here", "expected_fen": 0, "got_fen": 500}]
        back = RecordChargeback(attempt=1, reason="disputed", value_date=NEXT)
        await given(program, PAYMENT, advance(0), "by hand", back, NEXT + timedelta(days=1))
        await world.settle()
        assert (await counts(program))["lease.payment_reversed.v1"] == 1


def drop(program: Running, bank: str, day: date, rows: list[StatementRow]) -> None:
    """The bank drops a statement file."""
    place(program, bank, day).write_bytes(write_statement(day, rows))


def place(program: Running, bank: str, day: date) -> Path:
    """Where a bank's statement file belongs."""
    folder = program.settings.statements_directory(TENANT)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{bank}-{day}.csv"


async def test_a_file_that_the_bank_dropped_comes_before_its_online_statement(program: Running) -> None:
    async with ordered(program, Script()) as world:
        drop(program, "bank_a", FIRST, [])
        await world.end_of_day.close(FIRST)
        assert await found(program) == [{"number": 1, "kind": "missing_there", "expected_fen": 500, "got_fen": 0}]


async def test_a_file_that_comes_late_is_reconciled_then(program: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bank A has no online statement. Its file of the first day comes two days later, and is taken once."""
    async with ordered(program, Script()) as world:
        bank = world.banks["bank_a"]

        async def nothing(_day: date) -> None:
            return None

        monkeypatch.setattr(bank, "statement", nothing)
        await world.end_of_day.catch_up(NEXT)
        assert (await counts(program))["reconciliation.statement_loaded.v1"] == 2, "of bank B only"
        rows = (await counts(program))["payment.succeeded.v1"]
        online = await SandboxBank.statement(bank, FIRST)
        assert online is not None
        drop(program, "bank_a", FIRST, list(read_statement("x", online, FIRST).rows))
        closed = await world.end_of_day.close(NEXT + timedelta(days=1))
        assert closed.processed["reconciliation"] == rows == 1
        await world.end_of_day.close(NEXT + timedelta(days=2))
        told = await counts(program)
        assert told["reconciliation.statement_loaded.v1"] == told["reconciliation.closed.v1"] == 5
        assert await found(program) == []


def cut_short(bank: SandboxBank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a bank's statements lack their end."""
    good = bank.statement

    async def broken(day: Any) -> bytes:
        return (await good(day) or b"")[:-5]

    monkeypatch.setattr(bank, "statement", broken)


async def test_a_broken_statement_stops_nobody_and_a_good_one_is_taken_later(
    program: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ordered(program, Script()) as world:
        bank = world.banks["bank_b"]
        good = bank.statement
        cut_short(bank, monkeypatch)
        await world.end_of_day.close(FIRST)
        [left] = await world.days.parked(TENANT)
        assert (left.process, left.key, left.code) == (
            "statements", f"statement:bank_b:{FIRST}", "reconciliation.statement_not_read",
        )  # fmt: skip
        assert '"file":"bank_b-2005-04-01.csv"' in left.facts
        told = await counts(program)
        assert (told["reconciliation.statement_loaded.v1"], told["calendar.day_closed.v1"]) == (1, 1)
        await world.end_of_day.close(NEXT)
        assert [one.key for one in await world.days.parked(TENANT)] == [
            f"statement:bank_b:{day}" for day in (FIRST, NEXT)
        ]
        monkeypatch.setattr(bank, "statement", good)
        await world.end_of_day.close(NEXT + timedelta(days=1))
        assert await world.days.parked(TENANT) == []


async def test_a_statement_that_days_overtook_is_taken_when_it_is_good(
    program: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days that stood still are caught up at once: nobody had a week to ask the bank for a better statement."""
    async with ordered(program, Script()) as world:
        bank = world.banks["bank_b"]
        good = bank.statement
        cut_short(bank, monkeypatch)
        last = FIRST + timedelta(days=LATE_FILES_DAYS + 2)
        await world.end_of_day.catch_up(last)
        assert len(await world.days.parked(TENANT)) == LATE_FILES_DAYS + 3
        monkeypatch.setattr(bank, "statement", good)
        await world.end_of_day.close(last + timedelta(days=1))
        assert await world.days.parked(TENANT) == []
        assert (await counts(program))["reconciliation.closed.v1"] == 2 * (LATE_FILES_DAYS + 4)


def no_file(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path)


def pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("broken", [no_file, loop, pipe])
async def test_what_is_no_file_that_can_be_read_keeps_no_day_open(
    program: Running, broken: Callable[[Path], None]
) -> None:
    """It has the name of a statement; when it is one, it is taken."""
    async with ordered(program, Script()) as world:
        path = place(program, "bank_a", FIRST)
        broken(path)
        await world.end_of_day.close(FIRST)
        [left] = await world.days.parked(TENANT)
        assert (left.key, left.code) == (f"statement:bank_a:{FIRST}", "reconciliation.statement_not_read")
        path.rmdir() if path.is_dir() else path.unlink()
        drop(program, "bank_a", FIRST, [])
        await world.end_of_day.close(NEXT)
        assert await world.days.parked(TENANT) == []
        assert await found(program) == [{"number": 1, "kind": "missing_there", "expected_fen": 500, "got_fen": 0}]


async def test_a_statement_that_a_bank_fails_to_give_keeps_no_day_open(
    program: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Online, an answer may be an error of any kind: the other bank's is taken, and the next day asks again."""
    async with ordered(program, Script()) as world:
        good = world.banks["bank_a"].statement

        async def fails(day: Any) -> bytes:
            raise TimeoutError("no answer for 110101199003071234")

        monkeypatch.setattr(world.banks["bank_a"], "statement", fails)
        await world.end_of_day.close(FIRST)
        [left] = await world.days.parked(TENANT)
        assert (left.key, left.code) == (f"statement:bank_a:{FIRST}", "process.failed")
        assert "1101" not in left.facts
        monkeypatch.setattr(world.banks["bank_a"], "statement", good)
        await world.end_of_day.close(NEXT)
        assert await world.days.parked(TENANT) == []
        assert (await counts(program))["reconciliation.closed.v1"] == 4


async def test_a_bank_that_does_not_answer_keeps_no_day_open(program: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async with ordered(program, Script()) as world:

        async def silent(day: Any) -> bytes:
            await asyncio.Event().wait()
            return b""

        monkeypatch.setattr(world.banks["bank_a"], "statement", silent)
        monkeypatch.setattr(collecting, "ANSWER_TIMEOUT_S", 0.05)
        await world.end_of_day.close(FIRST)
        assert [one.code for one in await world.days.parked(TENANT)] == ["process.failed"]


async def test_a_directory_of_statements_that_is_none_is_said_at_once(program: Running) -> None:
    """Nobody's statement could be looked for: that is the machine's fault, and no bank's."""
    async with ordered(program, Script()) as world:
        directory = program.settings.statements_directory(TENANT)
        directory.parent.mkdir(parents=True, exist_ok=True)
        directory.write_text("")
        with pytest.raises(EndOfDayError, match="expected a directory of statements that may be searched"):
            await world.end_of_day.close(FIRST)
        directory.unlink()
        await world.end_of_day.close(FIRST)
        assert await world.days.parked(TENANT) == []


async def test_a_file_that_may_not_be_read_keeps_no_day_open(program: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async with ordered(program, Script()) as world:
        path = place(program, "bank_a", FIRST)
        drop(program, "bank_a", FIRST, [])
        real = Path.read_bytes

        def refused(one: Path) -> bytes:
            if one == path:
                raise PermissionError(13, "Permission denied")
            return real(one)

        monkeypatch.setattr(Path, "read_bytes", refused)
        await world.end_of_day.close(FIRST)
        assert [one.code for one in await world.days.parked(TENANT)] == ["reconciliation.statement_not_read"]


REF = "ab" * 32


def row(number: int, amount_fen: int) -> StatementRow:
    return StatementRow(Movement.COLLECTION, f"{number:032x}-1", REF, amount_fen)


@pytest.mark.parametrize("other", [[row(1, 7)], [row(2, 300), row(3, 500)]])
async def test_another_statement_after_loading_is_refused(
    program: Running, models: ReadModels, pool: Any, monkeypatch: pytest.MonkeyPatch, other: list[StatementRow]
) -> None:
    """It died between loading and matching, and the bank's file changed meanwhile, be it to as many rows of as much:
    people must look.
    """
    async with ordered(program, Script()) as world:
        await world.settle()
        files = program.settings.statements_directory(TENANT)
        step = ReconcileStatements(program.ledger, models, [world.banks["bank_a"]], files, Parking(pool, STATEMENTS))
        run = DayRun(tenant=TENANT, day=FIRST, position=0, cursor=None, processed=0)
        drop(program, "bank_a", FIRST, [row(1, 700), row(4, 100)])
        real = models.received

        async def dies(*_: Any) -> Any:
            raise Died

        async def nothing(*_: Any) -> None:
            return None

        monkeypatch.setattr(models, "received", dies)
        with pytest.raises(Died):
            await step.run(run, nothing)
        monkeypatch.setattr(models, "received", real)
        drop(program, "bank_a", FIRST, other)
        assert await step.run(run, nothing) == 0
        assert [(one.key, one.code) for one in await world.days.parked(TENANT)] == [
            ("statement:bank_a:2005-04-01", "reconciliation.loaded")
        ]
