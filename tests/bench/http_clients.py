"""`python -m tests.bench.http_clients URL CLIENTS SECONDS`, the key on stdin: light keep-alive clients in a process.

They speak just enough HTTP to be quick: what is measured is the server.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio import StreamReader, StreamWriter
from uuid import uuid4

import uvloop

BODY = (
    b'{"reference":"BENCH-2026-000001","asset_class":"phone","product":"phone.lease.12","channel":"shop.counter",'
    b'"amount_fen":899900,"currency":"CNY"}'
)


class Connection:
    """A keep-alive connection to one server; it is made anew when the server has closed it."""

    def __init__(self, url: str, key: str) -> None:
        self.host, _, self.port = url.rpartition("/")[2].rpartition(":")
        self.head = f"Host: {self.host}\r\nAuthorization: Bearer {key}\r\n"
        self.streams: tuple[StreamReader, StreamWriter] | None = None

    async def ask(self, method: str, target: str, body: bytes = b"", key: str = "") -> tuple[int, bytes]:
        """Status and body of the answer to one request."""
        if self.streams is None:
            self.streams = await asyncio.open_connection(self.host, int(self.port), limit=1 << 24)
        reader, writer = self.streams
        more = f"Content-Type: application/json\r\nIdempotency-Key: {key}\r\n" if key else ""
        head = f"{method} {target} HTTP/1.1\r\n{self.head}{more}Content-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        try:
            answer = await reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            said = await reader.readexactly(int(lengths[0].partition(b":")[2])) if lengths else b""
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            raise
        if b"connection: close" in answer.lower():
            self.close()
        return int(answer.split(b" ", 2)[1]), said

    def close(self) -> None:
        """Let the next request make a connection of its own."""
        if self.streams is not None:
            self.streams[1].close()
        self.streams = None


def reference(number: int) -> str:
    """What an order is called."""
    return f"ORDER-{number:07d}"


def order(number: int) -> bytes:
    """The body of an order."""
    return json.dumps(
        {
            "reference": reference(number),
            "asset_class": "phone",
            "product": "phone.lease.12",
            "channel": "shop.counter",
            "amount_fen": 100_000 + number,
            "currency": "CNY",
        }
    ).encode()


async def _client(host: str, port: int, head: bytes, ends_s: float) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    done = 0
    while time.perf_counter() < ends_s:
        writer.write(head + uuid4().hex.encode() + b"\r\n\r\n" + BODY)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(answer)
        length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
        done += 1
    writer.close()
    return done


async def _all(url: str, clients: int, seconds: float, key: str) -> dict[str, float]:
    host, _, port = url.rpartition("/")[2].rpartition(":")
    head = (
        f"POST /v1/applications HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\nIdempotency-Key: "
    ).encode()
    began_s = time.perf_counter()
    done = await asyncio.gather(*(_client(host, int(port), head, began_s + seconds) for _ in range(clients)))
    return {"commands": sum(done), "seconds": time.perf_counter() - began_s}


def main(url: str, clients: str, seconds: str) -> None:
    """Ask until the time is over; say how often that was answered, as JSON."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_all(url, int(clients), float(seconds), sys.stdin.read().strip()))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
