"""The filter form of a read: its fields with what was given, and what is said of a value that does not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

from msgspec import Struct

from api.console.requests import LANG, Refused
from api.console.views import words
from api.language import text
from api.queries.engine.parameters import (
    STARTING_AFTER,
    Nothing,
    Parameter,
    ParameterInvalid,
    parameters_of,
)
from api.queries.engine.read import Past, Read

AS_OF = "as_of_position"
DAY = "as_of"
_EXAMPLE = "2026-03-31"


class FilterView(Struct, frozen=True, kw_only=True):
    """One field of a filter form."""

    name: str
    label: str
    meaning: str
    value: str = ""
    kind: str = "text"
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = False
    error: str = ""


def check_names(read: Read, names: Sequence[str]) -> None:
    """Refuse a query that names what the page of a read does not have, or one thing twice: it would be left out unseen.

    Raises `Refused`.
    """
    title = text("Not understood")
    moments = {Past.NONE: (), Past.POSITIONS: (AS_OF,), Past.DAYS: (DAY, AS_OF)}[read.past]
    known = [*(one.name for one in _parameters(read)), *moments]
    pages = [] if read.cursor is None and "{" not in read.path else [STARTING_AFTER]
    mine = {*known, *pages, LANG}
    for name, times in Counter(names).items():
        if name not in mine:
            expected = text(", ").join(known)
            raise Refused(
                400, title, text("This page has no “{name}”. It has: {names}", name=name[:40], names=expected)
            )
        if times > 1:
            raise Refused(400, title, text("“{name}” is given more than once.", name=name[:40]))


def filters_of(read: Read, given: Mapping[str, str], error: ParameterInvalid | None = None) -> tuple[FilterView, ...]:
    """The filter form of a read with what was given, the moment that is asked about among it."""
    fields = [_field(one, read.answer.__name__, given.get(one.name, "")) for one in _parameters(read)]
    if read.past is Past.DAYS:
        meaning = text("As the business date ended.")
        label = words.capital(text("business date"))
        fields.append(FilterView(name=DAY, label=label, meaning=meaning, value=given.get(DAY, ""), kind="date"))
    if read.past is not Past.NONE:
        meaning = text("As it stood when the ledger ended with this event.")
        label = words.capital(text("as of event"))
        fields.append(FilterView(name=AS_OF, label=label, meaning=meaning, value=given.get(AS_OF, ""), kind="position"))
    return tuple(_with_error(one, read, given, error) for one in fields)


def _parameters(read: Read) -> tuple[Parameter, ...]:
    return () if read.filters is Nothing else parameters_of(read.filters)


def _field(one: Parameter, owner: str, value: str) -> FilterView:
    kind = "select" if one.choices else "date" if one.said.kind is date else "text"
    return FilterView(
        name=one.name,
        label=words.label(one.name, owner),
        meaning=text(one.description),
        value=value,
        kind=kind,
        choices=tuple((choice, words.choice(choice, owner, one.name)) for choice in one.choices),
        required=one.required,
    )


def _with_error(field: FilterView, read: Read, given: Mapping[str, str], error: ParameterInvalid | None) -> FilterView:
    if error is None or error.name != field.name:
        return field
    # A browser shows nothing of a text that is no date in a field for dates, so that it stays what it was typed as.
    kind = "text" if field.kind == "date" else field.kind
    return FilterView(
        name=field.name, label=field.label, meaning=field.meaning, value=field.value, kind=kind, choices=field.choices,
        required=field.required, error=sentence(read, given, error),
    )  # fmt: skip


def sentence(read: Read, given: Mapping[str, str], error: ParameterInvalid) -> str:
    """What was expected of a parameter, and what came."""
    if error.kind == "not_storable":
        return misfit(given.get(error.name, ""), text("Unicode text without the character U+0000"))
    expected = _expected(next((one for one in _parameters(read) if one.name == error.name), None), read, error)
    return misfit(given.get(error.name, ""), expected)


def misfit(got: str, expected: str) -> str:
    """That something else was expected than what came."""
    if not got:
        return text("Nothing was given. Expected: {expected}", expected=expected)
    return text("“{got}” does not fit. Expected: {expected}", got=got, expected=expected)


def _expected(one: Parameter | None, read: Read, error: ParameterInvalid) -> str:
    day = text("a day, such as {day}", day=_EXAMPLE)
    if one is None:
        if error.name == DAY:
            return day
        if error.name == STARTING_AFTER:
            return text("what the link to the next page says")
        return text("the number of an event, such as 1,234")
    if one.choices:
        owner = read.answer.__name__
        return text(", ").join(words.choice(choice, owner, one.name) for choice in one.choices)
    if one.said.kind is UUID:
        return text("an identifier: {noun}_ and 32 digits of 0–9, a–f", noun=one.noun)
    if one.said.kind is date and error.kind != "invalid":
        return day
    return text(one.description)


def narrowed(read: Read, given: Mapping[str, str]) -> bool:
    """Whether a filter leaves something out."""
    return any(given.get(one.name) for one in _parameters(read) if not one.required)


def errors_of(fields: Iterable[FilterView]) -> tuple[FilterView, ...]:
    """The fields whose values do not fit."""
    return tuple(one for one in fields if one.error)
