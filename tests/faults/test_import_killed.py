"""kill -9 in the middle of an import, of program and database, again and again: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.adapters.imports.generated import generate
from tests.adapters.imports.xes_writer import write_xes
from tests.faults.killing import PATIENCE_S, Victim, exported, kill_at, victim
from tests.history.streams import digest, stored

CASES = int(os.environ.get("LEASELEDGER_FAULT_CASES", "1500"))
KILLS = int(os.environ.get("LEASELEDGER_FAULT_KILLS", "5"))
SEED = int(os.environ.get("LEASELEDGER_FAULT_SEED", "20261121"))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of generated cases, as a file."""
    path = tmp_path_factory.mktemp("log") / "history.xes.gz"
    write_xes(generate(CASES, SEED), path)
    return path


@pytest.fixture(scope="module")
def undisturbed(history: Path) -> tuple[dict[str, str], int]:
    """What an import gives that nobody hurts, and how many events that are: kills are aimed by them."""
    with victim() as calm:
        size = calm.json("import", "xes", str(history))["size"]
        return calm.histories(), size


def keep_receipt(victim: Victim, random: Random, folder: Path) -> tuple[int, Path]:
    """A checkpoint and the proof of some entry, as an auditor would keep them; the position and the folder."""
    folder.mkdir()
    note = victim.run("checkpoint").stdout
    (folder / "checkpoint").write_bytes(note)
    (folder / "vkey").write_bytes(victim.run("vkey").stdout)
    size = int(note.decode().splitlines()[1])
    if size == 0:
        return 0, folder
    position = random.randint(1, size)
    (folder / "proof").write_bytes(victim.run("proof", str(position)).stdout)
    return position, folder


def hurt_again_and_again(
    victim: Victim, history: Path, random: Random, receipts: Path, size: int
) -> list[tuple[int, Path]]:
    """Start the import, kill something, keep a receipt; `KILLS` times, however often it has to be started."""
    kept = []
    for number in range(KILLS):
        process = victim.start("import", "xes", str(history))
        share = (number + random.uniform(0.1, 0.9)) / (KILLS + 1)
        hurt = kill_at(process, victim, random, max(1, round(size * share)))
        if hurt == "database":
            # The program may find the server gone for good: only the next start brings it back.
            process.kill()
            process.wait(timeout=PATIENCE_S)
        kept.append(keep_receipt(victim, random, receipts / str(number)))
    return kept


@pytest.mark.slow
def test_every_stream_ends_as_if_nothing_had_happened(
    history: Path, undisturbed: tuple[dict[str, str], int], tmp_path: Path
) -> None:
    """Same sequence of type, time and body in every stream; no hole; every receipt still verifies."""
    random = Random(SEED)
    (tmp_path / "receipts").mkdir()
    if (CASES, SEED) == (1500, 20261121):
        assert digest(undisturbed[0]) == stored("faults")
    with victim() as hurt:
        check_a_hurt_import(hurt, history, undisturbed, random, tmp_path / "receipts")


def check_a_hurt_import(
    victim: Victim, history: Path, undisturbed: tuple[dict[str, str], int], random: Random, receipts: Path
) -> None:
    """Hurt an import until it is through, then compare everything that must not have changed."""
    kept = hurt_again_and_again(victim, history, random, receipts, undisturbed[1])
    report = victim.json("import", "xes", str(history))
    again = victim.json("import", "xes", str(history))
    checked = victim.json("fsck")

    assert again["events"] == 0
    assert again["cases_skipped"] == CASES
    assert report["cases"] == CASES
    assert checked["ok"] is True
    assert victim.histories() == undisturbed[0]

    entries = list(exported(victim.data / "export"))
    assert len(entries) == checked["events"]
    sizes = [int((folder / "checkpoint").read_text().splitlines()[1]) for _, folder in kept]
    assert any(0 < size < len(entries) for size in sizes), f"no kill met an import half done: {sizes}"
    for position, folder in kept:
        victim.run("fsck", "--since", str(folder / "checkpoint"))
        if position:
            entry = folder / "entry"
            entry.write_bytes(entries[position - 1])
            vkey = (folder / "vkey").read_text().strip()
            verified = subprocess.run(
                [sys.executable, "-m", "chain.verify", "proof", "--vkey", vkey, entry, folder / "proof"],
                capture_output=True, timeout=PATIENCE_S, check=False,
            )  # fmt: skip
            assert verified.returncode == 0, verified.stdout
