"""Files and directories beside the ledger that only their owner may read: modes 0600 and 0700, whatever the umask is.

The database's own account passes through directories (0701) that it does not read, see `adapters.postgres.embedded`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from adapters.system import random_bytes

PRIVATE_FILE, PRIVATE_DIRECTORY = 0o600, 0o700


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
    """Write a file that others may not read."""
    private_file(path).write_bytes(data)


def write_once(path: Path, data: bytes) -> None:
    """Write a private file unless it is there, on disk when this returns.

    It is written aside and linked into place: nobody ever sees half of it, and the first of two that write it wins.
    """
    aside = _written_aside(path, data)
    with suppress(FileExistsError):
        path.hardlink_to(aside)
    aside.unlink()
    _sync(path.parent)


def replace_private(path: Path, data: bytes) -> None:
    """Put a whole private file in another one's place, on disk when this returns."""
    _written_aside(path, data).rename(path)
    _sync(path.parent)


def _written_aside(path: Path, data: bytes) -> Path:
    aside = path.with_name(f".{path.name}.{random_bytes(8).hex()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return aside


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
