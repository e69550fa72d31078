"""A tenant's own plans: read beside the shipped ones, all or none, and every mistake is named with its place."""

from __future__ import annotations

import json
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from adapters.reference import plans as loader
from adapters.reference.plans import CatalogueError, own_files, plans_of, shipped_plans
from domain.pricing.matching import plan_in_force
from domain.pricing.plans import Plan


def raw(code: str, **changes: Any) -> dict[str, Any]:
    """A shipped plan as JSON, with changes."""
    shipped: list[dict[str, Any]] = json.loads(
        (resources.files("adapters.reference") / loader.SHIPPED).read_text("utf-8")
    )
    return next(plan for plan in shipped if plan["id"] == code) | changes


def write(path: Path, *plans: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plans, ensure_ascii=False), "utf-8")
    return path


MINE = raw("phone_gift", id="my_phone", zh="自家手机方案")


def test_nothing_of_ones_own(tmp_path: Path) -> None:
    assert plans_of(tmp_path) == plans_of(tmp_path / "not_there") == shipped_plans()
    assert own_files(tmp_path) == ()


def test_a_file_and_a_folder_are_read(tmp_path: Path) -> None:
    write(tmp_path / "plans.json", MINE)
    write(tmp_path / "plans" / "b.json", raw("ebike_rider", id="my_ebike"))
    later = raw("phone_gift", version=2, effective_from="2027-01-01")
    write(tmp_path / "plans" / "a.json", raw("drone_daily", id="my_drone"), later)
    (tmp_path / "plans" / "notes.txt").write_text("not a catalogue")
    assert [path.name for path in own_files(tmp_path)] == ["plans.json", "a.json", "b.json"]
    found = plans_of(tmp_path)
    assert len(found) == 40
    assert {plan.id for plan in found} - {plan.id for plan in shipped_plans()} == {"my_phone", "my_ebike", "my_drone"}


def test_a_later_version_of_a_shipped_plan_takes_over_on_its_day(tmp_path: Path) -> None:
    write(tmp_path / "plans.json", raw("phone_gift", version=2, effective_from="2026-09-01", effective_to="2026-12-31"))
    plans = plans_of(tmp_path)

    def version(on: date) -> int | str:
        found = plan_in_force(plans, "phone_gift", on)
        return found.version if isinstance(found, Plan) else found.code

    assert [version(date(2026, month, 1)) for month in (8, 9, 12)] == [1, 2, 2]
    assert version(date(2027, 1, 1)) == "plan.ended", "this is how a tenant ends a shipped plan"


def test_what_changes_on_disk_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "plans.json", MINE)
    first = plans_of(tmp_path)
    assert plans_of(tmp_path) is first
    write(path, MINE, raw("phone_gift", id="other_phone"))
    assert len(plans_of(tmp_path)) == 38
    path.unlink()
    assert plans_of(tmp_path) == shipped_plans()


WRONG: list[tuple[str, Any, str]] = [
    ("not json", "{", r"plans\.json: "),
    ("not a list", {"plans": []}, r"plans\.json: Expected `array`"),
    ("unknown member", [MINE | {"colour": "red"}], r"plans\.json: .*unknown field `colour` - at `\$\[0\]`"),
    ("unknown part", [MINE | {"term": MINE["term"] | {"leap": 1}}], r"`leap` .*at `\$\[0\].term`"),
    ("not a plan", [MINE | {"rates": [{"up_to": 24, "rate": "12 %"}]}], r"plans\.json: .*\$\[0\].rates\[0\].rate"),
    ("contradiction", [MINE | {"allocation": ["fee"]}], r"plans\.json: plan my_phone: allocation: expected"),
    ("version twice", [MINE, MINE], r"plans\.json: plan my_phone: double: expected each version once, got 1"),
    (
        "versions of one day",
        [MINE, MINE | {"version": 2}],
        r"plans\.json: plan my_phone: effective: expected version 2 to begin after 2026-01-01",
    ),
    (
        "version begins before the other ends",
        [MINE | {"effective_to": "2026-06-30"}, MINE | {"version": 2, "effective_from": "2026-06-30"}],
        r"expected version 2 to begin after 2026-06-30.*got 2026-06-30",
    ),
    (
        "shipped version again",
        [raw("phone_gift")],
        r"the shipped catalogue and .*plans\.json: plan phone_gift: double: expected each version once, got 1",
    ),
    (
        "shipped plan in force twice",
        [raw("phone_gift", version=2)],
        r"the shipped catalogue and .*plans\.json: plan phone_gift: effective: ",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "said"), [(body, said) for _, body, said in WRONG], ids=[name for name, *_ in WRONG])
def test_mistakes_are_named_with_their_place(tmp_path: Path, body: Any, said: str) -> None:
    path = tmp_path / "plans.json"
    path.write_text(body if isinstance(body, str) else json.dumps(body), "utf-8")
    write(tmp_path / "plans" / "fine.json", raw("phone_gift", id="fine"))
    with pytest.raises(CatalogueError, match=said) as caught:
        plans_of(tmp_path)
    assert str(path) in str(caught.value)


def test_a_member_that_stands_twice_is_refused(tmp_path: Path) -> None:
    text = json.dumps([MINE]).replace('"grace_days": 3', '"grace_days": 3, "grace_days": 30')
    (tmp_path / "plans.json").write_text(text, "utf-8")
    with pytest.raises(CatalogueError, match="each member of an object once, got grace_days again"):
        plans_of(tmp_path)


def test_two_files_that_contradict_each_other_are_both_named(tmp_path: Path) -> None:
    write(tmp_path / "plans" / "a.json", MINE)
    write(tmp_path / "plans" / "b.json", MINE | {"version": 2})
    with pytest.raises(CatalogueError, match=r"a\.json and .*b\.json: plan my_phone: effective"):
        plans_of(tmp_path)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "plans.json").mkdir()
    with pytest.raises(CatalogueError, match=r"plans\.json: Is a directory"):
        plans_of(tmp_path)
