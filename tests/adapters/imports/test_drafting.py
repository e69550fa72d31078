"""Deciding and drafting whole cases, and the frames between two processes."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from adapters.imports.bpi2012 import commands, stream_id
from adapters.imports.drafting import (
    LENGTH_BYTES,
    DraftedCase,
    Job,
    decide_case,
    decode_done,
    draft_events,
    draft_job,
    job_frame,
    serve,
)
from adapters.imports.xes import Case
from chain.entry import UNLINKED, DecidedEvent, seal
from domain.intake.application.commands import DraftApplication
from domain.intake.application.rules import APPLICATION
from domain.kernel.command import Actor, Context
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date
from domain.kernel.values import AssetClass
from tests.adapters.imports.generated import generate

SOURCE = "test"
TENANT = UUID("00000000-0000-7000-8000-00000000000a")
SUBJECT = UUID("00000000-0000-7000-8000-00000000000b")
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def job(count: int) -> Job:
    return Job(SOURCE, TENANT, [(stream_id(case, SOURCE), case) for case in generate(count, 7)])


def unusable(case: Case) -> Case:
    """The same case with a row that no bank ever wrote."""
    return msgspec.structs.replace(case, events=(msgspec.structs.replace(case.events[0], activity="A_SUNG"),))


def test_a_drafted_case_is_what_deciding_and_drafting_give() -> None:
    some = job(5)
    for (stream, case), done in zip(some.cases, draft_job(some), strict=True):
        decided = decide_case(commands(case, SOURCE), TENANT, stream)
        assert done == DraftedCase(draft_events(stream, decided.events) or (), decided.refusals, decided.commands)
        assert done is not None
        assert done.commands >= len(done.drafts) > 0


def test_a_case_that_cannot_be_drafted_is_given_back_alone() -> None:
    some = job(3)
    stream, case = some.cases[1]
    some.cases[1] = (stream, unusable(case))
    assert [done is None for done in draft_job(some)] == [False, True, False]


def test_personal_values_are_given_back() -> None:
    """They belong to the vault, whose keys the second process does not have."""
    context = Context(
        tenant=TENANT,
        actor=Actor("operator", "k"),
        correlation=SUBJECT,
        now=NOW,
        business_date=business_date(NOW),
    )
    for name, expected in (("张三", None), (None, 1)):
        personal = {} if name is None else {"subject": SUBJECT, "name": name}
        command = msgspec.convert(
            {
                "reference": "R-1",
                "asset_class": AssetClass.PHONE,
                "product": "p",
                "channel": "shop",
                "amount_fen": 1,
                "currency": "CNY",
                **personal,
            },
            DraftApplication,
        )
        decision = APPLICATION.decide(command, APPLICATION.initial, context)
        assert not isinstance(decision, Refusal)
        drafts = draft_events(SUBJECT, [DecidedEvent(event, context, SUBJECT, SUBJECT) for event in decision])
        assert (drafts if drafts is None else len(drafts)) == expected


def test_frames_carry_jobs_and_answers_unchanged() -> None:
    first, second = job(4), job(2)
    out = io.BytesIO()
    serve(io.BytesIO(job_frame(first) + job_frame(second)), out)
    out.seek(0)
    for sent in (first, second):
        body = out.read(int.from_bytes(out.read(LENGTH_BYTES)))
        got, expected = decode_done(body), draft_job(sent)
        assert got == expected
        assert got[0] is not None
        assert expected[0] is not None
        ready = (UNLINKED, UNLINKED, "2026-11-21T08:00:00.000000Z")
        assert seal(got[0].drafts[0], *ready) == seal(expected[0].drafts[0], *ready)
    assert out.read() == b""


@pytest.mark.parametrize("cut", [1, 3, 40])
def test_a_job_that_stops_in_the_middle_gets_no_answer(cut: int) -> None:
    """The importing process died while it wrote: nobody is left to tell."""
    out = io.BytesIO()
    frame = job_frame(job(1))
    if cut < LENGTH_BYTES:
        serve(io.BytesIO(frame[:cut]), out)
    else:
        with pytest.raises(msgspec.DecodeError):
            serve(io.BytesIO(frame[:cut]), out)
    assert out.getvalue() == b""
