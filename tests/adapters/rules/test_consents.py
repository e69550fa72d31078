"""Consents against the ledger: what another process wrote, and what no read model has heard of."""

from __future__ import annotations

from typing import Any

import pytest

from api.compose import Base, running
from domain.intake.application import commands as a
from domain.intake.application.rules import APPLICATION
from projections.engine import pages
from projections.engine.runner import Runner
from projections.parties import consents as read_model
from tests.adapters.lessor import MACHINE, Lessor

VERIFIED = a.RecordIdentityVerified(provider="bureau")


async def test_what_another_process_wrote_counts_at_once(lessor: Lessor, composed: Base) -> None:
    """Grants and withdrawals elsewhere are seen, though neither cache nor read model here has heard of them."""
    application = await lessor.verifying()
    (await lessor.when(APPLICATION, application, VERIFIED, MACHINE)).then_refused(
        "consent.missing", purpose="third_parties", recipient="bureau"
    )
    async with running(composed) as elsewhere:
        here, lessor.through = lessor.through, elsewhere.ledger
        consent = await lessor.consents(["third_parties"], ("bureau",))
        lessor.through = here
        await lessor.given(APPLICATION, application, VERIFIED, by=MACHINE)
        lessor.through = elsewhere.ledger
        await lessor.withdrawn(consent)
        lessor.through = here
    (await lessor.when(APPLICATION, application, VERIFIED, MACHINE)).then_refused("consent.withdrawn")


@pytest.mark.parametrize("behind_max", [0, 1_000])
async def test_nothing_is_missed_however_far_the_read_model_is(
    lessor: Lessor, connection: Any, monkeypatch: pytest.MonkeyPatch, behind_max: int
) -> None:
    """It is brought up to date where it is far behind, and read on from where it is near."""
    monkeypatch.setattr(pages, "BEHIND_MAX", behind_max)
    runner = Runner(connection, [read_model.CONSENTS])
    runner.prepare()
    runner.catch_up()
    streams = []
    for purpose in ("third_parties", "biometrics", "whereabouts"):
        streams.append(await lessor.consents([purpose]))
        if purpose == "third_parties":
            runner.catch_up()
    application = await lessor.verifying()
    passed = a.RecordLivenessPassed(provider="bureau")
    (await lessor.when(APPLICATION, application, passed, MACHINE)).then_refused("consent.recipient_not_named")
    assert read_model.BY_PERSON.streams(connection, lessor.tenant, lessor.person, 0)[0] == tuple(streams)
