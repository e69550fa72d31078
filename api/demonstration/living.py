"""A demonstration's ledger: opened as one, lived in by two tenants, read back as a summary.

empty ledger ─▶ ledger.opened_for_demonstration ─▶ rental ─▶ auto ─▶ transcripts in DATA/transcripts
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from uuid import UUID, uuid5

from adapters.files import private_file, write_private
from adapters.postgres.ledger import Request
from adapters.postgres.reading.opening import ledger_state
from adapters.postgres.writing.sequencer import NotFirst
from api.compose import Running
from api.demonstration import auto, rental, scene
from api.language import text
from api.roles.opening import KEY
from domain.access.ledger import LEDGER, OpenLedgerForDemonstration, ledger_stream
from domain.kernel.command import Actor, Context
from domain.kernel.refusal import Refusal
from domain.kernel.times import BEIJING

SCENARIO = "two_leases.1"
TRANSCRIPTS = "transcripts"
LOCK = "demonstration.lock"
_OPERATOR = Actor("system", "demonstration")


class NotForDemonstration(Exception):
    """A ledger that holds events and was not opened for a demonstration."""


class LivedNow(Exception):
    """A demonstration that another program is living right now."""


class BrokenOff(Exception):
    """A demonstration that was interrupted; it cannot go on where it stopped."""


@dataclass(frozen=True)
class Part:
    """One life: its name, the tenant it happens to, the first business date."""

    name: str
    tenant: UUID
    first: date
    life: scene.Life


def parts(owner: UUID) -> tuple[Part, ...]:
    """The lives of the demonstration: a phone shop, which runs the log, and a car lessor."""
    return (
        Part("rental", owner, rental.FIRST, rental.tell),
        Part("auto", uuid5(owner, "auto"), auto.FIRST, auto.tell),
    )


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """The right to live the demonstration of a data directory. Raises `LivedNow` while another program has it.

    The kernel takes the lock back however its holder ends.
    """
    lock = os.open(private_file(data / LOCK), os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        sentence = text("{path}: another program is living this demonstration right now; wait for it to end", path=data)
        raise LivedNow(sentence) from None
    finally:
        os.close(lock)


async def lived_already(program: Running) -> bool:
    """Whether the ledger holds a whole demonstration. Raises `NotForDemonstration` for a ledger that holds something
    else, and `BrokenOff` for a demonstration that never came to its end.
    """
    settings = program.settings
    size = await program.reader.size()
    if size == 0:
        return False
    if not (await program.queries.run(ledger_state)).demonstration:
        raise NotForDemonstration(
            f"{settings.data}: expected an empty directory or a demonstration's ledger, got a ledger with "
            f"{size:,} events of its own"
        )
    missing = [one.name for one in parts(settings.tenant) if not transcript(settings.data, one).exists()]
    if missing:
        raise BrokenOff(
            f"{settings.data}: expected a whole demonstration, got one that broke off before the end of "
            f"{missing[0]}; remove the directory and start again"
        )
    return True


async def live(program: Running) -> None:
    """Live every part through on an empty ledger; the transcripts go to DATA/transcripts."""
    settings = program.settings
    await open_ledger(program)
    for part in parts(settings.tenant):
        told = await scene.live(program, part.tenant, part.first, part.life, settings.data / "signing" / part.name)
        write_private(transcript(settings.data, part), told.encode())


def transcript(data: Path, part: Part) -> Path:
    """Where the transcript of a part is kept."""
    return data / TRANSCRIPTS / f"{part.name}.txt"


async def open_ledger(program: Running) -> None:
    """Say in the first event that the ledger is for a demonstration. Raises `NotForDemonstration`."""
    settings = program.settings
    first = parts(settings.tenant)[0].first
    at = datetime.combine(first, time(), BEIJING).astimezone(UTC)
    stream, key = ledger_stream(settings.origin), KEY
    context = Context(
        tenant=settings.tenant,
        actor=_OPERATOR,
        correlation=stream,
        now=at,
        business_date=first,
    )
    command = OpenLedgerForDemonstration(origin=settings.origin, scenario=SCENARIO)
    request = Request(stream=stream, key=key, command=command, context=context, first=True)
    try:
        outcome = await program.ledger.execute(LEDGER, request)
    except NotFirst as error:
        raise NotForDemonstration(f"{settings.data}: {error}") from None
    if isinstance(outcome, Refusal):
        raise NotForDemonstration(outcome.sentence())
