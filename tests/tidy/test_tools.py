"""The tools that `make lint` runs are configured sharply: each one rejects a sample that it must reject."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy import checkout

ROOT = checkout.ROOT
CONFIGURATION = ROOT / "pyproject.toml"

# One line each that ruff must not let through in `domain/`, and the code it answers with.
BAD_LINES = {
    "ANN001": "def f(a) -> None: ...",
    "ANN201": "def f(): ...",
    "B023": "def f() -> None:\n    for i in (1, 2):\n        g(lambda: i)",
    "B006": "def f(a: list[int] = []) -> None: ...",
    "BLE001": "try:\n    f()\nexcept Exception:\n    pass",
    "C901": "def f(x: int) -> None:\n" + "    if x:\n        x = 1\n" * 8,
    "D103": "def f() -> None: ...",
    "DTZ005": "import datetime\nx = datetime.datetime.now()",
    "E501": "x = '" + "x" * 120 + "'",
    "F401": "import os",
    "PT015": "assert False",
    "PTH118": "import os\nx = os.path.join('a', 'b')",
    "S301": "import pickle\nx = pickle.loads(b'')",
    "S602": "import subprocess\nsubprocess.run('x', shell=True)",
    "SLF001": "x = y._z",
    "T201": "print(1)",
    "TID252": "from . import a",
    "UP006": "from typing import List\nx: List[int] = []",
}

BAD_TYPES = """
from __future__ import annotations
import msgspec

class Fact(msgspec.Struct, frozen=True):
    amount_fen: int

def untyped(x):
    return x

def wrong() -> str:
    fact = Fact(amount_fen="1")
    fact.amount_fen = 2
    return fact.amount_fen
