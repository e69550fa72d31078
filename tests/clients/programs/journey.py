"""A journey by the Python client that openapi-python-client generated; runs in the generators' own environment.

    python journey.py FOLDER    FOLDER has the package `ledger_client`; answers are written to FOLDER/answers.jsonl

Where the ledger is, and the keys of an operator and of an administrator, is in the environment.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from time import sleep
from typing import Any
from uuid import uuid4

FOLDER = Path(sys.argv[1])
URL, OPERATOR, ADMINISTRATOR = (os.environ[name] for name in ("LEDGER_URL", "OPERATOR_KEY", "ADMINISTRATOR_KEY"))
TRIES, PAUSE_S = 100, 0.2

sys.path.insert(0, str(FOLDER))


def recorded(response: Any) -> None:
    """Write one answer down, for whoever parses all of them."""
    response.read()
    request = response.request
    line = {
        "method": request.method, "path": request.url.path, "status": response.status_code,
        "type": response.headers.get("content-type", ""), "body": response.text,
    }  # fmt: skip
    with (FOLDER / "answers.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def client_of(key: str) -> Any:
    """A client under a key, which takes no answer that is not in the document."""
    args = {"event_hooks": {"response": [recorded]}}
    made = import_module("ledger_client").AuthenticatedClient
    return made(base_url=URL, token=key, raise_on_unexpected_status=True, httpx_args=args)


def model(name: str) -> Any:
    """A generated class."""
    return getattr(import_module("ledger_client.models"), name)


def ask(tag: str, operation: str, client: Any, *path: str, **given: Any) -> tuple[int, Any]:
    """The status and the parsed answer of an operation."""
    done = import_module(f"ledger_client.api.{tag}.{operation}").sync_detailed(*path, client=client, **given)
    return int(done.status_code), done.parsed


def command(tag: str, operation: str, client: Any, *path: str, **given: Any) -> Any:
    """The outcome of a command that succeeds."""
    status, answer = ask(tag, operation, client, *path, **{"idempotency_key": uuid4().hex} | given)
    assert status in (200, 201), (operation, status, answer)
    return answer


def application(client: Any) -> Any:
    """Draft an application, twice under one key, submit it, read it now and as it was."""
    kind = model("AssetClass").PHONE
    body = model("DraftApplication")(
        reference=f"HT-{uuid4().hex[:8]}", asset_class=kind, product="rent_12", channel="shop", amount_fen=599_900,
        currency="CNY",
    )  # fmt: skip
    key = uuid4().hex
    drafted = command("applications", "draft_application", client, body=body, idempotency_key=key)
    assert command("applications", "draft_application", client, body=body, idempotency_key=key) == drafted
    submitted = command("applications", "submit_application", client, drafted.id, body=model("SubmitApplication")())
    status, now = ask("applications", "read_application", client, drafted.id, at_least=submitted.last_position)
    assert (status, now.state, now.reference) == (200, "submitted", body.reference)
    past = {"as_of_position": drafted.last_position}
    status, before = ask("applications", "read_application", client, drafted.id, **past)
    assert (status, before.state, before.amount_fen) == (200, "draft", 599_900)
    listed = {"state": model("ApplicationState").SUBMITTED, "at_least": submitted.last_position}
    status, page = ask("applications", "list_applications", client, **listed)
    assert status == 200
    assert drafted.id in [one.id for one in page.data]
    return drafted


def events(client: Any, drafted: Any) -> None:
    """Read the events of an application, the body of the first by its type, and the receipt of it."""
    status, page = ask("events", "list_events_of_application", client, drafted.id)
    assert status == 200
    assert [one.entry.type_ for one in page.data] == ["application.drafted.v1", "application.submitted.v1"]
    body = model("ApplicationDrafted").from_dict(page.data[0].entry.body.to_dict())
    assert (body.amount_fen, body.product) == (599_900, "rent_12")
    status, receipt = ask("evidence", "read_receipt", client, page.data[0].id)
    for _ in range(TRIES):
        if status == 200:
            break
        # The checkpoint over it is signed within a second or so.
        sleep(PAUSE_S)
        status, receipt = ask("evidence", "read_receipt", client, page.data[0].id)
    assert (status, receipt.leaf_hash, receipt.event) == (200, page.data[0].leaf_hash, page.data[0].id)


def people(client: Any) -> None:
    """Register a user, make a key, and use it."""
    role = model("UserRole").COLLECTOR
    body = model("RegisterUser")(kind=model("UserKind").PERSON, label=f"E{uuid4().int % 1_000_000:06}", roles=[role])
    user = command("users", "register_user", client, body=body)
    given = model("GivenKey")(user=user.id, role=role, label="till-1", days=30)
    made = command("api_keys", "make_api_key", client, body=given)
    status, _ = ask("leases", "list_leases", client_of(made.key))
    assert status == 200
    status, key = ask("api_keys", "read_api_key", client, made.id)
    assert (status, key.user, key.state) == (200, user.id, "live")


def problems(client: Any, drafted: Any) -> None:
    """Ask for what a rule forbids, for what is not there, and with what does not fit."""
    given = {"body": model("SubmitApplication")(), "idempotency_key": uuid4().hex}
    refused = ask("applications", "submit_application", client, drafted.id, **given)
    missing = ask("applications", "read_application", client, f"application_{'0' * 32}")
    bad = ask("applications", "list_applications", client, starting_after="x")
    for (status, problem), expected in ((refused, 409), (missing, 404), (bad, 422)):
        assert (status, problem.status, type(problem)) == (expected, expected, model("Problem"))
    assert refused[1].code.startswith("application.")
    assert bad[1].errors[0].pointer == "/starting_after"


def main() -> None:
    """The journey."""
    operator = client_of(OPERATOR)
    drafted = application(operator)
    events(operator, drafted)
    people(client_of(ADMINISTRATOR))
    problems(operator, drafted)


main()
