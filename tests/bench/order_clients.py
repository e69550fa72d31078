"""`python -m tests.bench.order_clients URL CLIENTS COUNT`, the key on stdin: light clients that order and read back."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import uvloop

from tests.bench.http_clients import Connection, order, reference

PAGE = 100
AGAIN_EVERY = 100
"""Every how many orders one is sent twice."""

READ, CREATED, NOT_YET = 200, 201, 503
WAIT_S = 0.05
"""Between two questions for a page that the read model has not reached yet."""


class Answer(RuntimeError):
    """An answer that is none to an order; the message is what came."""


class Clients:
    """Keep-alive clients of one server, and what they were told: id by order."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self.ids: dict[str, str] = {}
        self.position = 0

    async def order(self, numbers: Iterator[int]) -> None:
        """Take orders off a common heap and post them, one after the other."""
        at = Connection(self._url, self._key)
        for number in numbers:
            told = await self._post(at, number)
            if number % AGAIN_EVERY == 0 and (again := await self._post(at, number)) != told:
                raise Answer(f"{told} first, {again} again")
            self.ids[reference(number)] = told["id"]
            self.position = max(self.position, told["last_position"])
        at.close()

    async def read_back(self) -> dict[str, str]:
        """All that the list has, page by page: reference by id."""
        at = Connection(self._url, self._key)
        found: dict[str, str] = {}
        after = ""
        while True:
            query = f"?limit={PAGE}&at_least={self.position}{after and '&starting_after=' + after}"
            status, said = await at.ask("GET", f"/v1/applications{query}")
            if status == NOT_YET:
                await asyncio.sleep(WAIT_S)
                continue
            page = _expected(READ, status, said)
            for one in page["data"]:
                if one["id"] in found:
                    raise Answer(f"{one['id']} is listed twice")
                found[one["id"]] = one["reference"]
            if not page["has_more"]:
                at.close()
                return found
            after = page["next"]

    async def _post(self, at: Connection, number: int) -> Any:
        return _expected(CREATED, *await at.ask("POST", "/v1/applications", order(number), f"order-{number}"))


def _expected(status: int, got: int, said: bytes) -> Any:
    if got != status:
        raise Answer(f"expected {status}, got {got}: {said.decode()}")
    return json.loads(said)


async def _all(url: str, clients: int, count: int, key: str) -> dict[str, float]:
    of = Clients(url, key)
    numbers = iter(range(count))
    began_s = time.perf_counter()
    await asyncio.gather(*(of.order(numbers) for _ in range(clients)))
    posted_s = time.perf_counter() - began_s
    listed = await of.read_back()
    as_posted = sum(listed.get(id_) == reference for reference, id_ in of.ids.items())
    seconds = time.perf_counter() - began_s
    return {
        "posted": len(of.ids), "listed": len(listed), "as_posted": as_posted, "posted_s": posted_s, "seconds": seconds
    }  # fmt: skip


def main(url: str, clients: str, count: str) -> None:
    """Order, read back, say what was found, as JSON."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_all(url, int(clients), int(count), sys.stdin.read().strip()))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
