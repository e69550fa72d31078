"""A subscription that loses nothing: it listens before it looks, and looks again when nothing was heard.

    LISTEN ─▶ pull behind the last position ─▶ empty? wait for NOTIFY, at most POLL_S ─▶ pull …

Positions have no holes and become visible in order, so "everything behind the last position" is exact. The
library's own subscription looks before it listens and sleeps through what is written in between.
"""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock
from typing import Any

import psycopg
from eventsourcing.persistence import ApplicationRecorder, Notification, OperationalError, Subscription

from adapters.postgres.connections import Connection

POLL_S = 1.0
"""Longest time between two looks; only matters when a NOTIFY got lost with its connection."""

PULL_LIMIT = 500
RECONNECT_ATTEMPTS = 60


class LedgerSubscription(Subscription[ApplicationRecorder]):
    """Iterates over notifications and waits for more; `stop`, from any thread, ends the iteration.

    `listen` opens a connection that listens on the ledger's channel. A lost connection is opened again; when that
    fails RECONNECT_ATTEMPTS times, `OperationalError` ends the iteration. One thread iterates at a time.
    """

    def __init__(
        self,
        recorder: ApplicationRecorder,
        gt: int | None,
        topics: Sequence[str],
        *,
        listen: Callable[[], Connection],
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._listen = listen
        self._position = gt or 0
        self._pulled: deque[Notification] = deque()
        self._iterating = Lock()
        self._connection: Connection | None = listen()
        self._waker, self._woken = socket.socketpair()

    def stop(self) -> None:
        """End the iteration. Idempotent."""
        super().stop()
        with suppress(OSError):  # closed already
            self._waker.send(b"\0")
        if self._iterating.acquire(blocking=False):
            try:
                self._close()
            finally:
                self._iterating.release()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        super().__exit__(*args, **kwargs)
        with self._iterating:
            self._close()

    def __next__(self) -> Notification:
        with self._iterating:
            while not self._has_been_stopped:
                if not self._pulled:
                    self._pull()
                if self._pulled:
                    return self._pulled.popleft()
                self._wait()
            self._close()
        raise StopIteration

    def _pull(self) -> None:
        for attempt in range(1, RECONNECT_ATTEMPTS + 1):
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = self._listen()
                found = self._recorder.select_notifications(
                    self._position, PULL_LIMIT, topics=self._topics, inclusive_of_start=False
                )
            except OperationalError:
                if self._has_been_stopped:
                    return
                if attempt == RECONNECT_ATTEMPTS:
                    raise
                self._sleep()
            else:
                self._pulled.extend(found)
                self._position = found[-1].id if found else self._position
                return

    def _wait(self) -> None:
        """Until somebody wrote, `stop` was called, or POLL_S passed."""
        connection = self._connection
        assert connection is not None
        self._sleep(connection)
        try:
            for _ in connection.notifies(timeout=0):
                pass
        except psycopg.OperationalError:
            connection.close()

    def _sleep(self, *also: Connection) -> None:
        with selectors.DefaultSelector() as selector:
            for source in (self._woken.fileno(), *(connection.fileno() for connection in also)):
                selector.register(source, selectors.EVENT_READ)
            selector.select(POLL_S)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._waker.close()
        self._woken.close()
