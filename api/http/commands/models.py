"""Edge models derived from the domain's own declarations: a msgspec command becomes a strict pydantic model.

    command class ──msgspec.inspect──▶ pydantic model (extra forbidden, strict) ──validated──▶ command

The domain states every limit once; the model finds all faults of a payload at the same time and describes itself in the
OpenAPI document. Ids of persons are `subject_<hex>` outside and UUIDs inside.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Collection
from datetime import date
from functools import cache
from types import NoneType
from typing import Annotated, Any, Generic, Optional, TypeVar
from uuid import UUID

import msgspec
from msgspec import inspect
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    ValidationError,
    create_model,
)
from pydantic.json_schema import WithJsonSchema
from pydantic_core import PydanticCustomError

from api.fills import Members
from api.http.problems import kinds
from api.http.problems.faults import fault, faults_of, more_than, without_echoes
from api.http.problems.problem import Problem
from domain.kernel.fields import NOUN
from domain.kernel.ids import IdError, format_id, parse_id
from domain.kernel.money import MAX_SAFE_INTEGER

_NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
_LINES = r"^[^\x00-\x09\x0b-\x1f\x7f]*$"
_SEVERAL_LINES = frozenset({"text"})
"""Texts that may have line feeds."""

TEXT_MAX_CHARS = 1 << 20
"""For texts that the domain does not limit; a body is not longer."""

ITEMS_MAX = 100
"""For arrays that the domain does not limit: as many items, or as many as there are different values."""

FAST_ABOVE = 50
"""Of an array that may be longer the first wrong item is reported alone: thousands of faults mend nobody's program."""

SPARE_MEMBERS = 100
"""Members more than any that fits a body may have, so that each that nobody knows is reported."""


FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)
"""Days that a command may name: what is reckoned from them stays within the calendar of ten thousand years."""

T = TypeVar("T", bound=msgspec.Struct)


