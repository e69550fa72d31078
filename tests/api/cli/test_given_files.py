"""Every file that a command takes is a regular one and is read up to a size: a device or a pipe may have no end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from api.cli import given_files
from api.cli.failures import UNUSABLE, Unusable
from tests.api.cli.program import Program

COMMANDS = {
    "consistency, old": ("consistency", "{odd}", "{note}"),
    "consistency, new": ("consistency", "{note}", "{odd}"),
    "contract check": ("contract", "check", "{odd}"),
    "fsck": ("fsck", "--since", "{odd}"),
    "export": ("tiles", "export", "{folder}"),
    "import xes": ("import", "xes", "{odd}"),
    "import uci": ("import", "uci", "{odd}"),
    "verify": ("verify", "consistency", "--vkey", "{vkey}", "{note}", "{odd}", "{odd}"),
}


@pytest.fixture(scope="module")
def note(book: Program) -> Path:
    """A checkpoint of the ledger."""
    path = book.data / "note"
    path.write_bytes(book("checkpoint").then(0).out)
    return path


@pytest.mark.parametrize("odd", ["pipe", "device", "directory"])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_only_regular_files_are_read(
    book: Program, note: Path, tmp_path: Path, command: tuple[str, ...], odd: str
) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    there = folder / "checkpoint"
    if odd == "pipe":
        os.mkfifo(there)
    elif odd == "device":
        there.symlink_to("/dev/zero")
    else:
        there.mkdir()
    places = {"odd": there, "note": note, "folder": folder, "vkey": book("vkey").then(0).text.strip()}
    done = book(*(part.format(**places) for part in command)).then(UNUSABLE)
    assert str(there) in done.err + done.text


@pytest.mark.parametrize("odd", ["pipe", "device"])
def test_so_is_every_file_of_trust(program: Program, tmp_path: Path, odd: str) -> None:
    trust, pdf = tmp_path / "trust", tmp_path / "a.pdf"
    trust.mkdir()
    pdf.write_bytes(b"%PDF-1.7")
    for name in ("a.pem", "a.crl"):
        if odd == "pipe":
            os.mkfifo(trust / name)
        else:
            (trust / name).symlink_to("/dev/zero")
        assert name in program("contract", "check", pdf, "--trust", trust).then(UNUSABLE).err
        (trust / name).unlink()


def test_no_more_is_read_than_fits(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 11)
    assert given_files.content(path, 11) == b"x" * 11
    with pytest.raises(Unusable, match="expected at most 10 bytes, got more"):
        given_files.content(path, 10)
