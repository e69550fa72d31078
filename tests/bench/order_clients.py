"""`python -m tests.bench.order_clients URL CLIENTS COUNT`, the key on stdin: light clients that order and read back."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from typing import Any

import uvloop

PAGE = 100
AGAIN_EVERY = 100
"""Every how many orders one is sent twice."""

READ, CREATED = b"200", b"201"
WAIT_S = 0.05
"""Between two questions for a page that the read model has not reached yet."""


class Answer(RuntimeError):
    """An answer that is none to an order; the message is what came."""


class Clients:
    """Keep-alive clients of one server, and what they were told: id by order."""

    def __init__(self, url: str, key: str) -> None:
        self._host, _, self._port = url.rpartition("/")[2].rpartition(":")
        self._head = f"Host: {self._host}\r\nAuthorization: Bearer {key}\r\n"
        self.ids: dict[str, str] = {}
        self.position = 0

    async def order(self, numbers: Iterator[int]) -> None:
        """Take orders off a common heap and post them, one after the other."""
        reader, writer = await self._connected()
        for number in numbers:
            told = await self._post(reader, writer, number)
            if number % AGAIN_EVERY == 0 and (again := await self._post(reader, writer, number)) != told:
                raise Answer(f"{told} first, {again} again")
            self.ids[f"BENCH-{number:07d}"] = told["id"]
            self.position = max(self.position, told["last_position"])
        writer.close()

    async def read_back(self) -> dict[str, str]:
        """All that the list has, page by page: reference by id."""
        reader, writer = await self._connected()
        found: dict[str, str] = {}
        after = ""
        while True:
            query = f"?limit={PAGE}&at_least={self.position}{after and '&starting_after=' + after}"
            page = await self._asked(reader, writer, f"GET /v1/applications{query} HTTP/1.1\r\n{self._head}\r\n", READ)
            if page is None:
                await asyncio.sleep(WAIT_S)
                continue
            for one in page["data"]:
                if one["id"] in found:
                    raise Answer(f"{one['id']} is listed twice")
                found[one["id"]] = one["reference"]
            if not page["has_more"]:
                writer.close()
                return found
            after = page["next"]

    async def _post(self, reader: StreamReader, writer: StreamWriter, number: int) -> Any:
        body = json.dumps(
            {
                "reference": f"BENCH-{number:07d}",
                "asset_class": "phone",
                "product": "phone.lease.12",
                "channel": "shop.counter",
                "amount_fen": 100_000 + number,
                "currency": "CNY",
            }
        )
        asked = (
            f"POST /v1/applications HTTP/1.1\r\n{self._head}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nIdempotency-Key: order-{number}\r\n\r\n{body}"
        )
        return await self._asked(reader, writer, asked, CREATED)

    async def _connected(self) -> tuple[StreamReader, StreamWriter]:
        return await asyncio.open_connection(self._host, int(self._port), limit=1 << 20)

    async def _asked(self, reader: StreamReader, writer: StreamWriter, asked: str, status: bytes) -> Any:
        writer.write(asked.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(int(length.partition(b":")[2]))
        if head.startswith(b"HTTP/1.1 " + status):
            return json.loads(body)
        if status == READ and head.startswith(b"HTTP/1.1 503"):
            return None
        raise Answer((head + body).decode())


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
