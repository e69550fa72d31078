"""Declarations: answers, columns and parameters follow from types, and every read says everything about itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from api.queries.engine.columns import Kind, columns_of, table_of
from api.queries.engine.parameters import ParameterInvalid, by_id, by_position, parameters_of, read_parameters
from api.queries.engine.read import Read
from api.queries.engine.resources import Resource
from api.queries.engine.shape import derived
from api.queries.registry import READS
from domain.kernel.fields import INTERNAL, Digest, noun, one_of, shown
from domain.payments.mandate import MANDATE
from projections.payments.mandates import MANDATES

ONE = UUID(int=1)
ID = "0" * 31 + "1"


class Inner(Struct, frozen=True):
    """A value with an id in it."""

    party: UUID
    number: int


class Row(Struct, frozen=True, kw_only=True):
    """A row of every kind."""

    lessee: Annotated[UUID | None, noun("subject"), Meta(description="Who leases.")]
    lease: UUID
    at: datetime
    on: date | None
    inner: Inner
    several: tuple[Inner, ...]
    chosen: frozenset[UUID]
    kept: Annotated[str, shown(Inner)]
    codes: Annotated[str, shown(tuple[str, ...])]
    lacking: Annotated[str, shown(Digest | None)]
    perhaps: int | UnsetType
    state: Annotated[str, one_of(("open", "closed"))]
    open_fen: int
    currency: str
    ok: bool
    position: int
    secret: Annotated[str, INTERNAL]


ROW = Row(
    lessee=ONE, lease=ONE, at=datetime(2026, 1, 2, tzinfo=UTC), on=None, inner=Inner(ONE, 1), several=(Inner(ONE, 2),),
    chosen=frozenset({UUID(int=2), ONE}), kept=msgspec.json.encode(Inner(ONE, 3)).decode(), codes="a b", lacking="",
    perhaps=UNSET, state="open", open_fen=1, currency="CNY", ok=True, position=7, secret="x",
)  # fmt: skip


def test_an_answer_follows_from_a_row() -> None:
    answer, make = derived(Row, "Thing", without=())
    assert msgspec.json.decode(msgspec.json.encode(make(ROW))) == {
        "lessee": f"subject_{ID}", "lease": f"lease_{ID}", "at": "2026-01-02T00:00:00.000000Z", "on": None,
        "inner": {"party": f"party_{ID}", "number": 1}, "several": [{"party": f"party_{ID}", "number": 2}],
        "chosen": [f"chosen_{ID}", f"chosen_{'0' * 31}2"], "kept": {"party": f"party_{ID}", "number": 3},
        "codes": ["a", "b"], "lacking": None, "state": "open", "open_fen": 1, "currency": "CNY", "ok": True,
        "position": 7,
    }  # fmt: skip
    schema = msgspec.json.schema(answer)["$defs"]["Thing"]
    assert schema["properties"]["lessee"]["description"] == "Who leases."
    assert schema["properties"]["state"]["enum"] == ["open", "closed"]
    assert set(schema["required"]) == set(answer.__struct_fields__) - {"perhaps"}


def test_columns_follow_from_an_answer() -> None:
    columns = {one.name: one for one in columns_of(derived(Row, without=())[0])}
    kinds = {name: one.kind for name, one in columns.items()}
    assert kinds["lessee"] == kinds["lease"] == Kind.ID
    assert (kinds["at"], kinds["on"], kinds["lacking"]) == (Kind.INSTANT, Kind.DATE, Kind.DIGEST)
    assert (kinds["state"], kinds["ok"], kinds["position"]) == (Kind.STATE, Kind.FLAG, Kind.POSITION)
    assert kinds["inner"] == kinds["several"] == kinds["codes"] == Kind.DETAIL
    assert (columns["open_fen"].kind, columns["open_fen"].currency) == (Kind.MONEY, "currency")
    assert (columns["lessee"].noun, columns["lessee"].nullable) == ("subject", True)
    assert (columns["state"].choices, columns["lessee"].description) == (("open", "closed"), "Who leases.")


class Wanted(Struct, frozen=True):
    """Parameters of every kind."""

    on: Annotated[date, Meta(description="A day.")]
    state: Annotated[str | None, one_of(("open",)), Meta(description="A state.")] = None
    lease: Annotated[UUID | None, Meta(description="A lease.")] = None
    count: Annotated[int | None, Meta(description="A number.", ge=1)] = None


def test_parameters_are_read_from_text() -> None:
    given = {"on": "2026-01-02", "state": "open", "lease": f"lease_{ID}", "count": "3"}
    assert read_parameters(Wanted, given) == Wanted(date(2026, 1, 2), "open", ONE, 3)
    assert [one.required for one in parameters_of(Wanted)] == [True, False, False, False]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, ("on", "missing")),
        ({"on": "20260102"}, ("on", "date_parsing")),
        ({"on": "2026-02-30"}, ("on", "date_parsing")),
        ({"on": "2026-01-02", "state": "gone"}, ("state", "enum")),
        ({"on": "2026-01-02", "lease": f"bill_{ID}"}, ("lease", "identifier")),
        ({"on": "2026-01-02", "count": "0"}, ("count", "invalid")),
    ],
)
def test_parameters_that_do_not_fit(given: dict[str, str], fault: tuple[str, str]) -> None:
    with pytest.raises(ParameterInvalid) as raised:
        read_parameters(Wanted, given)
    assert (raised.value.name, raised.value.kind) == fault


def test_cursors() -> None:
    cursor = by_id("lease")
    assert cursor.read(f"lease_{ID}") == ONE
    assert cursor.text(ONE) == f"lease_{ID}"
    assert by_position().read("7") == by_position().text(7) == 7
    for text in ("-1", "1" * 17, "x", "１"):
        with pytest.raises(ParameterInvalid):
            by_position().read(text)


def test_names_are_unique_and_paths_too() -> None:
    assert len({read.name for read in READS}) == len({read.path for read in READS}) == len(READS)


@pytest.mark.parametrize("read", [pytest.param(read, id=read.name) for read in READS])
def test_every_read_says_everything_about_itself(read: Read) -> None:
    assert read.words.split("\n")[0].endswith(".")
    assert all(one.description.endswith(".") for one in parameters_of(read.filters))
    assert table_of(read) or not read.many
    schema: dict[str, Any] = msgspec.json.schema(read.body)
    assert schema["$defs"]
    # What a client must give has an example, so that tests and documents can ask.
    assert all(one.examples for one in parameters_of(read.filters) if one.required)


def test_a_read_model_without_state_shows_its_rows() -> None:
    assert "granted_on" in Resource(MANDATE, MANDATES).answer.__struct_fields__
    assert "tenant" not in Resource(MANDATE, MANDATES).answer.__struct_fields__
