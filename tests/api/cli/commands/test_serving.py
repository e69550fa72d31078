"""`up`: one process with everything, a clear word about a taken port, a clean end; two at once."""

from __future__ import annotations

import asyncio
import errno
import json
import mmap
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from adapters.keys import FileKeys
from api.cli.commands.serving import announce, listening, url_of
from api.cli.failures import Unusable
from api.cli.frame import Session
from api.compose import Base
from api.identity.recorded import authentication
from api.roles.opening import opened
from api.settings import Settings
from tests.adapters.postgres.test_embedded import postmaster
from tests.api.cli.program import Program
from tests.forked import NAME
from tests.ledger import ORIGIN
from tests.serving import until

PROGRAM = Path(sys.executable).with_name("leaseledger")
START_S = 60
IPV6 = Path("/proc/net/if_inet6").exists()
pytestmark = pytest.mark.network


@pytest.fixture
def data() -> Iterator[Path]:
    """A data directory that the database's own account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="leaseledger-up-"))
    yield folder / "var"
    shutil.rmtree(folder)


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEASELEDGER_")}
    return clean | more


@contextmanager
def up(data: Path, stop: signal.Signals = signal.SIGTERM, program: Path = PROGRAM) -> Iterator[dict[str, Any]]:
    """A running `up` on a free port; what it said about itself. It must end cleanly."""
    start = [sys.executable, str(program)] if program.suffix == ".py" else [str(program)]
    command = [*start, "--data", str(data), "up", "--port", "0", "--json"]
    # Words go to a file: nobody reads them while it runs, and a pipe that is full would make it wait.
    with (
        tempfile.TemporaryFile("a+") as words_file,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=words_file, text=True, env=environment()) as process,
    ):
        try:
            assert process.stdout is not None
            said = ""
            while not said.rstrip().endswith("\n}"):
                line = process.stdout.readline()
                assert line, _words_of(words_file)
                said += line
            yield json.loads(said)
            process.send_signal(stop)
            process.communicate(timeout=START_S)
            words = _words_of(words_file)
            assert process.returncode == 0, words
            assert words.splitlines()[-1] == "Stopped."
            assert "Traceback" not in words
        finally:
            process.kill()


def _words_of(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def get(url: str, key: str | None = None) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=START_S) as answer:
        return answer.status, answer.read().decode()


def leaseledger(programs: Path, data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(programs / NAME), "--data", str(data), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), check=False, timeout=START_S)


def test_up_serves_projects_and_publishes_while_others_import(data: Path, commands: Path) -> None:
    with up(data) as first:
        url, key = first["url"], first["operator_key"]
        assert key.startswith("llk_")
        assert get(f"{url}/healthz")[0] == 200
        # Every command works beside it, on the same data directory.
        ran = leaseledger(commands, data, "import", "xes", str(Program("", data).log(5, "first.xes")), "--json")
        assert ran.returncode == 0, ran.stderr
        size = json.loads(ran.stdout)["size"]
        until(lambda: get(f"{url}/tlog/checkpoint", key)[1].splitlines()[1] == str(size))
        page = json.loads(get(f"{url}/v1/applications?limit=10", key)[1])
        assert len(page["data"]) == 5
        log = data.parent / "more.xes"
        made = Program("", data).log(7, "more.xes")
        assert made == log
        assert leaseledger(commands, data, "import", "xes", str(log)).returncode == 0
        until(lambda: len(json.loads(get(f"{url}/v1/applications?limit=50", key)[1])["data"]) == 7)
        assert leaseledger(commands, data, "doctor").returncode == 0
    with up(data, signal.SIGINT) as again:
        assert again["operator_key"] is None, "the operator key is shown once"
        assert get(f"{again['url']}/v1/applications?limit=1", key)[0] == 200


def test_a_closed_terminal_stops_the_database_too(data: Path) -> None:
    with up(data, signal.SIGHUP):
        assert postmaster(data) is not None
    assert postmaster(data) is None


DIES_ONCE = """
import os, sys
from pathlib import Path
import uvicorn

ready = uvicorn.Server.startup

async def startup(server, sockets=None):
    mark = Path(sys.argv[2], "died")
    if not mark.exists():
        mark.touch()
        os._exit(9)
    await ready(server, sockets)

uvicorn.Server.startup = startup
from api.cli.program import app
app()
"""
"""`leaseledger` whose first start of the serving role dies before it listens."""


def test_a_later_start_shows_the_operator_key_that_the_first_could_not(data: Path) -> None:
    data.mkdir()
    script = data / "dies_once.py"
    script.write_text(DIES_ONCE)
    with up(data, program=script) as said:
        assert (data / "died").exists()
        assert get(f"{said['url']}/v1/leases?limit=1", said["operator_key"])[0] == 200


def test_an_operator_key_that_was_not_printed_is_followed_by_another(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.model_validate({"data": program.data, "database_url": program.url, "origin": ORIGIN})
    on, told = Base(settings, program.url, FileKeys(settings.keys_directory, make=True)), mmap.mmap(-1, 1)
    session = Session(program.data, as_json=True)
    session.settings = settings
    printed: list[bytes] = []

    def broken(_: bytes) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    async def announced() -> bool:
        async with opened(on) as ledger:
            await announce(session, on, listener, told, ledger)
            keys = [json.loads(said)["operator_key"] for said in printed]
            return bool(keys) and await authentication(ledger).find(keys[0]) is not None

    with listening("127.0.0.1", 0) as listener:
        monkeypatch.setattr(session, "write", broken)
        assert (asyncio.run(announced()), told[0]) == (False, 0)
        monkeypatch.setattr(session, "write", printed.append)
        assert (asyncio.run(announced()), told[0]) == (True, 1)
        assert asyncio.run(announced())
    assert len(printed) == 1


def test_two_at_once_on_different_directories(data: Path, commands: Path) -> None:
    other = Path(tempfile.mkdtemp(prefix="leaseledger-up-"))
    try:
        with up(data, program=commands / NAME) as one, up(other, program=commands / NAME) as two:
            assert one["url"] != two["url"]
            assert {get(f"{each['url']}/healthz")[0] for each in (one, two)} == {200}
    finally:
        shutil.rmtree(other)


def test_a_taken_port_is_said_before_anything_is_made(data: Path, commands: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = leaseledger(commands, data, "up", "--port", str(port))
    assert done.returncode == 2
    assert done.stderr == (
        f"leaseledger: 127.0.0.1:{port} is taken; "
        "choose another port with --port or LEASELEDGER_PORT (0 takes a free one)\n"
    )
    assert not data.exists()


def test_a_free_port_is_taken_by_zero() -> None:
    with listening("127.0.0.1", 0) as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_the_second_write_of_an_answer_waits_for_nothing() -> None:
    """With Nagle's algorithm the body of an answer waits 40 ms for the acknowledgement of its head."""
    with (
        listening("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.skipif(not IPV6, reason="this machine has no IPv6")
def test_an_address_of_six_is_bracketed() -> None:
    with listening("::1", 0) as listener:
        assert url_of(listener).startswith("http://[::1]:")


def test_an_address_of_somebody_else() -> None:
    with pytest.raises(Unusable, match="is not an address of this machine"), listening("192.0.2.1", 0):
        pass


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unusable, match="--host nowhere: Name or service not known"), listening("nowhere", 0):
        pass
