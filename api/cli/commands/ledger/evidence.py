"""`checkpoint`, `proof`, `consistency`, `vkey`, `tiles export`: what others need to check the ledger without us."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.failures import Failure, Unusable
from api.cli.frame import Session, as_json, command, group
from api.cli.given_files import CHECKPOINT_MAX_BYTES, content, expect_regular
from api.cli.wording.words import number, size
from api.language import text

if TYPE_CHECKING:
    from adapters.postgres.log import Log, Published
    from api.compose import Base
    from chain.checkpoint import Checkpoint

tiles = group("The log as files (C2SP tlog-tiles).")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    command(app, "checkpoint")(checkpoint)
    command(app, "proof")(proof)
    command(app, "consistency")(consistency)
    command(app, "vkey")(vkey)
    command(tiles, "export")(export)
    app.add_typer(tiles, name="tiles")


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
    """Print the newest signed checkpoint.

    A C2SP signed note. If events came since the newest one, a new one is published first.
    """
    with session.base() as on, opened(on) as log:
        newest = published(on, log)
        found = newest if at is None else log.covering(at)
        if found is None:
            raise Unusable(lambda: text("--at: expected a size up to {size}, got {at}", size=newest.size, at=at))
        described = _described(log, found)
    session.write(as_json(described) if session.json else found.note)


def proof(session: Session, position: Annotated[int, typer.Argument(metavar="POSITION", show_default=False)]) -> None:
    """Print the proof that an event is in the ledger.

    A C2SP tlog-proof of the event at POSITION, from 1, under the newest checkpoint.
    """
    with session.base() as on, opened(on) as log:
        newest = log.newest()
        if newest is None or newest.size < position:
            newest = published(on, log)
        data = log.proof(position)
        described = {"position": position, "proof": data.decode(), **_described(log, newest)}
    session.write(as_json(described) if session.json else data)


def consistency(
    session: Session,
    old: Annotated[Path, typer.Argument(metavar="OLD", show_default=False)],
    new: Annotated[Path, typer.Argument(metavar="NEW", show_default=False)],
) -> None:
    """Print the proof that the log only grew.

    From the checkpoint in the file OLD to that in NEW: one Base64 hash a line, as `verify consistency` takes them.
    """
    from chain.b64 import b64encode

    with session.base() as on, opened(on) as log:
        older, newer = (opened_checkpoint(on, path) for path in (old, new))
        hashes = [b64encode(one).decode() for one in log.consistency_of(older, newer)]
    described = {"origin": newer.origin, "old": older.size, "new": newer.size, "hashes": hashes}
    session.write(as_json(described) if session.json else "".join(f"{one}\n" for one in hashes).encode())


def opened_checkpoint(on: Base, path: Path) -> Checkpoint:
    """The checkpoint in a file, which one of this log's keys signed. Raises `chain.errors.ChainError` or `OSError`."""
    from chain.checkpoint import open_checkpoint
    from chain.note import Ed25519Signer, Ed25519Verifier

    vkeys = [Ed25519Signer(on.settings.origin, seed).vkey for seed in on.keys.log_seeds()]
    return open_checkpoint(
        content(path, CHECKPOINT_MAX_BYTES), [Ed25519Verifier(vkey) for vkey in vkeys], on.settings.origin
    )


def vkey(session: Session) -> None:
    """Print the log's verifier key.

    Hand it to people who check by another way than the evidence itself.
    """
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
    """Write the log as files into DIR.

    Checkpoint, tiles, entry bundles and verifier key, for any static file server. Each file is written in one piece,
    the checkpoint last: a reader at any moment sees a whole log.
    """
    with session.base() as on, opened(on) as log:
        newest = published(on, log)
        _expect_ours(directory, log, newest)
        files = size_bytes = 0
        with session.progress(text("Exporting"), text("files")) as report:
            for path, data in log.files(newest):
                _write(directory / path, data)
                files, size_bytes = files + 1, size_bytes + len(data)
                report(files, 0)
    done = {"directory": str(directory), "size": newest.size, "files": files, "bytes": size_bytes}
    counts = {"events": number(newest.size), "files": number(files), "bytes": size(size_bytes)}
    words = text("{events} events in {files} files, {bytes}, in {directory}", directory=directory, **counts)
    session.emit(done, lambda out: out.print(words, soft_wrap=True))


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


def publish(on: Base) -> Published:
    """Sign a checkpoint of everything committed. Raises `HeadMismatch`."""
    with opened(on) as log:
        return published(on, log)


def claims(published: Published) -> Checkpoint:
    """What a checkpoint that we have just made, or read from our own table, says; the signature is not looked at."""
    from chain.checkpoint import Checkpoint

    return Checkpoint.parse(published.note.decode().split("\n\n")[0] + "\n")


def _described(log: Log, found: Published) -> dict[str, object]:
    said = claims(found)
    return {
        "origin": said.origin,
        "size": said.size,
        "root": said.root.hex(),
        "checkpoint": found.note.decode(),
        "vkeys": [str(vkey) for vkey in log.vkeys_at(found.size)],
    }


def _expect_ours(directory: Path, log: Log, newest: Published) -> None:
    """Refuse a folder that is neither empty nor an earlier state of this log."""
    if not directory.exists():
        return
    if not directory.is_dir():
        raise Unusable(lambda: text("{path}: expected a directory, got a file", path=directory))
    earlier = directory / "checkpoint"
    if earlier.exists():
        _expect_earlier(earlier, log, newest)
    elif any(path.name not in ("tile", "vkey") for path in directory.iterdir()):
        # An export that was interrupted has tiles and no checkpoint.
        raise Unusable(
            lambda: text("{path}: expected an empty directory or an earlier export, got other files", path=directory)
        )


def _expect_earlier(earlier: Path, log: Log, newest: Published) -> None:
    """Refuse a checkpoint of another log, of a later state, or of another past."""
    from chain.checkpoint import Checkpoint
    from chain.tiles import root_from_tiles

    there = Checkpoint.parse(content(earlier, CHECKPOINT_MAX_BYTES).decode().split("\n\n")[0] + "\n")
    here = claims(newest)
    if there.origin != here.origin:
        names = {"expected": repr(here.origin), "got": repr(there.origin)}
        raise OtherLog(lambda: text("{path}: expected the log {expected}, got {got}", path=earlier, **names))
    if there.size > here.size:
        sizes = {"expected": here.size, "got": there.size}
        raise OtherLog(
            lambda: text(
                "{path}: expected at most {expected} events, got {got}: this ledger is older", path=earlier, **sizes
            )
        )
    if (root := root_from_tiles(log, there.size)) != there.root:
        roots = {"expected": root.hex(), "size": there.size, "got": there.root.hex()}
        raise OtherLog(
            lambda: text("{path}: expected root {expected} at {size} events, got {got}", path=earlier, **roots)
        )


def _write(path: Path, data: bytes) -> None:
    """Put a file there in one piece, unless it is there already."""
    expect_regular(path)
    if path.exists() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_bytes(data)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
