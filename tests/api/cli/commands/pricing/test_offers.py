"""`plans` and `quote`: as JSON, as tables that people read, and every "no" with exit status 1."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from adapters.reference.plans import shipped_plans
from api.cli.commands.pricing.wording import percent
from api.cli.failures import REFUSED, UNUSABLE
from api.cli.program import app
from api.settings import DEFAULT_TENANT
from tests.api.cli.program import Outcome

ROOT = Path(__file__).parents[5]
ON = ("--on", "2026-03-16")
PHONE = ("quote", "--asset", "phone", "--price", "6000", "--market", "6000.00", "--term", 12, *ON)
CAR = ("quote", "--asset", "new_car", "--price", "120000", "--term", 36, *ON)


class Desk:
    """The command line on a data directory without a ledger: neither command needs one."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, *arguments: object) -> Outcome:
        done = CliRunner().invoke(app, list(map(str, arguments)), env={"LEASELEDGER_DATA": str(self.data)})
        return Outcome(done.exit_code, done.stdout_bytes, done.stderr)

    def policy(self, **row: Any) -> None:
        (self.data / "pricing.json").write_text(json.dumps({str(DEFAULT_TENANT): row}), "utf-8")

    def plans(self, body: object) -> None:
        (self.data / "plans.json").write_text(json.dumps(body), "utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An unlicensed lessor that looked the loan prime rate up."""
    found = Desk(tmp_path)
    found.policy(version=2, lessor="unlicensed", lpr_known_until="2026-12-19")
    return found


@pytest.fixture
def licensed(tmp_path: Path) -> Desk:
    """A licensed lessor with a cap of its own."""
    found = Desk(tmp_path)
    found.policy(version=7, lessor="licensed_finance", own_cap="0.24")
    return found


def test_all_plans(desk: Desk) -> None:
    data = desk("plans", *ON, "--json").then(0).json
    assert [one["id"] for one in data["data"]] == sorted(plan.id for plan in shipped_plans())
    lines = desk("plans", *ON).then(0).text.splitlines()
    assert lines[0].split()[:4] == ["plan", "for", "term", "price"]
    stock = next(line for line in lines if line.strip().startswith("dealer_stock_used"))
    assert "1–4 months" in stock
    assert "7.88 %" in stock
    assert "20.00 % cash" in stock
    assert lines[-1].startswith("36 plans.")


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (("--asset", "drone"), {"drone_daily", "drone_return"}),
        (("--customer", "dealer"), {"dealer_stock_new", "dealer_stock_used"}),
        (
            ("--business", "finance", "--asset", "new_energy_car", "--customer", "company"),
            {"new_energy_direct_level", "new_energy_fleet_level"},
        ),
    ],
)
def test_plans_for_somebody(desk: Desk, options: tuple[str, ...], wanted: set[str]) -> None:
    data = desk("plans", *options, *ON, "--json").then(0).json
    assert {one["id"] for one in data["data"]} == wanted


def test_everything_about_one_plan(desk: Desk) -> None:
    text = desk("plans", "commercial_leaseback_principal", *ON).then(0).text
    assert 'structure             {"kind":"equal_principal","every_months":3}' in text
    assert "zh                    商用车售后回租·按季等额本金" in text
    assert "effective_to          –" in text
    assert "expected a plan in force" in desk("plans", "nothing", *ON).then(UNUSABLE).err
    assert "expected a plan in force" in desk("plans", "phone_gift", "--on", "2025-12-31").then(UNUSABLE).err


def test_offers_lowest_rate_first(desk: Desk) -> None:
    lines = desk(*PHONE, "--score", "zhima=720").then(0).text.splitlines()
    assert lines[0] == "Quotes of 2026-03-16: policy version 2, cap 12.00 %, one-year LPR 3.00 % of 2025-05-20"
    names = [line.split()[0] for line in lines[2:9]]
    assert names[:2] == ["phone_buyout_12", "phone_buyout_free_12"]
    assert names[-2:] == ["phone_return", "phone_return_free"]
    gift = next(line for line in lines if line.startswith("phone_gift ")).split()
    assert gift[-10:] == ["12", "525.00", "–", "–", "6,300.00", "300.00", "10.80", "%", "11.35", "%"]
    assert len({cell_len(line) for line in lines[1:9]}) == 1, "columns are aligned"
    assert "phone_daily   plan.term_unit" in " ".join(lines[10:])
    assert lines[-1] == "28 plans are for other assets or customers."


QUOTED = re.compile(r"^leaseledger (?:--lang zh )?quote (.*)\n\n((?:.+\n)+)…\n", re.MULTILINE)


@pytest.mark.parametrize(("page", "tag"), [("README.md", "en"), ("README.zh-CN.md", "zh")])
def test_each_readme_shows_a_quote_in_its_language(page: str, tag: str, desk: Desk) -> None:
    found = QUOTED.search((ROOT / page).read_text("utf-8"))
    assert found is not None
    lines = found[2].splitlines()
    said = desk("quote", *found[1].split(), "--lang", tag).then(0).text.splitlines()
    assert len(lines) == 4
    assert [line for line in said if line in lines] == lines
    assert ("方案" in lines[1]) == (tag == "zh")


def test_quote_as_json_is_that_of_the_interface(desk: Desk) -> None:
    data = desk(*PHONE, "--plan", "phone_gift", "--score", "decision=650", "--json").then(0).json
    assert [one["plan"] for one in data["offers"]] == ["phone_gift"]
    assert data["offers"][0]["deposit"]["fen"] == 180_000
    assert data["policy"]["lpr"]["published_on"] == "2025-05-20"


