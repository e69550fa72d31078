"""Plans and quotes over HTTP: what is in force, what a wish comes to, and every "no" with its name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.reference.plans import shipped_plans
from api.http.commands.models import model_of
from api.permissions import ROLES, Permission
from api.queries.pricing.answers import QuotedOffer, QuoteInquiry
from domain.pricing.parts import AssetKind, CustomerClass
from domain.pricing.plans import Plan, digest_of
from tests.api.http.driver import Http

ON = "2026-03-16"
PHONE: dict[str, Any] = {
    "asset_kind": "phone", "customer_class": "individual", "price_fen": 600_000, "market_price_fen": 600_000,
    "term": 12, "business_date": ON, "scores": [{"source": "zhima", "score": 720}],
}  # fmt: skip
CAR: dict[str, Any] = {
    "asset_kind": "new_car", "customer_class": "individual", "price_fen": 12_000_000, "term": 36, "business_date": ON,
    "plan": "new_car_direct_level",
}  # fmt: skip
LICENSED = {"version": 3, "lessor": "licensed_finance", "own_cap": "0.24"}
UNLICENSED = {"version": 5, "lessor": "unlicensed", "lpr_known_until": "2026-12-19"}


class Files:
    """The files of the data directory that catalogue and policies are read from; gone after the test."""

    def __init__(self, data: Path) -> None:
        self._plans, self._policies = data / "plans.json", data / "pricing.json"

    def plans(self, body: Any) -> None:
        self._plans.write_text(body if isinstance(body, str) else json.dumps(body), "utf-8")

    def policy(self, http: Http, row: dict[str, Any]) -> None:
        self._policies.write_text(json.dumps({str(http.tenant): row}), "utf-8")

    def clear(self) -> None:
        for path in (self._plans, self._policies):
            path.unlink(missing_ok=True)


@pytest.fixture
def files(http: Http) -> Iterator[Files]:
    found = Files(http.running.settings.data)
    yield found
    found.clear()


async def quote(http: Http, body: dict[str, Any], role: str = "operator") -> Any:
    """The answer to a wish; no Idempotency-Key is sent."""
    return await http.client.post("/v1/quotes", json=body, headers=http.headers(role))


# ------------------------------------------------------------------------------------------------------- plans


async def test_all_plans_page_by_page(http: Http) -> None:
    seen: list[str] = []
    address = f"/v1/plans?limit=10&on={ON}"
    for _ in range(4):
        answer = await http.get(address)
        assert answer.status_code == 200
        seen += [plan["id"] for plan in answer.json()["data"]]
        if answer.json()["has_more"]:
            address = answer.headers["link"].removeprefix("<").partition(">")[0]
    assert seen == sorted(plan.id for plan in shipped_plans())
    last = await http.get(address)
    assert not last.json()["has_more"]
    assert "link" not in last.headers


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("business=finance", lambda plan: plan.business == "finance"),
        ("asset=drone", lambda plan: AssetKind.DRONE in plan.asset_kinds),
        ("customer=dealer", lambda plan: CustomerClass.DEALER in plan.customer_classes),
        ("asset=used_car&customer=individual&business=finance", lambda plan: plan.id.startswith("used_car")),
    ],
)
async def test_filters(http: Http, query: str, wanted: Any) -> None:
    found = (await http.get(f"/v1/plans?limit=100&on={ON}&{query}")).json()["data"]
    assert [plan["id"] for plan in found] == sorted(plan.id for plan in shipped_plans() if wanted(plan))
    assert found


async def test_plans_before_any_was_in_force(http: Http) -> None:
    answer = await http.get("/v1/plans?on=2025-12-31")
    assert answer.json() == {"business_date": "2025-12-31", "data": [], "has_more": False, "next": None}


@pytest.mark.parametrize("query", ["asset=boat", "customer=x", "on=2026-02-30", "limit=0", "starting_after=A", "x=1"])
async def test_queries_that_do_not_fit(http: Http, query: str) -> None:
    answer = await http.get(f"/v1/plans?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "query.invalid")


async def test_one_plan_is_what_was_reviewed(http: Http) -> None:
    plan = next(plan for plan in shipped_plans() if plan.id == "dealer_stock_new")
    body = (await http.get(f"/v1/plans/dealer_stock_new?on={ON}")).json()
    assert body.pop("digest") == digest_of(plan)
    assert msgspec.convert(body, Plan) == plan


async def test_versions_of_a_plan(http: Http, files: Files) -> None:
    mine = msgspec.to_builtins(next(plan for plan in shipped_plans() if plan.id == "phone_gift"))
    files.plans([mine | {"version": 2, "effective_from": "2026-09-01", "zh": "新版"}])
    by_query = {
        query: (await http.get(f"/v1/plans/phone_gift?{query}")).json()["version"]
        for query in ("on=2026-08-31", "on=2026-09-01", "version=1", "version=2")
    }
    assert list(by_query.values()) == [1, 2, 1, 2]
    for path in ("phone_gift?version=3", "phone_gift?on=2025-01-01", "nothing", "PHONE"):
        answer = await http.get(f"/v1/plans/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "resource.not_found"), path
    both = await http.get("/v1/plans/phone_gift?version=1&on=2026-09-01")
    assert both.json()["errors"][0]["code"] == "conflict"


# ------------------------------------------------------------------------------------------------------- quotes


async def test_matching_offers_the_lowest_rate_first_and_says_why_not_the_others(http: Http, files: Files) -> None:
    files.policy(http, UNLICENSED)
    before = await http.size()
    answer = await quote(http, PHONE)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    plans = [one["plan"] for one in body["offers"]]
    assert plans == [
        *("phone_buyout_12", "phone_buyout_free_12", "phone_gift", "phone_gift_free", "phone_gentle_start"),
        *("phone_return", "phone_return_free"),
    ]
    rates = [one["rates"]["effective_annual_rate"] for one in body["offers"] if one["rates"]]
    assert rates == sorted(rates)
    against = {one["plan"]: [reason["code"] for reason in one["reasons"]] for one in body["against"]}
    assert set(against) | set(plans) == {plan.id for plan in shipped_plans()}
    assert against["phone_daily"] == ["plan.term_unit"]
    assert body["policy"] == {
        "version": 5, "lessor": "unlicensed", "cap": "0.12",
        "lpr": {
            "published_on": "2025-05-20", "one_year": "0.03",
            "source": "全国银行间同业拆借中心 (National Interbank Funding Center)",
        },
    }  # fmt: skip
    assert await http.size() == before, "a quote writes nothing"
    assert "ledger-position" not in answer.headers


async def test_one_plan_with_every_cost(http: Http, files: Files) -> None:
    files.policy(http, LICENSED)
    (offer,) = (await quote(http, CAR)).json()["offers"]
    assert msgspec.convert(offer, QuotedOffer).plan == "new_car_direct_level"
    assert (offer["down_payment_fen"], offer["financed_fen"]) == (2_400_000, 9_600_000), "the plan's least"
    assert offer["fees"] == [
        {"code": "service", "en": "Arrangement fee", "zh": "手续费", "timing": "upfront", "fen": 144_000}
    ]
    bills = offer["bills"]
    assert sum(bill["principal_fen"] for bill in bills) == offer["financed_fen"]
    assert [bill["balance_fen"] for bill in bills][-1] == 0
    paid = sum(bill["total_fen"] for bill in bills) + 144_000 + offer["buyout_fen"] + offer["down_payment_fen"]
    assert offer["total_fen"] == paid
    assert {one["guard"] for one in offer["guards"]} == {
        *("numbers", "received", "market", "cost", "late_fee", "wording")
    }
    assert float(offer["rates"]["nominal_annual_rate"]) > float(offer["contract_rate"])


async def test_dates_and_business_days(http: Http, files: Files) -> None:
    files.policy(http, LICENSED)
    wish = CAR | {"start": "2026-04-01", "first_due_on": "2026-05-01", "adjustment": "following"}
    (offer,) = (await quote(http, wish)).json()["offers"]
    due = [bill["due_on"] for bill in offer["bills"][:2]]
    assert due == ["2026-05-06", "2026-06-01"], "1 to 5 May are public holidays"


async def test_deposit_is_explained(http: Http, files: Files) -> None:
    files.policy(http, UNLICENSED)
    wish = PHONE | {"plan": "phone_gift", "scores": [{"source": "decision", "score": 610}]}
    deposit = (await quote(http, wish)).json()["offers"][0]["deposit"]
    assert deposit == {
        "fen": 180_000, "share": "0.3", "rule": "graded", "mode": "preauthorised", "waiver": "not_evaluated",
        "thresholds": [
            {"source": "zhima", "score_min": 700, "answer": "not_evaluated"},
            {"source": "pay_score", "score_min": 650, "answer": "not_evaluated"},
        ],
    }  # fmt: skip


async def test_same_wish_same_answer(http: Http, files: Files) -> None:
    files.policy(http, UNLICENSED)
    first, second = await quote(http, PHONE), await quote(http, PHONE)
    assert first.content == second.content
    again = await http.post("/v1/quotes", PHONE, key="k" * 20)
    assert again.content == first.content, "a key is not needed, and does no harm"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"plan": "nothing"}, "plan.unknown"),
    ({"business_date": "2025-12-31"}, "plan.not_effective"),
    ({"term": 35}, "plan.term_not_offered"),
    ({"term_unit": "day"}, "plan.term_unit"),
    ({"asset_kind": "drone"}, "plan.asset_not_covered"),
    ({"customer_class": "dealer"}, "plan.customer_not_covered"),
    ({"price_fen": 1}, "plan.amount_below"),
    ({"down_payment_fen": 0}, "offer.down_payment"),
    ({"first_due_on": "2031-01-01"}, "offer.first_due"),
    ({"market_price_fen": 11_000_000}, "offer.price_above_market"),
    ({"wording": [{"place": "title", "words": "新车 以 租 代 購"}]}, "offer.forbidden_wording"),
]


@pytest.mark.parametrize(("change", "code"), REFUSED, ids=[code for _, code in REFUSED])
async def test_every_no_has_a_name(http: Http, files: Files, change: dict[str, Any], code: str) -> None:
    files.policy(http, LICENSED)
    titles = set()
    for language in ("en", "zh-CN"):
        headers = http.headers(Accept_Language=language)
        answer = await http.client.post("/v1/quotes", json=CAR | change, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (409, code), answer.text
        assert answer.headers["content-language"] == language
        assert answer.headers["content-type"] == "application/problem+json"
        titles.add(answer.json()["title"])
    assert len(titles) == 2


async def test_all_rules_that_say_no_are_named(http: Http, files: Files) -> None:
    """An unlicensed lessor is held to the multiple of the loan prime rate, penalties included."""
    files.policy(http, UNLICENSED)
    wording = [{"place": "title", "words": "车抵贷"}]
    wish = CAR | {"plan": "used_car_direct_level", "asset_kind": "used_car", "wording": wording}
    problem = (await quote(http, wish)).json()
    assert problem["code"] == "offer.cost_above_cap"
    assert problem["facts"]["also"] == "offer.late_fee_above_cap, offer.forbidden_wording"
    assert "policy of this house" in problem["source"]


@pytest.mark.parametrize(("day", "code"), [("2026-12-20", "offer.lpr_stale"), ("2026-12-19", "")])
async def test_day_without_a_known_rate(http: Http, files: Files, day: str, code: str) -> None:
    files.policy(http, UNLICENSED)
    answer = await quote(http, PHONE | {"business_date": day, "plan": "phone_gift"})
    assert (answer.json().get("code") or "") == code
    everything = (await quote(http, PHONE | {"business_date": day})).json()
    assert bool(everything["offers"]) is not bool(code)
    assert (everything["policy"]["cap"] is None) is bool(code)


async def test_tenant_without_a_policy_is_unlicensed(http: Http) -> None:
    answer = await quote(http, PHONE | {"plan": "phone_gift"})
    assert answer.json()["code"] == "offer.lpr_stale"


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"price_fen": 0}, "/price_fen", "too_small"),
        ({"price_fen": 5.5}, "/price_fen", "not_whole_number"),
        ({"term": 0}, "/term", "too_small"),
        ({"asset_kind": "boat"}, "/asset_kind", "not_one_of"),
        ({"start": "soon"}, "/start", "not_a_date"),
        ({"scores": [{"source": "zhima", "score": 1_001}]}, "/scores/0/score", "too_large"),
        ({"scores": [{"source": "gossip", "score": 1}]}, "/scores/0/source", "not_one_of"),
        ({"colour": "red"}, "", "unknown_member"),
    ],
)
async def test_wishes_that_do_not_fit(http: Http, change: dict[str, Any], pointer: str, code: str) -> None:
    answer = await quote(http, PHONE | change)
    assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")
    assert {(one["pointer"], one["code"]) for one in answer.json()["errors"]} == {(pointer, code)}


async def test_bodies_are_read_as_those_of_commands(http: Http) -> None:
    headers = http.headers()
    twice = json.dumps(PHONE).replace('"term"', '"term": 6, "term"').encode()
    for content, kind, code in (
        (b"{", "application/json", "body.not_json"),
        (b"{}", "text/plain", "body.media_type"),
        (b'{"term":1,"term":2}', "application/json", "body.invalid"),
        (twice, "application/json", "body.duplicate_member"),
    ):
        answer = await http.client.post("/v1/quotes", content=content, headers=headers | {"Content-Type": kind})
        assert answer.json()["code"] == code, content
    assert (await http.client.post("/v1/quotes?x=1", json=PHONE, headers=headers)).status_code == 422


# ------------------------------------------------------------------------------------------- access, broken files


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_what_each_role_may(http: Http, files: Files, role: str) -> None:
    files.policy(http, UNLICENSED)
    may = ROLES[role]
    assert (await quote(http, PHONE, role)).status_code == (200 if Permission.QUOTE in may else 403)
    for path in ("/v1/plans", f"/v1/plans/phone_gift?on={ON}"):
        assert (await http.get(path, role)).status_code == (200 if Permission.READ_PLANS in may else 403)


async def test_closed_without_a_key(http: Http) -> None:
    for answer in (
        await http.client.post("/v1/quotes", json=PHONE),
        await http.client.get("/v1/plans"),
        await http.client.get("/v1/plans/phone_gift"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.missing")


async def test_policy_is_that_of_the_tenant(http: Http, files: Files) -> None:
    files.policy(http, LICENSED)
    assert (await quote(http, CAR)).status_code == 200
    stranger = http.another_tenant()
    assert (await quote(stranger, CAR)).json()["code"] == "offer.lpr_stale"


@pytest.mark.parametrize("broken", ["plans", "policies"])
async def test_broken_files_are_our_fault_and_name_no_path(http: Http, files: Files, broken: str) -> None:
    if broken == "plans":
        files.plans([{"id": "secret_plan"}])
    else:
        files.policy(http, {"version": 1, "lessor": "secret"})
    answers = [await quote(http, PHONE)]
    if broken == "plans":
        answers += [await http.get("/v1/plans"), await http.get("/v1/plans/phone_gift")]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (503, "plans.unusable")
        assert "secret" not in answer.text
        assert ".json" not in answer.text


def test_every_member_of_a_wish_has_words() -> None:
    for name, field in model_of(QuoteInquiry).model_fields.items():
        assert field.description, name


async def test_wish_of_today(http: Http, files: Files) -> None:
    """Without a date it is today's in Asia/Shanghai, for catalogue, policy and first day."""
    files.policy(http, LICENSED)
    wish = {name: value for name, value in CAR.items() if name != "business_date"}
    body = (await quote(http, wish)).json()
    today = date.fromisoformat(body["business_date"])
    assert body["offers"][0]["start"] == today.isoformat()
    assert (await http.get("/v1/plans?limit=1")).json()["business_date"] == today.isoformat()
