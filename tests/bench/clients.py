"""Our side of every throughput: asyncio clients that each send one command after the other, with everything on.

    DraftApplication ─▶ Ledger.execute ─▶ group commit ─▶ Appended(size, root) ─▶ one signed checkpoint per tree

Every command has an idempotency key, a version check, a canonical entry, a leaf, a stream chain and a Merkle root, is
on disk (fsync) before it is acknowledged, and each tree that callers were told of is signed once.
"""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import uvloop
from msgspec import Struct

from adapters.postgres.connections import connect
from adapters.postgres.ledger import Request
from adapters.postgres.writing.sequencer import Appended
from adapters.system import new_id, now
from api.compose import Base, Running, running
from chain.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from chain.note import Ed25519Verifier, Signer
from domain.intake.application.commands import DraftApplication
from domain.intake.application.rules import APPLICATION
from domain.kernel.command import Actor, Context
from domain.kernel.times import business_date
from domain.kernel.values import AssetClass
from tests.bench.model import Broken, check
from tests.bench.place import scalar

COMMAND = DraftApplication(
    reference="BENCH-2026-000001",
    asset_class=AssetClass.PHONE,
    product="phone.lease.12",
    channel="shop.counter",
    amount_fen=899_900,
    currency="CNY",
)
ACTOR = Actor("merchant_operator", "key_bench")


class Done(Struct):
    """What a round did: acknowledged commands, seconds, and the checkpoint of every tree that was named."""

    commands: int = 0
    seconds: float = 0.0
    notes: dict[int, bytes] = {}


def throughput(on: Base, seconds: float, clients: int) -> float:
    """Commands per second over one round. Raises `Broken` when the ledger does not hold what was acknowledged."""
    with connect(on.url) as connection:
        before = scalar(connection, "SELECT size FROM ledger.head")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            done = runner.run(_round(on, seconds, clients))
        check("events in the ledger", before + done.commands, scalar(connection, "SELECT size FROM ledger.head"))
        root = scalar(connection, "SELECT root FROM ledger.head")
    size = before + done.commands
    if size not in done.notes:
        raise Broken("trees with a signed checkpoint", f"one of {size} entries", sorted(done.notes)[-3:])
    opened = open_checkpoint(done.notes[size], [Ed25519Verifier(on.signer.vkey)], on.settings.origin)
    check("root in the newest checkpoint", bytes(root), opened.root)
    return done.commands / done.seconds


async def _round(on: Base, seconds: float, clients: int) -> Done:
    async with running(on) as run:
        done, signer = Done(notes={}), run.signer
        started = time.perf_counter()
        await asyncio.gather(*(_client(run, signer, done, started + seconds) for _ in range(clients)))
        done.seconds = time.perf_counter() - started
        return done


async def _client(run: Running, signer: Signer, done: Done, until: float) -> None:
    tenant = run.settings.tenant
    while time.perf_counter() < until:
        at, stream = now(), new_id()
        context = Context(tenant=tenant, actor=ACTOR, correlation=stream, now=at, business_date=business_date(at))
        # Other people's programs choose random keys, which is the hard case for an index.
        request = Request(stream=stream, key=uuid4().hex, command=COMMAND, context=context, new=True)
        outcome = await run.ledger.execute(APPLICATION, request)
        if not isinstance(outcome, Appended) or outcome.replayed:
            raise Broken("outcome of a command", "appended events", outcome)
        done.commands += 1
        if outcome.size not in done.notes:
            tree = Checkpoint(run.settings.origin, outcome.size, outcome.root)
            done.notes[outcome.size] = sign_checkpoint(tree, [signer])
