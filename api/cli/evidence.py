"""`checkpoint`, `proof`, `vkey`, `tiles export`, `verify`: what others need to check the ledger without us."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.failures import Failure, Unusable
from api.cli.frame import Session, command, group

if TYPE_CHECKING:
    from adapters.postgres.log import Log, Published
    from api.compose import Base

tiles = group("The log as files (C2SP tlog-tiles).")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    command(app, "checkpoint")(checkpoint)
    command(app, "proof")(proof)
    command(app, "vkey")(vkey)
    command(tiles, "export")(export)
    app.add_typer(tiles, name="tiles")
    passed_on = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    app.command("verify", context_settings=passed_on, add_help_option=False)(verify)


class OtherLog(Failure):
    """An export folder that holds another log, or another past of this one."""


def checkpoint(
    session: Session,
    at: Annotated[
        int | None,
        typer.Option(
            "--at", metavar="SIZE", min=0, help="The first one kept of at least SIZE events.", show_default=False
        ),
    ] = None,
) -> None:
    """Print the newest signed checkpoint (C2SP signed note), publishing one if events came since."""
    with session.base() as on, opened(on) as log:
        newest = published(on, log)
        found = newest if at is None else log.covering(at)
        if found is None:
            raise Unusable(f"--at: expected a size up to {newest.size}, got {at}")
    if session.json:
        session.emit(_described(on, found), lambda out: None)
    else:
        session.write(found.note)


def proof(session: Session, position: Annotated[int, typer.Argument(metavar="POSITION", show_default=False)]) -> None:
    """Print the proof (C2SP tlog-proof) that the event at POSITION (from 1) is in the ledger."""
    with session.base() as on, opened(on) as log:
        newest = log.newest()
        if newest is None or newest.size < position:
            newest = published(on, log)
        data = log.proof(position)
    if session.json:
        session.emit({"position": position, "proof": data.decode(), **_described(on, newest)}, lambda out: None)
    else:
        session.write(data)


def vkey(session: Session) -> None:
    """Print the log's verifier key: what to hand to people who check, on paper or by phone."""
    from chain.note import Ed25519Signer

    with session.base() as on, opened(on) as log:
        registered = [str(key) for _, key in log.vkeys()]
        current = str(on.signer.vkey)
        keys = [str(Ed25519Signer(on.settings.origin, seed).vkey) for seed in on.keys.log_seeds()]
    data = {"vkey": current, "all": list(dict.fromkeys([*registered, *keys]))}
    session.emit(data, lambda out: out.print(current, soft_wrap=True))


def export(
    session: Session,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Empty, or an earlier export.", show_default=False)],
) -> None:
    """Write checkpoint, tiles, entry bundles and verifier key into DIR, for any static file server.

    The checkpoint is written last, each file in one piece: a reader at any moment sees a whole log.
    """
    with session.base() as on, opened(on) as log:
        newest = published(on, log)
        _expect_ours(directory, log, newest)
        files = size_bytes = 0
        with session.progress("Exporting", "files") as report:
            for path, data in log.files(newest):
                _write(directory / path, data)
                files, size_bytes = files + 1, size_bytes + len(data)
                report(files, 0)
    data = {"directory": str(directory), "size": newest.size, "files": files, "bytes": size_bytes}
    if session.json:
        session.emit(data, lambda out: None)
    else:
        session.say(f"{files:,} files, {size_bytes:,} bytes, {newest.size:,} events in {directory}")


def verify(context: typer.Context) -> None:
    """Check proofs, checkpoints or an export, offline; `verify --help` says how.

    The same as running chain/verify.py, one file that needs nothing but Python.
    """
    from chain import verify as verifier

    raise typer.Exit(verifier.main(context.args or ["--help"]))


@contextmanager
def opened(on: Base) -> Iterator[Log]:
    """The log on a connection of its own."""
    from adapters.postgres.connections import connect
    from adapters.postgres.log import Log

    with connect(on.url) as connection:
        yield Log(connection)


def published(on: Base, log: Log) -> Published:
    """The newest checkpoint, made now if events came since the last. Raises `HeadMismatch`."""
    from adapters.system import now

    return log.publish(on.signer, now())


def _described(on: Base, found: Published) -> dict[str, object]:
    from chain.checkpoint import Checkpoint

    opened_ = Checkpoint.parse(found.note.decode().split("\n\n")[0] + "\n")
    return {
        "origin": opened_.origin,
        "size": opened_.size,
        "root": opened_.root.hex(),
        "checkpoint": found.note.decode(),
        "vkey": str(on.signer.vkey),
    }


def _expect_ours(directory: Path, log: Log, newest: Published) -> None:
    """Refuse a folder that is neither empty nor an earlier state of this log."""
    from chain.checkpoint import Checkpoint
    from chain.tiles import root_from_tiles

    if not directory.exists():
        return
    if not directory.is_dir():
        raise Unusable(f"{directory}: expected a directory, got a file")
    earlier = directory / "checkpoint"
    if not earlier.exists():
        if any(path for path in directory.iterdir() if path.name not in ("tile", "vkey")):
            raise Unusable(f"{directory}: expected an empty directory or an earlier export, got other files")
        return
    there = Checkpoint.parse(earlier.read_text().split("\n\n")[0] + "\n")
    here = Checkpoint.parse(newest.note.decode().split("\n\n")[0] + "\n")
    if there.origin != here.origin:
        raise OtherLog(f"{earlier}: expected the log {here.origin!r}, got {there.origin!r}")
    if there.size > here.size:
        raise OtherLog(f"{earlier}: expected at most {here.size} events, got {there.size}: this ledger is older")
    if (root := root_from_tiles(log, there.size)) != there.root:
        raise OtherLog(f"{earlier}: expected root {root.hex()} at {there.size} events, got {there.root.hex()}")


def _write(path: Path, data: bytes) -> None:
    """Put a file there in one piece, unless it is there already."""
    if path.exists() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(data)
    fresh.replace(path)
