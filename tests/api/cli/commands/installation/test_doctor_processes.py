"""`doctor` on what should have followed and did not, and on days that nobody closes."""

from __future__ import annotations

from uuid import UUID

import pytest

from adapters.processes import parking
from api.cli.failures import REFUSED
from tests.api.cli.commands.installation.test_doctor import forgiving, problems
from tests.api.cli.program import Program

__all__ = ["forgiving"]
pytestmark = pytest.mark.network
LEASE = UUID(int=7)
MONEY = "payment:1:posted"


def park(program: Program, code: str) -> None:
    """Park money of a lease for a reason."""
    program.filled(1)
    program.behind_the_back(parking.DDL)
    program.behind_the_back(
        "INSERT INTO read.parked (shard, process, position, key, tenant, stream, code, facts, tries)"
        f" VALUES (0, 'payments', 1, '{MONEY}', '{LEASE}', '{LEASE}', '{code}', '{{}}', 1)"
    )


def test_money_that_waits_for_its_day_is_a_note(program: Program) -> None:
    park(program, "process.not_yet")
    done = program("doctor", "--json").then(0)
    assert f"payments: 1 wait for their business date, such as {MONEY}" in done.json["notes"]


@pytest.mark.parametrize(
    ("code", "do"), [("lease.payment_known", "by hand under a new id"), ("lease.unknown", "the next `end-of-day`")]
)
def test_money_that_a_lease_refused_is_named_with_its_lease(program: Program, code: str, do: str) -> None:
    """What is advised is what works: money of a payment is never posted by hand under the payment's own id."""
    park(program, code)
    done = program("doctor", "--json").then(REFUSED)
    assert problems(done) == [f"payments: what should have followed did not, 1 times, such as {MONEY}: {code}"]
    advice = done.json["problems"][0]["do"]
    assert advice.startswith(f"lease_{LEASE.hex} ")
    assert do in advice
