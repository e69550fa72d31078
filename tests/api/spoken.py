"""Every text that a person can meet, found where it is declared: fields, states, events, reads, templates, code.

A text is (contexts, message): the contexts in which a translation is looked for, then the message in English.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import typing
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from msgspec import Struct
from typer.core import TyperGroup
from typer.main import get_command

import domain
import domain.registry
import projections
from adapters.processes.parking import BY_DAYS
from api.cli.failures import STATUS
from api.cli.program import app as program
from api.console import app
from api.console.views import words
from api.console.views.events import EVENT_COLUMNS
from api.permissions import ROLES
from api.queries.engine.columns import columns_of
from api.queries.engine.parameters import parameters_of
from api.queries.engine.shape import derived, said
from api.queries.registry import CONTEXTS, READS
from domain.kernel.event import EVENT_TYPES
from domain.kernel.process import PROCESS_MANAGERS
from domain.payments.payment.values import CollectionPolicy
from domain.registry import TIMER_KINDS
from projections.intake.decision_funnel import OUTCOMES, STAGES
from projections.leasing.ageing import BUCKETS

API = Path(__file__).parents[2] / "api"
ACTORS = ("system", "import", "applicant")
"""Roles of actors that no key has."""

PROGRAMS = ("intake", "end_of_day", "reconciliation", "demonstration", "provisions")
"""Parts of the program that act, beside timers and process managers."""

STEPS = ("timers", "callbacks", "queries", "collection", "reconciliation", "provisions")
"""Steps of an end of day."""

PARKED_FACTS = ("at", "error", "expected", "file", "line", "phase", "until", "waits_for")
"""Facts of what is parked: of follow-ups that failed or wait, and of statements."""

NOT_SHOWN = frozenset({"PlanFault", "DayCount", "Rounding"})
"""Enumerations of which no page shows a value: members of files and parts of formulas."""

CONTEXTS_OF = {
    API / "demonstration" / "summary.py": ("summary",),
    API / "cli" / "commands" / "pricing" / "wording.py": ("quote",),
}
"""Files whose texts have a context of their own."""

Text = tuple[tuple[str, ...], str]


def texts_of_console(patch: pytest.MonkeyPatch) -> set[Text]:
    """What `api.console.views.words` asks the catalogue for, over all declarations."""
    asked: set[Text] = set()

    def text(message: str, **_: object) -> str:
        asked.add(((), message))
        return message

    def text_in(contexts: tuple[str, ...], message: str) -> str:
        asked.add((contexts, message))
        return message

    patch.setattr(words, "text", text)
    patch.setattr(words, "text_in", text_in)
    _say_fields()
    _say_reads()
    _say_codes()
    asked |= {((), read.words) for read in READS}
    asked |= {((), one.description) for read in READS for one in parameters_of(read.filters)}
    return {(contexts, message) for contexts, message in asked if message}


def _say_codes() -> None:
    for name in EVENT_TYPES:
        words.event(name)
        words.happened(name)
    for code in (*PROCESS_MANAGERS, "collector", *BY_DAYS):
        words.value(code, "process")
    for code in (*PROGRAMS, *CollectionPolicy(channels=("a",)).final_codes):
        words.value(code)
    for code in (*CONTEXTS, *ROLES, *ACTORS, *STEPS, *STAGES, *OUTCOMES, *BUCKETS, *TIMER_KINDS):
        words.value(code)
    for _, values in enumerations():
        for code in values:
            words.value(code)
    for fact in PARKED_FACTS:
        words.step(fact, "facts")


def _say_fields() -> None:
    for column in (*EVENT_COLUMNS, *(one for struct in structs() for one in columns_of(struct))):
        words.label(column.name, column.owner)
        words.meaning(column)
        words.value(column.noun)
        for choice in column.choices:
            words.value(choice, column.owner, column.name)


def _say_reads() -> None:
    for read in READS:
        words.title(read)
        owner = read.answer.__name__
        for one in parameters_of(read.filters):
            words.label(one.name, owner)
            for choice in one.choices:
                words.value(choice, owner, one.name)


def structs() -> Iterator[type[Struct]]:
    """The answers of all reads and the bodies of all events, with every struct inside of them."""
    found: set[type[Struct]] = set()
    waiting = [read.answer for read in READS] + [derived(one, without=())[0] for one in EVENT_TYPES.values()]
    while waiting:
        struct = waiting.pop()
        if struct in found:
            continue
        found.add(struct)
        for hint in typing.get_type_hints(struct, include_extras=True).values():
            waiting += _inside(hint)
    yield from found


def _inside(hint: object) -> Iterator[type[Struct]]:
    kind = said(hint).kind
    if isinstance(kind, type) and issubclass(kind, Struct):
        yield kind
    for argument in typing.get_args(kind):
        yield from _inside(argument)


def enumerations() -> Iterator[tuple[str, list[str]]]:
    """Every enumeration of the domain and of the read models that people meet, with its values."""
    for module in (*_modules(domain), *_modules(projections)):
        for one in vars(module).values():
            declared = isinstance(one, type) and issubclass(one, StrEnum) and one.__module__ == module.__name__
            if declared and one.__name__ not in NOT_SHOWN:
                yield one.__name__, [str(value.value) for value in one]


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def texts_of_templates() -> set[Text]:
    """What templates say: `_("…")`."""
    pages = (app.HERE / "templates").glob("*.html")
    found = {one for page in pages for one in re.findall(r'_\("((?:[^"\\]|\\.)*)"', page.read_text("utf-8"))}
    return {((), one) for one in found}


def texts_of_code() -> set[Text]:
    """What the code of `api` says: the constants in `text(…)`, `message(…)`."""
    return {
        (CONTEXTS_OF.get(path, ()), one) for path in API.rglob("*.py") for one in constants(path.read_text("utf-8"))
    } | {(("count",), one) for path in (API / "cli").rglob("*.py") for one in counted(path.read_text("utf-8"))}


def texts_of_help() -> set[Text]:
    """The help of every command, group and option; lists, whose help is put together, have none yet."""
    return {((), one) for one in _helps(get_command(program)) if one}


def _helps(command: Any) -> Iterator[str]:
    yield command.help or ""
    yield from (getattr(one, "help", "") or "" for one in command.params)
    for one in getattr(command, "commands", {}).values():
        yield from _helps(one)


def texts_of_errors() -> set[Text]:
    """What kinds of errors are called."""
    return {((), name.rpartition(".")[2]) for name in STATUS}


def texts_of_library() -> set[Text]:
    """What the library that reads command lines says through `gettext`."""
    source = Path(inspect.getfile(TyperGroup)).read_text("utf-8")
    return {(("usage",), one) for one in constants(source, ("_",))}


def constants(source: str, names: Sequence[str] = ("text", "message")) -> Iterator[str]:
    """The texts in calls of `text` and `message`, also where one of two is chosen."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield from _chosen(node.args[0])


def counted(source: str) -> Iterator[str]:
    """The nouns in calls of `count`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "count":
            yield from _chosen(node.args[1])


def _chosen(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from (*_chosen(node.body), *_chosen(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
