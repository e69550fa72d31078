"""The command line on an empty ledger for each test, a filled one for those who only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.api.cli.program import Program, program_on
from tests.ledger import Server

READ_CASES = 12


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Commands say where logs go; tests that follow must not inherit it."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def program(server: Server, tmp_path: Path) -> Iterator[Program]:
    """The command line on an empty ledger."""
    with program_on(server, tmp_path) as one:
        yield one


@pytest.fixture(scope="module")
def book(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The command line on a ledger of `READ_CASES` applications that the tests of a module only read."""
    with program_on(server, tmp_path_factory.mktemp("book")) as one:
        one.filled(READ_CASES)
        yield one
