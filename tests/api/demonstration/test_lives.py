"""The demonstration, lived through a real ledger, word for word as it was agreed; transcripts are beside this file.

`LEASELEDGER_REWRITE_TRANSCRIPTS=1` writes them anew; whoever does that reads the difference before it is agreed.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from adapters.postgres.connections import connect
from adapters.postgres.fsck.whole import fsck
from adapters.postgres.vault import Vault
from adapters.system import random_bytes
from api.compose import Base, running
from api.demonstration import auto, living, rental, scene, summary
from api.language import Language, speaking
from api.roles.days import end_of_day
from chain.entry import parse
from domain.access.ledger import LedgerOpenedForDemonstration
from domain.accounting.posting import post, trial_balance
from domain.kernel.decider import fold
from domain.leasing.lease.refusals import CLOSED
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeasePhase
from domain.payments.payment.events import PaymentInitiated
from projections.engine.comparing import compare
from projections.engine.model import Projection
from tests.tidy import checkout

HERE = Path(__file__).parent
REWRITE = "LEASELEDGER_REWRITE_TRANSCRIPTS"
LIVES: dict[str, ModuleType] = {"rental": rental, "auto": auto}
lives = pytest.mark.parametrize("name", LIVES)


@pytest.fixture
def transcripts(lived: Base) -> dict[str, str]:
    """What was written down of each life."""
    return {one.name: living.transcript(lived.settings.data, one).read_text("utf-8") for one in parts(lived)}


@pytest.fixture
def connection(lived: Base) -> Iterator[Connection[Any]]:
    """A connection as programs have it."""
    with connect(lived.url) as opened:
        yield opened


def parts(lived: Base) -> tuple[living.Part, ...]:
    """The lives with their tenants."""
    return living.parts(lived.settings.tenant)


def entries(connection: Connection[Any]) -> list[bytes]:
    """Every entry in ledger order."""
    return [entry for (entry,) in connection.execute("SELECT entry FROM ledger.events ORDER BY position")]


@lives
def test_transcript(transcripts: dict[str, str], name: str) -> None:
    path = HERE / f"{name}.txt"
    if os.environ.get(REWRITE):
        path.write_text(transcripts[name], "utf-8")
    assert transcripts[name] == path.read_text("utf-8"), f"set {REWRITE}=1 to write {path.name} anew"


def test_the_first_event_says_that_it_is_a_demonstration(lived: Base, connection: Connection[Any]) -> None:
    first = parse(entries(connection)[0]).event()
    assert first == LedgerOpenedForDemonstration(
        origin=lived.settings.origin, owner=lived.settings.tenant, scenario=living.SCENARIO
    )
    assert asyncio.run(lived_already(lived))


def test_a_ledger_with_events_of_its_own_is_never_lived_in(composed: Base) -> None:
    """Not even when somebody looks past the events that are there."""
    asyncio.run(take_over_something(composed))
    with pytest.raises(living.NotForDemonstration, match="got a ledger with 1 events"):
        asyncio.run(lived_already(composed))
    with pytest.raises(living.NotForDemonstration, match="expected an empty ledger, got 1 events"):
        asyncio.run(live(composed))


async def lived_already(on: Base) -> bool:
    async with running(on) as program:
        return await living.lived_already(program)


async def live(on: Base) -> None:
    async with running(on) as program:
        await living.live(program)


async def take_over_something(on: Base) -> None:
    """An event that no demonstration wrote."""
    async with running(on) as program, end_of_day(program, on.settings.tenant) as ending:
        await ending.open(date(2026, 3, 2))


def test_the_summary_ends_with_nothing_owed(lived: Base, connection: Connection[Any]) -> None:
    everything = [(position, parse(entry)) for position, entry in enumerate(entries(connection), start=1)]
    for part in parts(lived):
        happened = summary.milestones(part.tenant, everything)
        assert [one.position for one in happened] == sorted(one.position for one in happened)
        assert happened[0].sentence.startswith("ordered")
        assert happened[-1].sentence.startswith("closed")


NOT_OF_THE_STORY = frozenset({"user", "api_key", "tenant", "proposal", "approval", "subject"})
"""What tests add to the ledger of the demonstration, see `one_of_each`."""


@pytest.mark.parametrize(("page", "language"), [("README.md", Language.EN), ("README.zh-CN.md", Language.ZH)])
def test_the_readme_tells_this_story(lived: Base, connection: Connection[Any], page: str, language: Language) -> None:
    """Day, position and sentence of every line, in both languages, and how many events there are."""
    told = (checkout.ROOT / page).read_text("utf-8")
    lines = re.findall(r"^  (2026-[0-9-]{5}) +#([0-9]+) +(.+?)(?:  .*)?$", told, re.MULTILINE)
    everything = [(position, parse(entry)) for position, entry in enumerate(entries(connection), start=1)]
    everything = [one for one in everything if one[1].type.partition(".")[0] not in NOT_OF_THE_STORY]
    with speaking(language):
        happened = {
            (str(one.day), str(one.position), one.sentence)
            for part in parts(lived)
            for one in summary.milestones(part.tenant, everything)
        }
    assert len(lines) >= 25
    assert set(lines) <= happened
    assert f"{len(everything):,}" in re.findall(r"^  (?:events|事件) +([0-9,]+)$", told, re.MULTILINE)


def test_books_balance_after_every_event(connection: Connection[Any]) -> None:
    """Posted again from the stored entries alone, each by itself and all of them so far."""
    lines = 0
    totals: dict[str, int] = {}
    for entry in entries(connection):
        for line in post(parse(entry).event()):
            totals[line.account] = totals.get(line.account, 0) + line.debit_fen - line.credit_fen
            lines += 1
        assert sum(totals.values()) == 0
    everything = [line for entry in entries(connection) for line in post(parse(entry).event())]
    assert lines == len(everything) > 40
    assert trial_balance(everything) == dict(sorted(totals.items()))


def test_every_stream_is_of_one_case(connection: Connection[Any]) -> None:
    """Also what the evening began: a payment is of its lease's case, a fired timer of its stream's."""
    cases: dict[UUID, set[UUID]] = {}
    leases: dict[UUID, UUID] = {}
    payments: dict[UUID, UUID] = {}
    for (stored,) in connection.execute("SELECT entry FROM ledger.events ORDER BY position"):
        entry = parse(bytes(stored))
        cases.setdefault(entry.stream, set()).add(entry.correlation)
        if entry.type == "lease.created.v1":
            leases[entry.stream] = entry.correlation
        if isinstance(event := entry.event(), PaymentInitiated):
            payments[entry.stream] = event.lease
    assert {stream: found for stream, found in cases.items() if len(found) > 1} == {}
    assert {lease: cases[payment] for payment, lease in payments.items()} == {
        lease: {leases[lease]} for lease in payments.values()
    }
    assert len(payments) > 10


def test_ledger_is_sound(lived: Base, connection: Connection[Any]) -> None:
    report = fsck(connection, Vault(lived.keys, random_bytes))
    assert report.ok, report.findings
    assert report.events == len(entries(connection)) > 200
    assert report.personal_values >= 8


@pytest.mark.parametrize("projection", scene.READ_MODELS, ids=lambda projection: projection.table)
def test_read_models_are_what_the_events_say(connection: Connection[Any], projection: Projection[Any]) -> None:
    compared = compare(connection, projection)
    assert compared.first is None, f"expected what a replay gives: {compared.first}"
    assert (compared.position, compared.parked) == (len(entries(connection)), 0)


def test_nothing_about_a_person_is_in_the_ledger(
    lived: Base, connection: Connection[Any], transcripts: dict[str, str]
) -> None:
    written = b"\n".join(entries(connection)).decode()
    personal = [value for module in LIVES.values() for value in module.PERSONAL]
    assert len(personal) >= 8
    assert all(personal)
    assert [one for one in personal if one in written or any(one in text for text in transcripts.values())] == []
    assert str(lived.settings.tenant) in written, "the search looks at the right text"


@lives
def test_lease_is_closed_and_stays_so(
    lived: Base, connection: Connection[Any], transcripts: dict[str, str], name: str
) -> None:
    tenant = next(part.tenant for part in parts(lived) if part.name == name)
    parsed = [entry for entry in map(parse, entries(connection)) if entry.tenant == tenant]
    closed = [entry.stream for entry in parsed if entry.type == "lease.closed.v1"]
    assert len(closed) == 1
    state = fold(LEASE, [entry.event() for entry in parsed if entry.stream == closed[0]])
    assert (state.phase, state.balances.open_fen, state.balances.credit_fen) == (LeasePhase.SETTLED, 0, 0)
    assert CLOSED.code in transcripts[name]