"""

# A module and what it must not import, by the contract that says so.
FORBIDDEN_EDGES = [
    ("layers", "domain/leasing/lease.py", "from chain import merkle"),
    ("layers", "chain/merkle.py", "from adapters import postgres"),
    ("layers", "projections/book.py", "from adapters import postgres"),
    ("layers", "adapters/mail.py", "from projections import book"),
    ("layers", "adapters/mail.py", "from api import cli"),
    ("rooms", "api/http/pages.py", "from api import cli"),
    ("rooms", "adapters/postgres/log.py", "from adapters import processes"),
    ("rooms", "adapters/connectors/bank.py", "from adapters import documents"),
    ("contexts", "domain/leasing/lease.py", "from domain import payments"),
    ("contexts", "domain/calendar/days.py", "from domain import parties"),
    ("generic-processes", "adapters/processes/step.py", "from domain import payments"),
    ("pure-domain", "domain/leasing/lease.py", "import psycopg"),
    ("pure-domain", "domain/leasing/lease.py", "def f() -> None:\n    from pydantic import BaseModel"),
    ("pure-chain", "chain/merkle.py", "import eventsourcing.domain"),
    ("pure-chain", "chain/merkle.py", "import fastapi"),
    ("library-behind-its-adapter", "adapters/mail.py", "from eventsourcing.domain import Aggregate"),
    ("library-behind-its-adapter", "projections/book.py", "import eventsourcing"),
    ("library-behind-its-adapter", "api/cli.py", "import eventsourcing"),
    ("stand-alone-verifier", "chain/verify.py", "from domain import leasing"),
]
ALLOWED_EDGES = [
    (
        "api/cli.py",
        "from adapters.postgres import recorder\nfrom projections import book\nfrom chain import merkle",
    ),
    (
        "adapters/eventsourcing/recorder.py",
        "from eventsourcing.persistence import ApplicationRecorder\nimport psycopg",
    ),
    ("adapters/processes/step.py", "from domain import calendar, kernel"),
    ("chain/merkle.py", "import cryptography\nfrom domain import leasing"),
    ("domain/leasing/lease.py", "import msgspec\nfrom domain import contracts, kernel"),
]


@pytest.fixture(scope="module")
def ruff_codes() -> set[str]:
    """What ruff says about all bad lines together, each in a module of its own."""
    found = set()
    for line in BAD_LINES.values():
        done = _run(
            "ruff",
            "check",
            "--no-cache",
            "--output-format=concise",
            "--stdin-filename=domain/bad.py",
            "-",
            text=line,
        )
        found |= set(re.findall(r":\d+:\d+: ([A-Z]+[0-9]+)", done.stdout))
    return found


@pytest.mark.parametrize("code", sorted(BAD_LINES))
def test_ruff_rejects(code: str, ruff_codes: set[str]) -> None:
    """Every family of rules that STYLE.md relies on is switched on."""
    assert code in ruff_codes


def test_ruff_leaves_chinese_alone() -> None:
    """Full-width punctuation in a Chinese sentence is not a typing mistake."""
    text = '"""租赁合同，已生效。"""\n\nNAME = "融资租赁（汽车）"  # 说明：正常\n'
    done = _run("ruff", "check", "--no-cache", "--stdin-filename=domain/good.py", "-", text=text)
    assert done.returncode == 0, done.stdout


def test_mypy_rejects(tmp_path: Path) -> None:
    """Strict: an untyped function, a wrong argument, a write to a frozen struct and a wrong result."""
    (tmp_path / "bad.py").write_text(BAD_TYPES, "utf-8")
    done = _run(
        "mypy",
        "--config-file",
        str(CONFIGURATION),
        "--cache-dir",
        str(tmp_path / "cache"),
        "bad.py",
        cwd=tmp_path,
    )
    assert set(re.findall(r"\[([a-z-]+)\]$", done.stdout, re.MULTILINE)) >= {
        "no-untyped-def",
        "arg-type",
        "misc",
        "return-value",
    }


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What import-linter says about a tree with all forbidden edges, by the id of the contract."""
    tree = tmp_path_factory.mktemp("forbidden")
    _plant(tree, {path: _edges_of(path) for _, path, _ in FORBIDDEN_EDGES})
    done = _run("lint-imports", "--no-cache", cwd=tree)
    assert done.returncode == 1, done.stdout + done.stderr
    contracts = tomllib.loads(CONFIGURATION.read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    names = {one["name"]: one["id"] for one in contracts}
    said = done.stdout.partition("Broken contracts")[2]
    parts = re.split("^(" + "|".join(map(re.escape, names)) + ")$", said, flags=re.MULTILINE)
    return {names[name]: text for name, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.mark.parametrize(("contract", "path", "text"), FORBIDDEN_EDGES)
def test_import_contract_rejects(contract: str, path: str, text: str, broken: dict[str, str]) -> None:
    """Each forbidden edge is found by the contract that is meant to forbid it, by itself and not through another."""
    before = _edges_of(path).partition(f"{text}\n")[0]
    line = before.count("\n") + text.count("\n") + 1
    importer = path.removesuffix(".py").replace("/", ".")
    found = re.search(rf"^- +{re.escape(importer)} -> \S+ \(l\.{line}\)$", broken[contract], re.MULTILINE)
    assert found, broken[contract]


def test_a_context_that_no_layer_names_is_noticed(tmp_path: Path) -> None:
    _plant(tmp_path, {"domain/novel/thing.py": "COUNT = 1"})
    done = _run("lint-imports", "--no-cache", "--contract", "contexts", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "novel" in done.stdout


def test_every_room_has_a_place() -> None:
    """A module or package of `api` or `adapters` that no layer of the contract `rooms` names could import anything."""
    found = {
        f"{path.parts[0]}.{path.parts[1].removesuffix('.py')}"
        for path in checkout.python_files("api", "adapters")
        if path.parts[1] != "__init__.py"
    }
    assert len(found) > 20
    assert found - set(_layered()) == set()


def test_the_architecture_draws_the_contract_of_rooms() -> None:
    """The list of the page is that of the contract, without the rooms that have no module yet."""
    text = " ".join((ROOT / "ARCHITECTURE.md").read_text("utf-8").split())
    drawn = re.findall(r"`(api\.cli > [^`]*)`", text)
    assert drawn == [" > ".join(" | ".join(built) for layer in _rooms() if (built := _built(layer)))]


def _rooms() -> list[str]:
    contracts = tomllib.loads(CONFIGURATION.read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    return next(one["layers"] for one in contracts if one["id"] == "rooms")


def _built(layer: str) -> list[str]:
    return [room.strip() for room in layer.split("|") if "(" not in room]


def test_import_contracts_accept_the_design(tmp_path: Path) -> None:
    """The edges that the architecture draws break nothing."""
    _plant(tmp_path, dict(ALLOWED_EDGES))
    done = _run("lint-imports", "--no-cache", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_make_target_is_explained() -> None:
    """`make` alone lists every target with a sentence."""
    targets = set(re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    make = shutil.which("make")
    if make is None:
        pytest.skip("no make on this machine")
    help_text = subprocess.run([make, "-C", str(ROOT), "-s"], capture_output=True, check=True, text=True).stdout
    explained = set(re.findall(r"^  make (\S+) +\S", help_text, re.MULTILINE))
    assert explained == targets
    assert {"setup", "run", "test", "check", "fast", "deep", "bench", "faults", "clean", "lock", "fmt"} <= targets


def test_make_help_explains_only_with_a_sentence() -> None:
    """The pattern above does not accept a bare target name."""
    assert not re.findall(r"^  make (\S+) +\S", "  make lonely   \n", re.MULTILINE)


def _layered() -> Iterator[str]:
    """Every package that a contract of layers names, built or not."""
    for contract in tomllib.loads(CONFIGURATION.read_text("utf-8"))["tool"]["importlinter"]["contracts"]:
        for line in contract.get("layers", ()):
            for layer in line.split("|"):
                yield ".".join([*contract.get("containers", ()), layer.strip("( )")])


def _edges_of(path: str) -> str:
    """All forbidden imports of one module, one after the other."""
    return "".join(f"{text}\n" for _, of, text in FORBIDDEN_EDGES if of == path)


def _plant(root: Path, files: dict[str, str]) -> None:
    """A minimal tree of our packages with our contracts, and the given files in it."""
    (root / "pyproject.toml").write_text(CONFIGURATION.read_text("utf-8"), "utf-8")
    skeleton = ["domain/leasing/lease.py", "chain/merkle.py", "chain/verify.py", "adapters/mail.py"]
    skeleton += ["adapters/eventsourcing/recorder.py", "projections/book.py", "api/cli.py"]
    skeleton += [f"{package.replace('.', '/')}/room.py" for package in _layered() if "." in package]
    for name in [*skeleton, *files]:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in (path.parent, root / path.parts[len(root.parts)]):
            (folder / "__init__.py").touch()
        path.write_text(files.get(name, ""), "utf-8")


def _run(tool: str, *arguments: str, text: str = "", cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).with_name(tool))
    return subprocess.run(
        [program, *arguments], input=text, cwd=cwd, capture_output=True, check=False, text=True,
        env=os.environ | {"COLUMNS": "200"},
    )  # fmt: skip
