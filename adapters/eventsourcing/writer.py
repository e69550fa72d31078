"""A group commit for programs with threads: one event loop in one thread, blocking calls from any other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from threading import Lock, Thread
from typing import Self

from adapters.postgres.writing.group_commit import GroupCommit, WriterClosed
from adapters.postgres.writing.sequencer import Append, Appended


class WriterThread:
    """Runs a `GroupCommit` of its own. Use as a context manager, or call `start` and `close`.

    However many threads append, their events share transactions, as coroutines' would.
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime]) -> None:
        self._url = url
        self._clock = clock
        self._ready: Future[tuple[asyncio.AbstractEventLoop, GroupCommit]] = Future()
        self._closing: asyncio.Event | None = None
        self._thread: Thread | None = None
        self._door = Lock()

    def start(self) -> Self:
        """Connect. Raises `DatabaseUnavailable`."""
        thread = Thread(target=asyncio.run, args=(self._serve(),), name="group-commit", daemon=True)
        thread.start()
        self._ready.result()
        self._thread = thread
        return self

    def append(self, append: Append) -> Appended:
        """As `GroupCommit.append`, blocking. Raises `WriterClosed` before `start` and after `close`."""
        with self._door:  # whoever comes in before `close` is served, whoever comes later is told
            if self._thread is None:
                raise WriterClosed("the writer is not running")
            loop, writer = self._ready.result()
            appending = asyncio.run_coroutine_threadsafe(writer.append(append), loop)
        return appending.result()

    def close(self) -> None:
        """Write what is waiting, then disconnect. Idempotent."""
        with self._door:
            thread, self._thread = self._thread, None
            if thread is None or self._closing is None:
                return
            loop, _ = self._ready.result()
            loop.call_soon_threadsafe(self._closing.set)
        thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _serve(self) -> None:
        self._closing = asyncio.Event()
        try:
            async with GroupCommit(self._url, clock=self._clock) as writer:
                self._ready.set_result((asyncio.get_running_loop(), writer))
                await self._closing.wait()
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)
