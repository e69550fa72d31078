"""A projection's table: created, read by key or by stream, written by one upsert from column arrays or by COPY."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from operator import itemgetter
from typing import Any, Generic, NamedTuple
from uuid import UUID

from msgspec.structs import astuple
from psycopg import Connection, sql

from projections.engine.model import Index, Key, Projection, ProjectionError, R

SCHEMA = "read"
TEMPORARY = "pg_temp"
OF_PARKED = ("dead_letters", "parked")
"""Tables of what could not be folded, followed or fired: of tenants, too."""

_COLUMNS_OF = """
    SELECT attname, format_type(atttypid, NULL), attnotnull FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"""


_OF_TENANT = "tenant = NULLIF(current_setting('leaseledger.tenant', true), '')::uuid"
"""Of whoever set no tenant: of nobody. After a transaction that set one, the setting is '' and not NULL."""

_POLICIES = "SELECT polname FROM pg_policy WHERE polrelid = to_regclass(%s)"
_HAS_ROW_SECURITY = """
    SELECT FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
    WHERE polrelid = to_regclass(%s) AND relrowsecurity AND polname = 'of_tenant' AND polcmd = 'r' AND polpermissive
      AND polroles = '{0}'
      AND pg_get_expr(polqual, polrelid)
          = '(tenant = (NULLIF(current_setting(''leaseledger.tenant''::text, true), ''''::text))::uuid)'
      AND (SELECT count(*) FROM pg_policy AS every WHERE every.polrelid = pg_class.oid) = 1"""


class Span(NamedTuple):
    """The streams whose ids, as text, lie behind `after` and up to `up_to`; `None` is no bound."""

    after: str | None
    up_to: str | None


class Table(Generic[R]):
    """One table that holds rows of one version of a projection: the live one, one being built, or a scratch copy."""

    def __init__(self, projection: Projection[R], *, name: str = "", schema: str = SCHEMA) -> None:
        self.projection = projection
        self.name = name or projection.table
        self.schema = schema
        self.qualified = f"{schema}.{self.name}"
        self._select, self._upsert, self._delete = _statements(projection, self.qualified)
        self._select_all = f"SELECT {select_list(projection)} FROM {self.qualified} AS t"
        columns = ", ".join(name for name, _ in projection.columns)
        self._copy = f"COPY {self.qualified} (shard, {columns}) FROM STDIN"

    def create(self, connection: Connection[Any]) -> None:
        """Create the table, its indexes, and the policy that shows a reader the rows of its tenant only."""
        connection.execute(ddl(self.projection, self.qualified).encode())
        self.enable_row_security(connection)

    def enable_row_security(self, connection: Connection[Any]) -> None:
        """Let readers see the rows of the tenant that they ask for, and no row without one, unless it is so already.

        A table that belongs to no tenant, or to one session only, needs none.
        """
        if self.schema != TEMPORARY and self.needs_row_security:
            enable_row_security(connection, self.qualified)

    @property
    def needs_row_security(self) -> bool:
        """Whether its rows belong to tenants."""
        return any(name == "tenant" for name, _ in self.projection.columns)

    def check(self, connection: Connection[Any]) -> None:
        """Raise `ProjectionError` unless the table exists and its columns are `shard` and the row type's fields."""
        nullable = self.projection.nullable
        columns = ((name, kind, name not in nullable) for name, kind in self.projection.columns)
        expected = [("shard", "smallint", True), *columns]
        got = connection.execute(_COLUMNS_OF, (self.qualified,)).fetchall()
        if got != expected:
            raise ProjectionError(f"{self.qualified}: expected columns {expected}, got {got}")

    def drop(self, connection: Connection[Any]) -> None:
        """Remove the table if it is there."""
        connection.execute(f"DROP TABLE IF EXISTS {self.qualified}")

    def load(self, connection: Connection[Any], shard: int, keys: Iterable[Key]) -> dict[Key, R]:
        """The rows of these keys that exist."""
        arrays = [array("text", column) for column in _columns(list(keys))]
        if not arrays:
            return {}
        cursor = connection.cursor(binary=True)
        found = cursor.execute(self._select, (*arrays, shard)).fetchall()
        at, make = self.projection.key_at, row_maker(self.projection)
        return {tuple([str(values[i]) for i in at]): make(values) for values in found}

    def known(self, connection: Connection[Any], shard: int, events: Iterable[tuple[Key | None, Any]]) -> dict[Key, R]:
        """The rows that events with their keys are to be folded onto; none is looked for where there cannot be any."""
        if self.projection.append_only:
            return {}
        return self.load(connection, shard, {key for key, _ in events if key is not None})

    def values_of(self, connection: Connection[Any], shard: int, span: Span) -> list[tuple[Any, ...]]:
        """The rows of the streams of a span, as values in the order of the row type's fields."""
        column = self.projection.stream_column
        query, parameters = f"{self._select_all} WHERE t.shard = %s", [shard, *(one for one in span if one is not None)]
        if span.up_to is not None:
            query += f" AND t.{column} > %s::uuid" * (span.after is not None) + f" AND t.{column} <= %s::uuid"
        elif span.after is not None:
            # A row that somebody robbed of its stream must not lie in no span at all.
            query += f" AND (t.{column} > %s::uuid) IS NOT FALSE"
        return connection.cursor(binary=True).execute(query, parameters).fetchall()

    def clear(self, connection: Connection[Any], shard: int) -> None:
        """Remove every row."""
        connection.execute(f"DELETE FROM {self.qualified} WHERE shard = %s", (shard,))

    def insert(self, connection: Connection[Any], shard: int, rows: Iterable[R]) -> None:
        """Add rows that are not there, by COPY."""
        values = _columns(list(map(astuple, rows)))
        if not values:
            return
        kinds = [kind for _, kind in self.projection.columns]
        columns = [_copied(kind, column) for kind, column in zip(kinds, values, strict=True)]
        begin = f"{shard}\t"
        with connection.cursor() as cursor, cursor.copy(self._copy) as copy:
            copy.write("".join([f"{begin}{line}\n" for line in map("\t".join, zip(*columns, strict=True))]))

    def write(self, connection: Connection[Any], shard: int, changed: Mapping[Key, R | None]) -> None:
        """Make the table hold these rows, in one statement for those that are and one for those that are gone."""
        values = [astuple(row) for row in changed.values() if row is not None]
        if values:
            kinds = [kind for _, kind in self.projection.columns]
            arrays = [array(kind, column) for kind, column in zip(kinds, _columns(values), strict=True)]
            connection.execute(self._upsert, (shard, *arrays))
        gone = [key for key, row in changed.items() if row is None]
        if gone:
            arrays = [array("text", column) for column in _columns(gone)]
            connection.execute(self._delete, (*arrays, shard))


def enable_row_security(connection: Connection[Any], qualified: str) -> None:
    """Let readers see the rows of a table that are of their tenant, and no row without one, unless it is so already."""
    if has_row_security(connection, qualified):
        return
    connection.execute(f"ALTER TABLE {qualified} ENABLE ROW LEVEL SECURITY")
    for (policy,) in connection.execute(_POLICIES, (qualified,)).fetchall():
        connection.execute(sql.SQL("DROP POLICY {} ON {}").format(sql.Identifier(policy), sql.SQL(qualified)))
    connection.execute(f"CREATE POLICY of_tenant ON {qualified} FOR SELECT USING ({_OF_TENANT})")


def has_row_security(connection: Connection[Any], qualified: str) -> bool:
    """Whether a policy restricts readers to rows of their tenant; a table that is not there shows nobody anything."""
    found = connection.execute("SELECT to_regclass(%s) IS NULL", (qualified,)).fetchone()
    return found == (True,) or connection.execute(_HAS_ROW_SECURITY, (qualified,)).fetchone() is not None


def without_row_security(connection: Connection[Any], projections: Iterable[Projection[Any]]) -> list[str]:
    """The names of live tables, and of those of what is parked, whose rows readers of other tenants could see."""
    tables = [one.name for one in map(Table, projections) if one.needs_row_security]
    # A table of a release before that has no tenant yet is shown to nobody.
    parked = [name for name in OF_PARKED if "tenant" in _columns_of(connection, f"{SCHEMA}.{name}")]
    return [name for name in (*tables, *parked) if not has_row_security(connection, f"{SCHEMA}.{name}")]


def _columns_of(connection: Connection[Any], qualified: str) -> list[str]:
    return [name for name, _, _ in connection.execute(_COLUMNS_OF, (qualified,)).fetchall()]


def row_maker(projection: Projection[R]) -> Callable[[Sequence[Any]], R]:
    """Values in the order of the row type's fields to a row."""
    names = projection.row.__struct_fields__
    make = projection.row
    return lambda values: make(**dict(zip(names, values, strict=True)))


def array_elements(literal: str) -> list[str]:
    """The elements of a PostgreSQL array literal of numbers or dates."""
    return literal[1:-1].split(",") if len(literal) > 2 else []


def array_literal(items: Iterable[str]) -> str:
    """A PostgreSQL array literal of numbers or dates."""
    return "{" + ",".join(items) + "}"


def rows_of(
    connection: Connection[Any], make: Callable[[Sequence[Any]], R], query: str, values: Sequence[Any]
) -> list[R]:
    """The rows that a SELECT of a row type's columns finds, in its order."""
    return [make(row) for row in connection.cursor(binary=True).execute(query, values).fetchall()]


def select_list(projection: Projection[Any], alias: str = "t") -> str:
    """The row type's columns for a SELECT, in the order of its fields."""
    return ", ".join(f"{alias}.{name}" for name, _ in projection.columns)


def ddl(projection: Projection[Any], table: str) -> str:
    """The statements that create a table for the projection's rows, with its indexes."""
    columns = [
        f"{name} {kind}{'' if name in projection.nullable else ' NOT NULL'}" for name, kind in projection.columns
    ]
    body = ", ".join(["shard smallint NOT NULL", *columns, f"PRIMARY KEY (shard, {', '.join(projection.key)})"])
    statements = [f"CREATE TABLE {table} ({body}) WITH (fillfactor = {projection.fillfactor})"]
    for declared in projection.indexes:
        index = declared if isinstance(declared, Index) else Index(declared)
        where = f" WHERE {index.where}" if index.where else ""
        statements.append(f"CREATE INDEX ON {table} (shard, {', '.join(index.columns)}){where}")
    return ";\n".join(statements)


def _statements(projection: Projection[Any], table: str) -> tuple[str, str, str]:
    columns = [name for name, _ in projection.columns]
    unnest = ", ".join(f"%s::{kind}[]" for _, kind in projection.columns)
    key_unnest = ", ".join(f"%s::{projection.columns[at][1]}[]" for at in projection.key_at)
    keys = ", ".join(projection.key)
    on = " AND ".join(f"t.{name} = k.{name}" for name in projection.key)
    rest = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns if name not in projection.key)
    select = (
        f"SELECT {select_list(projection)} FROM unnest({key_unnest}) AS k({keys}) "
        f"JOIN {table} AS t ON t.shard = %s AND {on}"
    )
    upsert = (
        f"INSERT INTO {table} (shard, {', '.join(columns)}) SELECT %s, u.* FROM unnest({unnest}) AS u "
        f"ON CONFLICT (shard, {keys}) DO UPDATE SET {rest}"
    )
    delete = f"DELETE FROM {table} AS t USING unnest({key_unnest}) AS k({keys}) WHERE t.shard = %s AND {on}"
    return select, upsert, delete


# ------------------------------------------------------------------------------------------- column arrays
#
# Array literals are made here because one join over a column costs a fraction of a general array adapter, which looks
# at every element by itself, and writing rows is what a batch spends most of its time on.


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(map(itemgetter(at), rows)) for at in range(len(rows[0]))] if rows else []


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _uuid(value: UUID) -> str:
    return value.hex


def _instant(value: datetime | date) -> str:
    return '"' + value.isoformat() + '"'


_LITERAL: Mapping[str, Callable[[Any], str]] = {
    "uuid": _uuid,
    "text": _text,
    "bigint": str,
    "boolean": str,
    "timestamp with time zone": _instant,
    "date": _instant,
}


def array(kind: str, column: Sequence[Any]) -> str:
    """A column of values as a PostgreSQL array literal of the SQL type `kind`; `None` becomes NULL."""
    literal = _LITERAL[kind]
    return "{" + ",".join(["NULL" if value is None else literal(value) for value in column]) + "}"


_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copied(kind: str, column: Sequence[Any]) -> list[str]:
    """A column of values in PostgreSQL's text COPY format."""
    if kind == "text":
        return ["\\N" if value is None else value.translate(_COPY_ESCAPES) for value in column]
    literal = _COPIED[kind]
    return ["\\N" if value is None else literal(value) for value in column]


_COPIED: Mapping[str, Callable[[Any], str]] = {
    "uuid": _uuid,
    "bigint": str,
    "boolean": str,
    "timestamp with time zone": str,
    "date": str,
}
