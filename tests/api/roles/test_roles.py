"""Roles: one instance of each at a time, and each is killed while the others go on, and goes on where it was."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import threading
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, ClassVar

import psutil
import pytest

from adapters.postgres.embedded import EmbeddedPostgresError
from api.roles import role as role_module
from tests.adapters.postgres.test_embedded import postmaster
from tests.api.cli.commands.test_serving import PROGRAM, START_S, data, environment, get, leaseledger, up
from tests.api.cli.program import Program
from tests.forked import NAME
from tests.serving import until

pytestmark = pytest.mark.network
CASES, ROLES = 20, 5
__all__ = ["data"]


def roles_of(process: psutil.Process) -> set[int]:
    return {child.pid for child in process.children()}


def test_each_role_of_up_is_killed_under_load_and_goes_on(data: Path, commands: Path) -> None:
    program = commands / NAME
    with up(data) as said:
        url, key = said["url"], said["operator_key"]
        (supervisor,) = [
            one for one in psutil.Process().children(recursive=True) if {"up", str(data)} <= set(one.cmdline())
            and len(one.children()) == ROLES
        ]  # fmt: skip
        for number, pid in enumerate(sorted(roles_of(supervisor)), start=1):
            log = Program("", data).log(CASES * number, f"{number}.xes")
            command = [str(program), "--data", str(data), "import", "xes", str(log)]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment()) as load:
                psutil.Process(pid).send_signal(signal.SIGKILL)
                assert load.wait(START_S) == 0
            until(lambda gone=pid: len(now := roles_of(supervisor)) == ROLES and gone not in now)  # type: ignore[misc]
        names = {Path(f"/proc/{pid}/comm").read_text().strip() for pid in roles_of(supervisor)}
        assert names == {"ll-serve", "ll-project", "ll-react", "ll-publish", "ll-database"}
        until(lambda: healthy(url))
        until(lambda: len(json.loads(get(f"{url}/v1/applications?limit=100", key)[1])["data"]) == CASES * ROLES)
        size = checked(leaseledger(commands, data, "fsck", "--json"))["size"]
        until(lambda: get(f"{url}/tlog/checkpoint", key)[1].splitlines()[1] == str(size))
        left = roles_of(supervisor)
    assert not any(psutil.pid_exists(pid) for pid in left)


def checked(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def healthy(url: str) -> bool:
    try:
        return get(f"{url}/healthz")[0] == 200
    except OSError:
        return False


def test_roles_end_with_a_supervisor_that_is_killed(data: Path, commands: Path) -> None:
    command = [str(PROGRAM), "--data", str(data), "up", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment()) as process:
        supervisor = psutil.Process(process.pid)
        until(lambda: len(roles_of(supervisor)) == ROLES)
        left = roles_of(supervisor)
        process.kill()
    until(lambda: not any(psutil.pid_exists(pid) for pid in left))
    assert leaseledger(commands, data, "doctor").returncode == 0


@contextmanager
def role(program: Path, folder: Path, name: str) -> Iterator[tuple[subprocess.Popen[bytes], IO[str]]]:
    """One role alone, and what it says."""
    command = [str(program), "--data", str(folder), "role", name]
    with tempfile.TemporaryFile("a+") as words, subprocess.Popen(command, stderr=words, env=environment()) as process:
        try:
            yield process, words
        finally:
            process.kill()


def said_by(words: IO[str]) -> str:
    words.seek(0)
    return words.read()


def test_a_second_instance_waits_until_the_first_is_killed(data: Path, commands: Path) -> None:
    assert leaseledger(commands, data, "project").returncode == 0
    waiting = "react: another one works on this ledger; waiting for it to end\n"
    with role(commands / NAME, data, "react") as (first, _):
        until(lambda: holder(data) is not None)
        worked = holder(data)
        with role(commands / NAME, data, "react") as (second, words):
            until(lambda: said_by(words) == waiting)
            first.kill()
            until(lambda: holder(data) not in (None, worked))
            second.send_signal(signal.SIGTERM)
            assert second.wait(START_S) == 0
            assert said_by(words) == f"{waiting}react: at work; Ctrl-C ends it\nStopped.\n"


def test_a_role_without_its_lock_ends_and_is_started_again(data: Path, commands: Path) -> None:
    """The lock goes with its connection: another instance may have begun, and two must not work."""
    assert leaseledger(commands, data, "project").returncode == 0
    with role(commands / NAME, data, "react") as (alone, words):
        until(lambda: holder(data) is not None)
        terminate(data, holder(data))
        assert alone.wait(START_S) == 2
        assert "the database does not know this instance any more" in said_by(words)


def test_who_works_and_what_waits_is_seen(data: Path, commands: Path) -> None:
    """A ledger whose process managers do not run looks like any other until somebody says so."""
    program = commands / NAME
    log = Program("", data).log(CASES, "waiting.xes")
    command = [str(program), "--data", str(data), "import", "xes", str(log)]
    with role(program, data, "project"), subprocess.Popen(command, env=environment()) as load:
        assert load.wait(START_S) == 0
        until(lambda: works(commands, data) == {"project"})
        assert waits(commands, data, "react") > 0
        with role(program, data, "react"):
            until(lambda: works(commands, data) == {"project", "react"})
            until(lambda: behind(commands, data) == {0})
            assert waits(commands, data, "react") == 0
            assert json.loads(leaseledger(commands, data, "doctor", "--json").stdout)["problems"] == []
    until(lambda: works(commands, data) == set())


def works(commands: Path, data: Path) -> set[str]:
    """The roles that `doctor` sees working."""
    said = json.loads(leaseledger(commands, data, "doctor", "--json").stdout)
    return {one["name"] for one in said["roles"] if one["works"]}


def waits(commands: Path, data: Path, name: str) -> float:
    """The seconds that the oldest event waits for a role."""
    said = json.loads(leaseledger(commands, data, "doctor", "--json").stdout)
    (found,) = [one["waits_s"] for one in said["roles"] if one["name"] == name]
    return float(found)


def behind(commands: Path, data: Path) -> set[int]:
    """How far process managers are behind."""
    said = json.loads(leaseledger(commands, data, "doctor", "--json").stdout)
    return {one["behind"] for one in said["process_managers"]}


def holder(folder: Path) -> int | None:
    """The database's process for whoever holds a role's lock, the one that is held for as long as a role lives."""
    from adapters.postgres.connections import connect
    from adapters.postgres.embedded import EmbeddedPostgres

    with EmbeddedPostgres(folder) as server, connect(server.url) as connection:
        row = connection.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted").fetchone()
    return None if row is None else int(row[0])


def terminate(folder: Path, pid: int | None) -> None:
    """End a connection from the database's side."""
    from adapters.postgres.connections import connect
    from adapters.postgres.embedded import EmbeddedPostgres

    with EmbeddedPostgres(folder) as server, connect(server.url, role=None) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def test_a_role_that_nobody_knows(commands: Path, tmp_path: Path) -> None:
    done = leaseledger(commands, tmp_path / "var", "role", "tidy")
    assert done.returncode == 2
    assert "serve" in done.stderr
    assert not (tmp_path / "var").exists()


