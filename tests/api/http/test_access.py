"""Access: closed without a key, each role its own, and another tenant's things do not exist."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from adapters.system import new_id
from api.exposure import exposed
from api.http.commands.specs import specs
from api.identity import authentication
from api.permissions import ROLES, Permission
from domain.access.key_text import PresentedKey, key_text
from domain.kernel.ids import format_id
from tests.access import recorded_key, stream_of
from tests.api.http.driver import DRAFT, Http

DESIGNED = {
    "merchant_admin", "merchant_operator", "risk_officer", "collector", "auditor", "court", "regulator", "lessee",
    "device_gateway", "operator",
}  # fmt: skip
PUBLIC = ("/healthz", "/readyz", "/problems", "/problems/auth.missing", "/v1/openapi.json", "/tlog/vkeys")
READS: dict[str, Permission] = {
    "/v1/applications": Permission.READ_RECORDS,
    "{address}": Permission.READ_RECORDS,
    "{address}/events": Permission.READ_RECORDS,
    "/v1/events?starting_after={size}": Permission.READ_EVENTS,
    "/v1/events/stream": Permission.READ_EVENTS,
    "/v1/receipts/{size}": Permission.READ_RECEIPTS,
    "/v1/funnel": Permission.READ_STATISTICS,
    "/v1/work-in-progress": Permission.READ_STATISTICS,
}


@pytest.mark.parametrize("authorization", [None, "", "Basic YTpi", "llk_x", "Bearer", "bearer", "Token llk_x"])
async def test_closed_without_a_key(http: Http, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for answer in (
        await http.client.get("/v1/applications", headers=headers),
        await http.client.post("/v1/applications", json=DRAFT, headers=headers | {"Idempotency-Key": "k"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "auth.missing")
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("secret", ["", "llk_" + "A" * 43, "x" * 10_000, "密钥"])
async def test_keys_that_are_none(http: Http, secret: str) -> None:
    answer = await http.client.get("/v1/applications", headers={b"Authorization": f"Bearer {secret}".encode()})
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.unknown")


@pytest.mark.parametrize("path", PUBLIC)
async def test_public(http: Http, path: str) -> None:
    http.project()
    assert (await http.client.get(path)).status_code == 200


def test_every_designed_role_has_its_row() -> None:
    assert set(ROLES) == DESIGNED
    assert ROLES["operator"] == frozenset(Permission)
    assert not ROLES["auditor"] & {spec.permission for spec in specs(exposed("application"))}


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_what_each_role_reads(http: Http, role: str) -> None:
    address, size = await http.given(), await http.size()
    http.project()
    for pattern, permission in READS.items():
        answer = await http.get(pattern.format(address=address, size=size), role=role)
        assert answer.status_code == (200 if permission in ROLES[role] else 403), pattern


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_what_each_role_commands(http: Http, role: str) -> None:
    """Whoever may is answered by a rule or by the shape of the payload, whoever may not by 403 before both."""
    address = await http.given()
    for spec in specs(exposed("application")):
        path = "/v1/applications" if spec.creates else f"{address}/{spec.segment}"
        answer = await http.post(path, {"not": "fitting"}, role=role)
        assert answer.status_code == (422 if spec.permission in ROLES[role] else 403), spec.segment


async def test_a_role_nobody_knows_may_nothing(http: Http) -> None:
    assert (await http.get("/v1/applications", role="emperor")).status_code == 403


async def test_another_tenant_finds_nothing(http: Http) -> None:
    address = await http.given(("submit", None))
    event = (await http.get(f"{address}/events")).json()["data"][0]
    size, stranger = await http.size(), http.another_tenant()
    http.project()
    for path in (address, f"{address}/events", f"/v1/receipts/{event['position']}", f"/v1/receipts/{event['id']}"):
        answer = await stranger.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "resource.not_found"), path
    for spec in specs(exposed("application")):
        if not spec.creates:
            assert (await stranger.post(f"{address}/{spec.segment}", {"lane": "x"})).status_code == 404
    assert (await stranger.get("/v1/applications")).json()["data"] == []
    assert (await stranger.get(f"/v1/applications?starting_after={address[17:]}")).json()["data"] == []
    assert (await stranger.get("/v1/events?limit=100")).json()["data"] == []
    assert (await stranger.get("/v1/funnel")).json()["stages"][0]["applications"] == 0
    assert await http.size() == size


async def test_another_tenants_application_looks_like_none(http: Http) -> None:
    address = await http.given()
    nothing = "/v1/applications/application_" + "0" * 32

    async def seen(path: str) -> Any:
        answer = await http.another_tenant().get(path)
        return {**answer.json(), "request_id": ""}, sorted(answer.headers)

    assert await seen(address) == await seen(nothing)


async def test_revoked_key(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the cache's few seconds it may still work; then never again."""
    monkeypatch.setattr(authentication, "KEY_CACHE_S", 0.0)
    secret = await recorded_key(http.running, http.tenant, "auditor")
    assert (await http.client.get("/v1/events", headers={"Authorization": f"Bearer {secret}"})).status_code == 200
    revoked = await http.post(f"/v1/api_keys/{format_id('api_key', stream_of(secret))}/revoke", {"reason": "leaked"})
    assert revoked.status_code == 200, revoked.text
    answer = await http.client.get("/v1/events", headers={"Authorization": f"Bearer {secret}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.unknown")


def some_key(number: int) -> str:
    return key_text(UUID(int=number), bytes(32))


async def test_keys_are_looked_up_once_in_a_while(http: Http) -> None:
    asked: list[PresentedKey] = []

    async def find(key: PresentedKey) -> None:
        asked.append(key)

    guarded = authentication.Authentication(find)
    for _ in range(3):
        assert await guarded.find(some_key(1)) is None
    assert [one.stream for one in asked] == [UUID(int=1)]


async def test_what_is_no_key_is_asked_of_nobody(http: Http) -> None:
    async def find(key: PresentedKey) -> None:
        pytest.fail("it was asked for")

    guarded = authentication.Authentication(find)
    for slip in ("llk_x", some_key(1)[:-1] + "!", some_key(1).replace("llk_", "llk-"), some_key(1)[::-1], ""):
        assert await guarded.find(slip) is None


async def test_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "CACHED_KEYS", 3)
    tenant = new_id()

    async def find(key: PresentedKey) -> authentication.Principal:
        return authentication.Principal(tenant, "auditor", "api_key_1", key.stream, "person")

    guarded = authentication.Authentication(find)
    for number in range(10):
        found = await guarded.find(some_key(number))
        assert found is not None
        assert found.tenant == tenant
    assert len(guarded._cache) == 3
