"""Values at the ends of what a declaration accepts, and the commands in which one of them stands, or many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import cache
from itertools import chain, islice
from random import Random
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct, inspect
from msgspec.structs import replace

from api.http.commands.models import FIRST_DAY, ITEMS_MAX, LAST_DAY
from domain.kernel.command import Command
from domain.kernel.decider import Decider
from domain.kernel.money import MAX_SAFE_INTEGER

S = TypeVar("S", bound=Struct)

ITEMS_VARIED = 3
"""Items of an array that are varied by themselves: the first ones."""

ITEMS_MOST = 500
"""Of an array that may be longer: a statement of a bank has ten thousand differences, an event each."""

TEXT_MAX_CHARS = 1_000
"""Of a text that the declaration does not limit."""

DAYS = (FIRST_DAY, FIRST_DAY + timedelta(days=1), LAST_DAY - timedelta(days=31), LAST_DAY)
FORMS = (
    *("0", "a", "Z", "a" * 64, "0" * 64, "CNY", "0.0000000001", "9999.9999999999", "9999", "{}", "rent_12", "E17"),
    *("2026-03-02T00:00:00.000000Z", "application/pdf", "lease.charge_off", "1M8GDM9AXKP042788", "ledger.example/0"),
)
"""Texts of which every form takes at least one."""


def values_of(kind: inspect.Type, like: Any = None) -> list[Any]:
    """The ends of what a type accepts, and what is beside them; `like` is a value that is accepted."""
    if isinstance(kind, inspect.Metadata):
        return values_of(kind.type, like)
    if isinstance(kind, inspect.UnionType):
        return [value for one in kind.types for value in values_of(one, like)]
    return list(_VALUES[type(kind)](kind, like))


def _numbers(kind: inspect.IntType, like: Any) -> list[int]:
    least = -MAX_SAFE_INTEGER if kind.ge is None else kind.ge
    most = MAX_SAFE_INTEGER if kind.le is None else kind.le
    return sorted({least, min(least + 1, most), (least + most) // 2, max(most - 1, least), most})


def _texts(kind: inspect.StrType, like: Any) -> list[str]:
    most = kind.max_length or TEXT_MAX_CHARS
    longest = ["a" * most, "租" * most, '"\\' * (most // 2)]
    if isinstance(like, str) and like:
        longest.append((like + like[-1] * most)[:most])
    limits = msgspec.Meta(pattern=kind.pattern, max_length=kind.max_length, min_length=kind.min_length)
    return [one for one in (*longest, *FORMS) if _fits(one, Annotated[str, limits])]


def _fits(value: object, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _arrays(kind: inspect.VarTupleType, like: Any) -> Iterator[tuple[Any, ...]]:
    """As few items as may be, and as many; each of the first ones at its ends; all of them at the same end."""
    items = like if isinstance(like, tuple) and like else tuple(islice(values_of(kind.item_type), 1))
    if not items:
        return
    most = min(ITEMS_MOST, ITEMS_MAX if kind.max_length is None else kind.max_length)
    many = tuple(islice(_more(items), most))
    yield from (items[: kind.min_length or 0], items, many)
    for at, item in enumerate(items[:ITEMS_VARIED]):
        for value in values_of(kind.item_type, item):
            yield (*items[:at], value, *items[at + 1 :])
    yield from _alike(many, items[0])


def _alike(many: tuple[Any, ...], first: Any) -> Iterator[tuple[Any, ...]]:
    for name in getattr(first, "__struct_fields__", ()):
        for value in values_of(_types(first.__class__)[name], getattr(first, name)):
            yield tuple(replace(item, **{name: value}) for item in many)


def _structs(kind: inspect.StructType, like: Any) -> Iterator[Any]:
    return varied(like) if isinstance(like, Struct) else made(kind.cls)


_VALUES: dict[type[inspect.Type], Callable[[Any, Any], Iterable[Any]]] = {
    inspect.NoneType: lambda kind, like: (None,),
    inspect.BoolType: lambda kind, like: (False, True),
    inspect.EnumType: lambda kind, like: kind.cls,
    inspect.IntType: _numbers,
    inspect.DateType: lambda kind, like: DAYS,
    inspect.UUIDType: lambda kind, like: (UUID(int=0), UUID(int=2**128 - 1)),
    inspect.StrType: _texts,
    inspect.StructType: _structs,
    inspect.VarTupleType: _arrays,
}
"""What else a type is fails here, until somebody says what its ends are."""


def _more(items: tuple[Any, ...]) -> Iterator[Any]:
    """The items, and more of their kind: numbers and days go on, everything else repeats."""
    yield from items
    last, number = items[-1], 0
    while True:
        number += 1
        values = {name: getattr(last, name) for name in getattr(last, "__struct_fields__", ())}
        later = {name: day + timedelta(days=30 * number) for name, day in values.items() if isinstance(day, date)}
        if "number" in values:
            later["number"] = values["number"] + number
        yield replace(last, **later) if later else last


@cache
def _types(cls: Any) -> dict[str, inspect.Type]:
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    return {field.name: field.type for field in info.fields}


def varied(struct: S) -> Iterator[S]:
    """The struct with one field at one of its ends, and with all amounts at their end at once."""
    for name, kind in _types(type(struct)).items():
        for value in values_of(kind, getattr(struct, name)):
            if value != getattr(struct, name):
                yield replace(struct, **{name: value})
    amounts = [name for name in _types(type(struct)) if name.endswith("_fen")]
    if len(amounts) > 1:
        yield replace(struct, **dict.fromkeys(amounts, MAX_SAFE_INTEGER))


def mixed(random: Random, struct: S, share: float) -> S:
    """The struct with a share of its fields at one of their ends, if that is accepted, else as it was."""
    names = [name for name in _types(type(struct)) if random.random() < share]
    found = {name: values_of(_types(type(struct))[name], getattr(struct, name)) for name in names}
    mixture = replace(struct, **{name: random.choice(values) for name, values in found.items() if values})
    return mixture if is_accepted(mixture) else struct


def is_accepted(struct: Struct) -> bool:
    """Whether the struct fits its declaration."""
    return _fits(msgspec.to_builtins(struct), type(struct))


def made(cls: type[S]) -> Iterator[S]:
    """The struct with each field at the first of its values; nothing for one that has none."""
    found = {name: values_of(kind) for name, kind in _types(cls).items()}
    if all(found.values()):
        one = cls(**{name: values[-1] for name, values in found.items()})
        if is_accepted(one):
            yield one


def commands_of(decider: Decider[Any], samples: tuple[Command, ...]) -> tuple[Command, ...]:
    """A command of each class that the aggregate answers: the samples, and for the others what is made."""
    known = {type(one) for one in samples}
    return (*samples, *chain.from_iterable(made(cls) for cls in decider.commands if cls not in known))
