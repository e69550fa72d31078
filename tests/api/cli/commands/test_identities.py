"""People, keys, tenants and what needs two, on the command line: the way back for whoever owns the data directory."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from api.cli.failures import REFUSED, UNUSABLE
from api.identity.authentication import Principal
from api.identity.recorded import authentication
from api.language import Language, speaking
from api.permissions import ROLES
from api.roles.opening import opened
from domain.parties.subject import LookPurpose
from tests.api.cli.program import Program
from tests.ledger import composed_on

SHOP = UUID("01890000-0000-7000-8000-0000000000aa")


def let_in(program: Program, key: str) -> Principal | None:
    """Whom a key lets in, as a door asks."""

    async def ask() -> Principal | None:
        with composed_on(program.url, program.data) as on:
            async with opened(on) as ledger:
                return await authentication(ledger).find(key)

    return asyncio.run(ask())


def person(program: Program, *more: object) -> str:
    return str(program("user", "register", "E017", "--role", "operator", *more, "--json").then(0).json["id"])


def made(program: Program, user: str, *more: object) -> Any:
    return program("api-key", "make", user, "--role", "operator", "--label", "laptop", *more, "--json").then(0).json


def test_whoever_lost_the_last_key_makes_another(program: Program) -> None:
    key = made(program, person(program))["key"]
    found = let_in(program, key)
    assert found is not None
    assert (found.role, found.kind) == ("operator", "person")


def test_a_key_is_printed_alone_and_its_end_is_said_beside_it(program: Program) -> None:
    done = program("api-key", "make", person(program), "--role", "operator", "--label", "laptop").then(0)
    assert done.text.startswith("llk_")
    assert len(done.text.split()) == 1
    assert "Shown this once" in done.err


def test_a_key_is_not_narrowed_to_what_its_role_may_not_do(program: Program) -> None:
    """It could do nothing, and nobody would know why."""
    user = str(program("user", "register", "E018", "--role", "collector", "--json").then(0).json["id"])
    for scope in ("nope", "read_metrics"):
        done = program("api-key", "make", user, "--role", "collector", "--label", "a", "--scope", scope).then(REFUSED)
        assert f"scopes={scope}" in done.err
        assert "read_receipts" in done.err, "what the role has is named"
    program("api-key", "make", user, "--role", "collector", "--label", "a", "--scope", "collect").then(0)


@pytest.mark.parametrize("path", [("user", "register"), ("user", "grant"), ("api-key", "make")], ids=" ".join)
def test_help_names_every_role_that_may_do_something(program: Program, path: tuple[str, ...]) -> None:
    said = " ".join(program(*path, "--help").then(0).text.split())
    assert f"A role: {', '.join(role for role, may in ROLES.items() if may)}." in said


def test_a_list_in_chinese_is_set_with_the_mark_for_lists(program: Program) -> None:
    with speaking(Language.ZH):
        assert "operator、merchant_admin" in program("user", "register", "E017", "--role", "boss").then(UNUSABLE).err
        looked = program("subject", "show", f"subject_{'0' * 32}", "--purpose", "fun")
        assert "contact、identity_check" in looked.then(UNUSABLE).err


def test_help_names_what_a_person_is_looked_at_for(program: Program) -> None:
    said = " ".join(program("subject", "show", "--help").then(0).text.split())
    assert f"For: {', '.join(LookPurpose)}." in said


def test_a_rotation_and_a_revocation(program: Program) -> None:
    first = made(program, person(program))
    second = program("api-key", "rotate", first["id"], "--overlap-hours", 0, "--json").then(0).json
    assert second["id"] == first["id"]
    assert let_in(program, first["key"]) is None
    assert let_in(program, second["key"]) is not None
    program("api-key", "revoke", first["id"], "--reason", "leaked").then(0)
    assert let_in(program, second["key"]) is None
    refused = program("api-key", "rotate", first["id"]).then(1)
    assert refused.err.strip() == "leaseledger: The key is revoked"


def test_a_suspended_user_and_a_withdrawn_role(program: Program) -> None:
    user = person(program)
    key = made(program, user)["key"]
    program("user", "suspend", user, "--reason", "left").then(0)
    assert let_in(program, key) is None
    program("user", "reinstate", user).then(0)
    program("user", "grant", user, "auditor").then(0)
    assert let_in(program, key) is not None
    program("user", "withdraw", user, "operator").then(0)
    assert let_in(program, key) is None


def test_a_tenant_and_its_first_administrator(program: Program) -> None:
    program("tenant", "register", SHOP, "--label", "shop").then(0)
    given = ("user", "register", "E1", "--role", "merchant_admin", "--tenant", SHOP, "--json")
    user = program(*given).then(0).json["id"]
    key = program("api-key", "make", user, "--role", "merchant_admin", "--label", "office", "--tenant", SHOP, "--json")
    secret = key.then(0).json["key"]
    found = let_in(program, secret)
    assert found is not None
    assert (found.tenant, found.role) == (SHOP, "merchant_admin")
    program("tenant", "suspend", SHOP, "--reason", "unpaid").then(0)
    assert let_in(program, secret) is None
    program("tenant", "reinstate", SHOP).then(0)
    assert let_in(program, secret) is not None
    assert program("tenant", "register", SHOP, "--label", "shop").then(1).err.endswith("registered already\n")


def test_a_list_of_what_needs_two(program: Program) -> None:
    program("approval", "require", "lease.charge_off", "lease.waive_bill").then(0)
    program("approval", "require").then(0)
    refused = program("approval", "require", "lease.nothing").then(1)
    assert "There is no such command that can be proposed" in refused.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("user", "register", "zhang.wei", "--role", "collector"), 1, "A person's label is a staff number"),
        (("user", "register", "E1", "--role", "king"), 2, "role"),
        (("user", "register", "till 3", "--role", "collector", "--machine"), 2, "label: not of the form"),
        (("user", "suspend", "lease_" + "0" * 32, "--reason", "x"), 2, "expected user_ and 32 lower-case hex digits"),
        (("user", "suspend", "user_" + "0" * 32, "--reason", "x"), 1, "There is no such user"),
        (("api-key", "make", "user_" + "0" * 32, "--role", "auditor", "--label", "x"), 1, "Its user is not active"),
        (("api-key", "revoke", "api_key_" + "0" * 32, "--reason", "x"), 1, "There is no such key"),
    ],
)
def test_what_cannot_be_is_said(program: Program, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = program(*arguments).then(code)
    assert said in done.err
    assert "fault" not in done.err


@pytest.mark.network
def test_doctor_speaks_of_keys_that_end_soon(program: Program) -> None:
    user = person(program)
    soon, _ = made(program, user, "--days", 5), made(program, user, "--days", 50)
    program("project").then(0)
    notes = [one for one in program("doctor", "--json").json["notes"] if "api-key rotate" in one]
    assert len(notes) == 1
    assert notes[0].startswith(f"{soon['id']} (laptop, operator) works until ")


@pytest.mark.network
def test_doctor_says_when_no_key_works_any_more(program: Program) -> None:
    last = made(program, person(program))
    program("project").then(0)
    assert not [one for one in program("doctor", "--json").json["notes"] if "api-key make" in one]
    program("api-key", "revoke", last["id"], "--reason", "lost").then(0)
    program("project").then(0)
    assert [one for one in program("doctor", "--json").json["notes"] if "no API key works any more" in one]
