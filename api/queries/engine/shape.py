"""Answers derived from the types of rows and states: what a field looks like outside, and how its value gets there.

Annotated[UUID | None, noun("subject")]  ─▶  "subject_<32 hex digits>" | null
Annotated[str, shown(CollectionPolicy)]  ─▶  the struct in the JSON text
datetime ─▶ RFC 3339 text in UTC          frozenset ─▶ sorted array          struct ─▶ the same, field by field
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Optional, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, defstruct, structs

from domain.kernel.fields import INTERNAL_KEY, NOUN, SHOWN
from domain.kernel.ids import format_id
from domain.kernel.times import utc_text

Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Position = Annotated[int, Meta(ge=0)]
Convert = Callable[[Any], Any]
SAME: Mapping[str, str] = {}


class Shape(NamedTuple):
    """A type outside, and what makes its value of the one inside; `None` where they are the same."""

    type: Any
    convert: Convert | None


class Annotation(NamedTuple):
    """An annotation taken apart: the type, whether it may be null, what is said of it, the description apart."""

    kind: Any
    nullable: bool
    metas: tuple[Meta, ...]
    extra: dict[str, Any]


def id_of(name: str) -> Any:
    """The type of ids with a noun."""
    return Annotated[str, Meta(pattern=f"^{name}_[0-9a-f]{{32}}$", extra={NOUN: name})]


def said(hint: Any) -> Annotation:
    """What an annotation says, from the outside in."""
    metas: list[Meta] = []
    nullable = False
    while True:
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            metas = [one for one in more if isinstance(one, Meta)] + metas
        elif get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint):
            nullable = True
            hint = _union([one for one in get_args(hint) if one is not NoneType])
        else:
            extra: dict[str, Any] = {}
            for meta in metas:
                extra |= meta.extra or {}
            return Annotation(hint, nullable, tuple(metas), extra)


def _union(kinds: list[Any]) -> Any:
    return kinds[0] if len(kinds) == 1 else Union[tuple(kinds)]  # noqa: UP007 - made of a list


def hints_of(cls: type[Struct]) -> dict[str, Any]:
    """The annotations of a struct's fields with everything that they say."""
    hints = get_type_hints(cls, include_extras=True)
    return {name: hints[name] for name in cls.__struct_fields__}


def shape_of(hint: Any, name: str) -> Shape:
    """The shape of a field. Raises `TypeError` for a type that cannot be shown."""
    told = said(hint)
    described = [one for one in told.metas if one.description]
    limits = [one for one in told.metas if not one.description]
    if SHOWN in told.extra:
        shape = _kept_as_text(told.extra[SHOWN], name)
    else:
        shape = _plain(told.kind, told.extra.get(NOUN, name))
        if shape.convert is None:
            shape = Shape(_annotated(shape.type, limits), None)
    if told.nullable:
        shape = _or_null(shape)
    return Shape(_annotated(shape.type, described), shape.convert)


def _annotated(kind: Any, metas: Iterable[Meta]) -> Any:
    for meta in metas:
        kind = Annotated[kind, meta]
    return kind


def _or_null(shape: Shape) -> Shape:
    some, outside = shape.convert, Optional[shape.type]  # noqa: UP045 - made of a value
    return Shape(outside, some and (lambda value: None if value is None else some(value)))


def _plain(kind: Any, name: str) -> Shape:
    if kind is UUID:
        return Shape(id_of(name), lambda value: format_id(name, value))
    if kind is datetime:
        return Shape(Instant, utc_text)
    if get_origin(kind) in (tuple, frozenset, list):
        return _several(kind, name)
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _struct(kind)
    if get_origin(kind) in (Union, UnionType):
        return _alternatives(kind, name)
    return Shape(kind, None)


def _several(kind: Any, name: str) -> Shape:
    item = shape_of(get_args(kind)[0], name)
    several: Any = tuple.__class_getitem__((item.type, ...))
    convert = item.convert
    if get_origin(kind) is frozenset:
        return Shape(several, lambda values: tuple(sorted(map(convert, values) if convert else values)))
    if convert is None:
        return Shape(several if get_origin(kind) is list else kind, None)
    return Shape(several, lambda values: tuple(map(convert, values)))


