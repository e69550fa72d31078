"""Deciding and drafting whole cases: pure work, done in this process or in a second one beside it.

    the importing process ──Job(cases)──▶ stdin │ decide, evolve, draft │ stdout ──Drafted cases──▶ sequence, write

`python -m adapters.imports.drafting` answers each job in turn until its input ends, as it does when the importing
process ends, however it ends. A frame is its length in four bytes (big-endian) and MessagePack.
"""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Iterable
from typing import BinaryIO
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.imports.bpi2012 import ImportedCommand, commands, event_id
from adapters.imports.errors import LogError
from adapters.imports.xes import Case
from chain.entry import DecidedEvent, Draft, EntryError, draft
from domain.intake.application.rules import APPLICATION
from domain.kernel.command import Context
from domain.kernel.event import personal_fields, without_personal
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date

LENGTH_BYTES = 4


class Decided(Struct, frozen=True):
    """A case after its commands were decided: its events in order, and how often each rule said no."""

    events: tuple[DecidedEvent, ...]
    refusals: dict[str, int]
    commands: int


class DraftedCase(Struct, frozen=True):
    """The same with drafts in place of the events: all that appending needs."""

    drafts: tuple[Draft, ...]
    refusals: dict[str, int]
    commands: int


class Job(Struct, frozen=True):
    """Cases of one source for one tenant, each with its stream."""

    source: str
    tenant: UUID
    cases: list[tuple[UUID, Case]]


def decide_case(imported: Iterable[ImportedCommand], tenant: UUID, stream: UUID) -> Decided:
    """Put a case's commands through the aggregate, one after the other, from its empty state."""
    state, events, refusals, count = APPLICATION.initial, [], Counter[str](), 0
    for command in imported:
        count += 1
        context = Context(
            tenant=tenant,
            actor=command.actor,
            correlation=stream,
            now=command.at,
            business_date=business_date(command.at),
        )
        decision = APPLICATION.decide(command.command, state, context)
        if isinstance(decision, Refusal):
            refusals[decision.code] += 1
            continue
        for nth, event in enumerate(decision):
            state = APPLICATION.evolve(state, event)
            events.append(DecidedEvent(event, context, command.command_id, event_id(command, nth)))
    return Decided(tuple(events), refusals, count)


def draft_events(stream: UUID, events: Iterable[DecidedEvent]) -> tuple[Draft, ...] | None:
    """The drafts of events without personal values; `None` when there are some, which only the vault may see.

    Raises as `chain.entry.draft`.
    """
    drafts = []
    for one in events:
        if personal_fields(type(one.event)) and without_personal(one.event) != one.event:
            return None
        drafts.append(draft(one.event, one.context, stream=stream, eid=one.eid, cause=one.cause))
    return tuple(drafts)


def draft_job(job: Job) -> list[DraftedCase | None]:
    """Every case of a job; `None` for those that the importing process has to do, and to fail at, itself."""
    return [_draft_case(case, stream, job) for stream, case in job.cases]


def _draft_case(case: Case, stream: UUID, job: Job) -> DraftedCase | None:
    try:
        decided = decide_case(commands(case, job.source), job.tenant, stream)
        drafts = draft_events(stream, decided.events)
    except (LogError, EntryError, msgspec.MsgspecError):
        return None
    return None if drafts is None else DraftedCase(drafts, decided.refusals, decided.commands)


# ---------------------------------------------------------------------------------------- the second process

_ENCODER = msgspec.msgpack.Encoder(uuid_format="bytes")
_JOBS = msgspec.msgpack.Decoder(Job)
_DONE = msgspec.msgpack.Decoder(list[DraftedCase | None])


def job_frame(job: Job) -> bytes:
    """A job as it goes to the second process."""
    return _framed(_ENCODER.encode(job))


def decode_done(body: bytes) -> list[DraftedCase | None]:
    """The answer to a job, without its length. Raises `msgspec.MsgspecError` for anything else."""
    return _DONE.decode(body)


def serve(jobs: BinaryIO, done: BinaryIO) -> None:
    """Answer jobs until the input ends."""
    while len(length := jobs.read(LENGTH_BYTES)) == LENGTH_BYTES:
        body = jobs.read(int.from_bytes(length))
        done.write(_framed(_ENCODER.encode(draft_job(_JOBS.decode(body)))))
        done.flush()


def _framed(body: bytes) -> bytes:
    return len(body).to_bytes(LENGTH_BYTES) + body


def _main() -> None:
    # Ctrl-C reaches both processes; the importing one decides what it means, and this one ends with its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        # Nobody waits for the answer any more; nothing is left to flush.
        sys.stdout = None


if __name__ == "__main__":
    _main()
