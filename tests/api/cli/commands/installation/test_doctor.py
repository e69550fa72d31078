"""`doctor` on an empty, a healthy and a broken installation: facts and problems, nothing changed, no trace."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.postgres import role_locks
from adapters.postgres.connections import connect
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.processes import parking
from api import followers
from api.cli.commands.installation import health
from api.cli.commands.installation.health import without_password
from api.cli.failures import REFUSED, UNUSABLE
from api.cli.program import app
from domain.contracts.contract.rules import CONTRACT
from tests.adapters.postgres.test_embedded import postmaster
from tests.api.cli.commands.test_contracts import ASSEMBLE, STREAM, do
from tests.api.cli.program import Outcome, Program
from tests.serving import until

# It looks whether its port is free.
pytestmark = pytest.mark.network


@pytest.fixture(autouse=True)
def forgiving(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """What only tests have: a server that does not force writes to the disk (gives the real list), and variables."""
    real = health.DURABLE
    # Where tests find other people's data is no setting of the program.
    monkeypatch.delenv("LEASELEDGER_SHARED", raising=False)
    monkeypatch.setattr(health, "DURABLE", ())
    return real


def doctor(*arguments: object, **environment: str | None) -> Outcome:
    """`doctor` with nothing but these variables."""
    given = {"DATABASE_URL": None, "ORIGIN": None, "DATA": None, **environment}
    variables = {f"LEASELEDGER_{name}": value for name, value in given.items()}
    done = CliRunner().invoke(app, ["doctor", *map(str, arguments)], env=variables)
    assert "Traceback" not in done.stderr
    return Outcome(done.exit_code, done.stdout_bytes, done.stderr)


def on(program: Program, **environment: str) -> dict[str, str | None]:
    return {"DATABASE_URL": program.url, "ORIGIN": "ledger.example/shard-0", "DATA": str(program.data), **environment}


def problems(done: Outcome) -> list[str]:
    return problems_of(done.json)


def problems_of(said: Any) -> list[str]:
    return [one["problem"] for one in said["problems"]]


def test_a_directory_that_is_not_there_stays_so(tmp_path: Path) -> None:
    done = doctor("--json", "--data", tmp_path / "none").then(0).json
    assert (done["ok"], done["problems"]) == (True, [])
    assert done["data_directory"]["exists"] is False
    assert any("there is no ledger yet" in note for note in done["notes"])
    assert not (tmp_path / "none").exists()
    assert "not there yet" in doctor("--data", tmp_path / "none").then(0).text


def test_an_empty_directory_stays_empty(tmp_path: Path) -> None:
    assert doctor("--json", "--data", tmp_path).then(0).json["data_directory"]["bytes"] == 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = doctor("--json", "--data", tmp_path / "file").then(REFUSED)
    assert problems(done)[0].endswith("expected a directory, got a file")


def test_a_healthy_ledger(program: Program) -> None:
    size = program.filled(3)
    done = program("doctor", "--json").then(0).json
    assert done["ok"] is True
    assert set(done["versions"]) >= {"leaseledger", "python", "postgresql", "psycopg", "eventsourcing", "msgspec"}
    assert done["versions"]["postgresql"].startswith("18")
    assert done["settings"]["origin"] == {"value": "ledger.example/shard-0", "from": "LEASELEDGER_ORIGIN"}
    assert done["settings"]["port"] == {"value": "8080", "from": "default"}
    assert (done["ledger"]["size"], done["ledger"]["newest_checkpoint"]["size"]) == (size, size)
    assert done["ledger"]["newest_checkpoint"]["kept"] == 1
    assert len(done["ledger"]["root"]) == 64
    assert [one["mode"] for one in done["keys"]] == ["0600"] * 3
    assert {one["behind"] for one in done["read_models"]} == {0}
    assert done["database"]["embedded"] is False
    assert done["data_directory"]["bytes"] > 0


def test_a_healthy_ledger_for_people(program: Program) -> None:
    size = program.filled(2)
    lines = program("doctor").then(0).text.splitlines()
    assert lines[-1] == "No problems."
    assert f"ledger            ledger.example/shard-0, {size} events" in "\n".join(lines)
    assert all(line == line.rstrip() for line in lines)


def test_an_empty_database(program: Program, server: Any) -> None:
    with server.bare() as url:
        done = doctor("--json", **on(program, DATABASE_URL=url)).then(0).json
    assert any("the database is empty" in note for note in done["notes"])


def test_what_is_not_wrong_but_worth_knowing(program: Program) -> None:
    program.filled(1)
    program("import", "xes", program.log(2)).then(0)
    program.behind_the_back("DELETE FROM ledger.checkpoints")
    notes = " ".join(program("doctor", "--json").then(0).json["notes"])
    assert "events came since the newest checkpoint" in notes
    assert "read.application_book_v2 is" in notes


def test_the_source_of_the_data_directory(program: Program, tmp_path: Path) -> None:
    settings = doctor("--json", "--data", tmp_path, **on(program)).json["settings"]
    assert settings["data"] == {"value": str(tmp_path), "from": "command line"}
    assert doctor("--json", **on(program)).json["settings"]["data"]["from"] == "LEASELEDGER_DATA"


# ------------------------------------------------------------------------------------------------- problems


def test_a_key_file_that_others_can_read(program: Program) -> None:
    program.filled(1)
    key = program.data / "keys" / "vault.kek"
    key.chmod(0o644)
    done = program("doctor", "--json").then(REFUSED)
    assert problems(done) == [f"{key}: expected mode 0600, got 0644: others may have read it"]
    assert done.json["problems"][0]["do"] == f"chmod 600 {key}"
    text = program("doctor").then(REFUSED).text
    assert f"Problem 1: {key}" in text
    assert f"  do: chmod 600 {key}" in text


@pytest.mark.parametrize("name", ["vault.kek", "payload-0002.key", "log-0001.seed"])
def test_a_key_file_that_is_missing(program: Program, name: str) -> None:
    program.filled(1)
    (program.data / "keys" / name).unlink()
    assert problems(program("doctor", "--json").then(REFUSED)) == [f"{program.data / 'keys' / name} is missing"]
    assert not (program.data / "keys" / name).exists()


def test_a_key_file_with_something_else_in_it(program: Program) -> None:
    program.filled(1)
    (program.data / "keys" / "vault.kek").write_text("hello\n")
    assert "expected 64 hex digits, got 5 bytes" in problems(program("doctor", "--json").then(REFUSED))[0]


def test_keys_that_are_all_gone(program: Program) -> None:
    program.filled(1)
    shutil.rmtree(program.data / "keys")
    said = problems(program("doctor", "--json").then(REFUSED))
    assert said == [f"{program.data / 'keys'} is empty and the ledger was signed with keys"]
    assert not (program.data / "keys").exists()


@pytest.mark.parametrize("origin", ["ledger.example/shard-0", None])
def test_keys_of_another_ledger(program: Program, book: Program, origin: str | None) -> None:
    """A verifier key names the origin that it was made for, whether that is set or not."""
    vkey = book("vkey").text.strip()
    program("vkey").then(0)
    done = doctor("--json", **on(book, DATA=str(program.data)) | {"ORIGIN": origin}).then(REFUSED)
    assert f"log-0001.seed: expected {vkey}, which signed this ledger last" in problems(done)[0]


def test_the_wrong_origin(program: Program) -> None:
    program.filled(1)
    done = doctor("--json", **on(program, ORIGIN="other.example/log")).then(REFUSED)
    assert problems(done) == ["the ledger is the log 'ledger.example/shard-0', the setting says 'other.example/log'"]
    assert "LEASELEDGER_ORIGIN=ledger.example/shard-0" in done.json["problems"][0]["do"]


def test_an_origin_that_nobody_set_is_the_ledgers_own(program: Program) -> None:
    program.filled(1)
    done = doctor("--json", **on(program) | {"ORIGIN": None})
    assert done.json["settings"]["origin"] == {"value": "ledger.example/shard-0", "from": "ledger"}


def test_a_variable_that_is_no_setting(program: Program) -> None:
    done = doctor("--json", **on(program, PROT="1")).then(REFUSED)
    assert problems(done) == ["LEASELEDGER_PROT is set and is no setting"]
    assert "LEASELEDGER_PORT" in done.json["problems"][0]["do"]


def test_a_variable_with_a_value_that_cannot_be() -> None:
    done = doctor("--json", PORT="many").then(REFUSED)
    assert problems(done)[0].startswith("LEASELEDGER_PORT: ")
    assert doctor(PORT="many").then(REFUSED).text.strip().startswith("Problem 1: LEASELEDGER_PORT")


def test_events_that_a_read_model_could_not_take(program: Program) -> None:
    program.filled(1)
    program.behind_the_back(
        "INSERT INTO read.dead_letters (shard, table_name, position, key, stream, error) "
        "SELECT 0, 'application_book_v2', 1, stream::text, stream, 'odd' FROM ledger.events WHERE position = 1"
    )
    done = program("doctor", "--json").then(REFUSED)
    assert problems(done) == ["read.application_book_v2: 1 dead letters of 1 keys"]
    assert "leaseledger rebuild application_book" in done.json["problems"][0]["do"]


@pytest.mark.parametrize("missing", ["project", "react", "publish"])
def test_things_that_wait_where_a_role_works(program: Program, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Whichever role is not there, or stands still under its lock; what nobody runs is at rest, not late."""
    do(program, (CONTRACT, STREAM, ASSEMBLE))
    monkeypatch.setattr(followers, "PATIENCE_S", 0.0)
    assert doctor("--json", **on(program)).then(0).json["ok"]
    works = ({"project", "react", "publish"} - {missing}) | {"serve"}
    with connect(program.url) as connection:
        for role in works:
            assert role_locks.take(connection, role)
        found = problems(doctor("--json", **on(program)).then(REFUSED))
        told = [one for one in found if one.startswith(f"no `{missing}` works, and things wait for it")]
        assert len(told) == 1
        assert len([one for one in found if "works and lets things wait" in one]) == 2
    monkeypatch.setattr(followers, "PATIENCE_S", 3600.0)
    assert doctor("--json", **on(program)).then(0).json["ok"]


