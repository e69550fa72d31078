"""Days near the ends of time: no command takes one, for whatever is reckoned from it later would fail."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from msgspec import inspect

from api.exposure import EXPOSED
from api.http.commands.models import FIRST_DAY, LAST_DAY, CommandReader
from api.http.commands.specs import specs
from api.http.problems.problem import Problem
from tests.api.http import cases
from tests.api.http.driver import Http

SPECS = [spec for of in EXPOSED for spec in specs(of)]


def parts_of(kind: inspect.Type) -> list[tuple[str, inspect.Type]]:
    """The types that a type is made of, with the names of members."""
    match kind:
        case inspect.Metadata():
            return [("", kind.type)]
        case inspect.UnionType():
            return [("", one) for one in kind.types]
        case inspect.StructType():
            return [(field.encode_name, field.type) for field in kind.fields]
    return []


def days_of(kind: inspect.Type, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The places of a command where a day stands."""
    if isinstance(kind, inspect.DateType):
        return [path]
    return [place for name, part in parts_of(kind) for place in days_of(part, (*path, name) if name else path)]


def test_commands_name_days() -> None:
    assert sum(len(days_of(inspect.type_info(spec.command))) for spec in SPECS) > 25


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "3000-01-01", "9999-12-31"])
@pytest.mark.parametrize(
    "spec", [one for one in SPECS if days_of(inspect.type_info(one.command))], ids=lambda s: s.name
)
def test_no_command_takes_a_day_near_the_ends_of_time(spec: object, day: str) -> None:
    reader: CommandReader[msgspec.Struct] = spec.reader  # type: ignore[attr-defined]
    for place in days_of(inspect.type_info(reader.command)):
        if len(place) > 1 or place[0] not in reader.model.model_fields:
            continue
        with pytest.raises(Problem) as refused:
            reader.members(msgspec.json.encode({place[0]: day}))
        assert f"/{place[0]}" in {fault.pointer for fault in refused.value.faults}


@pytest.mark.parametrize("day", [FIRST_DAY, date(2026, 3, 2), LAST_DAY])
def test_days_in_between_are_read(day: date) -> None:
    reader = next(spec.reader for spec in SPECS if spec.name == "record_delivery")
    assert reader.members(msgspec.json.encode({"on": day})) == {"on": day}


async def test_a_bill_that_is_put_off_for_ever_is_refused_at_once(http: Http) -> None:
    """It once ended every payment of its lease, and the end of day of its tenant, for good."""
    address, _ = await cases.leased(http)
    answer = await http.post(f"{address}/re_age_bills", {"bills": [1], "due_on": "9999-12-31"})
    assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")


async def test_an_inquiry_of_the_end_of_time_is_no_quote(http: Http) -> None:
    answer = await http.post("/v1/quotes", {"start": "9999-06-01"})
    assert answer.status_code == 422
    assert "/start" in {fault["pointer"] for fault in answer.json()["errors"]}
