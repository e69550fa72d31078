"""Every aggregate over HTTP: reachable commands, the same guarantees, responses and the events appended."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from adapters.reference.plans import shipped_plans
from api.exposed import Exposed
from api.exposure import EXPOSED, UNEXPOSED, exposed
from api.fills import FILLED
from api.http.commands.specs import Spec, specs
from api.permissions import ROLES, Permission
from domain.pricing.plans import digest_of
from domain.registry import AGGREGATES
from tests.api.http import cases
from tests.api.http.cases import CLAUSE, COLLECT, done, existing
from tests.api.http.driver import DRAFT, Http

OTHERS = EXPOSED[1:]
CONTRACTS, LEASES, MANDATES, PAYMENTS = map(exposed, ("contract", "lease", "mandate", "payment"))
ALL = [pytest.param(spec, id=f"{of.decider.plural}-{spec.segment}-{spec.kind}") for of in OTHERS for spec in specs(of)]
BY_NOUN = [pytest.param(of, id=of.decider.plural) for of in OTHERS]


def test_every_aggregate_is_exposed_or_says_why_not() -> None:
    names = {of.decider.name for of in EXPOSED}
    assert names | UNEXPOSED.keys() == {decider.name for decider in AGGREGATES}
    assert not names & UNEXPOSED.keys()


@pytest.mark.parametrize("of", EXPOSED, ids=lambda of: of.decider.plural)
def test_every_command_has_a_permission_and_a_route_or_a_reason(of: Exposed) -> None:
    commands = {command.__name__ for command in of.commands}
    assert of.permission_of.keys() | of.withheld.keys() == commands
    named = [name for names in of.permissions.values() for name in names.split()]
    assert len(named) == len(set(named))
    assert set(named) <= commands
    assert {spec.kind for spec in specs(of)} == commands - of.withheld.keys()
    paths = [spec.path for spec in specs(of)]
    assert len(paths) == len(set(paths))


def test_everyone_who_works_may_something_and_nobody_else_commands() -> None:
    commanding = {permission for of in EXPOSED for permission in of.permission_of.values()}
    reading = {one for one in Permission if one.value.startswith("read_")}
    commanding |= {Permission.RETRY}
    assert commanding | reading | {Permission.QUOTE} == set(Permission)
    for role in ("auditor", "regulator", "court", "lessee", "device_gateway"):
        assert not ROLES[role] & commanding


@pytest.mark.parametrize("spec", ALL)
async def test_every_command_is_reachable(http: Http, spec: Spec) -> None:
    """A command without needed fields is done or refused by a rule; one with them says which it misses."""
    of = spec.of
    path = of.collection if spec.creates else f"{of.collection}/{of.decider.name}_{'0' * 32}/{spec.segment}"
    if not spec.creates:
        assert (await http.post(path, {})).status_code == 404
        if of in (LEASES, MANDATES, PAYMENTS):  # one of them is dear: see the next test
            return
        path = f"{await existing(http, of)}/{spec.segment}"
    answer = await http.post(path, {})
    if spec.reader.may_be_empty:
        assert answer.status_code in (200, 409)
    else:
        assert answer.status_code == 422
        assert {error["code"] for error in answer.json()["errors"]} == {"missing"}


@pytest.mark.parametrize("of", [LEASES, MANDATES, PAYMENTS], ids=lambda of: of.decider.plural)
async def test_every_command_of_one_is_reachable(http: Http, of: Exposed) -> None:
    address = await existing(http, of)
    for spec in specs(of):
        if not spec.creates:
            answer = await http.post(f"{address}/{spec.segment}", {"not": "fitting"})
            assert answer.status_code == 422, spec.segment
            assert "unknown_member" in {error["code"] for error in answer.json()["errors"]}


@pytest.mark.parametrize("spec", ALL)
def test_fields_have_words_and_limits(spec: Spec) -> None:
    for name, field in spec.reader.model.model_fields.items():
        assert field.description, name
    schema = spec.reader.model.model_json_schema()
    for one in [schema, *schema.get("$defs", {}).values()]:
        for name, field in one.get("properties", {}).items():
            if field.get("type") == "string" and "format" not in field and "pattern" in field:
                assert "maxLength" in field or "examples" in field, name
            if field.get("type") == "integer":
                assert {"minimum", "maximum"} <= field.keys(), name


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_what_each_role_commands(http: Http, role: str) -> None:
    """Whoever may finds no such resource, or a payload that does not fit; whoever may not is told before both."""
    for of in OTHERS:
        for spec in specs(of):
            path = of.collection if spec.creates else f"{of.collection}/{of.decider.name}_{'0' * 32}/{spec.segment}"
            answer = await http.post(path, {"not": "fitting"}, role=role)
            allowed = 422 if spec.creates else 404
            assert answer.status_code == (allowed if spec.permission in ROLES[role] else 403), (
                of.decider.name,
                spec.segment,
            )


@pytest.mark.parametrize("of", BY_NOUN)
async def test_another_tenant_finds_nothing(http: Http, of: Exposed) -> None:
    address = await existing(http, of)
    http.project()
    size, stranger = await http.size(), http.another_tenant()
    for path in (address, f"{address}/events"):
        assert (await http.get(path)).status_code == 200
        answer = await stranger.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "resource.not_found")
    for spec in specs(of):
        if not spec.creates:
            assert (await stranger.post(f"{address}/{spec.segment}", {})).status_code == 404
    assert await http.size() == size


@pytest.mark.parametrize("of", BY_NOUN)
async def test_a_stream_of_another_aggregate_is_not_found(http: Http, of: Exposed) -> None:
    digits = (await done(http, "/v1/applications", DRAFT)).json()["id"].rpartition("_")[2]
    other = f"{of.collection}/{of.decider.name}_{digits}"
    assert (await http.get(f"{other}/events")).status_code == 404
    assert (await http.get(other)).status_code in (404, 503)
    for spec in specs(of):
        if not spec.creates:
            assert (await http.post(f"{other}/{spec.segment}", {})).status_code == 404


async def test_consent_from_question_to_withdrawal(http: Http) -> None:
    lessee = cases.person()
    address = await cases.consented(http, lessee, "biometrics", "bureau")
    shown = (await http.get(address)).json()
    assert (shown["state"], shown["subject"], shown["version"]) == ("granted", f"subject_{lessee.hex}", 2)
    withdrawn = await done(http, f"{address}/withdraw", {"channel": "app"})
    assert withdrawn.headers["etag"] == '"3"'
    assert withdrawn.headers["ledger-position"] == str(withdrawn.json()["last_position"])
    refused = await http.post(f"{address}/withdraw", {"channel": "app"})
    assert (refused.status_code, refused.json()["code"]) == (409, "consent.closed")
    assert await http.events(address) == ["consent.requested.v1", "consent.granted.v1", "consent.withdrawn.v1"]
    listed = (await http.get(f"{address}/events?limit=2")).json()
    assert (len(listed["data"]), listed["has_more"]) == (2, True)


async def test_reading_the_past_and_the_version_one_has(http: Http) -> None:
    address = await cases.consented(http, cases.person(), "whereabouts")
    now = await http.get(address)
    before = await http.get(f"{address}?as_of_position={now.json()['first_position']}")
    assert (now.json()["state"], before.json()["state"]) == ("granted", "requested")
    assert (await http.get(address, If_None_Match=now.headers["etag"])).status_code == 304


async def test_repeated_requests_get_the_same_bytes(http: Http) -> None:
    lessee = cases.person()
    for path, body in (
        ("/v1/consents", cases.consent(lessee, "biometrics")),
        ("/v1/clauses", CLAUSE),
        ("/v1/contracts", cases.contract(lessee)),
    ):
        first = await http.post(path, body, key=f"once-{path[4:]}")
        size = await http.size()
        again = await http.post(path, body, key=f"once-{path[4:]}")
        assert (first.status_code, again.status_code) == (201, 201)
        assert (again.content, again.headers["location"]) == (first.content, first.headers["location"])
        assert again.headers["idempotent-replayed"] == "true"
        assert await http.size() == size


async def test_a_repeated_request_does_not_see_what_changed_since(http: Http) -> None:
    """The library that a contract was made from may change, the consents a lease was made under may be withdrawn."""
    lessee = cases.person()
    consents = [await cases.consented(http, lessee, purpose) for purpose in cases.PURPOSES]
    first = await http.post("/v1/contracts", cases.contract(lessee), key="contract-once")
    contract_id = (await cases.signed(http, lessee)).rpartition("/")[2]
    lease = await http.post("/v1/leases", cases.lease(lessee, contract_id), key="lease-once")
    assert (first.status_code, lease.status_code) == (201, 201)
    await done(http, "/v1/clauses", CLAUSE | {"clause": "rent", "mandatory": True})
    for address in consents:
        await done(http, f"{address}/withdraw", {"channel": "app"})
    again = await http.post("/v1/contracts", cases.contract(lessee), key="contract-once")
    assert (again.status_code, again.content) == (201, first.content)
    again = await http.post("/v1/leases", cases.lease(lessee, contract_id), key="lease-once")
    assert (again.status_code, again.content) == (201, lease.content)
    refused = await http.post("/v1/leases", cases.lease(lessee, contract_id))
    assert (refused.status_code, refused.json()["code"]) == (409, "lease.contract_leased")
    other = cases.contract(lessee) | {"reference": "HT-2027-0002"}
    reused = await http.post("/v1/contracts", other, key="contract-once")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency.reused")


@pytest.mark.parametrize("of", BY_NOUN)
async def test_preconditions(http: Http, of: Exposed) -> None:
    address = await existing(http, of)
    segment = {"consent": "withdraw", "clause": "publish", "contract": "void", "lease": "close", "payment": "cancel"}
    segment |= {"mandate": "revoke", "reconciliation": "close", "user": "suspend", "api_key": "revoke"}
    segment |= {"tenant": "suspend", "approval": "require", "proposal": "withdraw"}
    body: dict[str, Any] = {"lease": None, "clause": {"version": 1, "digest": "a" * 64, "effective_from": "2099-01-01"}}
    body |= {"consent": {"channel": "app"}, "contract": {"reason": "mind"}, "payment": {"reason": "mind"}}
    body |= {"mandate": {"reason": "mind"}, "reconciliation": None, "approval": {"commands": ["lease.close"]}}
    body |= {noun: {"reason": "mind"} for noun in ("user", "api_key", "tenant", "proposal")}
    answer = await http.post(f"{address}/{segment[of.decider.name]}", body[of.decider.name], If_Match='"9"')
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition.failed")
    assert (await http.client.post(address + "/x", headers=http.headers())).status_code in (404, 405)
    missing = await http.client.post(f"{address}/{segment[of.decider.name]}", json={}, headers=http.headers())
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency.missing")


async def test_one_stream_for_each_clause(http: Http) -> None:
    first = await done(http, "/v1/clauses", CLAUSE)
    size = await http.size()
    again = await http.post("/v1/clauses", CLAUSE | {"text": "另一文本。"})
    assert (again.status_code, again.json()["code"]) == (409, "clause.exists")
    assert await http.size() == size
    address = first.headers["location"]
    await done(http, f"{address}/draft", CLAUSE | {"text": "另一文本。"})
    assert (await http.get(address)).json()["versions"][1]["number"] == 2
    assert await http.events(address) == ["clause.drafted.v1"] * 2
    elsewhere = await http.another_tenant().post("/v1/clauses", CLAUSE)
    assert elsewhere.status_code == 201
    assert elsewhere.headers["location"] != address


@pytest.mark.parametrize(
    ("of", "kind", "field", "value"),
    [
        pytest.param(of, kind, field, value, id=f"{kind}-{field}")
        for of, kind, field, value in (
            (CONTRACTS, "AssembleContract", "library", []),
            (CONTRACTS, "AssembleContract", "plan_digest", "1" * 64),
            (CONTRACTS, "AssembleContract", "form", "operating"),
            (CONTRACTS, "ProposeAmendment", "library", []),
            (LEASES, "CreateLease", "plan_digest", "1" * 64),
            (LEASES, "CreateLease", "business", "rental"),
            (PAYMENTS, "RecordSucceeded", "source", "query"),
            (PAYMENTS, "RecordFailed", "source", "query"),
        )
    ],
)
async def test_what_a_client_must_not_supply(http: Http, of: Exposed, kind: str, field: str, value: Any) -> None:
    spec = next(spec for spec in specs(of) if spec.kind == kind)
    assert field in FILLED[spec.command].fields
    assert field not in spec.reader.model.model_fields
    with pytest.raises(Exception, match=r"body\.invalid") as raised:
        spec.reader.members(b'{"%s":%s}' % (field.encode(), b"[]" if value == [] else b'"x"'))
    assert "unknown_member" in {fault.code for fault in raised.value.faults}  # type: ignore[attr-defined]


def test_every_filled_field_is_tested() -> None:
    assert {command.__name__ for command, filled in FILLED.items() if filled.fields} == {
        "AssembleContract", "ProposeAmendment", "CreateLease", "RecordSucceeded", "RecordFailed",
    }  # fmt: skip


async def test_filled_in_over_the_wire(http: Http) -> None:
    body = cases.contract(cases.person())
    answer = await http.post("/v1/contracts", body | {"library": []})
    assert answer.status_code == 422
    made = await done(http, "/v1/contracts", body)
    head = (await http.get(made.headers["location"])).json()["head"]
    plan = next(plan for plan in shipped_plans() if plan.id == body["plan"])
    assert (head["plan_digest"], head["form"]) == (digest_of(plan), "operating")
    unknown = await http.post("/v1/contracts", body | {"plan": "no_such_plan"})
    assert (unknown.status_code, unknown.json()["code"]) == (409, "plan.unknown")


async def test_contract_holds_what_the_tenants_own_library_says(http: Http) -> None:
    """A clause of the tenant replaces the shipped one of its code, and only from the day on which it is published."""
    own = CLAUSE | {"clause": "rent", "mandatory": True}
    made = await done(http, "/v1/clauses", own)
    digest = (await http.get(made.headers["location"])).json()["versions"][0]["digest"]
    body = cases.contract(cases.person())
    refused = await http.post("/v1/contracts", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "contract.clause_differs")
    body["clauses"] = [held | {"digest": digest} if held["clause"] == "rent" else held for held in body["clauses"]]
    refused = await http.post("/v1/contracts", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "contract.clause_not_effective")
    publish = {"version": 1, "digest": digest, "effective_from": cases.today()}
    await done(http, f"{made.headers['location']}/publish", publish)
    assert (await http.post("/v1/contracts", body)).status_code == 201
    assert (await http.another_tenant().post("/v1/contracts", cases.contract(cases.person()))).status_code == 201


async def test_own_mandatory_clause_is_needed_unasked(http: Http) -> None:
    made = await done(http, "/v1/clauses", CLAUSE | {"mandatory": True})
    digest = (await http.get(made.headers["location"])).json()["versions"][0]["digest"]
    published = {"version": 1, "digest": digest, "effective_from": cases.today()}
    await done(http, f"{made.headers['location']}/publish", published)
    refused = await http.post("/v1/contracts", cases.contract(cases.person()))
    assert (refused.status_code, refused.json()["code"]) == (409, "contract.clauses_missing")
    assert refused.json()["facts"] == {"clauses": "house_rules"}


async def test_lease_from_contract_to_the_first_payment(http: Http) -> None:
    address, _ = await cases.leased(http)
    today = cases.today()
    for segment, body in (
        ("waive_deposit", {}),
        ("record_delivery", {"on": today}),
        ("activate", {"on": today}),
        ("post_payment", {"payment": "payment_" + "7" * 32, "amount_fen": 40_000, "value_date": today}),
        ("refund_credit", {"amount_fen": 40_000}),
    ):
        await done(http, f"{address}/{segment}", body)
    assert await http.events(address) == [
        "lease.created.v1", "lease.deposit_waived.v1", "lease.asset_delivered.v1", "lease.activated.v1",
        "lease.payment_posted.v1", "lease.credit_refunded.v1",
    ]  # fmt: skip


async def test_payment_of_a_lease(http: Http) -> None:
    lease = (await cases.leased(http))[0].rpartition("/")[2]
    address = (await done(http, "/v1/payments", COLLECT | {"lease": lease})).headers["location"]
    arrived = {"attempt": 1, "amount_fen": 40_000, "value_date": cases.today(), "ref": "f" * 64}
    await done(http, f"{address}/record_succeeded", arrived)
    shown = (await http.get(address)).json()
    assert (shown["state"], shown["lease"], shown["received"][0]["amount_fen"]) == ("succeeded", lease, 40_000)
    stranger = http.another_tenant()
    refused = await stranger.post("/v1/payments", COLLECT | {"lease": lease})
    assert (refused.status_code, refused.json()["code"]) == (409, "lease.unknown")
    callback = await http.post(f"{address}/receive_callback", {})
    assert callback.status_code == 404


async def test_lines_of_a_clause_are_kept(http: Http) -> None:
    made = await done(http, "/v1/clauses", CLAUSE)
    entry = (await http.get(f"{made.headers['location']}/events")).json()["data"][0]["entry"]
    assert entry["body"]["text"] == CLAUSE["text"]
    for text in ("一\r\n二", "一\t二", "e\u0301"):
        answer = await http.post("/v1/clauses", CLAUSE | {"clause": "other", "text": text})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/text")


async def test_numbers_that_no_reader_keeps(http: Http) -> None:
    address, _ = await cases.leased(http)
    answer = await http.post(f"{address}/issue_bill", {"number": 10**30})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "too_large")


async def test_nobody_is_told_what_was_sent(http: Http) -> None:
    """Not in a fault, not in a refusal, not in a repeated key."""
    body = cases.contract(cases.person()) | {"reference": "13912345678"}
    answer = await http.post("/v1/contracts", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "contract.reference_personal")
    assert "13912345678" not in answer.text
    answer = await http.post("/v1/contracts", body | {"plan": "13912345678", "13912345678": "13912345678"})
    assert answer.status_code == 422
    assert "13912345678" not in answer.text


async def test_case_is_shared_by_what_belongs_together(http: Http) -> None:
    case = f"case_{cases.person().hex}"
    asked = cases.consent(cases.person(), "biometrics")
    made = await http.post("/v1/consents", asked, Case_Id=case)
    await done(http, f"{made.headers['location']}/decline", {"channel": "app"})
    entries = (await http.get(f"{made.headers['location']}/events")).json()["data"]
    assert {UUID(one["entry"]["correlation"]).hex for one in entries} == {case[5:]}
