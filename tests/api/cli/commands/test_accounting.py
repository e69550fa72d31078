"""`books`, `ageing`, `cash-flow` and `portfolio`: as JSON, and as tables that people read."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
from rich.cells import cell_len

from adapters.reference.prudential import FILE
from adapters.system import new_id
from api.cli.failures import UNUSABLE
from api.cli.wording.words import money, table
from api.compose import Base, base, running
from api.settings import Settings
from domain.leasing.lease.rules.decider import LEASE
from tests.api.cli.program import Program
from tests.domain.leasing import cases
from tests.given import when
from tests.ledger import ORIGIN

STORY = (*cases.RUNNING, cases.bill(1), cases.pay(1, 106_000, 30), cases.bill(2), cases.pay(2, 50_000, 65))


def tell(program: Program, *steps: cases.Step) -> None:
    """Do the commands of one lease, each on its business date."""
    settings = Settings.model_validate({"data": program.data, "database_url": program.url, "origin": ORIGIN})

    async def do(prepared: Base, of: UUID) -> None:
        async with running(prepared) as ledger:
            for day, command in steps:
                change: dict[str, Any] = {"tenant": settings.tenant, "business_date": cases.day(day)}
                (await when(ledger, LEASE, of, command, rules=False, **change)).granted()

    with base(settings) as prepared:
        asyncio.run(do(prepared, new_id()))


@pytest.fixture
def told(program: Program) -> Program:
    """One vehicle: the second of its bills is paid in part."""
    tell(program, *STORY)
    return program


def on(day: int) -> str:
    return cases.day(day).isoformat()


def test_the_trial_balance(told: Program) -> None:
    found = told("books", "--json").then(0).json
    assert found["sum_fen"] == sum(one["balance_fen"] for one in found["accounts"]) == 0
    balances = {one["account"]: one["balance_fen"] for one in found["accounts"]}
    assert (balances["1002"], balances["1541"], found["entries"]) == (206_000, 1_000_000, 7)
    early = told("books", "--as-of", on(29), "--json").then(0).json
    assert ({one["account"] for one in early["accounts"]}, early["as_of"]) == ({"1002", "1541", "2202", "2241"}, on(29))
    assert told("books", "--as-of-position", "2", "--json").then(0).json["entries"] == 1


def test_the_trial_balance_for_people(told: Program) -> None:
    lines = told("books").then(0).text.splitlines()
    assert lines[0] == "Trial balance, CNY"
    assert lines[2].split() == ["account", "name", "debit", "credit", "balance"]
    cash = next(line for line in lines if line.startswith("1002"))
    assert cash.split() == ["1002", "Cash", "at", "bank", "银行存款", "2,060.00", "–", "2,060.00"]
    assert len({cell_len(line) for line in lines[2:]}) == 1
    assert lines[-1].split()[:2] == ["7", "entries"]


def test_ageing(told: Program) -> None:
    found = told("ageing", "--as-of", on(61), "--json").then(0).json
    counted = {one["bucket"]: (one["leases"], one["open_fen"]) for one in found["buckets"]}
    assert counted == {
        "not_due": (0, 0), "current": (0, 0), "d1_30": (1, 106_000), "d31_60": (0, 0), "d61_90": (0, 0),
        "d91_plus": (0, 0),
    }  # fmt: skip
    assert (found["leases"], found["open_fen"], found["as_of"]) == (1, 106_000, on(61))
    assert told("ageing", "--json").then(0).json["as_of"] == on(65)


def test_ageing_for_people(told: Program) -> None:
    lines = told("ageing", "--as-of", on(61)).then(0).text.splitlines()
    assert lines[0] == f"Ageing at the end of {on(61)}, CNY"
    overdue = next(line for line in lines if line.startswith("1–30 days"))
    assert overdue.split() == ["1–30", "days", "1", "100.0", "%", "1,060.00", "100.0", "%", "█" * 30]
    assert lines[-1].split() == ["1", "1,060.00"]


def test_cash_flow(told: Program) -> None:
    found = told("cash-flow", "--from", on(30), "--to", on(65), "--json").then(0).json
    assert [(one["on"], one["expected_fen"], one["in_fen"]) for one in found["days"]] == [
        (on(30), 106_000, 106_000), (on(60), 106_106, 0), (on(65), 0, 50_000),
    ]  # fmt: skip
    text = told("cash-flow", "--from", on(30), "--to", on(65)).then(0).text
    assert text.splitlines()[-1].split() == ["2,121.06", "561.06", "1,560.00", "–"]
    wrong = told("cash-flow", "--from", on(65), "--to", on(30)).then(UNUSABLE)
    assert "the first one or later; at most 400 days in all" in wrong.err


def test_a_limit_is_broken_where_the_tenant_says_that_it_has_nothing(told: Program) -> None:
    """Nothing said is no limit known; none had is a limit of nothing."""
    tenant = Settings.model_validate({"data": told.data, "database_url": told.url, "origin": ORIGIN}).tenant
    (told.data / FILE).write_text(json.dumps({str(tenant): {"net_assets_fen": 0, "total_assets_fen": 0}}))
    found = told("portfolio", "--json").then(0).json["limits"]
    assert (found["net_assets_fen"], found["breached"]) == (0, True)
    text = told("portfolio").then(0).text
    assert "without net assets" in text
    assert next(line for line in text.splitlines() if "risk_assets" in line).split()[-1] == "BREACHED"


def test_the_portfolio(told: Program) -> None:
    found = told("portfolio", "--json").then(0).json
    assert (found["portfolio"]["risk_assets_fen"], found["portfolio"]["lessees"]) == (1_056_106, 1)
    by_class: dict[str, Any] = {one["five_class"]: one["leases"] for one in found["provisions"]["classes"]}
    assert by_class == {"normal": 0, "special_mention": 1, "substandard": 0, "doubtful": 0, "loss": 0}
    limits = {one["code"]: one for one in found["limits"]["data"]}
    risk_assets = limits["portfolio.risk_assets"]
    assert {name: risk_assets[name] for name in risk_assets if not name.startswith("title")} == {
        "code": "portfolio.risk_assets", "lessee": None, "group": None, "fen": 1_056_106, "limit_ppm": 8_000_000,
        "limit_fen": None, "headroom_fen": None, "breached": None,
    }  # fmt: skip
    assert limits["portfolio.one_lessee"]["lessee"] == f"subject_{cases.LESSEE.hex}"
    text = told("portfolio", "--as-of", on(400)).then(0).text
    assert "portfolio.json says nothing of this tenant's assets: no finance lease is booked" in text
    risk = next(line for line in text.splitlines() if "risk_assets" in line)
    assert risk.split() == ["risk_assets", "10,561.06", "no", "limit", "set"]
    assert "BREACHED" not in text
    assert f"subject_{cases.LESSEE.hex}" in text
    loss = next(line for line in text.splitlines() if line.strip().startswith("loss"))
    assert loss.split() == ["loss", "损失", "1", "10,561.06", "10,561.06"]


def test_books_of_a_ledger_without_leases(program: Program) -> None:
    assert program("books", "--json").then(0).json["accounts"] == []
    empty = program("ageing", "--json").then(0).json
    assert (empty["as_of"], empty["leases"]) == (None, 0)
    assert program("portfolio", "--json").then(0).json["provisions"] is None
    assert program("books").then(0).text.splitlines()[0] == "Trial balance"
    assert "nothing overdue" in program("ageing", "--as-of", "2005-07-31").then(0).text
    assert "0" in program("portfolio").then(0).text


def test_a_date_that_is_none(program: Program) -> None:
    assert "2005-02-30" in program("ageing", "--as-of", "2005-02-30").then(UNUSABLE).err


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "–"), (5, "0.05"), (-123_456, "-1,234.56"), (100, "1.00"), (10**15, "10,000,000,000,000.00")]
)
def test_money(fen: int, text: str) -> None:
    assert money(fen) == text


def test_tables_with_wide_characters_are_aligned() -> None:
    lines = table("lr", [("银行存款", "1"), ("cash", "22")], head=("account", "fen"), indent=2).splitlines()
    assert lines == ["  account    fen", "  银行存款     1", "  cash        22"]