def _alternatives(kind: Any, name: str) -> Shape:
    if UnsetType in get_args(kind):
        rest = shape_of(_union([one for one in get_args(kind) if one is not UnsetType]), name)
        some = rest.convert
        outside: Any = Union[rest.type, UnsetType]  # noqa: UP007 - made of values
        return Shape(outside, some and (lambda value: UNSET if value is UNSET else some(value)))
    shapes = [shape_of(one, name) for one in get_args(kind)]
    if any(shape.convert for shape in shapes):
        raise TypeError(f"{name}: expected alternatives that look the same outside, got {kind}")
    return Shape(kind, None)


def _kept_as_text(kind: Any, name: str) -> Shape:
    inner = said(kind)
    shape = shape_of(kind, name)
    if inner.kind is str:
        return Shape(shape.type, lambda text: text or None)
    if get_origin(inner.kind) is tuple and get_args(inner.kind)[0] is str:
        return Shape(shape.type, lambda text: tuple(text.split()))
    decode, convert = msgspec.json.Decoder(kind).decode, shape.convert
    return Shape(shape.type, decode if convert is None else lambda text: convert(decode(text)))


@cache
def _struct(cls: type[Struct]) -> Shape:
    shapes = {name: shape_of(hint, name) for name, hint in hints_of(cls).items()}
    if all(shape.convert is None for shape in shapes.values()):
        return Shape(cls, None)
    outside, make = composed(cls.__name__, cls.__doc__ or "", [field_of(one, shapes) for one in structs.fields(cls)])
    return Shape(outside, lambda value: make((value,)))


class Field(NamedTuple):
    """A field of an answer: its name outside and inside, its shape, and which of the sources it comes from."""

    name: str
    inside: str
    shape: Shape
    source: int = 0


def field_of(field: structs.FieldInfo, shapes: dict[str, Shape]) -> Field:
    """The field of a nested struct."""
    return Field(field.encode_name, field.name, shapes[field.name])


def fields_of(cls: type[Struct], source: int = 0, without: Iterable[str] = ()) -> list[Field]:
    """The fields of a row type or a state that are shown outside."""
    left_out = frozenset(without)
    return [
        Field(name, name, shape_of(hint, name), source)
        for name, hint in hints_of(cls).items()
        if name not in left_out and INTERNAL_KEY not in said(hint).extra
    ]


def _member(field: Field) -> Any:
    unset = UnsetType in get_args(said(field.shape.type).kind)
    return (field.name, field.shape.type, UNSET) if unset else (field.name, field.shape.type)


def composed(name: str, doc: str, fields: list[Field]) -> tuple[type[Struct], Callable[[tuple[Any, ...]], Struct]]:
    """A struct with these fields, and what makes one of its sources."""
    members = [_member(one) for one in fields]
    outside = defstruct(
        name, members, frozen=True, kw_only=True, namespace={"__doc__": inspect.cleandoc(doc)}, module=__name__
    )

    def make(sources: tuple[Any, ...]) -> Struct:
        values = {}
        for field in fields:
            value = getattr(sources[field.source], field.inside)
            values[field.name] = value if field.shape.convert is None else field.shape.convert(value)
        return outside(**values)

    return outside, make


def derived(
    cls: type[Struct],
    name: str = "",
    *,
    without: Iterable[str] = ("position", "tenant"),
    only: Iterable[str] = (),
    renamed: Mapping[str, str] = SAME,
    also: Iterable[str] = (),
) -> tuple[type[Struct], Callable[[Any], Struct]]:
    """The answer that shows a struct, and what makes one of it; `also` are properties that are shown, too."""
    chosen = frozenset(only) or frozenset(cls.__struct_fields__) - frozenset(without)
    fields = [one._replace(name=renamed.get(one.name, one.name)) for one in fields_of(cls) if one.inside in chosen]
    for one in also:
        shape = shape_of(get_type_hints(getattr(cls, one).fget, include_extras=True)["return"], one)
        fields.append(Field(one, one, shape))
    outside, make = composed(name or cls.__name__, cls.__doc__ or "", fields)
    return outside, lambda value: make((value,))
