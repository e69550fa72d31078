"""Parameters read from text: what no database stores is refused wherever it is given."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from api.queries.engine.parameters import STARTING_AFTER, ParameterInvalid, parameters_of, storable
from api.queries.registry import READS

EVERY = [pytest.param(one, id=f"{read.name} {one.name}") for read in READS for one in parameters_of(read.filters)]
CURSORS = [pytest.param(read.cursor, id=read.name) for read in READS if read.cursor is not None]


@pytest.mark.parametrize("parameter", EVERY)
@pytest.mark.parametrize("text", ["\0", "a\0b", "\udcff\udcfe"])
def test_no_filter_takes_what_no_database_stores(parameter: Any, text: str) -> None:
    with pytest.raises(ParameterInvalid) as no:
        parameter.read(text)
    assert (no.value.name, no.value.kind) == (parameter.name, "not_storable")


@pytest.mark.parametrize("cursor", CURSORS)
@pytest.mark.parametrize("text", ["\0", "1/event/a/\0", "1/event/a/\udcff"])
def test_no_cursor_takes_what_no_database_stores(cursor: Any, text: str) -> None:
    with pytest.raises(ParameterInvalid) as no:
        cursor.read(text)
    assert (no.value.name, no.value.kind) == (STARTING_AFTER, "not_storable")


@given(text=st.text(st.characters()))
def test_storable_texts_are_those_that_have_utf8_without_nul(text: str) -> None:
    try:
        known = b"\0" not in text.encode()
    except UnicodeEncodeError:
        known = False
    assert storable(text) is known


def test_the_database_takes_what_is_storable(connection: Connection[Any]) -> None:
    text = "\x01\ud7ff\ue000\uffff\U0010ffff"
    assert storable(text)
    assert connection.execute("SELECT %s::text", (text,)).fetchone() == (text,)