@pytest.mark.parametrize(
    ("process", "code", "where"),
    [
        ("originating", "contract.closed", "notes"),
        ("originating", "process.failed", "problems"),
        ("payments", "lease.payment_known", "problems"),
    ],
)
def test_what_should_have_followed_and_did_not(program: Program, process: str, code: str, where: str) -> None:
    """Nobody else asked for it, so that whoever looks after the ledger is told; money and failures are problems."""
    program.filled(1)
    told = f"{process}: what should have followed did not (2), such as application:1:ended: {code}"
    before = program("doctor", "--json").then(0).json
    assert told not in before["notes"]
    program.behind_the_back(parking.DDL)
    program.behind_the_back(
        "INSERT INTO read.parked (shard, process, position, key, tenant, stream, code, facts, tries)"
        f" SELECT 0, '{process}', 1, key, stream, stream, '{code}', '{{}}', 1 FROM ledger.events,"
        " (VALUES ('application:1:ended'), ('contract:1:lease')) AS refused (key) WHERE position = 1"
    )
    after = program("doctor", "--json").then(REFUSED if where == "problems" else 0).json
    said = problems_of(after) if where == "problems" else after["notes"]
    assert told in said


def test_a_process_has_the_name_that_the_list_of_what_is_parked_gives_it(program: Program) -> None:
    program.filled(1)
    program.behind_the_back(parking.DDL)
    program.behind_the_back(
        "INSERT INTO read.parked (shard, process, position, key, tenant, stream, code, facts, tries)"
        " SELECT 0, 'statements', 1, 'statement:bank_a:2026-06-11', stream, stream,"
        " 'reconciliation.statement_not_read', '{}', 1 FROM ledger.events WHERE position = 1"
    )
    told = program("doctor", "--lang", "zh").then(REFUSED).text
    assert "问题 1：银行对账单：有 1 项后续处理未能进行" in told
    assert "处理：请修正文件，或请银行重新提供；此后每次配置了该银行的 `end-of-day` 都会重试，直至对账完成" in told


