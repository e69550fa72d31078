"""Keys of another ledger, and a ledger that lost what was signed, are refused before anything is made with them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.keys import FileKeys
from adapters.postgres.connections import connect
from adapters.postgres.log import Log
from api.cli.commands.installation import health
from api.cli.failures import REFUSED, UNUSABLE
from chain.checkpoint import Checkpoint
from chain.merkle import leaf_hash
from chain.note import Ed25519Signer
from tests.api.cli.program import Outcome, Program
from tests.ledger import ORIGIN

FOREIGN = bytes(range(32))
FOREIGN_VKEY = str(Ed25519Signer(ORIGIN, FOREIGN).vkey)
pytestmark = pytest.mark.network


@pytest.fixture(autouse=True)
def forgiving(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only tests have: a server that does not force writes to the disk, and a variable of theirs."""
    monkeypatch.setattr(health, "DURABLE", ())
    monkeypatch.delenv("LEASELEDGER_SHARED", raising=False)


def seed(program: Program, number: int) -> Path:
    return program.data / "keys" / f"log-{number:04d}.seed"


def put(path: Path, key: bytes = FOREIGN) -> None:
    path.unlink(missing_ok=True)
    path.write_text(key.hex() + "\n")
    path.chmod(0o600)


def keys_in_the_ledger(program: Program) -> list[str]:
    with connect(program.url) as connection:
        return [str(vkey) for _, vkey in Log(connection).vkeys()]


def checkpoints(program: Program) -> list[int]:
    with connect(program.url) as connection:
        return [size for (size,) in connection.execute("SELECT size FROM ledger.checkpoints ORDER BY size")]


def more(program: Program, cases: int) -> Outcome:
    """Events that nobody has signed yet."""
    return program("import", "xes", program.log(cases, f"{cases}.xes"))


def signed_by_the_next_key(program: Program, cases: int) -> None:
    program("keys", "rotate").then(0)
    more(program, cases).then(0)
    program("checkpoint").then(0)


def problems(program: Program) -> list[str]:
    return [one["problem"] for one in program("doctor", "--json").json["problems"]]


@pytest.mark.parametrize(
    "command",
    [("checkpoint",), ("vkey",), ("keys", "list"), ("keys", "rotate"), ("proof", "1"), ("list", "applications"),
     ("project",), ("replay",), ("end-of-day", "--to", "2026-01-01"), ("up", "--port", "0")],
    ids=" ".join,
)  # fmt: skip
def test_a_seed_of_another_ledger_is_refused_and_nothing_is_written(program: Program, command: tuple[str, ...]) -> None:
    program.filled(1)
    own, (vkey,), signed = seed(program, 1).read_bytes(), keys_in_the_ledger(program), checkpoints(program)
    put(seed(program, 1))
    said = program(*command).then(UNUSABLE).err
    assert f"{seed(program, 1)}: expected {vkey}" in said
    assert f"got {FOREIGN_VKEY}" in said
    assert (keys_in_the_ledger(program), checkpoints(program)) == ([vkey], signed)
    assert any(f"got {FOREIGN_VKEY}" in one for one in problems(program))
    assert FOREIGN_VKEY in program("fsck").then(REFUSED).text
    put(seed(program, 1), bytes.fromhex(own.decode()))
    program("checkpoint").then(0)
    program("fsck").then(0)


def beside(program: Program) -> None:
    put(seed(program, 2))


def in_the_first_ones_place(program: Program) -> None:
    signed_by_the_next_key(program, 2)
    put(seed(program, 1))


def in_the_second_ones_place(program: Program) -> None:
    signed_by_the_next_key(program, 2)
    put(seed(program, 2))


def the_newest_is_missing(program: Program) -> None:
    signed_by_the_next_key(program, 2)
    seed(program, 2).unlink()


def with_the_note_of_another_ledger(program: Program) -> None:
    other = FileKeys(program.data.parent / "other")
    other.rotate_log_key()
    for name in ("log-0002.seed", "log-0002.note"):
        shutil.copy(program.data.parent / "other" / name, program.data / "keys" / name)


def with_the_note_of_a_key_that_retired(program: Program) -> None:
    """What the first key could say once, it can say no more when the second has signed."""
    older = shutil.copytree(program.data / "keys", program.data.parent / "older")
    signed_by_the_next_key(program, 2)
    FileKeys(older).rotate_log_key()
    for kind in ("seed", "note"):
        shutil.copy(older / f"log-0002.{kind}", program.data / "keys" / f"log-0003.{kind}")


def nobody_knows_the_keys(program: Program) -> None:
    program.behind_the_back("DELETE FROM ledger.log_keys")


@pytest.mark.parametrize(
    "happened",
    [beside, in_the_first_ones_place, in_the_second_ones_place, the_newest_is_missing, with_the_note_of_another_ledger,
     with_the_note_of_a_key_that_retired, nobody_knows_the_keys],
)  # fmt: skip
def test_keys_that_are_not_all_the_ledgers_own_sign_nothing(
    program: Program, happened: Callable[[Program], None]
) -> None:
    program.filled(1)
    happened(program)
    known, signed = keys_in_the_ledger(program), checkpoints(program)
    more(program, 3).then(UNUSABLE)
    program("checkpoint").then(UNUSABLE)
    assert (keys_in_the_ledger(program), checkpoints(program)) == (known, signed)
    assert problems(program)
    program("fsck").then(REFUSED)


