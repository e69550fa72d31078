"""Evidence over HTTP: what a stranger downloads verifies with nothing but the log's key."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from adapters.postgres.connections import connect
from adapters.postgres.log import Log
from adapters.postgres.reading.opening import ledger_state
from adapters.system import now
from chain.checkpoint import Checkpoint, open_checkpoint
from chain.merkle import Frontier, leaf_hash
from chain.note import Ed25519Verifier, VerifierKey
from chain.proof import verify_leaf_proof
from chain.tiles import TILE_WIDTH, decode_bundle, entries_path, tile_path
from tests.api.http.driver import Http


def verifiers(keys: str) -> list[Ed25519Verifier]:
    """Verifiers for the lines of /tlog/vkeys."""
    return [Ed25519Verifier(VerifierKey.parse(line)) for line in keys.splitlines()]


async def receipt_of(http: Http, event: object) -> dict[str, Any]:
    """A receipt that was given."""
    answer = await http.get(f"/v1/receipts/{event}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def published(http: Http) -> Checkpoint:
    """The newest checkpoint, verified, after everything was published."""
    with connect(http.on.url) as connection:
        Log(connection).publish(http.on.signer, now())
    note = (await http.client.get("/tlog/checkpoint")).content
    keys = (await http.client.get("/tlog/vkeys")).text
    return open_checkpoint(note, verifiers(keys), http.on.settings.origin)


async def test_receipt_verifies(http: Http) -> None:
    drafted = await http.post("/v1/applications", {**_draft()})
    receipt = (await http.get(drafted.json()["receipt"])).json()
    keys = [Ed25519Verifier(VerifierKey.parse(one["vkey"])) for one in receipt["verifier_keys"]]
    checkpoint = verify_leaf_proof(receipt["proof"].encode(), bytes.fromhex(receipt["leaf_hash"]), keys)
    assert checkpoint.size == receipt["tree_size"] >= receipt["position"]
    assert receipt["proof"].endswith("\n\n" + receipt["checkpoint"])
    shown = (await http.get(f"{drafted.headers['location']}/events")).json()["data"][0]
    assert (shown["id"], shown["leaf_hash"]) == (receipt["event"], receipt["leaf_hash"])


def _draft() -> dict[str, Any]:
    return {
        "reference": "HT-9", "asset_class": "vehicle", "product": "auto", "channel": "dealer",
        "amount_fen": 9_000_000, "currency": "CNY",
    }  # fmt: skip


async def test_receipt_publishes_a_checkpoint_when_none_covers_the_event(http: Http) -> None:
    await published(http)
    await http.given()
    size = await http.size()
    assert Checkpoint.parse(_body((await http.client.get("/tlog/checkpoint")).text)).size == size - 1
    await receipt_of(http, size)
    assert Checkpoint.parse(_body((await http.client.get("/tlog/checkpoint")).text)).size == size


def _body(note: str) -> str:
    return note.partition("\n\n")[0] + "\n"


async def test_receipt_by_event_id(http: Http) -> None:
    address = await http.given(("submit", None))
    for one in (await http.get(f"{address}/events")).json()["data"]:
        receipt = await receipt_of(http, one["id"])
        assert (receipt["event"], receipt["position"]) == (one["id"], one["position"])


@pytest.mark.parametrize(
    "event",
    ["0", "9007199254740991", "00000000000000000", "-1", "one", "event_1", "event_" + "f" * 32, "event_" + "0" * 32,
     "application_" + "0" * 32],
)  # fmt: skip
async def test_receipts_of_nothing(http: Http, event: str) -> None:
    await http.given()
    answer = await http.get(f"/v1/receipts/{event}")
    assert (answer.status_code, answer.json()["code"]) == (404, "resource.not_found")


def owner_of(http: Http) -> UUID:
    """The tenant that runs the log, whatever the settings say."""
    with connect(http.on.url) as connection:
        owner = ledger_state(connection).owner
    assert owner is not None
    return owner


async def test_the_whole_log_verifies_from_tiles(http: Http) -> None:
    """An auditor of the log's own tenant recomputes the root from entries alone; anyone does from hashes."""
    http.tenant = owner_of(http)
    await http.given(("submit", None))
    checkpoint = await published(http)
    entries: list[bytes] = []
    hashes = b""
    for index in range(-(-checkpoint.size // TILE_WIDTH)):
        width = min(TILE_WIDTH, checkpoint.size - index * TILE_WIDTH)
        bundle = await http.get(f"/tlog/{entries_path(index, width)}", role="auditor")
        entries += decode_bundle(bundle.content, width)
        tile = await http.client.get(f"/tlog/{tile_path(0, index, width)}")
        assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert bundle.headers["cache-control"] == "private, max-age=31536000, immutable"
        hashes += tile.content
    leaves = [leaf_hash(entry) for entry in entries]
    assert b"".join(leaves) == hashes
    assert Frontier.empty().extend(leaves).root() == checkpoint.root


@pytest.mark.parametrize("role", ["merchant_admin", "risk_officer", "regulator", "court", "collector"])
async def test_bundles_are_for_auditors(http: Http, role: str) -> None:
    http.tenant = owner_of(http)
    answer = await http.get("/tlog/tile/entries/000.p/1", role=role)
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.not_allowed")


async def test_bundles_are_for_the_tenant_that_runs_the_log(http: Http) -> None:
    for role in ("auditor", "operator"):
        answer = await http.get("/tlog/tile/entries/000.p/1", role=role)
        assert answer.status_code == 403
    assert (await http.client.get("/tlog/tile/entries/000.p/1")).status_code == 401


async def test_tiles_beyond_the_checkpoint(http: Http) -> None:
    http.tenant = owner_of(http)
    await http.given()
    size = (await published(http)).size
    await http.given()
    index, width = divmod(size + 1, TILE_WIDTH)
    for path in (
        tile_path(0, index, width or 1),
        entries_path(index, width or 1),
        tile_path(9, 0),
        tile_path(0, 10**12),
    ):
        answer = await http.get(f"/tlog/{path}", role="auditor")
        assert answer.status_code == 404, path


@pytest.mark.parametrize(
    "path",
    ["0/0", "0/000.p/0", "0/000.p/256", "64/000", "x/000", "0/x000/001", "entries/", "0/000/", "%2e%2e/checkpoint"],
)
async def test_paths_that_are_no_tiles(http: Http, path: str) -> None:
    assert (await http.get(f"/tlog/tile/{path}")).status_code == 404


async def test_no_checkpoint_yet(fresh: Http) -> None:
    assert (await fresh.client.get("/tlog/checkpoint")).status_code == 404
    assert (await fresh.client.get("/tlog/tile/0/000.p/1")).status_code == 404
    assert (await fresh.client.get("/tlog/vkeys")).text == ""
