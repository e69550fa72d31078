"""Parameters of a read: a struct whose fields say type, limits and words; read from text wherever they are given.

A type says how its text looks: `date` YYYY-MM-DD, an identifier `<noun>_<hex>`, an enumeration one of its values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, structs

from api.queries.engine.shape import Annotation, hints_of, id_of, said
from domain.kernel.fields import NOUN, STATES
from domain.kernel.ids import IdError, parse_id
from domain.kernel.money import MAX_SAFE_INTEGER

SUGGESTED = "suggested"
_POSITION_DIGITS = len(str(MAX_SAFE_INTEGER))
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class ParameterInvalid(ValueError):
    """A parameter that does not fit: its name, the kind of fault, and the limits that the sentence names."""

    def __init__(self, name: str, kind: str, **limits: str) -> None:
        super().__init__(f"{name}: {kind} {limits}" if limits else f"{name}: {kind}")
        self.name, self.kind, self.limits = name, kind, limits


def suggested(make: Callable[[date], Any]) -> Meta:
    """What a page opens with where a parameter must be given, made of the tenant's business date."""
    return Meta(extra={SUGGESTED: make})


def the_day(day: date) -> date:
    """The business date itself, for `suggested`."""
    return day


class Nothing(Struct, frozen=True):
    """No parameters."""


class Parameter(Struct, frozen=True):
    """One parameter: its name outside and inside, what it says of itself, whether it has to be given."""

    name: str
    inside: str
    said: Annotation
    required: bool

    @property
    def description(self) -> str:
        """What it means."""
        return next(one.description for one in self.said.metas if one.description)

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of an enumeration; empty for every other type."""
        kind = self.said.kind
        if isinstance(kind, type) and issubclass(kind, Enum):
            return tuple(str(one.value) for one in kind)
        found: tuple[str, ...] = self.said.extra.get(STATES, ())
        return found

    @property
    def noun(self) -> str:
        """The noun of an identifier."""
        found: str = self.said.extra.get(NOUN, self.inside)
        return found

    @property
    def examples(self) -> list[Any]:
        """Values that fit."""
        return [one for meta in self.said.metas for one in meta.examples or ()]

    def suggestion(self, day: date) -> str:
        """The text of the value that a page opens with on a business date; empty where none is suggested."""
        make = self.said.extra.get(SUGGESTED)
        return "" if make is None else str(make(day))

    def read(self, text: str) -> Any:
        """The value in a text. Raises `ParameterInvalid`, also for a text that no database stores."""
        if not storable(text):
            raise ParameterInvalid(self.name, "not_storable")
        kind = self.said.kind
        if kind is date:
            return day_of(self.name, text)
        if kind is UUID:
            return identifier(self.name, self.noun, text)
        if self.choices:
            if text not in self.choices:
                raise ParameterInvalid(self.name, "enum", expected=", ".join(self.choices))
            return kind(text)
        try:
            return msgspec.convert(text, self._limited(), strict=False)
        except msgspec.ValidationError:
            raise ParameterInvalid(self.name, "invalid") from None

    def _limited(self) -> Any:
        kind: Any = self.said.kind
        for meta in self.said.metas:
            kind = Annotated[kind, meta]
        return kind

    def schema(self) -> dict[str, Any]:
        """The JSON schema of its text or number, without the description."""
        kind = self.said.kind
        if kind is date:
            return {"type": "string", "format": "date"}
        if kind is UUID:
            return {"type": "string", "pattern": f"^{self.noun}_[0-9a-f]{{32}}$"}
        if self.choices:
            return {"type": "string", "enum": list(self.choices)}
        return schema_of(self._limited())


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON schema of a text or a number, without the description."""
    found = msgspec.json.schema(kind)
    found.pop("description", None)
    return found


def parameters_of(filters: type[Struct]) -> tuple[Parameter, ...]:
    """The parameters of a read, in the order of the struct's fields."""
    hints = hints_of(filters)
    return tuple(
        Parameter(one.encode_name, one.name, said(hints[one.name]), one.required) for one in structs.fields(filters)
    )


def read_parameters(filters: type[Struct], given: Mapping[str, str]) -> Any:
    """The struct of what was given as text. Raises `ParameterInvalid`, also for what is missing."""
    values = {}
    for one in parameters_of(filters):
        if one.name in given:
            values[one.inside] = one.read(given[one.name])
        elif one.required:
            raise ParameterInvalid(one.name, "missing")
    return filters(**values)


def storable(text: str) -> bool:
    """Whether PostgreSQL takes a text: U+0000 and what is not UTF-8, as it may come from a terminal, it does not."""
    return "\0" not in text and not any("\ud800" <= one <= "\udfff" for one in text)


def day_of(name: str, text: str) -> date:
    """A date in a parameter. Raises `ParameterInvalid` for what is not `YYYY-MM-DD`."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ParameterInvalid(name, "date_parsing")


def is_day(text: str) -> bool:
    """Whether a text has the form of a date."""
    return _DAY.fullmatch(text) is not None


def identifier(name: str, noun: str, text: str) -> UUID:
    """The UUID of an identifier in a parameter. Raises `ParameterInvalid`."""
    try:
        return parse_id(noun, text)
    except IdError:
        raise ParameterInvalid(name, "identifier") from None


# ------------------------------------------------------------------------------------------------------ cursors

STARTING_AFTER = "starting_after"


class Cursor(Struct, frozen=True):
    """Where a list goes on: how the place of an item looks outside, and what it is inside."""

    type: Any
    placed: Callable[[str], Any]
    text: Callable[[Any], str | int]
    description: str = "Continue behind this id."

    def read(self, text: str) -> Any:
        """The place in a text. Raises `ParameterInvalid`, also for a text that no database stores."""
        if not storable(text):
            raise ParameterInvalid(STARTING_AFTER, "not_storable")
        return self.placed(text)


def by_id(noun: str) -> Cursor:
    """The cursor of lists in the order of ids."""
    return Cursor(id_of(noun), lambda text: identifier(STARTING_AFTER, noun, text), lambda value: f"{noun}_{value.hex}")


def position_of(name: str, text: str) -> int:
    """The ledger position in a parameter. Raises `ParameterInvalid`."""
    if not text.isascii() or not text.isdigit() or len(text) > _POSITION_DIGITS or int(text) > MAX_SAFE_INTEGER:
        raise ParameterInvalid(name, "int_parsing")
    return int(text)


def by_position() -> Cursor:
    """The cursor of lists in ledger order."""
    outside = Annotated[int, Meta(ge=0, le=MAX_SAFE_INTEGER)]
    return Cursor(outside, lambda text: position_of(STARTING_AFTER, text), int, "Continue behind this ledger position.")
