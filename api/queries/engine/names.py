"""Codes that have names: accounts of the chart, clauses that are shipped, steps of checklists, refusals; by field.

named("account", "1002") ─▶ Name("Cash at bank", "银行存款")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

from adapters.reference.clauses import shipped_clauses
from domain.accounting.chart import ACCOUNTS
from domain.intake.checklist import CHECKLISTS
from domain.kernel.refusal import REFUSALS


class Name(NamedTuple):
    """A name in both languages."""

    en: str
    zh: str


def _accounts() -> Mapping[str, Name]:
    return {one.code: Name(one.en, one.zh) for one in ACCOUNTS.values()}


def _clauses() -> Mapping[str, Name]:
    return {one.clause: Name(one.gloss, one.title) for one in shipped_clauses()}


def _steps() -> Mapping[str, Name]:
    return {step.name: Name(step.en, step.zh) for version in CHECKLISTS.values() for step in version.steps}


def _refusals() -> Mapping[str, Name]:
    return {one.code: Name(one.en, one.zh) for one in REFUSALS.values()}


_FIELDS: Mapping[str, Callable[[], Mapping[str, Name]]] = {
    "account": _accounts,
    "clause": _clauses,
    "refusal": _refusals,
    "steps": _steps,
}


@cache
def _names(field: str) -> Mapping[str, Name]:
    return _FIELDS[field]()


def named(field: str, code: str) -> Name | None:
    """The name of a code in a field; `None` for a field whose codes have none, and for a code that is not known."""
    return _names(field).get(code) if field in _FIELDS else None
