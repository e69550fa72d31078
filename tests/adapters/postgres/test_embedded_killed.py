"""The embedded server is killed under those who use it: they see it, and start it again."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil

from adapters.postgres.embedded import EmbeddedPostgres
from tests.adapters.postgres.test_embedded import answers, cluster, data, postmaster

__all__ = ["cluster", "data"]


def test_a_server_that_was_killed_is_started_again_by_whoever_uses_it(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        assert (server.runs(), server.left_alone(), server.start_again()) == (True, False, False)
        pid = postmaster(data)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [])
        assert (server.runs(), server.left_alone()) == (False, True)
        assert server.start_again()
        assert answers(server.url)
        assert not server.left_alone()
    assert (server.runs(), server.left_alone()) == (False, False)
