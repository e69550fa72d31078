"""`replay` and `entry`: the stored bytes, in ledger order, whole or in part."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest

from api.cli.commands.ledger.history import stream_id
from api.cli.failures import REFUSED, UNUSABLE, Unusable
from tests.api.cli.program import Outcome, Program


def lines(done: Outcome) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in done.out.splitlines()]


def test_replay_prints_every_event_in_order(book: Program) -> None:
    events = lines(book("replay").then(0))
    assert [one["position"] for one in events] == list(range(1, len(events) + 1))
    assert len(events) == book("checkpoint", "--json").json["size"]


def test_replay_prints_the_entry_as_it_is_stored(book: Program) -> None:
    line = book("replay", "--from", 5, "--to", 5).then(0).out
    stored = book("entry", 5).then(0).out
    assert line == b'{"position":5,"leaf":"%b","entry":%b}\n' % (
        sha256(b"\0" + stored).hexdigest().encode(),
        stored,
    )


def test_replay_with_json_is_the_same(book: Program) -> None:
    assert (
        book("replay", "--to", 9, "--json").out
        == book("--json", "replay", "--to", 9).out
        == book("replay", "--to", 9).out
    )


def test_replay_of_a_range(book: Program) -> None:
    assert [one["position"] for one in lines(book("replay", "--from", 3, "--to", 6).then(0))] == [3, 4, 5, 6]


def test_replay_of_nothing(book: Program) -> None:
    assert book("replay", "--from", 9, "--to", 3).then(0).out == b""


def test_replay_of_one_stream(book: Program) -> None:
    first = lines(book("replay", "--to", 1).then(0))[0]["entry"]
    assert isinstance(first, dict)
    own = lines(book("replay", "--stream", first["stream"]).then(0))
    assert [one["entry"]["seq"] for one in own] == list(range(1, len(own) + 1))  # type: ignore[index]
    assert {one["entry"]["stream"] for one in own} == {first["stream"]}  # type: ignore[index]
    last = own[-1]["position"]
    assert lines(book("replay", "--stream", first["stream"], "--from", last)) == own[-1:]
    hexed = str(first["stream"]).replace("-", "")
    assert lines(book("replay", "--stream", f"application_{hexed}")) == own


def test_replay_of_a_stream_that_is_none(book: Program) -> None:
    assert book("replay", "--stream", "0" * 32).then(0).out == b""
    done = book("replay", "--stream", "application_1").then(UNUSABLE)
    assert "expected application_<32 hex digits> or a UUID, got 'application_1'" in done.err


@pytest.mark.parametrize("arguments", [("--from", "0"), ("--to", "0"), ("--from", "x")])
def test_positions_begin_with_one(book: Program, arguments: tuple[str, str]) -> None:
    assert book("replay", *arguments).code == UNUSABLE


def test_entry_of_a_position_that_is_none(book: Program) -> None:
    assert "got 1000000000" in book("entry", 10**9).then(UNUSABLE).err
    assert book("entry", "0").code == UNUSABLE


@pytest.mark.parametrize(
    "text", ["application_" + "0f" * 16, "0f" * 16, "0F" * 16, "0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f"]
)
def test_stream_ids_in_all_their_forms(text: str) -> None:
    assert stream_id(text).hex == "0f" * 16


@pytest.mark.parametrize("text", ["", "application_", "lease-0f", "application_" + "0f" * 15, "x" * 100])
def test_what_is_no_stream_id(text: str) -> None:
    with pytest.raises(Unusable, match="--stream: expected"):
        stream_id(text)


def test_replay_does_not_need_the_vault(program: Program) -> None:
    program.filled(3)
    before = program("replay").then(0).out
    program.behind_the_back("TRUNCATE ledger.vault, ledger.subject_keys")
    assert program("replay").then(0).out == before


def test_replay_from_beyond_the_end_says_where_that_is(book: Program) -> None:
    size = len(lines(book("replay").then(0)))
    said = book("replay", "--from", 999_999).then(2)
    assert (said.out, said.err) == (b"", f"leaseledger: position: expected at most {size}, got 999999\n")


@pytest.mark.parametrize(
    ("harm", "arguments", "said"),
    [
        ("DELETE FROM ledger.events WHERE position = 2", ["replay"], "position 2: expected a stored event"),
        ("DELETE FROM ledger.events WHERE position = 2", ["entry", "2"], "position 2: expected a stored event"),
        (
            "DELETE FROM ledger.events WHERE position = (SELECT size FROM ledger.head)",
            ["replay"],
            "expected a stored event",
        ),
        (
            "UPDATE ledger.events SET entry = '\\xff' WHERE position = 2",
            ["replay"],
            "position 2: expected an entry in UTF-8",
        ),
    ],
)  # fmt: skip
def test_an_event_that_is_gone_is_not_passed_over(program: Program, harm: str, arguments: list[str], said: str) -> None:
    program.filled(2)
    program.behind_the_back(harm)
    assert said in program(*arguments).then(REFUSED).err


def test_events_that_readers_are_not_shown_are_not_passed_over(program: Program) -> None:
    program.filled(2)
    program.behind_the_back(
        "ALTER TABLE ledger.events ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY a ON ledger.events TO leaseledger_app USING (true)",
        "CREATE POLICY b ON ledger.events TO leaseledger_reader USING (position <> 3)",
    )
    assert "position 3: expected a stored event, got none before 4" in program("replay").then(REFUSED).err
