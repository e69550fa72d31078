"""The shape of the tree in figures: how many files lie in one folder, how long imports chain within a room.

python -m tests.tidy.structure      a table: room, files, folders, fullest folder, longest chain of imports
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

from tests.tidy import checkout

FOLDER_MAX_FILES = 12
"""More files than this in one folder are a list to search, not a room to look around in; `__init__` is not counted."""

Graph = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Room:
    """The figures of one top-level package."""

    name: str
    files: int
    folders: int
    fullest: tuple[str, int]
    chain: tuple[str, ...]


def module_of(path: Path) -> str:
    """`domain.kernel` for domain/kernel/__init__.py."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imported(tree: ast.Module) -> Iterator[str]:
    """Names that may be modules: what stands behind `import`, behind `from`, and each name taken from there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def graph_of(trees: Mapping[str, ast.Module]) -> Graph:
    """Each module with the modules among `trees` that it imports; a package imported for its module is not meant."""
    found = {}
    for name, tree in trees.items():
        names = set(imported(tree)) & trees.keys() - {name}
        found[name] = frozenset(one for one in names if not any(other.startswith(f"{one}.") for other in names))
    return found


def longest_chain(graph: Graph) -> tuple[str, ...]:
    """The longest path of imports, from who imports to what is imported; raises `CycleError` when there is a circle."""
    best: dict[str, tuple[str, ...]] = {}
    for name in TopologicalSorter(graph).static_order():
        best[name] = (name, *max((best[one] for one in sorted(graph[name])), key=len, default=()))
    return max((best[name] for name in sorted(best)), key=len, default=())


def folders_of(paths: tuple[Path, ...]) -> Counter[str]:
    """How many Python files lie in each folder."""
    return Counter(str(path.parent) for path in paths if path.name != "__init__.py")


@cache
def room(name: str) -> Room:
    """The figures of one package."""
    paths = checkout.python_files(name)
    folders = folders_of(paths)
    chain = longest_chain(graph_of({module_of(path): checkout.tree_of(path) for path in paths}))
    return Room(name, len(paths), len(folders), max(folders.items(), key=lambda one: one[1]), chain)


def table() -> str:
    """The figures of all rooms, for people."""
    lines = [f"{'room':12} files  folders  longest chain  fullest folder"]
    for one in map(room, checkout.PACKAGES):
        folder, files = one.fullest
        lines.append(f"{one.name:12} {one.files:5}  {one.folders:7}  {len(one.chain):13}  {folder} ({files})")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
