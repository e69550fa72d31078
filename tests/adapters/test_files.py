"""Files that only their owner may read, under any umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.files import private_directory, private_file, write_private


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
