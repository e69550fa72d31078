"""No room gets fuller or deeper than it is: files in a folder, imports in a chain."""

from __future__ import annotations

import ast
from graphlib import CycleError
from pathlib import Path

import pytest

from tests.tidy import checkout, ratchet, structure

rooms = pytest.mark.parametrize("name", checkout.PACKAGES)


@rooms
def test_folders_can_be_overlooked(name: str) -> None:
    """At most twelve files in a folder; a room that has more today has a number of its own, which only falls."""
    limit = ratchet.load(ratchet.FILE.read_text("utf-8"))["at_most"].get(
        f"files_in_a_folder_of_{name}", structure.FOLDER_MAX_FILES
    )
    folders = structure.folders_of(checkout.python_files(name))
    assert {folder: files for folder, files in folders.items() if files > limit} == {}


@rooms
def test_imports_do_not_chain_further(name: str) -> None:
    """Whoever reads a module reads what it imports, and what that imports; a circle has no end at all."""
    chain = structure.room(name).chain
    assert len(chain) <= ratchet.limit(f"import_chain_of_{name}"), " > ".join(chain)


def test_numbers_of_full_folders_are_needed() -> None:
    """A room that came down to twelve files needs no number of its own: the number is twelve then."""
    numbers = ratchet.load(ratchet.FILE.read_text("utf-8"))["at_most"]
    full = {name for name in checkout.PACKAGES if numbers.get(f"files_in_a_folder_of_{name}", 0) > 12}
    slack = {name for name in full if structure.room(name).fullest[1] <= structure.FOLDER_MAX_FILES}
    assert slack == set(), "set these to 12"


def test_a_chain_is_found() -> None:
    texts = {
        "a": "from b import c\nimport os",
        "b": "",
        "b.c": "def f() -> None:\n    import d",
        "d": "from b import thing",
    }
    graph = structure.graph_of({name: ast.parse(text) for name, text in texts.items()})
    assert graph == {"a": {"b.c"}, "b": set(), "b.c": {"d"}, "d": {"b"}}
    assert structure.longest_chain(graph) == ("a", "b.c", "d", "b")


def test_a_circle_is_found() -> None:
    graph = structure.graph_of({"a": ast.parse("import b"), "b": ast.parse("import a")})
    with pytest.raises(CycleError):
        structure.longest_chain(graph)


def test_files_are_counted_by_folder() -> None:
    paths = tuple(map(Path, ["a/__init__.py", "a/b.py", "a/c/d.py", "a/c/e.py"]))
    assert structure.folders_of(paths) == {"a": 1, "a/c": 2}


def test_the_table_has_every_room() -> None:
    assert [line.split()[0] for line in structure.table().splitlines()] == ["room", *checkout.PACKAGES]
