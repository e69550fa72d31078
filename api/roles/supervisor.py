"""The supervisor: each role in a process of its own; one that dies is started again, and no other notices.

    supervise ─fork─▶ role, role, …      ends on SIGINT or SIGTERM: all are told, waited for, and killed if they stay
        └─ pipe ─────▶ a role whose supervisor died (kill -9 too) ends as if it had been told

A role that dies is started again after a while, which doubles each time until it has lived for longer than that.
Processes are forks: what was imported before is in memory once.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

FIRST_BACKOFF_S = 0.25
LONGEST_BACKOFF_S = 15.0
LOOK_EVERY_S = 0.05
COMM_MAX = 15
"""Bytes of a process's name."""

GRACE_S = 15.0
"""How long roles may take to end; longer than requests that are still open are waited for."""

Work = Callable[[], None]
"""What a role does, from start to end."""

Ended = Callable[[str, int, float], None]
"""Told that a role ended: its name, its status (negative: the signal), the seconds until it is started again."""


@dataclass
class _Role:
    """One supervised role."""

    name: str
    work: Work
    pid: int = 0
    started_at: float = 0.0
    backoff_s: float = FIRST_BACKOFF_S
    due_at: float = 0.0


@dataclass
class Supervisor:
    """Runs roles until it is told to end; use from the main thread of a process without others."""

    works: Mapping[str, Work]
    ended: Ended
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Start all, start again what dies, end all."""
        roles = [_Role(name, work) for name, work in self.works.items()]
        alive, self._theirs = os.pipe()
        handlers = {
            number: signal.signal(number, lambda *_: self.stop.set()) for number in (signal.SIGINT, signal.SIGTERM)
        }
        gc.collect()
        gc.freeze()
        try:
            while not self.stop.is_set():
                for role in roles:
                    self._keep(role, alive)
                self.stop.wait(LOOK_EVERY_S)
        finally:
            _end([role for role in roles if role.pid])
            for number, handler in handlers.items():
                signal.signal(number, handler)
            os.close(alive)
            os.close(self._theirs)

    def _keep(self, role: _Role, alive: int) -> None:
        """Start a role whose time has come; notice one that died."""
        at = time.monotonic()
        if role.pid == 0:
            if at >= role.due_at:
                self._start(role, alive, at)
            return
        status = _status(role.pid)
        if status is None:
            return
        role.pid = 0
        if at - role.started_at > LONGEST_BACKOFF_S:
            role.backoff_s = FIRST_BACKOFF_S
        role.due_at = at + role.backoff_s
        self.ended(role.name, status, role.backoff_s)
        role.backoff_s = min(2 * role.backoff_s, LONGEST_BACKOFF_S)

    def _start(self, role: _Role, alive: int, at: float) -> None:
        role.started_at = at
        role.pid = os.fork()
        if role.pid == 0:
            self._become(role, alive)

    def _become(self, role: _Role, alive: int) -> None:
        """Be the role; never returns."""
        status = 1
        try:
            # Ctrl-C at a terminal reaches a whole group: only the supervisor is to hear it.
            os.setpgid(0, 0)
            os.close(self._theirs)
            _name_process(role.name)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
            role.work()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001 - whoever looks for the reason has nothing else
            _tell(traceback.format_exc())
        finally:
            os._exit(status)


def _tell(trace: str) -> None:
    """Say what a role died of, whatever became of its streams."""
    with suppress(OSError):
        os.write(2, trace.encode(errors="replace"))


def _name_process(role: str) -> None:
    """Let `ps -o pid,comm` tell roles apart, where the system has names of processes in a file (Linux)."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(f"ll-{role}"[:COMM_MAX])


def stopped_by_signal() -> threading.Event:
    """An event that SIGTERM or SIGINT sets; call in the main thread."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _end_with(alive: int) -> None:
    """End this process as if it had been told, once nobody holds the other end of the pipe."""
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _status(pid: int) -> int | None:
    """The exit status of a child (negative: the signal that ended it); None while it lives."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _end(roles: list[_Role]) -> None:
    """Tell all, wait, kill those that stay."""
    for role in roles:
        os.kill(role.pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_S
    left = roles
    while left and time.monotonic() < deadline:
        left = [role for role in left if _status(role.pid) is None]
        if left:
            time.sleep(LOOK_EVERY_S)
    for role in left:
        os.kill(role.pid, signal.SIGKILL)
        os.waitpid(role.pid, 0)
