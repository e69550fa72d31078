"""Files and directories beside the ledger that only their owner may read: modes 0600 and 0700, whatever the umask is.

The database's own account passes through directories (0701) that it does not read, see `adapters.postgres.embedded`.
"""

from __future__ import annotations

import os
from pathlib import Path

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
