"""Files that somebody names on the command line: regular ones, read up to a size; devices and pipes may have no end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.cli.failures import Unusable
from api.cli.wording.words import number
from api.language import text

if TYPE_CHECKING:
    from pathlib import Path

CHECKPOINT_MAX_BYTES = 64 << 10
"""A checkpoint is a few lines, and a line for each signature."""

PDF_MAX_BYTES = 64 << 20
"""A signed contract has a hundredth of that."""


def expect_regular(path: Path) -> None:
    """Refuse what is there and no regular file; what is not there is left to whoever opens it. Raises `Unusable`."""
    if path.exists() and not path.is_file():
        raise Unusable(lambda: text("{path}: expected a regular file, got {got}", path=path, got=instead(path)))


def content(path: Path, most_bytes: int) -> bytes:
    """What a regular file holds. Raises `Unusable`, and `OSError` where it cannot be read."""
    expect_regular(path)
    with path.open("rb") as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        most = number(most_bytes)
        raise Unusable(lambda: text("{path}: expected at most {most} bytes, got more", path=path, most=most))
    return data


def instead(path: Path) -> str:
    """What is there in place of a file."""
    if path.is_dir():
        return text("a directory")
    return text("something else") if path.exists() else text("nothing there")
