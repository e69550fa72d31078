"""No answer of a provider and no decision by machine without the consent that carries it, through any door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adapters.gate.consents import decided_by_a_person
from adapters.gate.table import BIOMETRICS, THIRD_PARTIES
from api.compose import Base, running
from domain.intake.application import commands as a
from domain.intake.application.rules import APPLICATION, REVIEWERS
from domain.intake.application.state import ApplicationState
from domain.intake.application.values import Finding
from domain.kernel.command import Command
from projections.engine.runner import Runner
from projections.parties import consents as read_model
from tests.adapters.gate.business import DAY, MACHINE, OFFICER, House, priced, wish

ANSWERS = [
    *((kind, "third_parties") for kind in THIRD_PARTIES),
    *((kind, "biometrics") for kind in BIOMETRICS),
]


def answer(kind: type[Command], provider: str = "bureau") -> Command:
    """What a provider answered."""
    more: dict[str, Any] = {"reason": "differs"} if "reason" in kind.__struct_fields__ else {}
    return kind(**{"provider": provider, **more})


@pytest.mark.parametrize(("kind", "purpose"), ANSWERS, ids=[kind.__name__ for kind, _ in ANSWERS])
async def test_a_provider_is_named_in_a_consent(house: House, kind: type[Command], purpose: str) -> None:
    """个人信息保护法 23 and 29: a separate consent, and who gets the data is in it."""
    application = await house.verifying()
    code, facts = await house.no(APPLICATION, application, answer(kind), MACHINE)
    assert (code, facts) == ("consent.missing", {"purpose": purpose, "recipient": "bureau"})
    consent = await house.consents([purpose], ("bureau",))
    code, _ = await house.no(APPLICATION, application, answer(kind, "stranger"), MACHINE)
    assert code == "consent.recipient_not_named"
    await house.done(APPLICATION, application, answer(kind), by=MACHINE)
    await house.withdrawn(consent)
    house.today = DAY + timedelta(days=1)
    code, _ = await house.no(APPLICATION, application, answer(kind), MACHINE)
    assert code == "consent.withdrawn"


async def test_what_another_process_wrote_counts_at_once(house: House, composed: Base) -> None:
    """Grants and withdrawals elsewhere are seen, though neither cache nor read model here has heard of them."""
    application = await house.verifying()
    await house.no(APPLICATION, application, answer(a.RecordIdentityVerified), MACHINE)
    async with running(composed) as elsewhere:
        here, house.through = house.through, elsewhere.ledger
        consent = await house.consents(["third_parties"], ("bureau",))
        house.through = here
        await house.done(APPLICATION, application, answer(a.RecordIdentityVerified), by=MACHINE)
        house.through = elsewhere.ledger
        await house.withdrawn(consent)
        house.through = here
    code, _ = await house.no(APPLICATION, application, answer(a.RecordIdentityVerified), MACHINE)
    assert code == "consent.withdrawn"


@pytest.mark.parametrize("behind_max", [0, 1_000])
async def test_nothing_is_missed_however_far_the_read_model_is(
    house: House, connection: Any, monkeypatch: pytest.MonkeyPatch, behind_max: int
) -> None:
    """It is brought up to date where it is far behind, and read on from where it is near."""
    monkeypatch.setattr(read_model, "BEHIND_MAX", behind_max)
    runner = Runner(connection, [read_model.CONSENTS])
    runner.prepare()
    runner.catch_up()
    streams = []
    for purpose in ("third_parties", "biometrics", "whereabouts"):
        streams.append(await house.consents([purpose]))
        if purpose == "third_parties":
            runner.catch_up()
    application = await house.verifying()
    code, _ = await house.no(APPLICATION, application, answer(a.RecordLivenessPassed), MACHINE)
    assert code == "consent.recipient_not_named"
    assert read_model.streams_of(connection, house.tenant, house.person) == tuple(streams)


async def test_a_case_about_nobody_has_nobody_who_could_consent(house: House) -> None:
    house.person = None  # type: ignore[assignment]
    application = await house.verifying()
    assert await house.no(APPLICATION, application, answer(a.RecordLivenessPassed), MACHINE) == (
        "consent.missing",
        {"purpose": "biometrics"},
    )


# -------------------------------------------------------------------------------------------------------- decisions


async def test_a_machine_declines_nobody_without_consent(house: House) -> None:
    """个人信息保护法 24."""
    application, no = await house.verifying(), a.DeclineApplication(reasons=("score",))
    refused = ("consent.missing", {"purpose": "automated_decision"})
    assert await house.no(APPLICATION, application, no, MACHINE) == refused
    assert await house.no(APPLICATION, application, no, OFFICER) == refused, "nobody looked at the case"
    await house.consents(["automated_decision"])
    await house.done(APPLICATION, application, no, by=MACHINE)


async def test_a_person_who_was_asked_needs_no_consent(house: House) -> None:
    application = await house.referred()
    no = a.DeclineApplication(reasons=("income",))
    assert (await house.no(APPLICATION, application, no, MACHINE))[0] == "consent.missing"
    await house.done(APPLICATION, application, no)
    reviewed = await house.verifying()
    asked = (
        a.RequestHumanReview(),
        a.CompleteHumanReview(finding=Finding.CHANGED),
    )
    await house.done(APPLICATION, reviewed, *asked, no)


async def test_a_machine_approves_nobody_without_consent(house: House) -> None:
    application = await house.referred()
    yes = a.ApproveApplication(terms=priced(wish())[1])
    assert (await house.no(APPLICATION, application, yes, MACHINE))[0] == "consent.missing"
    await house.consents(["automated_decision"])
    await house.done(APPLICATION, application, yes, by=MACHINE)


@pytest.mark.parametrize("role", [*sorted(REVIEWERS), "operator", "system", "lessee", ""])
def test_who_counts_as_a_person(role: str) -> None:
    looked_at = ApplicationState(finding=Finding.CONFIRMED)
    assert decided_by_a_person(looked_at, role) is (role in REVIEWERS)
    assert decided_by_a_person(ApplicationState(referred=True), role) is (role in REVIEWERS)
    assert not decided_by_a_person(ApplicationState(), role)
