"""Money over HTTP: mandates, guards, refunds, lists of payments, and the reconciliation board."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from adapters.system import now
from api.roles.subscriptions import subscription_of
from domain.kernel.times import business_date
from domain.payments.lease_payments import LEASE_PAYMENTS
from tests.adapters.processes.world import pool_of
from tests.api.http import cases
from tests.api.http.cases import COLLECT, GRANT, done
from tests.api.http.driver import Http


async def leased(http: Http) -> str:
    """A lease's id."""
    return (await cases.leased(http))[0].rpartition("/")[2]


async def granted(http: Http, lease: str, **more: Any) -> str:
    """A mandate's address."""
    return str((await done(http, "/v1/mandates", GRANT | {"lease": lease} | more)).headers["location"])


async def shown(http: Http, path: str) -> Any:
    answer = await http.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


# --------------------------------------------------------------------------------------------- mandates


async def test_a_mandate_from_its_grant_to_another_one(http: Http) -> None:
    lease = await leased(http)
    address = await granted(http, lease)
    (await http.when("/v1/mandates", GRANT | {"lease": lease})).then_refused(409, "mandate.exists")
    await done(http, f"{address}/suspend", {"reason": "disputed"})
    await done(http, f"{address}/resume")
    await done(http, f"{address}/revoke", {"reason": "lessee"})
    again = GRANT | {"lease": lease, "reference": "DD-2"}
    await done(http, f"{address}/grant", again)
    found = await shown(http, address)
    assert (found["state"], found["reference"], found["lease"], found["version"]) == ("granted", "DD-2", lease, 5)
    http.project()
    (listed,) = (await shown(http, f"/v1/mandates?lease={lease}"))["data"]
    assert (listed["id"], listed["state"], listed["limit_fen"]) == (address.rpartition("/")[2], "granted", 50_000)
    assert listed["policy"]["channels"] == ["bank_a"]
    assert (await shown(http, "/v1/mandates?state=revoked"))["data"] == []


async def test_mandates_are_listed_as_they_stood(http: Http) -> None:
    lease = await leased(http)
    before = await http.size()
    address = await granted(http, lease)
    size = await http.size()
    await done(http, f"{address}/suspend", {"reason": "disputed"})
    http.project()
    (now_,) = (await shown(http, f"/v1/mandates?lease={lease}"))["data"]
    (then,) = (await shown(http, f"/v1/mandates?lease={lease}&as_of_position={size}"))["data"]
    assert (now_["state"], then["state"]) == ("suspended", "granted")
    assert (now_["last_position"], then["last_position"]) == (size + 1, size)
    assert (await shown(http, f"/v1/mandates?lease={lease}&as_of_position={before}"))["data"] == []
    assert (await shown(http, f"/v1/mandates?state=granted&as_of_position={size}"))["data"] == [then]


async def test_a_mandate_is_for_a_lease_of_ones_own(http: Http) -> None:
    lease = await leased(http)
    stranger = http.another_tenant()
    (await stranger.when("/v1/mandates", GRANT | {"lease": lease})).then_refused(409, "lease.unknown")
    address = await granted(http, lease)
    assert (await stranger.get(address)).status_code == 404
    assert (await http.post(f"{address}/revoke", {"reason": "x"}, role="auditor")).status_code == 403


async def test_a_debit_needs_a_mandate_that_stands_and_keeps_to_it(http: Http) -> None:
    lease = await leased(http)
    debit = COLLECT | {"lease": lease, "mandate": "DD-1"}
    (await http.when("/v1/payments", debit)).then_refused(409, "mandate.not_granted")
    address = await granted(http, lease)
    (await http.when("/v1/payments", debit | {"mandate": "DD-9"})).then_refused(409, "mandate.reference_differs")
    (await http.when("/v1/payments", debit | {"amount_fen": 50_001})).then_refused(409, "mandate.beyond_limit")
    retrying = debit | {"policy": {"channels": ["bank_a"], "retries": 1, "spacing_days": [0]}}
    payment = (await done(http, "/v1/payments", retrying)).headers["location"]
    await done(http, f"{payment}/record_failed", {"attempt": 1, "code": "insufficient_funds"})
    (await http.when(f"{payment}/retry", {"attempt": 2, "amount_fen": 50_001})).then_refused(
        409, "mandate.beyond_limit"
    )
    await done(http, f"{address}/suspend", {"reason": "disputed"})
    (await http.when(f"{payment}/retry", {"attempt": 2, "amount_fen": 100})).then_refused(409, "mandate.not_granted")
    await done(http, f"{address}/resume")
    await done(http, f"{payment}/retry", {"attempt": 2, "amount_fen": 100})


# ----------------------------------------------------------------------------------- payments and refunds


async def paid(http: Http, lease: str, fen: int = 40_000) -> str:
    """A payment whose money arrived; its address."""
    payment = (await done(http, "/v1/payments", COLLECT | {"lease": lease, "amount_fen": fen})).headers["location"]
    arrived = {"attempt": 1, "amount_fen": fen, "value_date": cases.today(), "ref": "f" * 64}
    await done(http, f"{payment}/record_succeeded", arrived)
    return str(payment)


async def posted(http: Http) -> None:
    """What follows from payments has followed."""
    with pool_of(http.on.url) as pool:
        async with pool:
            subscription = subscription_of(http.running, pool, LEASE_PAYMENTS)
            await subscription.prepare()
            await subscription.catch_up()