def test_a_middle_seed_that_is_missing_is_said_and_signs_nothing_anyway(program: Program) -> None:
    program.filled(1)
    for cases in (2, 3):
        signed_by_the_next_key(program, cases)
    seed(program, 2).unlink()
    more(program, 4).then(0)
    assert problems(program) == [f"no key file belongs to the verifier key {keys_in_the_ledger(program)[1]}"]


def test_keys_rotated_twice_before_anything_is_signed_go_on(program: Program) -> None:
    program.filled(1)
    program("keys", "rotate").then(0)
    program("keys", "rotate").then(0)
    program("doctor").then(0)
    more(program, 2).then(0)
    program("checkpoint").then(0)
    assert keys_in_the_ledger(program)[1:] == [program("vkey").text.strip()]
    program("fsck").then(0)


def test_a_rotation_that_died_before_its_seed_is_made_again(program: Program) -> None:
    program.filled(1)
    program("keys", "rotate").then(0)
    seed(program, 2).unlink()
    program("checkpoint").then(0)
    signed_by_the_next_key(program, 2)
    program("fsck").then(0)


def test_a_seed_that_comes_while_the_log_is_signed_does_not_sign(program: Program) -> None:
    from adapters.keys import WrongKey
    from adapters.system import now
    from tests.ledger import composed_on

    program.filled(1)
    (vkey,) = keys_in_the_ledger(program)
    with composed_on(program.url, program.data) as on, connect(on.url) as connection:
        program.behind_the_back("DELETE FROM ledger.checkpoints WHERE size > 0")
        put(seed(program, 2))
        with pytest.raises(WrongKey, match=r"log-0002\.seed: expected"):
            Log(connection).publish(on.signer, now())
    assert (keys_in_the_ledger(program), checkpoints(program)) == ([vkey], [])


# ------------------------------------------------------------------------------------- what was signed and is gone


def lost_events(program: Program) -> str:
    signed = Checkpoint(ORIGIN, program.filled(1) + 1, leaf_hash(b"lost"))
    (program.data / "keys" / "log.signed").write_text(signed.body())
    return f"log.signed: expected a ledger of at least {signed.size} events, which its log has signed, got"


def another_past(program: Program) -> str:
    signed = Checkpoint(ORIGIN, program.filled(1), leaf_hash(b"another"))
    (program.data / "keys" / "log.signed").write_text(signed.body())
    return f"log.signed: expected the root {signed.root.hex()} at {signed.size} events, which its log has signed, got"


def another_log(program: Program) -> str:
    size = program.filled(1)
    (program.data / "keys" / "log.signed").write_text(Checkpoint("other.example/log", size, leaf_hash(b"x")).body())
    return f"log.signed: expected what the log {ORIGIN} has signed, got other.example/log"


@pytest.mark.parametrize("happened", [lost_events, another_past, another_log])
def test_a_ledger_that_lost_what_was_signed_takes_nothing(program: Program, happened: Callable[[Program], str]) -> None:
    said = happened(program)
    with connect(program.url) as connection:
        size = connection.execute("SELECT size FROM ledger.head").fetchone()
    for command in (("import", "xes", program.log(2)), ("up", "--port", "0")):
        assert said in program(*command).then(UNUSABLE).err
    with connect(program.url) as connection:
        assert connection.execute("SELECT size FROM ledger.head").fetchone() == size
    done = program("doctor", "--json").then(REFUSED).json["problems"]
    assert [said in one["problem"] for one in done] == [True]
    assert "restore" in done[0]["do"]
    program("fsck").then(REFUSED)
    program("list", "applications").then(0)


def test_what_was_signed_and_not_published_yet_is_held(program: Program) -> None:
    """The signed tree may be newer than the newest published one, and older than the ledger."""
    program.filled(2)
    program.behind_the_back("DELETE FROM ledger.checkpoints", "DELETE FROM ledger.tiles", "DELETE FROM ledger.log_keys")
    more(program, 3).then(0)


# -------------------------------------------------------------------------------------------- the other two keys


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("payload-0002.key", "the key that this ledger was opened with"),
        ("vault.kek", "the key that this ledger's persons were sealed with"),
    ],
)
def test_another_well_formed_key_is_named_by_doctor_and_fsck(program: Program, name: str, said: str) -> None:
    program.filled(2)
    with_a_person(program)
    put(program.data / "keys" / name)
    line = f"{program.data / 'keys' / name}: expected {said}, got another one"
    assert line in problems(program)
    assert line in program("fsck").then(REFUSED).text
    assert line in more(program, 3).then(UNUSABLE).err


def with_a_person(program: Program) -> None:
    """An application about somebody, whose key the vault keeps."""
    import asyncio

    from api.roles.opening import opened
    from domain.intake.application.rules import APPLICATION
    from domain.kernel.ids import uuid7
    from tests.adapters.postgres.story import draft_about, request
    from tests.ledger import composed_on

    async def draft() -> None:
        with composed_on(program.url, program.data) as on:
            async with opened(on) as running:
                await running.ledger.execute(APPLICATION, request(uuid7(1, 7), draft_about(uuid7(1, 8))))

    asyncio.run(draft())
