"""The command line without its imports: one process imports everything once, and every command is a fork of it.

    leaseledger …   a script on PATH ─▶ arguments, folder, environment and descriptors over a socket
    keeper          forked for each command; forks the command, tells its number, waits and tells its exit status
    command         a process like any other, with signals of its own, in `api.cli.main`

The script passes SIGINT and SIGTERM on; when it is killed itself, the keeper kills the command. Importing the program
takes a second of processor time, more than most commands; tests of starting and interrupting run the real one.
"""

from __future__ import annotations

import gc
import marshal
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

ROOT = Path(__file__).parents[1]
NAME = "leaseledger"
ROOMS = ("domain", "chain", "adapters", "projections", "api")
COMMAND_LINE = "api.cli"
_WORD = 4
_READY = b"ready"

_SCRIPT = """#!{python} -IS
import marshal, os, signal, socket, sys

def pass_on(number, _):
    if pid:
        os.kill(pid, number)

pid = 0
with socket.socket(socket.AF_UNIX) as line:
    line.connect({path!r})
    asked = marshal.dumps((sys.argv[1:], os.getcwd(), dict(os.environ)))
    socket.send_fds(line, [len(asked).to_bytes(4)], [0, 1, 2])
    line.sendall(asked)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    pid = int.from_bytes(line.recv(4))
    status = int.from_bytes(line.recv(4))
sys.exit(status)
"""


@contextmanager
def commands() -> Iterator[Path]:
    """A folder with a program `leaseledger`, which works as long as the folder exists."""
    folder = Path(tempfile.mkdtemp(prefix="ll-"))
    path = str(folder / "line")
    script = folder / NAME
    script.write_text(_SCRIPT.format(python=sys.executable, path=path))
    script.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LEASELEDGER_")}
    with subprocess.Popen(
        [sys.executable, "-c", f"from tests.forked import main; main({path!r})"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=environment, start_new_session=True,
    ) as server:  # fmt: skip
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            assert server.stdout.readline().strip() == _READY
            yield folder
        finally:
            server.stdin.close()
            shutil.rmtree(folder)


def _import_everything() -> None:
    """All of the program but its command line, whose words are made while it is imported."""
    for room in ROOMS:
        for module in walk_packages([str(ROOT / room)], f"{room}."):
            if not module.name.startswith(COMMAND_LINE):
                import_module(module.name)
    for module_name in ("typer", "rich.console", "rich.progress", "rich.table"):
        import_module(module_name)


def _serve(path: str) -> None:
    """Wait for commands until stdin is closed; returns in the process that is to become a command."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        gc.collect()
        gc.freeze()
        # Nobody waits for keepers.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        os.write(1, _READY + b"\n")
        while True:
            waiting: list[socket.socket | int] = [listener, 0]
            ready, _, _ = select.select(waiting, [], [])
            if listener not in ready:
                os._exit(0)
            line, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _keep(line)
                return
            line.close()


def _keep(line: socket.socket) -> None:
    """Start the command and tell how it ended; returns in the command."""
    head, descriptors, _, _ = socket.recv_fds(line, _WORD, 3)
    size, asked = int.from_bytes(head), b""
    while len(asked) < size:
        asked += line.recv(size - len(asked))
    pid = os.fork()
    if pid == 0:
        line.close()
        _become(descriptors, *marshal.loads(asked))
        return
    for number in (0, 1, 2, *descriptors):
        os.close(number)
    line.sendall(pid.to_bytes(_WORD))
    ended = os.pidfd_open(pid)
    either: list[socket.socket | int] = [ended, line]
    ready, _, _ = select.select(either, [], [])
    if ended not in ready:
        os.kill(pid, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if ended in ready:
        line.sendall((status if status >= 0 else 128 - status).to_bytes(_WORD))
    os._exit(0)


def _become(descriptors: list[int], arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    """Take over what belongs to the command: descriptors, folder, environment, arguments."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # What the interpreter found out about the streams that it began with is not true of these.
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [NAME, *arguments]


def main(path: str) -> None:
    """Serve; this is the last thing that a fork which became a command does."""
    _import_everything()
    from adapters.postgres.embedded import EmbeddedPostgres
    from tests.clusters import copied_from

    EmbeddedPostgres._run = copied_from(Path(path).with_name("cluster"))  # type: ignore[method-assign]
    _serve(path)
    from api.cli import main as command

    command()
