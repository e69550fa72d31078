"""`python -m tests.bench.http_clients URL CLIENTS SECONDS`, the key on stdin: light keep-alive clients in a process.

They speak just enough HTTP to be quick: what is measured is the server.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from uuid import uuid4

import uvloop

BODY = (
    b'{"reference":"BENCH-2026-000001","asset_class":"phone","product":"phone.lease.12","channel":"shop.counter",'
    b'"amount_fen":899900,"currency":"CNY"}'
)


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
