"""The real log of the BPI Challenge 2012, where it is at hand: its counts, and what the mapping makes of it."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.imports.bpi2012 import commands, stream_id
from adapters.imports.xes import Case, cases
from tests.adapters.imports.logs import Summary, describe
from tests.adapters.imports.test_bpi2012 import played
from tests.history.streams import imported, stored

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("LEASELEDGER_SHARED", ROOT.parent / "shared"))
LOG = SHARED / "data" / "bpic2012.xes.gz"

pytestmark = pytest.mark.skipif(
    not LOG.is_file(), reason="needs bpic2012.xes.gz (doi:10.4121/uuid:3926db30) in $LEASELEDGER_SHARED/data"
)


@pytest.fixture(scope="module")
def log() -> list[Case]:
    return list(cases(LOG))


def test_it_holds_what_its_publisher_says(log: list[Case]) -> None:
    assert len(log) == 13_087
    assert sum(len(case.events) for case in log) == 262_200
    activities = Counter(row.activity[:2] for case in log for row in case.events)
    assert activities == {"A_": 60_849, "O_": 31_244, "W_": 170_107}


def test_it_describes_itself() -> None:
    assert describe(LOG) == Summary(
        name="BPI Challenge 2012",
        cases=13_087,
        events=262_200,
        first=datetime(2011, 9, 30, 22, 38, 44, 546_000, tzinfo=UTC),
        last=datetime(2012, 3, 14, 15, 4, 54, 681_000, tzinfo=UTC),
    )


def test_every_row_is_a_command_of_its_own(log: list[Case]) -> None:
    ids = {one.command_id for case in log for one in commands(case)}
    # A_SUBMITTED is two commands.
    assert len(ids) == 262_200 + 13_087
    assert len({stream_id(case) for case in log}) == 13_087


def test_only_three_approvals_without_an_accepted_offer_are_refused(log: list[Case]) -> None:
    ends: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for case in log:
        phase, codes = played(case)
        ends[phase] += 1
        refused.update(codes)
    assert ends == {
        "declined": 7_635,
        "withdrawn": 2_807,
        "completed": 2_243,
        "referred": 330,
        "deciding": 69,
        "approved": 3,
    }
    assert refused == {"application.offer_not_accepted": 3, "application.not_contracting": 3}


@pytest.mark.slow
def test_every_stream_says_what_it_always_said() -> None:
    assert imported("bpic2012") == stored("bpic2012")
