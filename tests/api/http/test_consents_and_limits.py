"""What rules look at, for people: consents of a person, limits of the portfolio."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from adapters.reference.prudential import FILE
from tests.api.http import cases
from tests.api.http.cases import done
from tests.api.http.driver import Http

CAR_FEN = 300_000_000


@pytest.fixture
def balance_sheet(http: Http) -> Iterator[Any]:
    """Writes the tenant's row of the file, and takes the file away afterwards."""
    path = http.running.settings.data / FILE

    def write(net_assets_fen: int, **more: Any) -> None:
        row = {"net_assets_fen": net_assets_fen, "total_assets_fen": 7, **more}
        path.write_text(json.dumps({str(http.tenant): row}))

    yield write
    path.unlink(missing_ok=True)


async def shown(http: Http, path: str) -> Any:
    answer = await http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_consents_of_a_person(http: Http) -> None:
    one, other = cases.person(), cases.person()
    given = [await cases.consented(http, one, purpose) for purpose in ("biometrics", "third_parties")]
    await done(http, "/v1/consents", cases.consent(other, "biometrics"))
    await done(http, f"{given[0]}/withdraw", {"channel": "app"})
    before = await http.size() - 1
    http.project()
    mine = await shown(http, f"/v1/consents?subject=subject_{one.hex}")
    assert {row["id"] for row in mine["data"]} == {address.rpartition("/")[2] for address in given}
    assert {row["purpose"]: row["state"] for row in mine["data"]} == {
        "biometrics": "withdrawn", "third_parties": "granted",
    }  # fmt: skip
    assert all(row["subject"] == f"subject_{one.hex}" and row["recipients"] == ["lessor"] for row in mine["data"])
    asked = await shown(http, "/v1/consents?state=requested")
    assert [row["subject"] for row in asked["data"]] == [f"subject_{other.hex}"]
    then = await shown(http, f"/v1/consents?purpose=biometrics&subject=subject_{one.hex}&as_of_position={before}")
    assert [row["state"] for row in then["data"]] == ["granted"]
    page = await shown(http, "/v1/consents?limit=2")
    rest = await shown(http, f"/v1/consents?limit=2&starting_after={page['next']}")
    assert (page["has_more"], rest["has_more"], len(page["data"]), len(rest["data"])) == (True, False, 2, 1)
    stranger = http.another_tenant()
    assert (await shown(stranger, f"/v1/consents?subject=subject_{one.hex}"))["data"] == []


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("purpose=marketing", "/purpose", "not_one_of"),
        ("state=absent", "/state", "not_one_of"),
        ("subject=somebody", "/subject", "identifier"),
        ("starting_after=lease_1", "/starting_after", "identifier"),
        ("surprise=1", "/surprise", "unknown_member"),
    ],
)
async def test_queries_that_do_not_fit(http: Http, query: str, pointer: str, code: str) -> None:
    answer = await http.get(f"/v1/consents?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "query.invalid")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


@pytest.mark.parametrize(
    ("path", "allowed", "refused"),
    [("/v1/consents", "collector", "court"), ("/v1/portfolio/limits", "regulator", "lessee")],
)
async def test_who_may_read_what(http: Http, path: str, allowed: str, refused: str) -> None:
    http.project()
    assert (await http.get(path, role=allowed)).status_code == 200
    assert (await http.get(path, role=refused)).status_code == 403


async def test_limits_of_the_portfolio(http: Http, balance_sheet: Any) -> None:
    """The dashboard is what the rule sees: how far each limit is away, and which are broken."""
    balance_sheet(10 * CAR_FEN)
    address, lessee = await cases.leased(http, "finance", CAR_FEN)
    await done(http, f"{address}/waive_deposit")
    await done(http, f"{address}/record_delivery", {"on": cases.today()})
    before = await http.size()
    await done(http, f"{address}/activate", {"on": cases.today()})
    http.project()
    group = str(uuid4())
    balance_sheet(CAR_FEN, groups={str(lessee): group}, related=[str(lessee)])
    found = await shown(http, "/v1/portfolio/limits")
    assert (found["net_assets_fen"], found["total_assets_fen"], found["limits_version"]) == (CAR_FEN, 7, 1)
    assert found["breached"] is True
    rows = {row["code"]: row for row in found["data"]}
    assert rows["portfolio.one_lessee"] == {
        "code": "portfolio.one_lessee", "title": "One lessee would exceed 30 % of net assets",
        "title_zh": "单一承租人将超过净资产的30%", "lessee": f"subject_{lessee.hex}", "group": None, "fen": CAR_FEN,
        "limit_ppm": 300_000, "limit_fen": CAR_FEN * 3 // 10, "headroom_fen": -CAR_FEN * 7 // 10, "breached": True,
    }  # fmt: skip
    assert rows["portfolio.one_group"]["group"] == f"group_{group.replace('-', '')}"
    assert (rows["portfolio.risk_assets"]["headroom_fen"], rows["portfolio.risk_assets"]["breached"]) == (
        7 * CAR_FEN, False,
    )  # fmt: skip
    then = await shown(http, f"/v1/portfolio/limits?as_of_position={before}")
    assert {row["code"]: row["fen"] for row in then["data"]}["portfolio.risk_assets"] == 0


async def test_a_broken_file_has_a_name(http: Http, balance_sheet: Any) -> None:
    balance_sheet(1)
    http.project()
    (http.running.settings.data / FILE).write_text("[]")
    answer = await http.get("/v1/portfolio/limits")
    assert (answer.status_code, answer.json()["code"]) == (503, "tenant_data.broken")
    assert str(http.running.settings.data) not in answer.text
