"""What the stand-alone verifier trusts: whose log and whose key, which files, on which Python, and who can hear it."""

from __future__ import annotations

import base64
import os
import shlex
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from chain import verify
from chain.checkpoint import sign_checkpoint
from chain.errors import MalformedNote, MalformedProofFile
from chain.note import Ed25519Signer, Ed25519Verifier, VerifierKey
from chain.proof import TlogProof, verify_proof
from tests.chain.evidence import LOG, Run, consistency_of, proof_of
from tests.chain.logs import ORIGIN, Log
from tests.chain.reference import numbered

SOURCE = Path(verify.__file__)

# ------------------------------------------------------------------------------------------- whose log, whose key


def test_a_folder_that_was_forged_as_a_whole_agrees_with_itself_and_no_more(run: Run, tmp_path: Path) -> None:
    forger = Log(numbered(3)[::-1], seed=b"f" * 32)
    forger.export(tmp_path, 3)
    status, lines = run("tiles", "--claimed-key", tmp_path)
    assert (status, lines[0].startswith("VERIFIED")) == (0, False)
    assert run("tiles", "--vkey", LOG.vkey, tmp_path)[0] == 1


@pytest.mark.parametrize("command", ["proof", "consistency", "tiles", "hashes"])
def test_a_checkpoint_of_another_log_by_the_same_key_is_not_verified(run: Run, files: Path, command: str) -> None:
    other = Log(LOG.entries, "other.example/log")
    note = sign_checkpoint(other.checkpoint(200), [LOG.signer])
    (files / "log").mkdir()
    LOG.export(files / "log", 200)
    (files / "log" / "checkpoint").write_bytes(note)
    (files / "old").write_bytes(note)
    parsed = TlogProof.parse(LOG.proof(73, 200))
    (files / "proof").write_bytes(TlogProof(73, parsed.hashes, note).to_bytes())
    (files / "new").write_bytes(sign_checkpoint(other.checkpoint(600), [LOG.signer]))
    arguments = {
        "proof": proof_of(files),
        "consistency": consistency_of(files),
        "tiles": ["tiles", "--vkey", LOG.vkey, str(files / "log")],
        "hashes": ["hashes", "--vkey", LOG.vkey, str(files / "log")],
    }[command]
    status, lines = run(*arguments)
    assert (status, *lines[1:5:2]) == (1, "checked   origin of the checkpoint", f"expected  {ORIGIN}")
    assert run(*arguments, "--origin", "other.example/log")[0] == 0


SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]
NOT_CANONICAL = [
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]
NO_POINT = ["0200000000000000000000000000000000000000000000000000000000000000"]


@pytest.mark.parametrize("public", SMALL_ORDER + NOT_CANONICAL + NO_POINT)
def test_keys_that_need_no_private_key_are_refused(run: Run, files: Path, public: str) -> None:
    """With the first of them, R = 1 and S = 0 would be a signature of every text."""
    key = b"\x01" + bytes.fromhex(public)
    key_id = sha256(ORIGIN.encode() + b"\n" + key).hexdigest()[:8]
    vkey = f"{ORIGIN}+{key_id}+{base64.b64encode(key).decode()}"
    status, lines = run(*proof_of(files, vkey))
    assert (status, lines[1]) == (2, "checked   public key")
    with pytest.raises(MalformedNote, match="public key: expected a point of large order"):
        VerifierKey.parse(vkey)


def test_keys_that_are_made_as_usual_are_sound() -> None:
    for seed in range(50):
        vkey = str(Ed25519Signer(ORIGIN, bytes([seed]) * 32).vkey)
        assert verify.parse_vkey(vkey).public == VerifierKey.parse(vkey).public


# ------------------------------------------------------------------------------------------------- what is no file


@pytest.mark.parametrize("name", ["entry", "proof"])
def test_a_pipe_that_nobody_writes_to_holds_nobody(run: Run, files: Path, name: str) -> None:
    (files / name).unlink()
    os.mkfifo(files / name)
    status, lines = run(*proof_of(files))
    assert (status, lines[3]) == (2, "expected  a regular file")


def test_a_pipe_or_a_device_inside_a_folder_holds_nobody(run: Run, tmp_path: Path) -> None:
    LOG.export(tmp_path, 3)
    for name in ("checkpoint", "vkey", "tile/0/000.p/3", "tile/entries/000.p/3"):
        good = (tmp_path / name).read_bytes()
        (tmp_path / name).unlink()
        os.mkfifo(tmp_path / name)
        assert run("tiles", "--claimed-key", tmp_path)[0] == 2
        (tmp_path / name).unlink()
        (tmp_path / name).symlink_to("/dev/zero")
        assert run("tiles", "--claimed-key", tmp_path)[0] == 2
        (tmp_path / name).unlink()
        (tmp_path / name).write_bytes(good)
    assert run("tiles", "--claimed-key", tmp_path)[0] == 0


@pytest.mark.parametrize(("size", "status"), [(65_536, 0), (65_537, 2)])
def test_extra_data_has_the_library_s_limit(run: Run, files: Path, size: int, status: int) -> None:
    proof = LOG.proof(73, 200).decode().split("\n", 1)
    extra = base64.b64encode(bytes(size)).decode()
    (files / "proof").write_text(f"{proof[0]}\nextra {extra}\n{proof[1]}")
    assert run(*proof_of(files))[0] == status
    verdict = [0, 0]
    try:
        verify_proof((files / "proof").read_bytes(), LOG.entries[73], [Ed25519Verifier(LOG.signer.vkey)])
    except MalformedProofFile:
        verdict[1] = 2
    assert verdict[1] == status


# ------------------------------------------------------------------------------------------- other Pythons, no output


@pytest.mark.parametrize("redirected", ["> /dev/full", ">&-"])
def test_where_nothing_can_be_written_the_status_is_2(files: Path, redirected: str) -> None:
    command = " ".join([shlex.quote(part) for part in (sys.executable, str(SOURCE), *proof_of(files))])
    done = subprocess.run(["sh", "-c", f"{command} {redirected}"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (2, b"")


def test_it_needs_no_newer_python_than_it_says() -> None:
    vermin = Path(sys.executable).with_name("vermin")
    command = [str(vermin), "-q", "--no-tips", "-t=3.8-", "--violations", str(SOURCE)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout
