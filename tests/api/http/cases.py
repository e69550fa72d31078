"""What a lease needs over HTTP, step by step: a person's consents, a signed contract, the lease itself."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
from msgspec import convert

from adapters.postgres.ledger import Ledger, Request
from adapters.reference.clauses import choose, shipped_clauses
from adapters.reference.policies import FILE as POLICIES
from adapters.system import new_id, now
from api.exposed import Exposed
from api.exposure import exposed
from domain.access.tenant import TENANT, RegisterTenant, tenant_stream
from domain.contracts.contract.values import Disclosure
from domain.contracts.roots import schedule_digest
from domain.kernel.command import Actor, Command, Context
from domain.kernel.times import business_date
from domain.payments.matching import BreakKind, Difference, Movement
from domain.payments.reconciliation import RECONCILIATION, LoadStatement, RecordMatching, reconciliation_stream
from domain.pricing.parts import Form
from domain.pricing.schedules import Instalment
from tests.access import recorded_key
from tests.api.http.driver import Http

SHOWN = [item.value for item in Disclosure]
DOCUMENT = "d" * 64
LESSOR = UUID(int=70)
ALLOCATION = ["late_fee", "fee", "interest", "principal"]
REFERENCE = {"clause": "personal_data", "version": 1, "digest": "c" * 64}
PLAN_OF = {"rental": "phone_return", "finance": "new_car_direct_level"}
FORM_OF = {"rental": Form.OPERATING, "finance": Form.DIRECT}
PURPOSES = ("automated_decision", "biometrics", "credit_inquiry", "third_parties", "whereabouts")


CLAUSE = {
    "clause": "house_rules", "title": "使用守则", "gloss": "House rules", "forms": ["operating"], "mandatory": False,
    "text": "承租人应当爱护设备。\n不得转租。",
}  # fmt: skip
COLLECT = {"bill": 1, "amount_fen": 40_000, "policy": {"channels": ["bank_a"], "retries": 0}}


GRANT = {"reference": "DD-1", "policy": {"channels": ["bank_a"], "minimum_fen": 100}, "limit_fen": 50_000}


def person() -> UUID:
    """Somebody new."""
    return uuid4()


def consent(subject: UUID, purpose: str, recipient: str = "lessor") -> dict[str, Any]:
    """The request for one consent."""
    uses = {"uses": ["leasing"]} if purpose == "credit_inquiry" else {}
    return {
        "subject": f"subject_{subject.hex}", "purpose": purpose, "recipients": [recipient], "clause": REFERENCE,
        "expires_on": "2099-12-31", **uses,
    }  # fmt: skip


async def done(http: Http, path: str, body: Any = None) -> httpx.Response:
    """A command that is accepted."""
    answer = await http.post(path, body)
    assert answer.status_code in (200, 201), (path, answer.text)
    return answer


async def consented(http: Http, subject: UUID, purpose: str, recipient: str = "lessor") -> str:
    """A granted consent; gives its address."""
    asked = consent(subject, purpose, recipient)
    address = (await done(http, "/v1/consents", asked)).headers["location"]
    granted = {name: asked[name] for name in asked if name not in ("subject", "purpose")}
    await done(http, f"{address}/grant", granted | {"evidence": "e" * 64})
    return str(address)


def schedule(principal_fen: int = 120_000) -> list[dict[str, Any]]:
    """Three instalments."""
    days = ("2027-01-15", "2027-02-15", "2027-03-15")
    return [
        {"number": number, "due_on": day, "principal_fen": principal_fen // 3, "interest_fen": 0}
        for number, day in enumerate(days, start=1)
    ]


WISH = {
    "plan": "phone_return", "asset_kind": "phone", "customer_class": "individual", "price_fen": 599_900, "term": 12,
    "market_price_fen": 599_900,
}  # fmt: skip


async def quoted(http: Http, **change: Any) -> dict[str, Any]:
    """The terms of an offer that the catalogue makes today, under a policy that knows today's loan prime rate."""
    policy = {"version": 1, "lessor": "licensed_finance", "own_cap": "0.36"}
    (http.running.settings.data / POLICIES).write_text(json.dumps({str(http.tenant): policy}))
    answer = await http.post("/v1/quotes", WISH | change)
    assert answer.status_code == 200, answer.text
    terms: dict[str, Any] = answer.json()["offers"][0]["terms"]
    return terms