class EdgeModel(BaseModel):
    """Base of all derived models: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CommandReader(Generic[T]):
    """Turns the bytes of a request into a command or inquiry of a class; `filled` are fields that no caller gives."""

    def __init__(self, command: type[T], filled: Collection[str] = ()) -> None:
        self.command = command
        self.model = model_of(command, frozenset(filled)) if filled else model_of(command)
        self.may_be_empty = not any(field.is_required() for field in self.model.model_fields.values())
        self._most = _most(inspect.type_info(command)) + SPARE_MEMBERS
        self._validate = self.model.__pydantic_validator__.validate_json

    def read(self, body: bytes) -> T:
        """The command in a JSON body; an empty body stands for `{}`.

        Raises the problems `body.not_json`, `body.duplicate_member` and `body.invalid`, never with what was sent.
        """
        return self.command_of(self.members(body))

    def members(self, body: bytes) -> Members:
        """What a JSON body gives of the command. Raises as `read` does."""
        if not body:
            body = b"{}"
        if members_of(body) > self._most:
            limit = {"max_length": self._most}
            raise Problem(kinds.PAYLOAD_INVALID, faults=[fault("", "too_many_members", limit)])
        try:
            model = self._validate(body)
        except ValidationError as error:
            raise _invalid(error) from None
        _refuse_duplicates(body)
        return plain(model)

    def command_of(self, members: Members) -> T:
        """The command with these members. Raises `body.invalid`."""
        try:
            return msgspec.convert(members, self.command)
        except msgspec.ValidationError:
            # The two declarations disagree; msgspec's message may hold the value, so it is not handed on.
            raise Problem(kinds.PAYLOAD_INVALID) from None


@cache
def model_of(cls: type[msgspec.Struct], without: frozenset[str] = frozenset()) -> type[EdgeModel]:
    """The pydantic model of a struct, made once; without some of its fields."""
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType), "every command is a struct"
    fields: dict[str, Any] = {field.encode_name: _field(field) for field in info.fields if field.name not in without}
    model: type[EdgeModel] = create_model(cls.__name__, __base__=EdgeModel, __doc__=cls.__doc__, **fields)
    return model


def plain(model: EdgeModel) -> Members:
    """The members that were given, nested models likewise."""
    given = model.__dict__
    return {name: _plain(given[name]) for name in model.model_fields_set}


def _plain(value: Any) -> Any:
    if isinstance(value, EdgeModel):
        return plain(value)
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value


def _field(field: inspect.Field) -> tuple[Any, Any]:
    annotation = _annotation(field.type, field.name)
    words = _description(field.type)
    if field.required:
        return annotation, Field(description=words)
    # What is not given is never looked at, so the default is nobody's business and stays out of the schema.
    return annotation, Field(description=words, default_factory=lambda: None)


def _description(kind: inspect.Type) -> str | None:
    """What a field says of itself, outside in."""
    while isinstance(kind, inspect.Metadata):
        if described := (kind.extra_json_schema or {}).get("description"):
            return str(described)
        kind = kind.type
    return None


def _annotation(kind: inspect.Type, name: str) -> Any:
    for shape, build in _BUILDERS.items():
        if isinstance(kind, shape):
            return build(kind, name)
    raise TypeError(f"{name}: expected a type that the edge knows, got {kind}")


def _text(kind: Any, name: str) -> Any:
    limits: dict[str, Any] = {"min_length": kind.min_length, "max_length": kind.max_length or TEXT_MAX_CHARS}
    if kind.pattern:
        # In the engines of pydantic and of JSON Schema `$` is the end of the text; the guard is for Python's only.
        return Annotated[str, Field(pattern=kind.pattern.replace(r"$(?!\n)", "$"), **limits)]
    pattern = _LINES if name in _SEVERAL_LINES else _NO_CONTROLS
    return Annotated[str, Field(pattern=pattern, **limits), AfterValidator(_composed)]


def _composed(text: str) -> str:
    if not text.isascii() and not unicodedata.is_normalized("NFC", text):
        raise PydanticCustomError("text_not_nfc", "expected Unicode Normalization Form C")
    return text


def _whole_number(kind: Any, _: str) -> Any:
    least = -MAX_SAFE_INTEGER if kind.ge is None and kind.gt is None else kind.ge
    most = MAX_SAFE_INTEGER if kind.le is None and kind.lt is None else kind.le
    return Annotated[int, Field(ge=least, le=most, gt=kind.gt, lt=kind.lt)]


def _identifier(_: Any, noun: str) -> Any:
    def parse(text: object) -> UUID:
        try:
            return parse_id(noun, text if isinstance(text, str) else "")
        except IdError:
            raise PydanticCustomError("identifier", "expected an identifier") from None

    schema = {"type": "string", "pattern": f"^{noun}_[0-9a-f]{{32}}$", "examples": [format_id(noun, UUID(int=0))]}
    return Annotated[UUID, BeforeValidator(parse), WithJsonSchema(schema)]


def _alternatives(kind: Any, name: str) -> Any:
    chosen = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
    if len(chosen) != 1 or len(kind.types) != 2:
        raise TypeError(f"{name}: expected one type or null, got {kind}")
    return Optional[_annotation(chosen[0], name)]  # noqa: UP045 - made of a value, which `|` may not take


def _several(kind: Any, name: str) -> Any:
    several: Any = tuple.__class_getitem__((_annotation(kind.item_type, name), ...))
    if _items(kind) <= FAST_ABOVE:
        return Annotated[several, Field(min_length=kind.min_length, max_length=kind.max_length)]
    least = kind.min_length or 0

    def enough(items: tuple[Any, ...]) -> tuple[Any, ...]:
        # Asked behind the items: where one is wrong, those behind it are not there yet.
        if len(items) < least:
            raise PydanticCustomError("too_short", "expected more items", {"min_length": least})
        return items

    more = {"minItems": least} if least else {}
    limited = Field(max_length=kind.max_length, json_schema_extra=more)
    return Annotated[several, limited, FailFast(), AfterValidator(enough)]


def _items(kind: Any) -> int:
    """How many items an array may have."""
    of = kind.item_type
    return int(kind.max_length or (len(of.cls) if isinstance(of, inspect.EnumType) else ITEMS_MAX))


def _most(kind: Any) -> int:
    """How many members and items a value may have in all, those inside of others included."""
    if isinstance(kind, inspect.Metadata):
        return _most(kind.type)
    if isinstance(kind, inspect.StructType):
        return sum(1 + _most(field.type) for field in kind.fields)
    if isinstance(kind, inspect.UnionType):
        return max(map(_most, kind.types))
    if isinstance(kind, inspect.VarTupleType | inspect.FrozenSetType):
        return _items(kind) * (1 + _most(kind.item_type))
    return 0


def members_of(body: bytes) -> int:
    """At most how many members and items a JSON text has: it is counted, not read, and in one pass.

    Each but the first of an object or array stands behind a comma, the first behind a bracket.
    """
    if _marks(body) <= SPARE_MEMBERS:
        return _marks(body)
    # What stands in texts does not count: between an odd quotation mark and the next, escaped ones taken out before.
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return _marks(b"".join(bare.split(b'"')[::2]))


def _marks(text: bytes) -> int:
    return text.count(b",") + text.count(b"{") + text.count(b"[")


_BUILDERS: dict[type[inspect.Type], Callable[[Any, str], Any]] = {
    inspect.StrType: _text,
    inspect.IntType: _whole_number,
    inspect.UUIDType: _identifier,
    inspect.UnionType: _alternatives,
    inspect.VarTupleType: _several,
    inspect.FrozenSetType: _several,
    inspect.BoolType: lambda *_: bool,
    inspect.EnumType: lambda kind, _: kind.cls,
    inspect.DateType: lambda *_: Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)],
    inspect.DictType: lambda *_: dict[str, Any],
    inspect.StructType: lambda kind, _: model_of(kind.cls),
    inspect.Metadata: lambda kind, name: _annotation(kind.type, (kind.extra or {}).get(NOUN, name)),
    inspect.NoneType: lambda *_: NoneType,
}


def _invalid(error: ValidationError) -> Problem:
    found = without_echoes(error.errors(include_url=False, include_input=False, include_context=True))
    faults = faults_of(found)
    if any(fault.code == "not_json" for fault in faults):
        return kinds.NOT_JSON()
    return Problem(kinds.PAYLOAD_INVALID, facts=more_than(len(found)), faults=faults)


def _refuse_duplicates(body: bytes) -> None:
    """A name that stands twice means one thing to one reader and another to the next (RFC 7493 §2.3)."""
    json.loads(body, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Problem(kinds.DUPLICATE_MEMBER)
    return found
