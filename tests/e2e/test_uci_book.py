"""The UCI history lived through in a real ledger, against a computation from the file that shares no code with it.

By default the first 400 clients; `LEASELEDGER_UCI_CLIENTS=30000` takes all of them.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from adapters.imports.uci import clients
from adapters.imports.uci_history import History, HistoryReport
from adapters.postgres.connections import connect
from adapters.postgres.fsck.whole import fsck
from api.compose import Base, running
from api.roles.days import end_of_day
from projections.accounting.journal import JOURNAL, trial_balance
from projections.engine.comparing import compare
from projections.engine.runner import Runner
from projections.leasing.ageing import AGEING, BUCKETS, ageing
from projections.leasing.lease_book import LEASE_BOOK
from tests.history.streams import digest, histories, stored
from tests.ledger import Server, composed_on

CLIENTS = int(os.environ.get("LEASELEDGER_UCI_CLIENTS", "400"))
SHARED = Path(os.environ.get("LEASELEDGER_SHARED", Path(__file__).parents[3] / "shared"))
FILE = SHARED / "data" / "uci_credit_card.csv"
MONTH_ENDS = [date(2005, 4, 30), date(2005, 5, 31), date(2005, 6, 30), date(2005, 7, 31), date(2005, 8, 31),
              date(2005, 9, 30)]  # fmt: skip

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="needs data/uci_credit_card.csv in LEASELEDGER_SHARED")


@pytest.fixture(scope="module")
def book(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Base, HistoryReport]]:
    """A ledger that lived through the clients' six months."""
    with server.ledger() as url, composed_on(url, tmp_path_factory.mktemp("uci")) as on:
        yield on, live(on)


def live(on: Base) -> HistoryReport:
    """Import the clients, from wherever the ledger is."""

    async def run() -> HistoryReport:
        async with running(on) as ledger, end_of_day(ledger, on.settings.tenant) as ending:
            return await History(ledger.ledger, ledger.reader, ending).run(islice(clients(FILE), CLIENTS))

    return asyncio.run(run())


@pytest.fixture(scope="module")
def projected(book: tuple[Base, HistoryReport]) -> Iterator[Connection[Any]]:
    """A connection with lease book, ageing and journal up to date."""
    with connect(book[0].url) as connection:
        runner = Runner(connection, (LEASE_BOOK, AGEING, JOURNAL))
        runner.prepare()
        runner.catch_up()
        yield connection


def rows() -> list[tuple[list[int], list[int]]]:
    """(balances, payments) of each client, April first, in the file's dollars."""
    with FILE.open(newline="") as file:
        return [
            ([int(float(row[f"X{column}"])) for column in range(17, 11, -1)],
             [int(float(row[f"X{column}"])) for column in range(23, 17, -1)])
            for row in islice(csv.DictReader(file), CLIENTS)
        ]  # fmt: skip


def bucket_of(balances: list[int], paid: list[int], on: date) -> tuple[str, int] | None:
    """Bucket and open amount at a month end, oldest debt paid first; `None` for a client who was never charged."""
    charges = [balances[0] + paid[0]] + [balances[k] - balances[k - 1] + paid[k] for k in range(1, 6)]
    if not any(charge > 0 for charge in charges):
        return None
    now = MONTH_ENDS.index(on)
    came = sum(paid[: now + 1]) + sum(-charge for charge in charges[: now + 1] if charge < 0)
    for month, charge in enumerate(charges[: now + 1]):
        came -= max(charge, 0)
        if came < 0:
            rest = -came + sum(max(later, 0) for later in charges[month + 1 : now + 1])
            return bucket_by_days((on - MONTH_ENDS[month] - timedelta(days=20)).days), rest * 100
    return "current", 0


def bucket_by_days(days: int) -> str:
    """The bucket of a bill so many days after it was due."""
    if days < 0:
        return "not_due"
    return next(name for name, last in zip(BUCKETS[1:], (0, 30, 60, 90, 10**6), strict=True) if days <= last)


@pytest.mark.parametrize("on", MONTH_ENDS)
def test_ageing_equals_an_independent_computation(
    book: tuple[Base, HistoryReport], projected: Connection[Any], on: date
) -> None:
    leases, open_fen = Counter[str](), Counter[str]()
    for balances, paid in rows():
        found = bucket_of(balances, paid, on)
        if found is not None:
            leases[found[0]] += 1
            open_fen[found[0]] += found[1]
    got = ageing(projected, book[0].settings.tenant, on)
    assert {bucket.bucket: bucket.leases for bucket in got.buckets} == {name: leases[name] for name in BUCKETS}
    assert {bucket.bucket: bucket.open_fen for bucket in got.buckets} == {name: open_fen[name] for name in BUCKETS}


def test_nothing_was_refused_and_every_day_is_closed(book: tuple[Base, HistoryReport]) -> None:
    report = book[1]
    assert (report.clients, report.days, report.refusals) == (CLIENTS, 183, {})
    assert report.leases == sum(bucket_of(*row, MONTH_ENDS[0]) is not None for row in rows())


@pytest.mark.skipif(CLIENTS not in (400, 30_000), reason="digests are stored for 400 and for 30,000 clients")
def test_every_stream_says_what_it_always_said(projected: Connection[Any]) -> None:
    entries = projected.execute("SELECT entry FROM ledger.events ORDER BY position")
    assert digest(histories(json.loads(entry) for (entry,) in entries)) == stored(f"uci_{CLIENTS}")


def test_the_books_balance(book: tuple[Base, HistoryReport], projected: Connection[Any]) -> None:
    balance = trial_balance(projected, book[0].settings.tenant)
    assert balance.sum_fen == 0
    assert any(account.debit_fen for account in balance.accounts)


def test_everything_is_sound(book: tuple[Base, HistoryReport], projected: Connection[Any]) -> None:
    from adapters.postgres.vault import Vault
    from adapters.system import random_bytes

    report = fsck(projected, Vault(book[0].keys, random_bytes))
    assert report.ok, report.findings
    assert compare(projected, AGEING).first is None
    assert compare(projected, JOURNAL).first is None


def test_a_second_run_appends_nothing(book: tuple[Base, HistoryReport]) -> None:
    again = live(book[0])
    assert (again.leases, again.payments, again.fired, again.days) == (0, 0, 0, 0)
    assert again.leases_skipped == book[1].leases
    assert again.payments_skipped == book[1].payments
