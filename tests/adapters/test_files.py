"""Files that only their owner may read, under any umask."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.files import private_directory, private_file, sweep, write_private, written_aside


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_and_directories_are_their_owners_alone(tmp_path: Path) -> None:
    write_private(tmp_path / "a" / "b" / "file", b"secret")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"secret"
    assert [mode(tmp_path / one) for one in ("a", "a/b", "a/b/file")] == [0o700, 0o700, 0o600]


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    kept = tmp_path / "file"
    kept.write_bytes(b"kept")
    before = mode(tmp_path)
    assert private_file(kept).read_bytes() == b"kept"
    assert mode(private_directory(tmp_path)) == before


def test_a_write_that_fails_leaves_nothing_and_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: each try would leave another remainder, for ever."""
    write_private(tmp_path / "file", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_private(tmp_path / "file", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_what_a_program_that_died_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    left, kept = tmp_path / f".log.signed.{'0f' * 8}", tmp_path / ".profile"
    for path in (left, kept):
        path.touch()
    with written_aside(tmp_path / "log.signed", b"now") as held:
        sweep(tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted([held, kept])
    assert list(tmp_path.iterdir()) == [kept]


def test_whoever_is_swept_before_the_lock_writes_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = fcntl.flock
    swept: list[Path] = []

    def late(descriptor: int, how: int) -> None:
        if not swept:
            swept.extend(tmp_path.iterdir())
            swept[0].unlink()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    write_private(tmp_path / "file", b"whole")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"whole")]