def key_terms(business: str = "rental", principal_fen: int = 120_000) -> dict[str, Any]:
    """Key terms of three months."""
    return {
        "currency": "CNY", "financed_fen": principal_fen, "total_cost_fen": principal_fen, "deposit_fen": 0,
        "instalments": 3, "first_due_on": "2027-01-15", "last_due_on": "2027-03-15", "apr": "0.1", "irr": "0.1",
        "schedule_digest": schedule_digest(convert(schedule(principal_fen), tuple[Instalment, ...])),
        "lock": False, "late_fee_daily_rate": "0.0003", "grace_days": 3,
        "allocation": ALLOCATION, "early_settlement_rate": "0.02",
    }  # fmt: skip


def clauses(business: str = "rental") -> list[dict[str, Any]]:
    """The shipped clauses of a form of lease."""
    chosen = choose(shipped_clauses(), FORM_OF[business])
    return [{"clause": one.clause, "version": 1, "digest": one.reference.digest} for one in chosen]


def contract(lessee: UUID, business: str = "rental", principal_fen: int = 120_000) -> dict[str, Any]:
    """What a client says to assemble a contract."""
    return {
        "reference": "HT-2027-0001", "plan": PLAN_OF[business],
        "parties": [
            {"role": "lessee", "id": f"party_{lessee.hex}", "turn": 1},
            {"role": "lessor", "id": f"party_{LESSOR.hex}", "turn": 2},
        ],
        "key_terms": key_terms(business, principal_fen), "clauses": clauses(business),
    }  # fmt: skip


async def shown(http: Http, lessee: UUID, business: str = "rental", principal_fen: int = 120_000) -> str:
    """A contract that was shown and confirmed; gives its address."""
    made = await done(http, "/v1/contracts", contract(lessee, business, principal_fen))
    address = str(made.headers["location"])
    root = (await http.get(address)).json()["root"]
    present = {"root": root, "document": DOCUMENT, "disclosed": SHOWN, "channel": "app"}
    await done(http, f"{address}/present", present)
    confirmed = {"party": f"party_{lessee.hex}", "root": root, "items": SHOWN}
    await done(http, f"{address}/acknowledge_disclosure", confirmed)
    return address


async def signed(http: Http, lessee: UUID, business: str = "rental", principal_fen: int = 120_000) -> str:
    """A contract in force; gives its address."""
    address = await shown(http, lessee, business, principal_fen)
    before = DOCUMENT
    for number, party in enumerate((lessee, LESSOR), start=1):
        after = f"{number:064x}"
        signature = {
            "party": f"party_{party.hex}",
            "document": before,
            "signed": after,
            "level": "B-B",
            "method": "vendor",
        }
        signature["certificate"] = "ce" * 32
        await done(http, f"{address}/sign", {"signature": signature})
        before = after
    return address


def lease(lessee: UUID, contract_id: str, business: str = "rental", principal_fen: int = 120_000) -> dict[str, Any]:
    """What a client says to make the lease of a contract."""
    return {
        "plan": PLAN_OF[business], "asset_class": "phone" if business == "rental" else "vehicle", "currency": "CNY",
        "principal_fen": principal_fen, "annual_rate": "0", "reference": "L-1", "allocation": ALLOCATION,
        "late_fee_daily_rate": "0.0003", "grace_days": 3, "subject": f"subject_{lessee.hex}", "contract": contract_id,
        "schedule": schedule(principal_fen),
    }  # fmt: skip


async def leased(http: Http, business: str = "rental", principal_fen: int = 120_000) -> tuple[str, UUID]:
    """A lease that awaits delivery, with everything that it needs; gives its address and the lessee."""
    lessee = person()
    for purpose in PURPOSES:
        await consented(http, lessee, purpose)
    contract_id = (await signed(http, lessee, business, principal_fen)).rpartition("/")[2]
    http.project()
    made = await done(http, "/v1/leases", lease(lessee, contract_id, business, principal_fen))
    return str(made.headers["location"]), lessee


