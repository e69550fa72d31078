"""Evidence about one log for the stand-alone verifier, and its command lines."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from tests.chain.logs import Log
from tests.chain.reference import numbered

LOG = Log(numbered(600))

Run = Callable[..., tuple[int, list[str]]]
"""A command in this process: exit status and the five lines."""


def lines_of(hashes: list[bytes]) -> str:
    return "".join(base64.b64encode(value).decode() + "\n" for value in hashes)


def proof_of(folder: Path, vkey: str = LOG.vkey) -> list[str]:
    return ["proof", "--vkey", vkey, str(folder / "entry"), str(folder / "proof")]


def consistency_of(folder: Path) -> list[str]:
    return ["consistency", "--vkey", LOG.vkey, *(str(folder / name) for name in ("old", "new", "hashes"))]
