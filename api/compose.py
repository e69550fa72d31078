"""The composition root: settings become a running ledger; roles put theirs together on top of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import domain.registry  # noqa: F401 - registers the event types that stored entries are read as
from adapters.keys import FileKeys, KeyFileError, LogSigner
from adapters.postgres.connections import check_may_read, connect, has_table, pool_of
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.identity import check_log_keys
from adapters.postgres.ledger import Ledger
from adapters.postgres.reading.facts import FactLoader
from adapters.postgres.reading.opening import ledger_state
from adapters.postgres.reading.reader import Reader
from adapters.postgres.reading.states import States
from adapters.postgres.schema import SHARD, ensure_schema
from adapters.postgres.vault import Vault
from adapters.postgres.writing.group_commit import GroupCommit
from adapters.postgres.writing.tenant_lock import TenantLock
from adapters.system import new_id, now, random_bytes
from api.facts import fact_loader
from api.queries.engine.threads import Queries
from api.settings import Settings
from chain.entry import ENTRY_WITHOUT_CASE, EntryError, parse

READ_CONNECTIONS = 8
READ_TIMEOUT_S = 5.0
"""How long a read waits for a connection before it says that the database is not there."""


@dataclass(frozen=True)
class Base:
    """What every command needs: settings, the database's URL with the schema in place, the keys, the signer."""

    settings: Settings
    url: str
    keys: FileKeys

    @property
    def signer(self) -> LogSigner:
        """Signs checkpoints with the newest key, and remembers the newest one that it signed."""
        return self.keys.log_signer(self.settings.origin)


@dataclass(frozen=True)
class Running(Base):
    """A ledger that takes commands, judged by every rule, whichever door they came from."""

    ledger: Ledger
    writer: GroupCommit
    reader: Reader
    vault: Vault
    queries: Queries
    facts: FactLoader


@contextmanager
def base(settings: Settings, *, judged: bool = True) -> Iterator[Base]:
    """Start or join the embedded server (unless a URL is set), make the schema and the keys if they are missing.

    Raises `KeyFileError` for keys that cannot go on with the ledger. Not `judged` means that whoever asks says himself
    which keys of the log are not this ledger's.
    """
    with ExitStack() as stack:
        url = settings.database_url or stack.enter_context(EmbeddedPostgres(settings.data)).url
        # First of all, so that nothing is brought up to date for whoever has other keys.
        known = _origin(url)
        keys = None if known is None else _keys(settings.keys_directory, url, known, judged=judged)
        origin = ensure_schema(url, origin=settings.origin, exactly="origin" in settings.model_fields_set)
        settings = settings.model_copy(update={"origin": origin})
        yield Base(settings, url, keys or _keys(settings.keys_directory, url, origin, judged=judged))


def _origin(url: str) -> str | None:
    """The origin of the ledger that is there; `None` where none is yet, or none that tells it."""
    with connect(url, role=None) as connection:
        if not has_table(connection, "ledger.head"):
            return None
        row = connection.execute("SELECT origin FROM ledger.head WHERE shard = %s", (SHARD,)).fetchone()
        return None if row is None else str(row[0])


def _keys(directory: Path, url: str, origin: str, *, judged: bool) -> FileKeys:
    """The keys; made for an empty ledger, or as far as the ledger did not need them yet. `judged`, they are its own.

    Raises `KeyFileError` for keys that have signed a ledger, beside an empty one: theirs was lost or put elsewhere.
    """
    with connect(url) as connection:
        newest = connection.execute(_NEWEST_ENTRY, (SHARD,)).fetchone()
    # Every entry beside a digest under the payloads' own key is of a later version.
    before = newest is not None and _is_of_before(bytes(newest[0]))
    keys = FileKeys(directory, make=newest is None, make_payload_key=before)
    signed = keys.log_signer(origin).signed()
    if newest is None and signed is not None and signed.size:
        raise KeyFileError(
            f"{directory}: expected the ledger of {signed.size} events that these keys have signed, got an empty one; "
            "restore its database, or give the new ledger a directory of its own"
        )
    keys.tidy()
    if judged:
        with connect(url) as connection:
            check_log_keys(connection, keys)
    return keys


def _owner(url: str) -> UUID | None:
    """The tenant that runs the log; `None` before the ledger is opened."""
    with connect(url) as connection:
        return ledger_state(connection).owner


def _is_of_before(entry: bytes) -> bool:
    """Whether an entry is of the version without cases. A damaged one is not: fsck must be able to say so."""
    try:
        return parse(entry).v == ENTRY_WITHOUT_CASE
    except EntryError:
        return False


@asynccontextmanager
async def running(on: Base) -> AsyncIterator[Running]:
    """The write path and the readers on top of a prepared database. Raises `MayNotRead` where nothing could be read."""
    with connect(on.url) as connection:
        check_may_read(connection)
    pool = pool_of(on.url, least=1, most=READ_CONNECTIONS, timeout_s=READ_TIMEOUT_S)
    vault, queries = Vault(on.keys, random_bytes), Queries(on.url)
    async with pool, TenantLock(on.url) as lock, GroupCommit(on.url, clock=now) as writer:
        reader = Reader(pool)
        facts = fact_loader(reader, States(reader), queries, lock, on.settings.data, partial(_owner, on.url))
        ledger = Ledger(writer, reader, vault, keys=on.keys, new_id=new_id, facts=facts)
        try:
            yield Running(on.settings, on.url, on.keys, ledger, writer, reader, vault, queries, facts)
        finally:
            await queries.close()


_NEWEST_ENTRY = "SELECT coalesce(entry, '') FROM ledger.events WHERE shard = %s ORDER BY position DESC LIMIT 1"
