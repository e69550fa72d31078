"""Reading that may fail: a damaged page, a missing column or privilege is a finding, and the other parts go on."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from adapters.postgres.connections import Connection
from adapters.postgres.fsck.findings import Findings

_OF_THE_SERVER = ("08", "40", "53", "57")
"""Classes of SQLSTATE that say nothing of the stored rows: connection, rollback, resources, an operator's hand."""


class Reading:
    """Parts of a check in one transaction, each in a savepoint of its own."""

    def __init__(self, connection: Connection, found: Findings) -> None:
        self._connection, self._found = connection, found
        self._schema_differs = False

    def part(self, what: str, check: Callable[[], None], place: Callable[[], int] = lambda: 0) -> None:
        """Run one check; what ends it is a finding at `place`. Raises `psycopg.Error` when the server is to blame.

        Where the schema differs, which is named before, rows may be anything and a check may end in any way.
        """
        before = len(self._found.items)
        try:
            with self._connection.transaction():
                check()
        except psycopg.Error as error:
            if self._connection.closed or (error.sqlstate or "")[:2] in _OF_THE_SERVER:
                raise
            self._ended(what, error, place())
        except Exception as error:
            if not self._schema_differs:
                raise
            self._ended(what, error, place())
        self._schema_differs = self._schema_differs or (what == "schema" and len(self._found.items) > before)

    def _ended(self, what: str, error: Exception, position: int) -> None:
        got = " ".join(str(error).split())[:300] or type(error).__name__
        self._found.add(position, f"reading of the {what}", "all of it", got)