async def test_a_refund_goes_through_a_payment_of_the_same_lease(http: Http) -> None:
    lease, other = await leased(http), await leased(http)
    payment = (await paid(http, lease)).rpartition("/")[2]
    cash = {"payment": "payment_" + "7" * 32, "amount_fen": 900, "value_date": cases.today()}
    for one in (lease, other):
        await done(http, f"/v1/leases/{one}/post_payment", cash)
    by_hand = cash | {"payment": payment, "amount_fen": 40_000}
    refused = await http.when(f"/v1/leases/{lease}/post_payment", by_hand)
    refused.then_refused(409, "lease.payment_of_the_ledger", payment=UUID(payment.removeprefix("payment_")))
    await posted(http)
    refused = await http.when(f"/v1/leases/{lease}/reverse_payment", {"payment": payment, "reason": "returned"})
    refused.then_refused(409, "lease.payment_of_the_ledger")
    back = {"amount_fen": 100, "payment": payment}
    (await http.when(f"/v1/leases/{other}/refund_credit", back)).then_refused(409, "lease.payment_unknown")
    unknown = back | {"payment": "payment_" + "7" * 32}
    (await http.when(f"/v1/leases/{lease}/refund_credit", unknown)).then_refused(409, "payment.unknown")
    await done(http, f"/v1/leases/{lease}/refund_credit", back)
    await done(http, f"/v1/leases/{lease}/refund_credit", {"amount_fen": 100})


async def test_payments_are_listed_now_and_then(http: Http) -> None:
    lease = await leased(http)
    before = await http.size()
    payment = await paid(http, lease)
    size = await http.size()
    waiting = COLLECT | {"lease": lease, "collect_on": str(business_date(now()) + timedelta(days=3))}
    other = (await done(http, "/v1/payments", waiting)).headers["location"]
    http.project()
    rows = (await shown(http, f"/v1/payments?lease={lease}"))["data"]
    states = {f"/v1/payments/{row['id']}": (row["state"], row["received_fen"], row["under_way_fen"]) for row in rows}
    assert states == {payment: ("succeeded", 40_000, 0), other: ("waiting", 0, 0)}
    (row,) = (await shown(http, "/v1/payments?state=waiting"))["data"]
    assert (row["not_before"], row["mandate"], row["code"]) == (waiting["collect_on"], None, None)
    (then,) = (await shown(http, f"/v1/payments?as_of_position={size - 1}"))["data"]
    assert (then["state"], then["under_way_fen"], then["received_fen"]) == ("initiated", 40_000, 0)
    assert (await shown(http, f"/v1/payments?as_of_position={before}"))["data"] == []
    assert (await shown(http.another_tenant(), "/v1/payments"))["data"] == []


@pytest.mark.parametrize("collection", ["payments", "mandates"])
async def test_lists_go_on_page_by_page(http: Http, collection: str) -> None:
    for _ in range(3):
        lease = await leased(http)
        await (paid(http, lease) if collection == "payments" else granted(http, lease))
    http.project()
    seen, address = list[str](), f"/v1/{collection}?limit=2"
    while address:
        answer = await http.get(address)
        seen += [one["id"] for one in answer.json()["data"]]
        address = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert len(seen) == 3
    assert seen == sorted(seen)


@pytest.mark.parametrize("query", ["state=asleep", "lease=payment_" + "0" * 32, "starting_after=lease_" + "0" * 32])
@pytest.mark.parametrize("collection", ["payments", "mandates"])
async def test_questions_that_do_not_fit(http: Http, collection: str, query: str) -> None:
    http.project()
    assert (await http.get(f"/v1/{collection}?{query}")).status_code == 422


# ---------------------------------------------------------------------------------------- reconciliations


async def test_a_break_is_resolved_and_the_run_closed(http: Http) -> None:
    address = await cases.reconciled(http)
    run = address.rpartition("/")[2]
    (await http.when(f"{address}/close", None)).then_refused(409, "reconciliation.breaks_open")
    http.project()
    size = await http.size()
    (listed,) = (await shown(http, f"/v1/reconciliations?from={cases.today()}"))["data"]
    assert (listed["id"], listed["state"], listed["breaks"], listed["statement_fen"]) == (run, "matched", 1, 500)
    (found,) = (await shown(http, "/v1/breaks"))["data"]
    assert (found["reconciliation"], found["movement"], found["kind"]) == (run, "collection", "missing_here")
    assert (found["expected_fen"], found["got_fen"], found["state"]) == (0, 500, "open")
    await done(http, f"{address}/resolve_break", {"number": 1, "how": "posted"})
    await done(http, f"{address}/close")
    http.project()
    assert (await shown(http, "/v1/breaks"))["data"] == []
    (resolved,) = (await shown(http, f"{address}/breaks"))["data"]
    assert (resolved["state"], resolved["resolution"]) == ("resolved", "posted")
    (then,) = (await shown(http, f"{address}/breaks?as_of_position={size}"))["data"]
    assert (then["state"], then["resolution"]) == ("open", None)
    (closed,) = (await shown(http, "/v1/reconciliations"))["data"]
    assert closed["state"] == "closed"
    assert (await shown(http, "/v1/reconciliations?to=2005-01-01"))["data"] == []
    assert (await shown(http, address))["state"] == "closed"


async def test_who_may_look_and_who_may_resolve(http: Http) -> None:
    address = await cases.reconciled(http)
    http.project()
    stranger = http.another_tenant()
    for path in (address, f"{address}/breaks"):
        assert (await stranger.get(path)).status_code == 404
    assert (await shown(stranger, "/v1/reconciliations"))["data"] == []
    assert (await http.get(f"{address}/breaks", role="collector")).status_code == 403
    assert (await http.post(f"{address}/close", None, role="merchant_operator")).status_code == 403
    answer = await http.post(f"{address}/resolve_break", {"number": 1, "how": "posted"}, role="merchant_admin")
    assert answer.status_code == 200
