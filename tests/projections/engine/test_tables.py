"""Rows survive their table: every kind of column, every odd text, in one statement."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from projections.engine import copies
from projections.engine.model import Index, Key, Projection, ProjectionError, Row
from projections.engine.tables import TEMPORARY, Table, array, ddl
from tests.projections.engine.toys import WORK, Tally, tally
from tests.sampling import examples


class Everything(Row, frozen=True, kw_only=True):
    id: UUID
    lane: str
    amount: int | None
    note: str | None
    flag: bool | None
    at: datetime | None
    day: date | None


EVERYTHING = Projection(
    name="everything",
    version=1,
    row=Everything,
    key=("id", "lane"),
    events=WORK,
    fold=lambda row, event, recorded: row,
)

_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (1970, 2200))
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
odd_text = st.sampled_from(["", "NULL", '"', "\\", "{}", ",", "a\nb", " ", "租赁", '\\"'])
rows = st.builds(
    Everything,
    position=st.integers(1, 2**62),
    id=st.uuids(),
    lane=text | odd_text,
    amount=st.none() | st.integers(-(2**63), 2**63 - 1),
    note=st.none() | text | odd_text,
    flag=st.none() | st.booleans(),
    at=st.none() | st.datetimes(_FIRST, _LAST, timezones=st.just(UTC)),
    day=st.none() | st.dates(date(1970, 1, 1), date(2200, 1, 1)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(50))
@given(st.lists(rows, max_size=8, unique_by=lambda row: (row.id, row.lane)))
def test_what_is_written_is_read(connection: Connection[Any], written: list[Everything]) -> None:
    table: Table[Everything] = Table(EVERYTHING, schema=TEMPORARY)
    table.drop(connection)
    table.create(connection)
    by_key: dict[Key, Everything | None] = {(str(row.id), row.lane): row for row in written}
    table.write(connection, 0, by_key)
    assert table.load(connection, 0, by_key) == by_key


def test_a_second_write_replaces_and_removes(connection: Connection[Any]) -> None:
    table = Table(tally(), schema=TEMPORARY)
    table.create(connection)
    ids = [UUID(int=n) for n in range(3)]
    first: dict[Key, Tally | None] = {(str(id_),): tally().row(id=id_, times=1, lanes="x", position=1) for id_ in ids}
    table.write(connection, 0, first)
    table.write(
        connection,
        0,
        {
            (str(ids[0]),): tally().row(id=ids[0], times=2, lanes="xy", position=2),
            (str(ids[1]),): None,
        },
    )
    got = table.load(connection, 0, first)
    assert {key: row.times for key, row in got.items()} == {(str(ids[0]),): 2, (str(ids[2]),): 1}


def test_shards_do_not_meet(connection: Connection[Any]) -> None:
    table = Table(tally(), schema=TEMPORARY)
    table.create(connection)
    key = (str(UUID(int=1)),)
    for shard in (0, 1):
        table.write(connection, shard, {key: tally().row(id=UUID(int=1), times=shard, lanes="", position=1)})
    assert [table.load(connection, shard, [key])[key].times for shard in (0, 1)] == [0, 1]
    table.write(connection, 0, {key: None})
    assert table.load(connection, 0, [key]) == {}
    assert table.load(connection, 1, [key])[key].times == 1


def test_nothing_to_load_and_nothing_to_write(connection: Connection[Any]) -> None:
    table = Table(tally(), schema=TEMPORARY)
    table.create(connection)
    table.write(connection, 0, {})
    assert table.load(connection, 0, []) == {}


def test_the_table_follows_from_the_row_type() -> None:
    declared = replace(EVERYTHING, indexes=(("lane",), Index(("day", "id"), where="flag")), fillfactor=70)
    assert ddl(declared, "read.x").replace(";\n", "; ") == (
        "CREATE TABLE read.x (shard smallint NOT NULL, position bigint NOT NULL, id uuid NOT NULL, lane text NOT NULL, "
        "amount bigint, note text, flag boolean, at timestamp with time zone, day date, "
        "PRIMARY KEY (shard, id, lane)) WITH (fillfactor = 70); "
        "CREATE INDEX ON read.x (shard, lane); "
        "CREATE INDEX ON read.x (shard, day, id) WHERE flag"
    )


@pytest.mark.parametrize("change", ["ALTER times TYPE integer", "ALTER times DROP NOT NULL"])
def test_columns_that_are_not_the_row_types_are_refused(connection: Connection[Any], change: str) -> None:
    table = Table(tally(), schema=TEMPORARY)
    table.create(connection)
    table.check(connection)
    connection.execute(f"ALTER TABLE {table.qualified} {change}".encode())
    with pytest.raises(ProjectionError, match=r"expected columns .*\('times', 'bigint', True\).* got .*\('times', "):
        table.check(connection)


def test_a_table_that_changed_without_a_new_version_is_refused(connection: Connection[Any]) -> None:
    copies.prepare(connection, [tally()], 0)
    connection.execute("ALTER TABLE read.tally_v1 ADD COLUMN extra text")
    with pytest.raises(ProjectionError, match=r"read\.tally_v1: expected columns"):
        copies.prepare(connection, [tally()], 0)


def test_null_is_not_the_text_null() -> None:
    assert array("text", [None, "NULL", 'a"b\\c']) == '{NULL,"NULL","a\\"b\\\\c"}'
    assert array("boolean", [True, None, False]) == "{True,NULL,False}"
