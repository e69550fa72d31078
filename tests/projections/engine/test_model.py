"""A projection that does not hold together is refused where it is declared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.intake.application.events import ApplicationDrafted
from domain.kernel import event
from domain.kernel.event import EVENT_TYPES, Event
from projections import registry
from projections.engine.model import Projection, ProjectionError, Row, key_text
from projections.registry import PROJECTIONS, find
from tests.projections.engine.toys import Tally, tally

PERSONAL = {"name", "identity_number", "phone", "address", "vin", "subject"}


DRAFTED = "application.drafted.v1"


class Floating(Row, frozen=True, kw_only=True):
    id: str
    share: float


def test_the_table_carries_the_version() -> None:
    assert tally(version=3).table == "tally_v3"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Tally"}, "snake_case name"),
        ({"version": 0}, "version from 1"),
        ({"key": ("who",)}, "expected key fields of Tally"),
        ({"key": ()}, "expected key fields of Tally"),
        ({"row": Floating}, r"tally_v1.share: expected one of .*, got <class 'float'>"),
    ],
)
def test_refused_declarations(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ProjectionError, match=message):
        replace(tally(), **changes)


def test_columns_follow_the_row_type() -> None:
    assert tally().columns == (("position", "bigint"), ("id", "uuid"), ("times", "bigint"), ("lanes", "text"))
    assert tally().key_at == (1,)
    assert key_text(("a", "b")) == "a/b"


def test_what_a_type_was_called_before_reaches_the_fold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older versions, and older names: what decodes to a class is folded by whoever folds the class."""
    for old, new in [("application.sketched.v1", "application.drafted.v0"), ("application.drafted.v0", DRAFTED)]:
        monkeypatch.setitem(event._UPCASTERS, old, (new, dict))
    wanted = replace(tally(), events=frozenset({ApplicationDrafted}))
    assert wanted.types == {"application.sketched.v1", "application.drafted.v0", DRAFTED}


def test_an_unregistered_class_is_refused() -> None:
    class Stray(Event, frozen=True):
        """Nobody registered this."""

    with pytest.raises(ProjectionError, match="got Stray"):
        assert replace(tally(), events=frozenset({Stray})).types


def test_registry_finds_the_newest_version(monkeypatch: pytest.MonkeyPatch) -> None:
    both: tuple[Projection[Tally], ...] = (tally(version=2), tally(version=1))
    monkeypatch.setattr("projections.registry.PROJECTIONS", both)
    assert find("tally").version == 2
    with pytest.raises(ProjectionError, match="expected one of tally, got 'nothing'"):
        find("nothing")


def test_every_context_is_searched_for_read_models() -> None:
    packages = {path.parent.name for path in Path(registry.__file__).parent.glob("*/__init__.py")}
    assert packages == {*registry.CONTEXTS, "engine"}
    assert len({projection.table for projection in PROJECTIONS}) == len(PROJECTIONS) > 10


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.table)
def test_read_models_of_the_house(projection: Projection[Any]) -> None:
    """No personal column, every declared event registered."""
    assert not PERSONAL & {name for name, _ in projection.columns}
    assert {"position", "tenant"} <= {name for name, _ in projection.columns}
    assert projection.types <= set(EVENT_TYPES)