def test_a_database_that_is_killed_under_up_is_started_again(data: Path, commands: Path) -> None:
    with up(data, program=commands / NAME) as said:
        until(lambda: ready(said["url"]) == 200)
        killed = postmaster(data)
        assert killed is not None
        psutil.Process(killed).send_signal(signal.SIGKILL)
        until(lambda: postmaster(data) not in (None, killed))
        until(lambda: ready(said["url"]) == 200)
        assert leaseledger(commands, data, "import", "xes", str(Program("", data).log(2))).returncode == 0
    assert postmaster(data) is None


def ready(url: str) -> int:
    try:
        return get(f"{url}/readyz")[0]
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_whoever_keeps_the_server_says_each_start_and_ends_with_its_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be started ends the role, so that the supervisor's pauses are between the tries."""
    monkeypatch.setattr(role_module, "LOOK_AT_SERVER_EVERY_S", 0.0)
    said: list[str] = []

    class Gone:
        looks: ClassVar = iter((False, True, True, EmbeddedPostgresError("no room")))

        def start_again(self) -> bool:
            look = next(self.looks)
            if isinstance(look, Exception):
                raise look
            return bool(look)

    with pytest.raises(EmbeddedPostgresError, match="no room"):
        role_module.keep_server(Gone(), threading.Event(), lambda: said.append("again"))  # type: ignore[arg-type]
    assert said == ["again", "again"]
