"""Every error of ours is foreseen: a sentence, an exit status, never a trace."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import ValidationError

import adapters
import api
import chain
import domain
import projections
from adapters.imports.errors import Place, TruncatedGzip
from adapters.postgres.connections import DatabaseUnavailable
from adapters.postgres.embedded import EmbeddedPostgresError
from adapters.postgres.writing.sequencer import StateMoved
from adapters.processes.firing import EndOfDayError
from adapters.reference.prudential import prudential_data
from adapters.reference.tenants import terms_of_business
from api.cli.failures import (
    FAULT,
    REFUSED,
    SENTENCE_MAX_CHARS,
    STATUS,
    UNUSABLE,
    Failure,
    Unusable,
    as_data,
    sentence,
    status_of,
)
from api.language import Language, speaking
from api.settings import Settings
from chain.errors import MalformedNote, ProofMismatch

INSIDE = (
    "adapters.imports.second.",
    "adapters.eventsourcing.",
    "adapters.pricing.solver.NoRate",
    "adapters.reference.plans._Twice",
    "api.console.",
    "api.http.",
    "api.queries.contracts.TextMissing",
    "api.queries.engine.parameters.ParameterInvalid",
    "chain.verify.",
    "domain.pricing.offer.RateBeyond",
    "domain.pricing.plans.PlanError",
    "domain.pricing.rates.",
    "domain.pricing.schedules.",
)
"""Raised and answered inside one layer; none of them reaches a command."""

FAULTS = (
    "adapters.documents.checking.CheckFailed",
    "adapters.documents.typeset.TypesettingError",
    "domain.accounting.posting.Unbalanced",
)
"""What only a fault of this program can bring about, and is said to be one."""


def modules() -> Iterator[str]:
    for package in (domain, chain, adapters, projections, api):
        yield from (found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))


def errors_of_ours() -> list[type[Exception]]:
    found: list[type[Exception]] = []
    for name in modules():
        values = vars(importlib.import_module(name)).values()
        classes = [value for value in values if isinstance(value, type) and value.__module__ == name]
        found += [one for one in classes if issubclass(one, Exception)]
    return found


def test_every_name_in_the_table_is_a_class() -> None:
    for name in STATUS:
        module, _, cls = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), cls), type), name


def test_every_error_of_ours_has_a_status() -> None:
    unforeseen = []
    for error in errors_of_ours():
        full = f"{error.__module__}.{error.__qualname__}"
        names = {f"{one.__module__}.{one.__qualname__}" for one in error.__mro__}
        if not (names & STATUS.keys() or issubclass(error, Failure) or full.startswith(INSIDE + FAULTS)):
            unforeseen.append(full)
    assert unforeseen == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ProofMismatch("root", b"\x01", b"\x02"), REFUSED),
        (MalformedNote("note", "a line", "none"), UNUSABLE),
        (TruncatedGzip(Place("f.xes.gz"), "the end", "no end"), UNUSABLE),
        (DatabaseUnavailable("cannot connect"), UNUSABLE),
        (FileNotFoundError(2, "No such file or directory", "x"), UNUSABLE),
        (StateMoved("state.moved: x"), REFUSED),
        (Failure("no"), REFUSED),
        (Unusable("what"), UNUSABLE),
        (ZeroDivisionError("division by zero"), FAULT),
        (ExceptionGroup("two", [KeyError("x"), ExceptionGroup("one", [StateMoved("state.moved: x")])]), REFUSED),
        (ExceptionGroup("two", [KeyError("x"), ValueError("y")]), FAULT),
    ],
)
def test_status(error: Exception, status: int) -> None:
    assert status_of(error) == status


def test_the_nearest_ancestor_decides() -> None:
    class Stricter(ProofMismatch):
        """A subclass that the table does not name."""

    assert status_of(Stricter("root", "a", "b")) == REFUSED


def test_a_sentence_is_one_line_without_control_characters() -> None:
    said = sentence(DatabaseUnavailable("cannot\nconnect\x1b[31m to\x07 it"))
    assert said == "cannot connect [31m to it"


@pytest.mark.parametrize(
    ("tongue", "said"), [(Language.EN, "the day is open"), (Language.ZH, "日终处理被拒绝：the day is open")]
)
def test_no_class_is_named_to_people(tongue: Language, said: str) -> None:
    """In English the sentence stands alone; in Chinese it may be of no known form, and its kind is said."""
    with speaking(tongue):
        assert sentence(EndOfDayError("the day is open")) == said


def test_an_error_without_words_is_said_by_its_name() -> None:
    assert sentence(EndOfDayError()) == "EndOfDayError"


def test_a_sentence_has_an_end() -> None:
    said = sentence(DatabaseUnavailable("x" * 10_000))
    assert len(said) <= SENTENCE_MAX_CHARS + 2
    assert said.endswith(" …")


def test_a_missing_file_is_named() -> None:
    assert (
        sentence(FileNotFoundError(2, "No such file or directory", "a/b.xes")) == "a/b.xes: No such file or directory"
    )


def test_an_error_without_a_file_is_said_as_it_is() -> None:
    assert sentence(OSError("odd")) == "odd"


def test_a_fault_of_ours_says_so() -> None:
    assert sentence(KeyError("x")).startswith("this is a fault of leaseledger, please report it: KeyError")


def test_of_errors_that_come_together_the_one_that_is_known_is_told() -> None:
    together = ExceptionGroup("unhandled", [KeyError("x"), ExceptionGroup("inside", [DatabaseUnavailable("cannot")])])
    assert sentence(together) == "cannot"
    assert as_data(together) == {"name": "DatabaseUnavailable", "message": "cannot"}


def test_errors_that_come_together_and_nobody_foresaw_are_all_named() -> None:
    said = sentence(ExceptionGroup("unhandled", [KeyError("x"), ExceptionGroup("inside", [ValueError("y")])]))
    assert said == "this is a fault of leaseledger, please report it: KeyError: 'x'; ValueError: y"


def test_the_end_of_a_part_is_no_fault_of_the_whole() -> None:
    assert sentence(SystemExit(1)) == "a part of the program ended with exit status 1"
    assert status_of(SystemExit(1)) == UNUSABLE


@pytest.mark.parametrize("read", [prudential_data, terms_of_business])
def test_a_broken_file_of_a_tenant_is_no_fault_of_the_program(
    tmp_path: Path, read: Callable[[Path, UUID], object]
) -> None:
    """It names the file and the place in both languages, and never what stands there."""
    for name in ("portfolio.json", "tenants.json"):
        (tmp_path / name).write_text(f'{{"{UUID(int=1)}": {{"lessor": 314159, "net_assets_fen": "314159"}}}}')
    with pytest.raises(ValueError, match="- at") as raised:
        read(tmp_path, UUID(int=1))
    assert status_of(raised.value) == UNUSABLE
    for tongue in Language:
        with speaking(tongue):
            said = sentence(raised.value)
        assert "$[...]" in said
        assert "314159" not in said
        assert tongue is Language.EN or not re.search(r"Expected|got|Object| at ", said)


def test_a_wrong_setting_is_named_by_its_variable() -> None:
    with pytest.raises(ValidationError) as raised:
        Settings.model_validate({"port": "many"})
    assert sentence(raised.value).startswith("LEASELEDGER_PORT: ")
    assert "got 'many'" in sentence(raised.value)


def test_the_server_speaks_in_its_telling_lines_and_says_them_once() -> None:
    stamps = [f"2026-11-29 11:03:{second}.152 UTC [{second}] " for second in range(33, 43)]
    log = (
        "ok line\n"
        + "".join(f"{stamp}FATAL:  lock file exists\n" for stamp in stamps)
        + "HINT: Is another one running?"
    )
    said = sentence(EmbeddedPostgresError(f"pg_ctl: expected exit 0, got 1. Last words:\n{log}"))
    assert said == "pg_ctl: expected exit 0, got 1. FATAL: lock file exists HINT: Is another one running?"


def test_an_event_log_error_as_data_has_its_place() -> None:
    data = as_data(TruncatedGzip(Place("f.xes.gz", "173", 4, 2), "the end marker", "the end of the file"))
    assert data["name"] == "TruncatedGzip"
    assert {"file": "f.xes.gz", "case": "173", "case_number": 4, "event": 2}.items() <= data.items()
    assert str(Path("f.xes.gz")) in data["message"]