def today() -> str:
    """The business date of the moment."""
    return business_date(now()).isoformat()


async def reconciled(http: Http, provider: str = "bank_a") -> str:
    """A statement of today with one break, as an end of day leaves it; gives the run's address."""
    day = business_date(now())
    stream = reconciliation_stream(http.tenant, provider, day)
    difference = Difference(Movement.COLLECTION, "a" * 64, BreakKind.MISSING_HERE, 0, 500)
    commands: tuple[Command, ...] = (
        LoadStatement(provider=provider, day=day, digest="d" * 64, rows=1, total_fen=500),
        RecordMatching(count=0, fen=0, ours=0, ours_fen=0, breaks=(difference,)),
    )
    for number, command in enumerate(commands):
        context = Context(
            tenant=http.tenant, actor=Actor("system", "reconciliation"), correlation=stream, now=now(),
            business_date=day,
        )  # fmt: skip
        request = Request(stream=stream, key=f"{stream.hex}:{number}", command=command, context=context)
        await http.running.ledger.execute(RECONCILIATION, request)
    return f"/v1/reconciliations/reconciliation_{stream.hex}"


COLLEAGUE = {"kind": "person", "label": "E17", "roles": ["collector"]}
LISTED = {"commands": ["lease.charge_off"]}


async def registered(http: Http) -> str:
    """A tenant in the stream of this test's tenant, as if that ran the log; gives its address."""
    tenant = new_id()
    stream, command = tenant_stream(http.tenant, tenant), RegisterTenant(tenant=tenant, label="branch")
    context = Context(
        tenant=http.tenant, actor=Actor("operator", "tests"), correlation=stream, now=now(),
        business_date=business_date(now()),
    )  # fmt: skip
    running = http.running
    ledger = Ledger(running.writer, running.reader, running.vault, keys=running.keys, new_id=new_id)
    await ledger.execute(TENANT, Request(stream=stream, key=stream.hex, command=command, context=context))
    return f"/v1/tenants/tenant_{stream.hex}"


async def keyed(http: Http) -> str:
    """A key of a new user; gives its address."""
    user = (await done(http, "/v1/users", COLLEAGUE)).json()["id"]
    made = await done(http, "/v1/api_keys", {"user": user, "role": "collector", "label": "till"})
    return str(made.headers["location"])


async def proposed(http: Http) -> str:
    """A proposal to withdraw an application, by somebody whom the ledger knows; gives its address."""
    place = (http.tenant, "operator")
    http.keys[place] = await recorded_key(http.running, http.tenant, "operator")
    application = (await http.given(("submit", {}))).rpartition("/")[2]
    asked = {
        "command": "application.withdraw", "target": application, "reason": "asked", "given": {"reason": "mind"},
    }  # fmt: skip
    return str((await done(http, "/v1/proposals", asked)).headers["location"])


_MADE: dict[str, Callable[[Http], Awaitable[str]]] = {"tenant": registered, "api_key": keyed, "proposal": proposed}


async def existing(http: Http, of: Exposed) -> str:
    """One of each kind; gives its address."""
    if of.decider.name in _MADE:
        return await _MADE[of.decider.name](http)
    if of is exposed("lease"):
        return (await leased(http))[0]
    bodies: dict[str, Any] = {
        "consent": consent(person(), "biometrics"),
        "clause": CLAUSE,
        "contract": contract(person()),
        "user": COLLEAGUE,
        "approval": LISTED,
    }
    if of is exposed("reconciliation"):
        return await reconciled(http)
    if of is exposed("mandate"):
        bodies["mandate"] = GRANT | {"lease": (await leased(http))[0].rpartition("/")[2]}
    if of is exposed("payment"):
        bodies["payment"] = COLLECT | {"lease": (await leased(http))[0].rpartition("/")[2]}
    return str((await done(http, of.collection, bodies[of.decider.name])).headers["location"])