def test_schedule_of_one_plan(licensed: Desk) -> None:
    text = licensed(*CAR, "--plan", "new_car_direct_level", "--adjust", "following").then(0).text
    assert "Arrangement fee, upfront" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["1", "2026-04-16", "2,337.02", "710.40", "–", "3,047.42", "93,662.98"] in lines
    assert ["2", "2026-05-18", "2,354.31", "693.11", "–", "3,047.42", "91,308.67"] in lines, "the 16th is a Saturday"
    assert "passes cost: measure nominal_annual_rate" in text


def test_daily_rent_and_lease_back(desk: Desk) -> None:
    camera = ("quote", "--asset", "camera", "--price", 20_000, "--term", 5, "--days", *ON, "--json")
    assert desk(*camera).then(0).json["offers"][0]["total_fen"] == 5 * 28_000
    back = ("quote", "--asset", "used_car", "--price", 50_000, "--term", 24, "--plan", "used_car_leaseback_level", *ON)
    desk.policy(version=1, lessor="licensed_finance", own_cap="0.24")
    refused = desk(*back, "--paid-out", 49_000).then(REFUSED)
    assert "refused: offer.interest_deducted" in refused.err
    assert "售后回租不得先行在支付款中扣除" in refused.err
    desk(*back).then(0)


def test_wish_that_no_plan_fits(desk: Desk) -> None:
    found = desk(*PHONE[:-4], "--term", 11, *ON, "--json").then(REFUSED)
    assert found.json["offers"] == []
    assert len(found.json["against"]) == 36
    text = desk(*PHONE[:-4], "--term", 11, *ON).then(REFUSED).text
    assert "plan.term_not_offered" in text


def test_refusal_of_one_plan(desk: Desk) -> None:
    told = desk(*CAR, "--plan", "new_car_direct_level", "--down", 1, "--json").then(REFUSED)
    assert [one["code"] for one in told.json["refusals"]] == ["offer.down_payment"]
    assert told.json["ok"] is False
    assert "首付款不在方案允许范围内" in told.err


def test_day_whose_loan_prime_rate_nobody_knows(desk: Desk) -> None:
    late = ("--on", "2026-12-20")
    text = desk(*PHONE[:-2], *late).then(REFUSED).text
    assert "no cap is known" in text
    assert "Look the loan prime rate up and say so in DATA/pricing.json" in text
    assert "offer.lpr_stale" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("--asset", "boat"), "'boat': expected one of phone, used_phone"),
        (("--customer", "king"), "'king': expected one of individual"),
        (("--price", "1.234"), "--price: expected an amount in yuan such as 5999.00, got '1.234'"),
        (("--down", "-5"), "--down: expected an amount in yuan"),
        (("--score", "zhima"), "--score: expected such as zhima=680"),
        (("--score", "zhima=1001"), "at most 1000"),
        (("--score", "gossip=1"), "'gossip': expected one of decision"),
        (("--adjust", "never"), "'never': expected one of no_adjustment"),
        (("--term", "0"), "--term"),
        (("--start", "2026-02-30"), "2026-02-30"),
    ],
)
def test_options_that_do_not_fit(desk: Desk, changes: tuple[str, ...], said: str) -> None:
    assert said in desk(*PHONE, *changes).then(UNUSABLE).err


def test_own_plan_is_offered(desk: Desk) -> None:
    gift = next(one for one in desk("plans", "--json", *ON).then(0).json["data"] if one["id"] == "phone_gift")
    del gift["digest"]
    desk.plans([gift | {"id": "my_gift", "rates": [{"up_to": 24, "rate": "0.0870"}]}])
    offers = desk(*PHONE, "--json").then(0).json["offers"]
    assert offers[0]["plan"] == "my_gift", "it has the lowest rate"


@pytest.mark.network
@pytest.mark.parametrize("name", ["plans.json", "pricing.json"])
def test_broken_files_are_named(desk: Desk, name: str) -> None:
    (desk.data / name).write_text("{", "utf-8")
    told = desk(*PHONE).then(UNUSABLE)
    assert str(desk.data / name) in told.err.replace("\n", "")
    doctor = desk("doctor", "--json")
    assert any(name in one["problem"] for one in doctor.json["problems"])
    assert doctor.code == REFUSED


@pytest.mark.network
def test_doctor_counts_plans(desk: Desk) -> None:
    gift = next(one for one in desk("plans", "--json", *ON).then(0).json["data"] if one["id"] == "phone_gift")
    del gift["digest"]
    desk.plans([gift | {"id": "my_gift"}])
    facts = desk("doctor", "--json").json["catalogue"]
    assert (facts["plans"], facts["own"]) == (37, 1)
    assert facts["files"] == [str(desk.data / "plans.json")]
    assert facts["policy"] == {"version": 2, "lessor": "unlicensed", "lpr_known_until": "2026-12-19"}
    text = desk("doctor").text
    assert "37, of them 1 of your own" in text
    assert "version 2, unlicensed, loan prime rates known until 2026-12-19" in text


@pytest.mark.parametrize(("rate", "text"), [("0.1376990847", "13.77 %"), ("0", "0.00 %"), ("1.6235752872", "162.36 %")])
def test_percent(rate: str, text: str) -> None:
    assert percent(rate) == text
