"""`subject show`: what the vault holds of a person, told with an event before."""

from __future__ import annotations

import asyncio
from uuid import UUID

from adapters.postgres.connections import connect
from adapters.system import new_id
from api.cli.failures import REFUSED, UNUSABLE
from api.compose import running
from chain.entry import parse
from domain.intake.application.rules import APPLICATION
from domain.kernel.refusal import Refusal
from domain.parties.subject import SubjectLookedAt, subject_stream
from tests.adapters.postgres import story
from tests.api.cli.program import Program
from tests.ledger import ORIGIN, composed_on


async def known(program: Program) -> tuple[UUID, UUID]:
    """A tenant, and a person whose name and phone stand in its vault."""
    subject = new_id()
    with composed_on(program.url, program.data, origin=ORIGIN) as on:
        async with running(on) as ledger:
            wanted = story.request(new_id(), story.draft_about(subject))
            assert not isinstance(await ledger.ledger.execute(APPLICATION, wanted), Refusal)
    return story.TENANT, subject


def looks(program: Program, tenant: UUID, subject: UUID) -> list[tuple[str, str]]:
    stream = subject_stream(tenant, subject)
    with connect(program.url) as connection:
        rows = connection.execute(
            "SELECT entry FROM ledger.events WHERE stream = %s ORDER BY seq", (stream,)
        ).fetchall()
    found = []
    for (entry,) in rows:
        event = parse(entry).event()
        assert isinstance(event, SubjectLookedAt)
        found.append((event.purpose.value, parse(entry).actor.id))
    return found


def test_values_are_shown_and_the_look_is_an_event(program: Program) -> None:
    tenant, subject = asyncio.run(known(program))
    asked = ("subject", "show", f"subject_{subject.hex}", "--tenant", tenant, "--purpose", "court")
    told = program(*asked, "--field", "application.phone", "--json").then(0).json
    assert [(one["field"], one["value"]) for one in told["values"]] == [("application.phone", story.PHONE)]
    shown = program(*asked).then(0).text
    assert story.NAME in shown
    assert shown.splitlines()[0].split() == ["field", "position", "value"]
    assert looks(program, tenant, subject) == [("court", "command-line")] * 2
    assert program("fsck", "--json").then(0).json["ok"] is True


def test_of_nobody_nothing_is_shown_or_recorded(program: Program) -> None:
    tenant, subject = asyncio.run(known(program))
    elsewhere = program("subject", "show", subject, "--purpose", "court").then(REFUSED)
    assert "Nothing of this kind is kept of this person" in elsewhere.err
    odd = program("subject", "show", subject, "--tenant", tenant, "--purpose", "curiosity").then(UNUSABLE)
    assert "--purpose: expected one of contact, identity_check" in odd.err
    assert looks(program, tenant, subject) == []


def test_of_an_erased_person_the_look_is_recorded_and_nothing_shown(program: Program) -> None:
    tenant, subject = asyncio.run(known(program))
    program("subject", "destroy-key", subject, "--tenant", tenant, "--yes").then(0)
    said = program("subject", "show", subject, "--tenant", tenant, "--purpose", "contact").then(REFUSED)
    assert said.err.endswith(": the data was erased, nothing can be shown; your look is recorded\n")
    assert story.NAME not in said.err + said.text
    assert len(looks(program, tenant, subject)) == 1


def test_a_look_says_which_case_it_was_needed_for(program: Program) -> None:
    tenant, subject = asyncio.run(known(program))
    asked = ("subject", "show", subject, "--tenant", tenant, "--purpose", "court", "--about")
    case = new_id()
    program(*asked, f"case_{case.hex}").then(0)
    stream = subject_stream(tenant, subject)
    with connect(program.url) as connection:
        (entry,) = connection.execute("SELECT entry FROM ledger.events WHERE stream = %s", (stream,)).fetchone() or ()
    event = parse(entry).event()
    assert isinstance(event, SubjectLookedAt)
    assert event.about == case
    program(*asked, f"lease_{case.hex}").then(UNUSABLE)
    assert len(looks(program, tenant, subject)) == 1
