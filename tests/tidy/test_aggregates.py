"""An aggregate has one shape: a module in a fixed order, or a folder of fixed names; nothing is re-exported."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.tidy import checkout

ORDER = ("values", "events", "state", "commands", "refusals", "rules", "evolve", "timers", "decider")
SECTION = re.compile(r"^# -{20,} (\w+)$", re.MULTILINE)
DOMAIN = [path for path in checkout.files() if path.parts[0] == "domain" and path.suffix == ".py"]
FOLDERS = sorted({path.parents[len(path.parts) - 4] for path in DOMAIN if len(path.parts) > 3})
"""The folders of aggregates, `domain/<context>/<aggregate>`."""


def sections_in_order(names: list[str]) -> bool:
    """Whether the sections of a module come in the order of `ORDER`, each at most once."""
    places = [ORDER.index(name) for name in names if name in ORDER]
    return places == sorted(set(places))


def stands_alone(source: str) -> bool:
    """Whether a package's file says what the package is, and nothing else."""
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in ast.parse(source).body)


@pytest.mark.parametrize("path", DOMAIN, ids=str)
def test_sections_of_a_module(path: Path) -> None:
    text = checkout.text_of(path) or ""
    names = [name for name in SECTION.findall(text) if name in ORDER]
    assert "Decider(" not in text or len(names) in (0, *range(5, len(ORDER) + 1)), names
    assert sections_in_order(names), names


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_files_of_an_aggregate(folder: Path) -> None:
    names = {path.relative_to(folder).parts[0].removesuffix(".py") for path in DOMAIN if folder in path.parents}
    assert {"__init__", "events", "state", "commands", "refusals", "rules", "evolve"} <= names
    assert names <= {"__init__", *ORDER} - {"decider"}


@pytest.mark.parametrize("path", [path for path in DOMAIN if path.name == "__init__.py"], ids=str)
def test_packages_export_nothing(path: Path) -> None:
    assert stands_alone(checkout.text_of(path) or "")


@pytest.mark.parametrize("path", DOMAIN, ids=str)
def test_no_module_exports_for_others(path: Path) -> None:
    assert "__all__" not in (checkout.text_of(path) or "")


def test_the_rules_reject_what_they_must() -> None:
    assert not sections_in_order(["state", "events"])
    assert not sections_in_order(["events", "events"])
    assert sections_in_order(["values", "events", "money", "state"])
    assert not stands_alone("from domain.parties.consent import CONSENT")
    assert stands_alone('"""Parties."""')
