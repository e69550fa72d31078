"""Clusters of PostgreSQL: `initdb` works once for each test process, and every further cluster is a copy of that one.

Making a cluster takes a second of processor time, copying it a thirtieth. What the program does before and after it
(directories, accounts, configuration, the server's start) is done each time; programs that tests start as they are
installed, and tests of clusters themselves, make their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from adapters.postgres.embedded import EmbeddedPostgres

MADE_BY = EmbeddedPostgres._run


def copied_from(kept: Path) -> Any:
    """What stands in for `EmbeddedPostgres._run`: the first cluster is kept at a place, and copied from there."""

    def run(server: EmbeddedPostgres, program: str, *arguments: str, check: bool = True) -> int:
        if program != "initdb":
            return MADE_BY(server, program, *arguments, check=check)
        fresh = server._root / arguments[1]
        if not kept.exists():
            status = MADE_BY(server, program, *arguments, check=check)
            _keep(fresh, kept)
            return status
        _copy(kept, fresh)
        return 0

    return run


def _keep(made: Path, kept: Path) -> None:
    """Keep a copy; of two that are made at once, the first."""
    own = kept.with_name(f"{kept.name}-{os.getpid()}")
    _copy(made, own)
    try:
        own.rename(kept)
    except OSError:
        shutil.rmtree(own)


def _copy(of: Path, to: Path) -> None:
    """With modes, and owners where we are root."""
    subprocess.run(["cp", "-a", f"{of}/.", to], check=True)
