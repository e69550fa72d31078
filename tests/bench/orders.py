"""Row 10: so many orders over HTTP, read back from the list, none lost and none doubled.

    client × n ─▶ POST /v1/applications, each under its own key and reference ─▶ 201, id
    one of them ─▶ GET /v1/applications?at_least=…, page by page ─▶ {id: reference} as posted

Clients, the serving role, the projecting role and the server share the cores; the seconds are those from the first
order to the last page. Every hundredth order is sent twice under its key, as by a client that did not hear the answer.
"""

from __future__ import annotations

import json
import subprocess
import sys

from adapters.postgres.connections import connect
from api.compose import Base
from tests.bench import order_clients
from tests.bench.model import Bar, Broken, Result, check, repeat, result
from tests.bench.place import Place, scalar
from tests.bench.serving import following, served

ORDERS_BAR = Bar("orders over HTTP, read back", "orders/s", 4_000.0)
CLIENTS = 512


def run(place: Place) -> list[Result]:
    """Orders per second, posted and read back."""
    count = place.sizes.orders

    def once() -> float:
        with place.ledger("orders") as on, served(on) as (url, key), following(on):
            return ordered(on, url, key, count)

    found = repeat(once, 1)
    note = f"{CLIENTS} keep-alive clients; {count / found[0]:.1f} s from the first order to the last page"
    return [result(ORDERS_BAR, found, measured=f"{count:,} orders, the clients on the same cores", note=note)]


def ordered(on: Base, url: str, key: str, count: int) -> float:
    """Orders per second. Raises `Broken` when one is lost, doubled or not as it was posted."""
    command = [sys.executable, "-m", order_clients.__name__, url, str(min(CLIENTS, count)), str(count)]
    done = subprocess.run(command, input=key, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken("clients", "answers", done.stderr)
    told = json.loads(done.stdout)
    check("orders that were answered", count, told["posted"])
    check("orders in the list", count, told["listed"])
    check("orders that are listed as they were posted", count, told["as_posted"])
    with connect(on.url) as connection:
        drafted = scalar(connection, "SELECT count(*) FROM ledger.commands WHERE key LIKE 'order-%'")
    check("commands in the ledger", count, drafted)
    return count / float(told["seconds"])
