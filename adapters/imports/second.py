"""The second process of an import: decides and drafts cases on a core of its own while the first one writes.

If it cannot be started or dies, the import goes on without it: `receive` raises `SecondProcessGone`, and whoever asked
does the work himself.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from contextlib import suppress

import msgspec

from adapters.imports.drafting import LENGTH_BYTES, DraftedCase, Job, decode_done, job_frame

MODULE = "adapters.imports.drafting"
STOP_TIMEOUT_S = 5.0
READ_AHEAD_BYTES = 32 * 1024 * 1024
"""Answers that are read before they are asked for, so that the next job can begin."""


class SecondProcessGone(Exception):
    """The second process does not answer; the work it had is still to be done."""


class SecondProcess:
    """Takes jobs and gives their answers in the same order. Close it when nothing is wanted any more."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._jobs: deque[int] = deque()
        self._cut_off = False

    @classmethod
    async def start(cls) -> SecondProcess:
        """Start it. Raises `SecondProcessGone` where that is impossible."""
        # It sees the modules that this process sees, and none that happen to lie in the current directory.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", MODULE, stdin=PIPE, stdout=PIPE, env=environment, limit=READ_AHEAD_BYTES
            )
        except OSError as error:
            raise SecondProcessGone(f"starting {sys.executable}: {error}") from error
        return cls(process)

    @property
    def waiting(self) -> int:
        """Jobs without an answer yet."""
        return len(self._jobs)

    def send(self, job: Job) -> None:
        """Hand a job over. Few jobs may wait: they are kept in memory until they are read.

        Nobody waits for the pipe to be empty here: the other side may itself be waiting for its answer to be read.
        """
        assert self._process.stdin is not None
        self._jobs.append(len(job.cases))
        with suppress(OSError):
            # If it is gone, `receive` will say so.
            self._process.stdin.write(job_frame(job))

    async def receive(self) -> list[DraftedCase | None]:
        """The answer to the oldest job. Raises `SecondProcessGone`."""
        assert self._process.stdout is not None
        expected = self._jobs.popleft()
        if self._cut_off:
            raise SecondProcessGone(f"expected {expected} drafted cases, got the rest of an answer that was cut off")
        try:
            length = int.from_bytes(await self._process.stdout.readexactly(LENGTH_BYTES))
            done = decode_done(await self._process.stdout.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.MsgspecError) as error:
            raise SecondProcessGone(f"expected {expected} drafted cases, got {type(error).__name__}") from error
        except asyncio.CancelledError:
            # Perhaps in the middle of an answer: what comes next is not the beginning of one.
            self._cut_off = True
            raise
        if len(done) != expected:
            raise SecondProcessGone(f"expected {expected} drafted cases, got {len(done)}")
        return done

    async def close(self) -> None:
        """End its input and wait for it; kill it if it does not end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
