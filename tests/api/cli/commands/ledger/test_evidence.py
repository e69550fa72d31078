"""Checkpoints, proofs, keys and exports: what others check without us, and what we refuse to overwrite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli.failures import REFUSED, UNUSABLE
from chain import verify
from chain.checkpoint import Checkpoint, open_checkpoint
from chain.note import Ed25519Verifier, VerifierKey
from chain.proof import verify_proof
from chain.tiles import TileName, decode_bundle
from tests.api.cli.program import Program
from tests.ledger import ORIGIN

CASES = 14


@pytest.fixture
def vkey(book: Program) -> VerifierKey:
    return VerifierKey.parse(book("vkey").then(0).text.strip())


def opened(note: bytes, vkey: VerifierKey) -> Checkpoint:
    return open_checkpoint(note, [Ed25519Verifier(vkey)], ORIGIN)


def test_checkpoint_is_a_signed_note_of_the_whole_ledger(book: Program, vkey: VerifierKey) -> None:
    done = book("checkpoint").then(0)
    checkpoint = opened(done.out, vkey)
    data = book("checkpoint", "--json").then(0).json
    assert data["checkpoint"].encode() == done.out
    assert (data["size"], data["root"], data["origin"]) == (checkpoint.size, checkpoint.root.hex(), ORIGIN)
    assert data["vkeys"] == [str(vkey)]


def test_a_checkpoint_is_made_when_events_came_and_only_then(program: Program) -> None:
    first = program("checkpoint").then(0)
    assert program("checkpoint").out == first.out
    program.filled(1)
    second = program("checkpoint").then(0)
    assert int(second.text.splitlines()[1]) > int(first.text.splitlines()[1]) == 0
    assert program("checkpoint", "--at", 0).out == first.out
    assert program("checkpoint", "--at", 1).out == second.out


def test_a_checkpoint_that_is_not_there_yet(book: Program) -> None:
    assert "expected a size up to" in book("checkpoint", "--at", 10**9).then(UNUSABLE).err


@pytest.mark.parametrize("position", [1, 2, 17, 100])
def test_proof_of_an_entry(book: Program, vkey: VerifierKey, position: int) -> None:
    proof, entry = book("proof", position).then(0).out, book("entry", position).then(0).out
    checkpoint = verify_proof(proof, entry, [Ed25519Verifier(vkey)], ORIGIN)
    assert checkpoint.size == book("checkpoint", "--json").json["size"]
    data = book("proof", position, "--json").then(0).json
    assert (data["position"], data["proof"].encode()) == (position, proof)


def test_proof_publishes_when_the_newest_checkpoint_does_not_cover_it(program: Program) -> None:
    program("checkpoint").then(0)
    log = program.log(2)
    program("import", "xes", log).then(0)
    program.behind_the_back("DELETE FROM ledger.checkpoints WHERE size > 0", "TRUNCATE ledger.tiles")
    assert b"\nindex 0\n" in program("proof", 1).then(0).out


@pytest.mark.parametrize("position", ["0", "-1", str(10**9)])
def test_proof_of_a_position_that_is_none(book: Program, position: str) -> None:
    done = book("proof", "--", position).then(UNUSABLE)
    assert "leaseledger: position: expected 1 to" in done.err


def test_proof_of_an_empty_ledger(program: Program) -> None:
    assert "expected a ledger that holds events, got an empty one" in program("proof", 1).then(UNUSABLE).err


def test_verify_is_the_stand_alone_verifier(
    book: Program, vkey: VerifierKey, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    for name in ("proof", "entry"):
        (tmp_path / name).write_bytes(book(name, 9).then(0).out)
    arguments = ["verify", "proof", "--vkey", str(vkey), str(tmp_path / "entry"), str(tmp_path / "proof")]
    assert book(*arguments).then(0).text.startswith(verify.VERDICTS[0])
    (tmp_path / "entry").write_bytes(b"{}")
    assert book(*arguments).then(REFUSED).text.startswith(verify.VERDICTS[1])
    assert book(*arguments[:-1], str(tmp_path / "none")).then(UNUSABLE).text.startswith(verify.VERDICTS[2])


def exported(program: Program, folder: Path) -> Path:
    program("tiles", "export", folder).then(0)
    return folder


def test_an_export_is_a_whole_log(book: Program, vkey: VerifierKey, tmp_path: Path) -> None:
    folder = exported(book, tmp_path / "log")
    assert (folder / "vkey").read_text() == f"{vkey}\n"
    assert (folder / "checkpoint").read_bytes() == book("checkpoint").out
    assert verify.main(["tiles", "--vkey", str(vkey), str(folder)]) == 0
    assert list(entries_of(folder))[16] == book("entry", 17).out
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]


def entries_of(folder: Path) -> Iterator[bytes]:
    size = int((folder / "checkpoint").read_text().splitlines()[1])
    for index in range((size + 255) // 256):
        width = min(256, size - 256 * index)
        yield from decode_bundle((folder / TileName(None, index, width).path()).read_bytes(), width)


def test_an_export_counts_what_it_wrote(book: Program, tmp_path: Path) -> None:
    data = book("tiles", "export", tmp_path / "log", "--json").then(0).json
    files = [path for path in (tmp_path / "log").rglob("*") if path.is_file()]
    assert data["files"] == len(files)
    assert data["bytes"] == sum(path.stat().st_size for path in files)
    assert data["size"] == book("checkpoint", "--json").json["size"]


def test_an_earlier_export_is_continued(program: Program, tmp_path: Path) -> None:
    program.filled(2)
    folder = exported(program, tmp_path / "log")
    before = (folder / "checkpoint").read_text()
    program.filled(CASES)
    exported(program, folder)
    assert (folder / "checkpoint").read_text() != before
    assert verify.main(["tiles", "--claimed-key", str(folder)]) == 0


def test_a_damaged_export_is_mended(book: Program, tmp_path: Path) -> None:
    folder = exported(book, tmp_path / "log")
    tile = next((folder / "tile" / "0").iterdir())
    bundle = tile if tile.is_file() else next(tile.iterdir())
    whole = bundle.read_bytes()
    bundle.write_bytes(whole[:-1] + b"\0")
    exported(book, folder)
    assert bundle.read_bytes() == whole


def test_an_interrupted_export_is_continued(book: Program, tmp_path: Path) -> None:
    folder = exported(book, tmp_path / "log")
    (folder / "checkpoint").unlink()
    exported(book, folder)
    assert verify.main(["tiles", "--claimed-key", str(folder)]) == 0


def test_a_folder_of_something_else_is_left_alone(book: Program, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    done = book("tiles", "export", tmp_path).then(UNUSABLE)
    assert "expected an empty directory or an earlier export, got other files" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    assert "got a file" in book("tiles", "export", tmp_path / "thesis.txt").then(UNUSABLE).err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("ledger.example/shard-0\n", "other.example/log\n"), "expected the log 'ledger.example/shard-0'"),
        (("\n", "\n9"), "this ledger is older"),
    ],
)
def test_an_export_of_another_log_is_left_alone(
    book: Program, tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    folder = exported(book, tmp_path / "log")
    changed = (folder / "checkpoint").read_text().replace(*change, 1)
    (folder / "checkpoint").write_text(changed)
    assert said in book("tiles", "export", folder).then(REFUSED).err
    assert (folder / "checkpoint").read_text() == changed


def test_an_export_of_another_past_is_left_alone(program: Program, book: Program, tmp_path: Path) -> None:
    program("import", "xes", program.log(1), "--source", "another past").then(0)
    folder = exported(program, tmp_path / "log")
    done = book("tiles", "export", folder).then(REFUSED)
    assert "expected root" in done.err


def test_an_unreadable_checkpoint_in_the_folder_is_named(book: Program, tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_text("hello")
    assert "checkpoint: expected 3 lines" in book("tiles", "export", tmp_path).then(UNUSABLE).err


def test_nothing_is_signed_when_leaves_and_head_disagree(program: Program) -> None:
    program("import", "xes", program.log(1)).then(0)
    program.behind_the_back(
        "DELETE FROM ledger.checkpoints", "TRUNCATE ledger.tiles",
        "UPDATE ledger.head SET root = set_byte(root, 0, get_byte(root, 0) # 1)",
    )  # fmt: skip
    done = program("checkpoint").then(REFUSED)
    assert done.out == b""
    assert "root of the tree of 8: expected" in done.err


# ----------------------------------------------------------------------------------------------------- keys


def test_rotated_keys_sign_what_comes_and_old_checkpoints_stay_valid(program: Program) -> None:
    program.filled(1)
    old_note, old_key = program("checkpoint").out, program("vkey").text.strip()
    done = program("keys", "rotate", "--json").then(0)
    new_key = done.json["vkey"]
    assert new_key != old_key == program("vkey", "--json").json["all"][0]
    assert program("vkey").text.strip() == new_key
    program.filled(3)
    new_note = program("checkpoint").then(0).out
    opened(old_note, VerifierKey.parse(old_key))
    opened(new_note, VerifierKey.parse(new_key))
    assert program("fsck", "--json").then(0).json["checkpoints"] == 2
    listed = program("keys", "list", "--json").then(0).json
    assert [one["vkey"] for one in listed] == [old_key, new_key]
    assert [one["from_size"] for one in listed] == [int(note.split(b"\n")[1]) for note in (old_note, new_note)]
    kept = program("keys", "list").then(0).text
    assert kept.splitlines()[0].split() == ["from", "size", "verifier", "key"]


def test_a_key_that_signed_nothing_yet_is_listed_as_unused(program: Program) -> None:
    program("keys", "rotate").then(0)
    assert "unused" in program("keys", "list").then(0).text


def test_key_files_that_others_can_read_are_refused(program: Program) -> None:
    program("vkey").then(0)
    (program.data / "keys" / "log-0001.seed").chmod(0o644)
    done = program("checkpoint").then(UNUSABLE)
    assert "expected mode 0600, got 0644; run chmod 600 on it" in done.err


def test_a_proof_that_the_log_only_grew_is_taken_by_the_verifier(program: Program, tmp_path: Path) -> None:
    notes = []
    for number, cases in enumerate((1, 4, 9)):
        program("import", "xes", program.log(cases)).then(0)
        notes.append(tmp_path / f"note{number}")
        notes[-1].write_bytes(program("checkpoint").then(0).out)
    vkey, hashes = program("vkey").text.strip(), tmp_path / "hashes"
    for old, new in ((0, 1), (0, 2), (1, 2), (2, 2)):
        done = program("consistency", notes[old], notes[new]).then(0)
        hashes.write_bytes(done.out)
        program("verify", "consistency", "--vkey", vkey, notes[old], notes[new], hashes).then(0)
        data = program("consistency", notes[old], notes[new], "--json").then(0).json
        assert [*data["hashes"]] == done.text.splitlines()
    assert "expected at most" in program("consistency", notes[2], notes[0]).then(UNUSABLE).err
    program("consistency", tmp_path / "none", notes[0]).then(UNUSABLE)


def test_no_proof_is_printed_that_does_not_verify(program: Program, tmp_path: Path) -> None:
    program.filled(2)
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(program("checkpoint").then(0).out)
    program("import", "xes", program.log(5)).then(0)
    new.write_bytes(program("checkpoint").then(0).out)
    program.behind_the_back("UPDATE ledger.tiles SET hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1)")
    assert program("proof", 1).then(REFUSED).out == b""
    assert program("consistency", old, new).then(REFUSED).out == b""
    program.behind_the_back(
        "UPDATE ledger.tiles SET hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1)",
        "UPDATE ledger.events SET entry = entry || ' ' WHERE position = 1",
    )
    assert program("proof", 1).then(REFUSED).out == b""
    program("proof", 2).then(0)


@pytest.mark.parametrize(
    ("table", "column"),
    [("events", "entry"), ("checkpoints", "note"), ("tiles", "hashes"), ("log_keys", "vkey"), ("events", "leaf"),
     ("head", "root"), ("head", "size"), ("head", "origin"), ("head", "recorded_at"), ("commands", "digest")],
)  # fmt: skip
def test_what_is_missing_where_nothing_may_be_missing_ends_no_command_with_a_fault(
    program: Program, tmp_path: Path, table: str, column: str
) -> None:
    """Somebody dropped NOT NULL; whatever the command, it says no and names what is wrong."""
    program.filled(1)
    program.behind_the_back(
        f"UPDATE pg_attribute SET attnotnull = false WHERE attname = '{column}' "
        f"AND attrelid IN (SELECT oid FROM pg_class WHERE relname ~ '^{table}(_0)?$')",
        f"UPDATE ledger.{table} SET {column} = NULL",
        f"UPDATE pg_attribute SET attnotnull = true WHERE attname = '{column}' "
        f"AND attrelid IN (SELECT oid FROM pg_class WHERE relname ~ '^{table}(_0)?$')",
    )
    assert program("fsck").code in (REFUSED, UNUSABLE)
    for arguments in (
        ["tiles", "export", tmp_path / "log"], ["proof", 1], ["checkpoint"], ["replay"], ["entry", 1], ["vkey"],
    ):  # fmt: skip
        assert program(*arguments).code in (0, REFUSED, UNUSABLE), arguments


@pytest.mark.parametrize("depth", [70, 1_100, 5_000, 40_000])
def test_json_deeper_than_any_reader_goes_ends_no_command_with_a_fault(
    program: Program, tmp_path: Path, depth: int
) -> None:
    program.filled(1)
    deep = f"convert_to(replace(convert_from(entry, 'UTF8'), '\"body\":{{', '\"body\":{{\"a\":' || repeat('[', {depth})"
    program.behind_the_back(
        f"UPDATE ledger.events SET entry = {deep} || repeat(']', {depth}) || ','), 'UTF8') WHERE position = 2"
    )
    assert "position 2: " in program("fsck").then(REFUSED).text
    for arguments in (
        ["tiles", "export", tmp_path / "log"], ["proof", 2], ["replay"], ["entry", 2], ["project"], ["rebuild"],
    ):  # fmt: skip
        assert program(*arguments).code in (0, REFUSED, UNUSABLE), arguments
