"""A database whose operator lets nothing stand still, and a witness of its patience."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import Connection

PATIENCE_MS = 50
TIMEOUTS = {
    "idle_in_transaction_session_timeout": PATIENCE_MS,
    "idle_session_timeout": 60_000,
    "statement_timeout": 30_000,
    "lock_timeout": 30_000,
    "transaction_timeout": 40_000,
}
"""Of these only the first is short; the others would end what a test does on its own connections."""

_KNOWN = "SELECT name FROM pg_settings WHERE name = ANY(%s)"


@contextmanager
def hasty(superuser: Connection[Any]) -> Iterator[None]:
    """As long as this lasts, connections that are made begin with these timeouts, as far as the server knows them."""
    database = superuser.info.dbname
    for (name,) in superuser.execute(_KNOWN, (list(TIMEOUTS),)).fetchall():
        superuser.execute(f'ALTER DATABASE "{database}" SET {name} = {TIMEOUTS[name]}'.encode())
    try:
        yield
    finally:
        superuser.execute(f'ALTER DATABASE "{database}" RESET ALL'.encode())


def outlast(url: str) -> None:
    """Come back when the server has ended somebody who began to idle in a transaction just now."""
    with suppress(psycopg.Error), psycopg.connect(url, autocommit=True) as witness:
        witness.execute("BEGIN")
        select.select([witness.fileno()], [], [])
