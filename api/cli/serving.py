"""`leaseledger up`: database, HTTP interface, read models and checkpoints in one process and one terminal.

main thread   uvicorn: commands, queries, the log; the chain from offer to lease follows every commit
projections   keeps read models up to date, woken by every commit
checkpoints   signs a checkpoint each second while the log grows
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.failures import Unusable, sentence
from api.cli.frame import Session, command
from api.cli.wording.retelling import retold
from api.cli.words import padded
from api.language import message, text

if TYPE_CHECKING:
    from types import FrameType

    from rich.console import Console

    from api.compose import Base

CHECKPOINT_EVERY_S = 1.0
RETRY_AFTER_S = 2.0
"""How long a background task waits after an error, before it opens a new connection and goes on."""

SHUTDOWN_TIMEOUT_S = 10
"""Requests that are still open after so long are cut off."""

_WHY = {
    errno.EADDRINUSE: message("is taken; choose another port with --port or LEASELEDGER_PORT (0 takes a free one)"),
    errno.EACCES: message("is reserved for the system; choose a port from 1024 on with --port or LEASELEDGER_PORT"),
    errno.EADDRNOTAVAIL: message("is not an address of this machine; choose one with --host or LEASELEDGER_HOST"),
}


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    command(app, "up")(up)


def up(
    session: Session,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on (LEASELEDGER_HOST; default 127.0.0.1).", show_default=False)
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Port, 0 for a free one (LEASELEDGER_PORT; default 8080).", show_default=False
        ),
    ] = None,
) -> None:
    """Run everything in this terminal until Ctrl-C.

    Database, HTTP interface, read models and checkpoints. The first start prints an operator key, once.
    """
    import asyncio

    chosen = host or session.settings.host, session.settings.port if port is None else port
    with listening(*chosen) as listener, session.base() as on:
        key = _operator_key(on)
        with (
            _background(session, text("projections"), lambda stop: _project(on, stop)),
            _background(session, text("checkpoints"), lambda stop: _publish(on, stop)),
        ):
            asyncio.run(_serve(session, on, listener, key))
    session.say(text("Stopped."))


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket; raises `Unusable` naming the setting to change."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise Unusable(f"--host {host}: {retold(str(error.strerror))}") from None
    try:
        listener = socket.create_server(address[:2], family=family)
    except OSError as error:
        why = _WHY.get(error.errno or 0)
        raise Unusable(f"{host}:{port} {text(why) if why else retold(str(error.strerror))}") from None
    with listener:
        yield listener


def url_of(listener: socket.socket) -> str:
    """`http://127.0.0.1:8080` of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _serve(session: Session, on: Base, listener: socket.socket, key: str | None) -> None:
    import uvicorn

    from api.compose import running
    from api.roles.serve import site
    from api.roles.subscriptions import following

    class Server(uvicorn.Server):
        """Ends by itself when told to, instead of raising the signal again after its work is done."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
            self.force_exit = self.should_exit
            self.should_exit = True

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            # Said only now, so that whoever reads it can connect.
            session.emit(_about(session, on, listener, key), lambda out: _show(out, session, on, listener, key))

    def say(error: Exception) -> None:
        session.say(text("from offer to lease: {error}; going on in a moment", error=sentence(error)))

    async with running(on) as ledger, following(ledger, say):
        config = uvicorn.Config(
            site(ledger),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
        )
        await Server(config).serve(sockets=[listener])


def _operator_key(on: Base) -> str | None:
    from adapters.postgres.api_keys import ensure_operator_key
    from adapters.postgres.connections import connect
    from adapters.system import now, random_bytes

    with connect(on.url) as connection:
        return ensure_operator_key(connection, on.settings.tenant, random_bytes, now())


def _project(on: Base, stop: threading.Event) -> None:
    from api.cli.models import follow_ledger

    follow_ledger(on.url, stop.is_set)


def _publish(on: Base, stop: threading.Event) -> None:
    from adapters.postgres.connections import connect
    from adapters.postgres.log import Log
    from adapters.system import now

    with connect(on.url) as connection:
        log = Log(connection)
        while not stop.wait(CHECKPOINT_EVERY_S):
            log.publish(on.signer, now())


@contextmanager
def _background(session: Session, name: str, work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Run `work` in a thread until the block ends; an error is said and the work begins again."""
    stop = threading.Event()

    def run() -> None:
        said = ""
        while not stop.is_set():
            try:
                work(stop)
            except Exception as error:  # noqa: BLE001 - the others go on, and people hear of it
                if sentence(error) != said:
                    said = sentence(error)
                    pause = f"{RETRY_AFTER_S:.0f}"
                    session.say(
                        text("{name}: {error}; trying again every {pause} s", name=name, error=said, pause=pause)
                    )
                stop.wait(RETRY_AFTER_S)

    # A thread begins without a language of its own.
    thread = threading.Thread(target=copy_context().run, args=(run,), name=name)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _about(session: Session, on: Base, listener: socket.socket, key: str | None) -> dict[str, Any]:
    return {
        "url": url_of(listener),
        "operator_key": key,
        "data": str(session.settings.data),
        "origin": on.settings.origin,
    }


def _show(out: Console, session: Session, on: Base, listener: socket.socket, key: str | None) -> None:
    url = url_of(listener)
    rows = [
        (text("Applications"), f"{url}/v1/applications"),
        (text("Interface"), f"{url}/v1/openapi.json"),
        (text("Log"), f"{url}/tlog/checkpoint"),
        (text("Health"), f"{url}/readyz"),
        (text("Data"), str(session.settings.data.resolve())),
    ]
    if key is not None:
        rows.insert(0, (text("Operator key"), text("{key}   shown this once; only its hash is kept", key=key)))
    about = text("leaseledger is up on {url}, log {origin}. Ctrl-C stops it.", url=url, origin=on.settings.origin)
    out.print(f"{about}\n")
    for name, value in rows:
        out.print(f"  {padded(name, 14)}{value}", soft_wrap=True)
    out.file.flush()
