"""`leaseledger up` supervises every role, each in a process of its own; `leaseledger role NAME` is one of them alone.

serve     commands, queries, the log, the console
project   keeps read models up to date, woken by every commit
react     process managers: from offer to lease, money to its lease
publish   signs a checkpoint each second while the log grows
"""

from __future__ import annotations

import errno
import mmap
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.failures import Unusable, sentence
from api.cli.frame import Session, command
from api.cli.wording.retelling import retold
from api.cli.wording.words import padded
from api.language import message, text

if TYPE_CHECKING:
    from rich.console import Console

    from api.compose import Base, Running

_WHY = {
    errno.EADDRINUSE: message("is taken; choose another port with --port or LEASELEDGER_PORT (0 takes a free one)"),
    errno.EACCES: message("is reserved for the system; choose a port from 1024 on with --port or LEASELEDGER_PORT"),
    errno.EADDRNOTAVAIL: message("is not an address of this machine; choose one with --host or LEASELEDGER_HOST"),
}


DATABASE = "database"
"""What the process that keeps the embedded server running is called."""


class Name(StrEnum):
    """The roles that can be asked for."""

    SERVE = "serve"
    PROJECT = "project"
    REACT = "react"
    PUBLISH = "publish"


Host = Annotated[
    str | None, typer.Option(help="Address to listen on (LEASELEDGER_HOST; default 127.0.0.1).", show_default=False)
]
Port = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port, 0 for a free one (LEASELEDGER_PORT; default 8080).", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    command(app, "up")(up)
    command(app, "role")(role)


def up(session: Session, host: Host = None, port: Port = None) -> None:
    """Run everything in this terminal until Ctrl-C.

    Database, HTTP interface, read models, processes and checkpoints, each in a process that is started again when it
    dies. The first start prints an operator key, once.
    """
    from api.roles.opening import expect_ours
    from api.roles.role import ROLES
    from api.roles.supervisor import Supervisor

    with listening(*_address(session, host, port)) as listener, session.base() as on:
        expect_ours(on)
        # Shared by all forks: the start that said where it listens may have been any of them.
        told = mmap.mmap(-1, 1)
        works: dict[str, Callable[[], None]] = {Name.SERVE.value: partial(_serve, session, on, listener, told)}
        works |= {name: partial(_run, session, on, name) for name in ROLES}
        if session.settings.database_url is None:
            works[DATABASE] = partial(_keep_server, session)
        works = {name: partial(_said, session, name, work) for name, work in works.items()}
        Supervisor(works, partial(_ended, session)).run()
    session.say(text("Stopped."))


def _keep_server(session: Session) -> None:
    from adapters.postgres.embedded import EmbeddedPostgres
    from api.roles.role import keep_server
    from api.roles.supervisor import stopped_by_signal

    def started() -> None:
        session.say(text("{name}: the server was gone and is started again", name=DATABASE))

    keep_server(EmbeddedPostgres(session.settings.data), stopped_by_signal(), started)


def role(
    session: Session,
    name: Annotated[Name, typer.Argument(metavar="NAME", help="serve, project, react or publish.", show_default=False)],
    host: Host = None,
    port: Port = None,
) -> None:
    """Run one role of `up` alone, until Ctrl-C.

    A role that was killed goes on where it was. Of project, react and publish one instance works at a time; a second
    one waits for it to end.
    """
    if name is Name.SERVE:
        with listening(*_address(session, host, port)) as listener, session.base() as on:
            _serve(session, on, listener, mmap.mmap(-1, 1))
    else:
        with session.base() as on:
            _run(session, on, name.value, begins=text("{name}: at work; Ctrl-C ends it", name=name.value))
    session.say(text("Stopped."))


def _address(session: Session, host: str | None, port: int | None) -> tuple[str, int]:
    return host or session.settings.host, session.settings.port if port is None else port


def _said(session: Session, name: str, work: Callable[[], None]) -> None:
    """A supervised role; what it dies of is said as a sentence."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whatever it was, the supervisor starts the role again
        session.say(f"{name}: {sentence(error)}")
        raise SystemExit(1) from None


def _run(session: Session, on: Base, name: str, begins: str = "") -> None:
    from api.edge.log import silence_foreign_loggers
    from api.roles.role import ROLES, alone
    from api.roles.supervisor import stopped_by_signal

    silence_foreign_loggers()

    def waits() -> None:
        session.say(text("{name}: another one works on this ledger; waiting for it to end", name=name))

    stop = stopped_by_signal()
    with alone(on, name, stop, waits) as mine:
        if mine:
            if begins:
                session.say(begins)
            ROLES[name](on, stop)


def _ended(session: Session, name: str, status: int, pause_s: float) -> None:
    how = text("signal {number}", number=-status) if status < 0 else text("exit status {number}", number=status)
    session.say(text("{name}: ended, {how}; starting it again in {pause} s", name=name, how=how, pause=f"{pause_s:g}"))


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket; raises `Unusable` naming the setting to change."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise Unusable(f"--host {host}: {retold(str(error.strerror))}") from None
    try:
        listener = socket.create_server(address[:2], family=family)
        # Head and body of an answer are two writes: without this the second waits for the first one's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        why = _WHY.get(error.errno or 0)
        raise Unusable(f"{host}:{port} {text(why) if why else retold(str(error.strerror))}") from None
    with listener:
        yield listener


def url_of(listener: socket.socket) -> str:
    """`http://127.0.0.1:8080` of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _serve(session: Session, on: Base, listener: socket.socket, told: mmap.mmap) -> None:
    from api.edge.log import configure_logging
    from api.roles.serve import serve

    configure_logging(sys.stderr.buffer)
    # Said only once it listens, so that whoever reads it can connect.
    serve(on, listener, partial(announce, session, on, listener, told))


async def announce(session: Session, on: Base, listener: socket.socket, told: mmap.mmap, ledger: Running) -> None:
    """Say where the program listens, with the operator key where one has to be made; `told` is 1 once it was said.

    If printing fails, the key that it was for is revoked, and the next start makes another.
    """
    from api.roles.keys import first_operator_key, revoke_unshown

    shown = await first_operator_key(ledger)
    key = None if shown is None else shown.text
    try:
        if key is not None or not told[0]:
            session.emit(_about(session, on, listener, key), lambda out: _show(out, session, on, listener, key))
    except (OSError, SystemExit) as error:  # the library for terminals ends a program whose output nobody reads
        session.say(text("Where it listens could not be printed: {why}", why=sentence(error)))
        if shown is not None:
            await revoke_unshown(ledger, shown)
    else:
        told[0] = 1


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
        (text("Pages"), f"{url}/"),
        (text("Interface"), f"{url}/v1/openapi.json"),
        (text("Log"), f"{url}/tlog/checkpoint"),
        (text("Health"), f"{url}/readyz"),
        (text("Data"), str(session.settings.data.resolve())),
    ]
    if key is not None:
        rows.insert(0, (text("Operator key"), text("{key}   shown this once; only its hash is kept", key=key)))
    else:
        rows.insert(0, (text("Operator key"), text("shown at the first start; OPERATIONS.md says how to make another")))
    about = text("leaseledger is up on {url}, log {origin}. Ctrl-C stops it.", url=url, origin=on.settings.origin)
    out.print(f"{about}\n")
    for name, value in rows:
        out.print(f"  {padded(name, 14)}{value}", soft_wrap=True)
    out.file.flush()
