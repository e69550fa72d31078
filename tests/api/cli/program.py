"""Runs the command line in this process, against a database of its own, and tells what came out of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from typer.testing import CliRunner

from api.cli.program import app
from tests.adapters.imports.generated import generate
from tests.adapters.imports.xes_writer import write_xes
from tests.ledger import ORIGIN, Server, superuser

SEED = 7


@dataclass(frozen=True)
class Outcome:
    """What one command did: exit status, data, words."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """stdout as text."""
        return self.out.decode()

    @property
    def json(self) -> Any:
        """stdout as one JSON value."""
        return msgspec.json.decode(self.out)

    def then(self, code: int) -> Outcome:
        """Expect an exit status, with everything that was said in the message."""
        assert self.code == code, f"expected exit {code}, got {self.code}\n{self.text}\n{self.err}"
        return self


@dataclass(frozen=True)
class Program:
    """The command line on one database and one data directory, given to it by its environment."""

    url: str
    data: Path

    def __call__(self, *arguments: object) -> Outcome:
        """Run one command line."""
        given = {"DATABASE_URL": self.url, "ORIGIN": ORIGIN, "DATA": str(self.data)}
        environment = {f"LEASELEDGER_{name}": value for name, value in given.items()}
        done = CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)
        return Outcome(done.exit_code, done.stdout_bytes, done.stderr)

    def superuser(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection that may change what nobody should."""
        return superuser(self.url)

    def behind_the_back(self, *statements: str) -> None:
        """Change the database as an administrator who means harm: triggers are switched off."""
        with self.superuser() as connection:
            for statement in ("SET session_replication_role = replica", *statements):
                connection.execute(statement.encode())

    def log(self, cases: int, name: str = "log.xes.gz") -> Path:
        """A made-up event log beside the data directory."""
        path = self.data.parent / name
        write_xes(generate(cases, SEED), path)
        return path

    def filled(self, cases: int) -> int:
        """Import so many made-up cases and bring read models up to date; the size of the ledger."""
        size: int = self("import", "xes", self.log(cases), "--json").then(0).json["size"]
        self("project").then(0)
        return size


@contextmanager
def program_on(server: Server, folder: Path) -> Iterator[Program]:
    """A program with a fresh ledger."""
    with server.ledger() as url:
        yield Program(url, folder / "var")
