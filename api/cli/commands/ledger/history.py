"""`replay`, `entry` and `fsck`: what the ledger holds, and whether all of it agrees."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from api.cli.commands.ledger.checking import POSITION_MAX, check, show
from api.cli.failures import REFUSED, Unusable
from api.cli.frame import Session, command
from api.language import text

if TYPE_CHECKING:
    from adapters.postgres.reading.reader import Reader, Stored
    from api.compose import Base

PAGE_ROWS = 5_000
_ID = re.compile(r"(?:[a-z][a-z_]*_)?([0-9a-f]{32})")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    command(app, "replay")(replay)
    command(app, "entry")(entry)
    command(app, "fsck")(fsck)


def replay(
    session: Session,
    stream: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this stream (id or UUID).", show_default=False)
    ] = None,
    first: Annotated[int, typer.Option("--from", metavar="P", min=1, help="First position.")] = 1,
    last: Annotated[
        int | None, typer.Option("--to", metavar="P", min=1, help="Last position.", show_default=False)
    ] = None,
) -> None:
    """Print events in ledger order.

    One JSON object a line with position, leaf hash and the entry as it is stored; a table on a terminal.
    """
    import asyncio

    wanted = stream_id(stream) if stream else None
    with session.base() as on:
        asyncio.run(_replay(session, on, wanted, first, POSITION_MAX if last is None else last))


def entry(
    session: Session, position: Annotated[int, typer.Argument(metavar="POSITION", min=1, show_default=False)]
) -> None:
    """Print the exact bytes of one entry.

    They are what was hashed, without a newline.
    """
    import asyncio

    with session.base() as on:
        asyncio.run(_entry(session, on, position))


def stream_id(given: str) -> UUID:
    """The stream in `application_<hex>` or a UUID in any of its forms. Raises `Unusable`."""
    match = _ID.fullmatch(given.lower())
    try:
        return UUID(match[1] if match else given)
    except ValueError:
        got = repr(given[:64])
        raise Unusable(
            lambda: text("--stream: expected application_<32 hex digits> or a UUID, got {got}", got=got)
        ) from None


async def _replay(session: Session, on: Base, stream: UUID | None, first: int, last: int) -> None:
    from api.queries.engine.read import PositionAhead

    pretty = session.out.is_terminal and not session.json
    async with _Reading(on) as reader:
        if first > 1 and first > (size := await reader.size()):
            raise PositionAhead(first, size)
        async for stored in _events(reader, stream, first, last):
            if pretty:
                session.out.print(_line(stored), soft_wrap=True)
            else:
                sys.stdout.write(_json(stored))


async def _events(reader: Reader, stream: UUID | None, first: int, last: int) -> AsyncIterator[Stored]:
    """The wanted events, as the ledger holds them. Raises `LedgerBroken` where one is missing."""
    from adapters.postgres.reading.reader import StreamBroken, following

    if stream is not None:
        for number, stored in enumerate(await reader.stream(stream, up_to_position=last), start=1):
            if (got := stored.parsed().seq) != number:
                what = f"position {stored.position}: expected number {number} of stream {stream}"
                raise StreamBroken(f"{what}, got {got}")
            if stored.position >= first:
                yield stored
        return
    at, size = first - 1, await reader.size()
    while at < last and (page := await reader.after(at, min(PAGE_ROWS, last - at))):
        for stored in page:
            yield stored
        at = page[-1].position
    following(at, [], min(last, size))


def _json(stored: Stored) -> str:
    """Position, leaf hash, and the entry exactly as it is stored."""
    from adapters.postgres.reading.reader import LedgerBroken

    try:
        entry = stored.entry.decode()
    except UnicodeDecodeError as error:
        raise LedgerBroken(f"position {stored.position}: expected an entry in UTF-8, got {error.reason}") from error
    return f'{{"position":{stored.position},"leaf":"{stored.leaf.hex()}","entry":{entry}}}\n'


def _line(stored: Stored) -> str:
    parsed = stored.parsed()
    what = f"{parsed.type:<40} {bytes(parsed.body).decode()}"
    return f"{stored.position:>9}  {parsed.occurred_at[:23]}Z  {parsed.stream.hex[-12:]} #{parsed.seq:<4} {what}"


async def _entry(session: Session, on: Base, position: int) -> None:
    async with _Reading(on) as reader:
        found = [stored async for stored in _events(reader, None, position, position)]
    if not found or found[0].position != position:
        raise Unusable(lambda: text("position: expected one the ledger holds, got {position}", position=position))
    session.write(found[0].entry)


class _Reading:
    """A reader on two connections."""

    def __init__(self, on: Base) -> None:
        from adapters.postgres.connections import pool_of

        # Two connections are enough for one question after the other.
        self._pool = pool_of(on.url, least=1, most=2, role="leaseledger_reader")

    async def __aenter__(self) -> Reader:
        from adapters.postgres.reading.reader import Reader

        await self._pool.open()
        return Reader(self._pool)

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()


def fsck(
    session: Session,
    since: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A checkpoint kept elsewhere: the ledger must contain it.", show_default=False
        ),
    ] = None,
) -> None:
    """Recompute everything and compare.

    Hashes, chains, tree, checkpoints, head row, vault and read models are made again from the stored entries. Exit
    status 1 when something differs; the first difference is named with its position.
    """
    with session.base(judged=False) as on:
        report = check(session, on, since)
    session.emit(report.as_data(), lambda out: show(out, report))
    if not report.ok:
        raise typer.Exit(REFUSED)