def test_a_server_that_forgets(program: Program, forgiving: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "DURABLE", forgiving)
    done = program("doctor", "--json").then(REFUSED)
    assert problems(done) == ["fsync is off: a power cut can lose acknowledged events"]
    assert done.json["problems"][0]["do"] == "ALTER SYSTEM SET fsync = on"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://who:secret@/x?host=/nowhere", "cannot connect to the database"),
        ("nonsense here", "missing"),
    ],
)
def test_a_database_that_cannot_be_reached(tmp_path: Path, url: str, said: str) -> None:
    done = doctor("--json", DATABASE_URL=url, DATA=str(tmp_path)).then(REFUSED)
    assert said in problems(done)[0]
    assert b"secret" not in done.out
    assert done.json["database"]["reachable"] is False
    assert "not reachable" in doctor(DATABASE_URL=url, DATA=str(tmp_path)).text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://who:secret@h:1/x", "user=who password=*** dbname=x host=h port=1"),
        ("host=h password='a b'", "password=*** host=h"),
        ("host=h", "host=h"),
        ("=", "(not a libpq connection string)"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_port_that_is_taken_is_worth_knowing(program: Program) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = doctor("--json", **on(program, PORT=str(port))).json
    assert (done["port"]["free"], done["port"]["port"]) == (False, port)
    assert any(f"127.0.0.1:{port} is not free" in note for note in done["notes"])


def test_little_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FREE_BYTES_MIN", 1 << 60)
    assert problems(doctor("--json", "--data", tmp_path).then(REFUSED))[0].endswith("less than 1 GiB is free")


@pytest.fixture
def cluster() -> Iterator[Path]:
    """A data directory with an embedded server that was started once."""
    folder = Path(tempfile.mkdtemp(prefix="leaseledger-doctor-"))
    with EmbeddedPostgres(folder):
        pass
    yield folder
    shutil.rmtree(folder)


def test_an_embedded_server_that_does_not_start(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.postgres.embedded.START_ATTEMPTS", 2)
    done = doctor("--json", "--data", cluster).then(0)
    assert done.json["database"]["embedded"] is True
    control = cluster / "postgres" / "global" / "pg_control"
    control.rename(cluster / "aside")
    done = doctor("--json", "--data", cluster).then(REFUSED)
    assert "pg_control" in problems(done)[0]
    assert "server.log" in done.json["problems"][0]["do"]
    assert doctor("--data", cluster).then(REFUSED).text.count("Problem") == 1
    other = CliRunner().invoke(app, ["--data", str(cluster), "fsck"])
    assert other.exit_code == UNUSABLE
    assert "pg_control" in other.stderr
    (cluster / "aside").rename(control)
    doctor("--data", cluster).then(0)


@pytest.mark.parametrize("content", ["mode", "text"])
def test_a_key_of_a_bank_or_of_the_console_that_is_none(program: Program, content: str) -> None:
    """Not only those of the log: whoever cannot read one restarts for ever."""
    program.filled(1)
    path = program.data / "keys" / "provider-bank_a.key"
    path.write_text("0" * 64 if content == "mode" else "x")
    path.chmod(0o644 if content == "mode" else 0o600)
    try:
        (problem,) = program("doctor", "--json").then(1).json["problems"]
    finally:
        path.unlink()
    assert "provider-bank_a.key: expected" in problem["problem"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("portfolio.json", "no finance lease is booked"),
        ("tenants.json", "no contract is put together"),
        ("trust/ca.pem", "no signed document is taken"),
        ("trust/ca.crl", "no signed document is taken"),
    ],
)
def test_a_file_of_the_tenant_that_cannot_be_read(program: Program, name: str, meant: str) -> None:
    program.data.mkdir(exist_ok=True)
    path = program.data / name
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"somebody": {}}')
    try:
        (problem,) = program("doctor", "--json").then(1).json["problems"]
    finally:
        path.unlink()
    assert name in problem["problem"]
    assert "somebody" not in problem["problem"]
    assert meant in problem["do"]


def test_a_server_that_was_killed_under_others_is_said_before_it_runs_again(cluster: Path) -> None:
    """Starting one to look at it would hide that none was there."""
    told = "no database server was running while other programs, such as `up`, work with it"
    with EmbeddedPostgres(cluster):
        assert told not in problems(doctor("--json", "--data", cluster).then(0))
        pid = postmaster(cluster)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: postmaster(cluster) is None)
        assert told in problems(doctor("--json", "--data", cluster).then(REFUSED))
        assert told not in problems(doctor("--json", "--data", cluster).then(0))
    assert told not in problems(doctor("--json", "--data", cluster).then(0))
