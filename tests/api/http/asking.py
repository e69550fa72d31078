"""Requests with keys that the ledger really holds: asking, registering somebody, making a key."""

from __future__ import annotations

from typing import Any

from adapters.system import new_id
from tests.api.http.driver import Http


async def ask(http: Http, key: str, path: str, body: Any = None, idempotency: str = "") -> Any:
    headers = {"Authorization": f"Bearer {key}"}
    if body is None:
        return await http.client.get(path, headers=headers)
    return await http.client.post(path, json=body, headers=headers | {"Idempotency-Key": idempotency or new_id().hex})


async def member(http: Http, admin: str, label: str, role: str, kind: str = "person") -> str:
    made = await ask(http, admin, "/v1/users", {"kind": kind, "label": label, "roles": [role]})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def key_for(http: Http, admin: str, user: str, role: str, **more: Any) -> Any:
    return await ask(http, admin, "/v1/api_keys", {"user": user, "role": role, "label": "till-1"} | more)
