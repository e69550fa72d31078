"""Files and directories beside the ledger that only their owner may read: modes 0600 and 0700, whatever the umask is.

    written_aside(path) ─▶ .path.<16 hex digits>, whole and on disk ─rename or link─▶ path

A file is never seen half written. Whoever writes one aside holds a lock on it; what nobody holds was left by a program
that died, and `sweep` removes it. The database's own account passes through directories (0701) that it does not read,
see `adapters.postgres.embedded`.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from adapters.system import random_bytes

PRIVATE_FILE, PRIVATE_DIRECTORY = 0o600, 0o700
_ASIDE = re.compile(r"\..+\.[0-9a-f]{16}")


def private_directory(path: Path) -> Path:
    """The directory, made with what is missing above it."""
    for parent in reversed((path, *path.parents)):
        if not parent.exists():
            parent.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    return path


def private_file(path: Path) -> Path:
    """The file, made empty if it is missing, in a private directory."""
    private_directory(path.parent)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, PRIVATE_FILE))
    return path


def write_private(path: Path, data: bytes) -> None:
    """Put a whole file that others may not read in its place, on disk when this returns; before, the old one stays."""
    private_directory(path.parent)
    with written_aside(path, data) as aside:
        aside.replace(path)
    sync(path.parent)


def write_once(path: Path, data: bytes) -> None:
    """Write a private file unless it is there, on disk when this returns: the first of two that write it wins."""
    with written_aside(path, data) as aside, suppress(FileExistsError):
        path.hardlink_to(aside)
    sync(path.parent)


@contextmanager
def written_aside(path: Path, data: bytes) -> Iterator[Path]:
    """A file beside `path` with all of the data, on disk, to be renamed or linked; of that name none is left behind."""
    aside, descriptor = _fresh(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            yield aside
    finally:
        aside.unlink(missing_ok=True)


def _fresh(path: Path) -> tuple[Path, int]:
    """A new file that is locked; another one where somebody who sweeps was quicker than the lock."""
    while True:
        aside = path.with_name(f".{path.name}.{random_bytes(8).hex()}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return aside, descriptor
        os.close(descriptor)


def sweep(directory: Path) -> None:
    """Remove what programs that died have written aside; what somebody is writing stays."""
    for path in directory.glob(".*"):
        if _ASIDE.fullmatch(path.name) and path.is_file():
            with suppress(OSError):
                _remove_unheld(path)


def _remove_unheld(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(descriptor)


def sync(directory: Path) -> None:
    """Have the names in a directory on disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Change a directory one program at a time; the kernel gives the lock back however its holder ends."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
