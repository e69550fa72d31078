"""The stand-alone verifier: its three verdicts, no change unnoticed, and alone among other files."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain import verify
from chain.checkpoint import Checkpoint, sign_checkpoint
from chain.cosignature import MlDsa44Signer
from chain.note import sign_note
from chain.proof import TlogProof
from tests.chain.evidence import LOG, Run, consistency_of, lines_of, proof_of
from tests.chain.logs import ORIGIN, Log, write
from tests.chain.reference import numbered
from tests.sampling import examples

SOURCE = Path(verify.__file__)

# One temporary folder serves all examples of a test: each writes the files that it reads.
in_one_folder = settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])


# --------------------------------------------------------------------------------------------- the command line


def test_a_proof_is_verified(run: Run, files: Path) -> None:
    status, lines = run(*proof_of(files))
    root = LOG.checkpoint(200).root.hex()
    assert status == 0
    assert lines[1:] == [
        f"checked   entry 74 of 200 in {ORIGIN} (index 73)",
        f"key       {LOG.vkey} (given by you)",
        f"expected  {root}",
        f"got       {root}",
    ]


def test_help_says_what_each_check_shows() -> None:
    done = subprocess.run([sys.executable, SOURCE, "--help"], capture_output=True, text=True, check=True)
    said = " ".join(done.stdout.split())
    for check in (verify.proof, verify.consistency, verify.tiles, verify.hashes):
        assert f"{check.__name__} {' '.join(str(check.__doc__).split())}" in said


def test_a_consistency_is_verified(run: Run, files: Path) -> None:
    status, lines = run(*consistency_of(files))
    assert (status, lines[1]) == (0, f"checked   {ORIGIN} only grew, from 200 to 600 entries")


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 600])
def test_a_folder_of_tiles_is_verified(run: Run, tmp_path: Path, size: int) -> None:
    LOG.export(tmp_path, size)
    status, lines = run("tiles", "--claimed-key", tmp_path)
    assert (status, lines[1]) == (0, f"checked   entries and tiles of {ORIGIN}, {size} entries")
    assert "only claimed by the folder itself" in lines[2]
    status, lines = run("tiles", "--vkey", LOG.vkey, tmp_path)
    assert (status, lines[2]) == (0, f"key       {LOG.vkey} (given by you)")


def test_a_folder_without_entries_is_verified_when_asked_for(run: Run, tmp_path: Path) -> None:
    LOG.export(tmp_path, 600)
    shutil.rmtree(tmp_path / "tile" / "entries")
    assert run("tiles", "--claimed-key", tmp_path)[0] == 2
    status, lines = run("hashes", "--claimed-key", tmp_path)
    assert (status, lines[1]) == (0, f"checked   tiles WITHOUT entries of {ORIGIN}, 600 entries")


def test_a_full_tile_may_stand_in_for_a_deleted_partial_one(run: Run, tmp_path: Path) -> None:
    LOG.export(tmp_path, 512)
    (tmp_path / "checkpoint").write_bytes(LOG.note(300))
    write(tmp_path / "tile" / "1" / "000.p" / "1", LOG.tiles.tile(1, 0, 1))
    assert run("tiles", "--claimed-key", tmp_path)[0] == 0


def test_what_is_not_so_is_not_verified(run: Run, files: Path) -> None:
    (files / "entry").write_bytes(LOG.entries[74])
    status, lines = run(*proof_of(files))
    assert (status, lines[3]) == (1, f"expected  {LOG.checkpoint(200).root.hex()}")
    assert lines[4] != lines[3].replace("expected", "got     ")
    other = Log(LOG.entries, seed=b"o" * 32)
    assert run(*proof_of(files, other.vkey))[0] == 1
    (files / "old").write_bytes(Log(LOG.entries, "other.example/log").note(200))
    assert run(*consistency_of(files))[0] == 1
    (files / "old").write_bytes(sign_checkpoint(Checkpoint(ORIGIN, 200, bytes(32)), [LOG.signer]))
    assert run(*consistency_of(files))[0] == 1
    (files / "old").write_bytes(Log(numbered(600)[::-1]).note(600))
    (files / "hashes").write_text("")
    assert run(*consistency_of(files))[0] == 1
    moved = Log(LOG.entries, "other.example/log")
    signed_elsewhere = sign_checkpoint(moved.checkpoint(200), [LOG.signer])
    (files / "old").write_bytes(signed_elsewhere)
    status, lines = run(*consistency_of(files))
    assert (status, lines[1]) == (1, "checked   origin of the checkpoint")


def test_proofs_that_nothing_needs_are_unusable(run: Run, files: Path) -> None:
    (files / "old").write_bytes(LOG.note(600))
    assert run(*consistency_of(files))[0] == 2
    (files / "hashes").write_text("")
    assert run(*consistency_of(files))[0] == 0
    (files / "old").write_bytes(LOG.note(0))
    assert run(*consistency_of(files))[0] == 0
    (files / "hashes").write_text(lines_of([bytes(32)]))
    assert run(*consistency_of(files))[0] == 2


def test_a_signed_empty_tree_with_a_root_of_its_own_is_unusable(run: Run, files: Path) -> None:
    (files / "old").write_bytes(sign_note(f"{ORIGIN}\n0\n{lines_of([bytes(32)])}", [LOG.signer]))
    (files / "hashes").write_text("")
    status, lines = run(*consistency_of(files))
    assert (status, lines[1]) == (2, "checked   root of the empty tree")


def test_a_torn_bundle_is_unusable(run: Run, tmp_path: Path) -> None:
    LOG.export(tmp_path, 3)
    bundle = tmp_path / "tile" / "entries" / "000.p" / "3"
    bundle.write_bytes(bundle.read_bytes()[:-1])
    assert run("tiles", "--claimed-key", tmp_path)[0] == 2


@pytest.mark.parametrize("name", ["entry", "proof"])
def test_missing_files_and_folders_in_their_place_are_unusable(run: Run, files: Path, name: str) -> None:
    (files / name).unlink()
    status, lines = run(*proof_of(files))
    assert (status, lines[3]) == (2, "expected  a readable file")
    (files / name).mkdir()
    assert run(*proof_of(files))[0] == 2


@pytest.mark.parametrize("vkey", ["", "x", LOG.vkey[:-1], LOG.vkey + "\n", LOG.vkey.replace("led", "Led"), "\udcff"])
def test_unusable_keys(run: Run, files: Path, vkey: str) -> None:
    assert run(*proof_of(files, vkey))[0] == 2


def test_a_key_of_another_type_is_unusable(run: Run, files: Path) -> None:
    vkey = MlDsa44Signer(ORIGIN, bytes(32)).vkey
    status, lines = run(*proof_of(files, str(vkey)))
    assert (status, lines[3]) == (2, "expected  type 1 (Ed25519) and 32 bytes")


def test_other_keys_signatures_do_not_matter(run: Run, files: Path) -> None:
    cosigned = sign_checkpoint(LOG.checkpoint(200), [MlDsa44Signer("w.example", bytes(32)), LOG.signer])
    parsed = TlogProof.parse(LOG.proof(73, 200))
    (files / "proof").write_bytes(TlogProof(73, parsed.hashes, cosigned, b"extra").to_bytes())
    assert run(*proof_of(files))[0] == 0


def test_texts_of_others_cannot_steer_the_terminal(run: Run, files: Path) -> None:
    evil = Log(LOG.entries, "log.example/\x9b2J\u202eevil", b"e" * 32)
    note = sign_checkpoint(evil.checkpoint(200), [LOG.signer])
    parsed = TlogProof.parse(LOG.proof(73, 200))
    (files / "proof").write_bytes(TlogProof(73, parsed.hashes, note).to_bytes())
    status, lines = run(*proof_of(files), "--origin", evil.origin)
    assert (status, lines[1]) == (0, "checked   entry 74 of 200 in log.example/\\x9b2J\\u202eevil (index 73)")
    status, lines = run(*proof_of(files))
    assert (status, lines[4]) == (1, "got       log.example/\\x9b2J\\u202eevil")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing"],
        ["proof"],
        ["proof", "--vkey", "v", "only-one"],
        ["tiles", "folder"],
        ["hashes", "folder"],
        ["tiles", "--vkey", "v", "--claimed-key", "folder"],
        ["proof", "--claimed-key", "entry", "proof"],
    ],
)
def test_wrong_usage_has_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        verify.main(arguments)
    assert caught.value.code == 2


# ---------------------------------------------------------------------------------------------- nothing unnoticed


def test_no_byte_of_a_proof_file_can_change(run: Run, files: Path) -> None:
    data = (files / "proof").read_bytes()
    for at in range(0, len(data), 3):
        (files / "proof").write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert run(*proof_of(files))[0] != 0, at


def test_no_byte_of_a_folder_can_change(run: Run, tmp_path: Path) -> None:
    LOG.export(tmp_path, 300)
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        data = path.read_bytes()
        for at in {0, 1, len(data) // 3, len(data) // 2, len(data) - 2, len(data) - 1}:
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            assert run("tiles", "--claimed-key", tmp_path)[0] != 0, (path, at)
        for wrong in (data[:-2], data + b"\0", b""):
            path.write_bytes(wrong)
            assert run("tiles", "--claimed-key", tmp_path)[0] != 0, (path, len(wrong))
        path.write_bytes(data)
    assert run("tiles", "--claimed-key", tmp_path)[0] == 0


def test_tiles_of_another_tree_are_not_verified(run: Run, tmp_path: Path) -> None:
    LOG.export(tmp_path, 300)
    (tmp_path / "checkpoint").write_bytes(sign_checkpoint(Checkpoint(ORIGIN, 300, bytes(32)), [LOG.signer]))
    status, lines = run("tiles", "--claimed-key", tmp_path)
    assert (status, lines[4]) == (1, f"got       {LOG.checkpoint(300).root.hex()}")
    swapped = LOG.tiles.tile(0, 1, 44)[::-1]
    write(tmp_path / "tile" / "0" / "001.p" / "44", swapped)
    status, lines = run("tiles", "--claimed-key", tmp_path)
    assert (status, lines[1]) == (1, "checked   hash 0 of tile 1 on level 0")


@in_one_folder
@given(st.binary())
def test_any_bytes_in_any_file_give_a_verdict(run: Run, files: Path, data: bytes) -> None:
    for name in ("proof", "old", "hashes"):
        path = files / name
        good = path.read_bytes()
        for wrong in (data, good[: len(good) // 2] + data, data + good):
            path.write_bytes(wrong)
            status = run(*(proof_of(files) if name == "proof" else consistency_of(files)))[0]
            assert (status == 0) == (wrong == good)
        path.write_bytes(good)


@in_one_folder
@given(st.binary(max_size=100))
def test_any_bytes_in_a_folder_give_a_verdict(run: Run, tmp_path: Path, data: bytes) -> None:
    LOG.export(tmp_path, 3)
    for name in ("checkpoint", "vkey", "tile/0/000.p/3", "tile/entries/000.p/3"):
        good = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data)
        assert run("tiles", "--claimed-key", tmp_path)[0] in (1, 2)
        (tmp_path / name).write_bytes(good)


# ------------------------------------------------------------------------------------------------ standing alone


def test_it_imports_the_standard_library_only() -> None:
    imported = set()
    for node in ast.walk(ast.parse(SOURCE.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or ".").partition(".")[0])
    assert imported <= sys.stdlib_module_names


@pytest.mark.parametrize("options", [[], ["-I"], ["-S", "-I"], ["-P"], ["-O"]])
def test_it_runs_from_anywhere_and_imports_nothing_that_lies_beside_it(files: Path, options: list[str]) -> None:
    script = files / "verify.py"
    shutil.copy(SOURCE, script)
    for trap in ("argparse", "base64", "binascii", "hashlib", "pathlib", "re", "typing", "functools"):
        (files / f"{trap}.py").write_text("raise SystemExit('imported from beside the verifier')\n")
    command = [sys.executable, *options, str(script), *proof_of(files)]
    environment = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines()[0] == "VERIFIED 验证通过"
    (files / "entry").write_bytes(b"another")
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (1, b"")
