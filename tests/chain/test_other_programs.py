"""Other people's programs reach our verdict: Go's sumdb/note and sumdb/tlog, and the package `proofbundle`."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chain.checkpoint import sign_checkpoint
from chain.cosignature import MlDsa44Signer
from chain.note import Note
from chain.proof import format_proof
from tests.chain.logs import SEED, Log
from tests.chain.reference import numbered

LOG = Log([*numbered(299), b""])
SIZE = 277
GO_SOURCE = Path(__file__).parent / "go" / "notecheck" / "main.go"
Notecheck = Callable[..., subprocess.CompletedProcess[str]]

# ---------------------------------------------------------------------------------------------------------- Go


def go_sources(go: str) -> Path | None:
    """Where golang.org/x/mod/sumdb is: Debian's golang-golang-x-mod-dev, else what Go's own command vendors."""
    root = subprocess.run([go, "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    places = (Path("/usr/share/gocode/src/golang.org"), Path(root, "src/cmd/vendor/golang.org"))
    return next((place for place in places if (place / "x/mod/sumdb/tlog").is_dir()), None)


@pytest.fixture(scope="session")
def notecheck(tmp_path_factory: pytest.TempPathFactory) -> Notecheck:
    """Build the Go program once; it runs on a folder with a note and entries."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("go is not installed")
    sources = go_sources(go)
    if sources is None:
        pytest.skip("neither golang-golang-x-mod-dev nor Go's vendored golang.org/x/mod/sumdb is here")
    work = tmp_path_factory.mktemp("go")
    (work / "src").mkdir()
    (work / "src" / "golang.org").symlink_to(sources)
    program = work / "notecheck"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(work),
        "GO111MODULE": "off",
        "GOFLAGS": "",
        "GOPATH": str(work),
        "GOCACHE": str(work / "cache"),
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    build = [go, "build", "-o", str(program), str(GO_SOURCE)]
    done = subprocess.run(build, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr

    def run(log: Log, note: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
        (folder / "note").write_bytes(note)
        (folder / "entries").write_text("".join(f"{entry.hex()}\n" for entry in log.entries[:SIZE]))
        return subprocess.run(
            [str(program), log.vkey, private_key(log), str(folder)], capture_output=True, text=True, check=False
        )

    return run


def private_key(log: Log) -> str:
    """A signer's key in Go's own notation."""
    encoded = base64.b64encode(b"\x01" + SEED).decode()
    return f"PRIVATE+KEY+{log.origin}+{log.signer.vkey.key_id.hex()}+{encoded}"


def test_go_agrees_on_note_root_proofs_and_signature(notecheck: Notecheck, tmp_path: Path) -> None:
    note = LOG.note(SIZE)
    done = notecheck(LOG, note, tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2 * SIZE
    for line in lines:
        kind, number, *rest = line.split(" ")
        theirs = [base64.b64decode(value.strip("[]")) for value in rest if value != "[]"]
        assert theirs == ours(kind, int(number)), line
    assert (tmp_path / "signed-by-go").read_bytes() == note


def ours(kind: str, number: int) -> list[bytes]:
    """Our proof of one record, or of one older size in Go's reading (which repeats no hash either)."""
    if kind == "tree":
        return LOG.consistency(number, SIZE)
    lines = LOG.proof(number, SIZE).decode().split("\n\n")[0].split("\n")
    return [base64.b64decode(line) for line in lines[2:]]


def test_go_refuses_what_we_refuse(notecheck: Notecheck, tmp_path: Path) -> None:
    note = LOG.note(SIZE)
    for wrong in (
        note.replace(b"277", b"278"),
        note[:-5] + b"AA==\n",
        Log(LOG.entries, seed=b"x" * 32).note(SIZE),
        note.replace(b"\n\n", b"\n"),
    ):
        assert notecheck(LOG, wrong, tmp_path).returncode == 1
    other = Log([b"another", *LOG.entries[1:]])
    done = notecheck(other, note, tmp_path)
    assert (done.returncode, done.stderr[:14]) == (1, "root: expected")


# ------------------------------------------------------------------------------------------------- proofbundle


def proofbundle(folder: Path, entry: bytes, proof: bytes, *more: str) -> subprocess.CompletedProcess[str]:
    """`proofbundle verify-proof` of an entry and a proof file."""
    program = shutil.which("proofbundle", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip("the package proofbundle is not installed")
    (folder / "entry").write_bytes(entry)
    (folder / "entry.tlog-proof").write_bytes(proof)
    command = [program, "verify-proof", "--payload-file", str(folder / "entry"), "--log-vkey", LOG.vkey, *more]
    return subprocess.run([*command, str(folder / "entry.tlog-proof")], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("index", [0, 100, SIZE - 1])
def test_proofbundle_accepts_our_proofs(tmp_path: Path, index: int) -> None:
    done = proofbundle(tmp_path, LOG.entries[index], LOG.proof(index, SIZE), "--expected-origin", LOG.origin)
    assert done.returncode == 0, done.stdout + done.stderr


def test_proofbundle_refuses_what_we_refuse(tmp_path: Path) -> None:
    proof = LOG.proof(100, SIZE)
    assert proofbundle(tmp_path, LOG.entries[101], proof).returncode != 0
    assert proofbundle(tmp_path, LOG.entries[100], proof.replace(b"index 100", b"index 101")).returncode != 0
    assert proofbundle(tmp_path, LOG.entries[100], proof.replace(b"\n277\n", b"\n278\n")).returncode != 0
    assert proofbundle(tmp_path, LOG.entries[100], proof, "--expected-origin", "other.example").returncode != 0


def test_proofbundle_accepts_our_ml_dsa_44_cosignature(tmp_path: Path) -> None:
    witness = MlDsa44Signer("witness.example/w1", b"w" * 32, 1_800_000_000)
    note = sign_checkpoint(LOG.checkpoint(SIZE), [LOG.signer, witness])
    lines = LOG.proof(100, SIZE).decode().split("\n\n")[0].split("\n")
    proof = format_proof(100, [base64.b64decode(line) for line in lines[2:]], note)
    quorum = ("--witness-vkey", str(witness.vkey), "--threshold", "1")
    done = proofbundle(tmp_path, LOG.entries[100], proof, *quorum)
    assert done.returncode == 0, done.stdout + done.stderr
    log_only = format_proof(100, [base64.b64decode(line) for line in lines[2:]], LOG.note(SIZE))
    assert proofbundle(tmp_path, LOG.entries[100], log_only, *quorum).returncode != 0
    assert len(Note.parse(note).signatures) == 2
