"""Any valid event of any registered type, made from the type's own declaration."""

from __future__ import annotations

import importlib
import pkgutil
import unicodedata
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec import inspect

import domain
from domain.kernel.event import EVENT_TYPES, Event, personal_fields

MAX_SAFE_INTEGER = 2**53 - 1
ITEMS_MAX = 4

for _module in pkgutil.walk_packages(domain.__path__, "domain."):
    importlib.import_module(_module.name)

RELEASED = sorted(name for name, cls in EVENT_TYPES.items() if cls.__module__.startswith("domain."))
"""The event types that the domain declares; tests that run beside this one may register toys."""


def nfc_text(min_size: int = 0, max_size: int = 60) -> SearchStrategy[str]:
    """Text in Normalization Form C, with everything that an encoder may treat specially."""
    characters = st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from('\x00\x08\t\n\x0c\r\x1b\x1f"\\/\x7f\x80\u2028\u2029\ufeff\uffff名￿𝄞😀é€'),
    )
    texts = st.text(characters, min_size=min_size, max_size=max_size)
    return texts.map(lambda text: unicodedata.normalize("NFC", text)).filter(
        lambda text: min_size <= len(text) <= max_size
    )


def events(name: str, *, personal: bool = False) -> SearchStrategy[Event]:
    """Valid events of one type; personal fields are drawn only when asked for."""
    cls = EVENT_TYPES[name]
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    hidden = () if personal else personal_fields(cls)
    fields = {field.name: _values(field.type) for field in info.fields if field.name not in hidden}
    return st.builds(cls, **fields)


def _values(kind: inspect.Type) -> SearchStrategy[Any]:
    if isinstance(kind, inspect.Metadata):
        return _values(kind.type)
    if isinstance(kind, inspect.UnionType):
        return st.one_of(*(_values(one) for one in kind.types))
    return _MAKERS[type(kind)](kind)


def _integers(kind: Any) -> SearchStrategy[int]:
    least = -MAX_SAFE_INTEGER if kind.ge is None else kind.ge
    return st.integers(least, MAX_SAFE_INTEGER if kind.le is None else min(kind.le, MAX_SAFE_INTEGER))


def _tuples(kind: Any) -> SearchStrategy[tuple[Any, ...]]:
    least = kind.min_length or 0
    most = max(least, ITEMS_MAX if kind.max_length is None else min(kind.max_length, ITEMS_MAX))
    return st.lists(_values(kind.item_type), min_size=least, max_size=most).map(tuple)


def _structs(kind: Any) -> SearchStrategy[Any]:
    return st.builds(kind.cls, **{field.name: _values(field.type) for field in kind.fields})


def _texts(kind: Any) -> SearchStrategy[str]:
    least, most = kind.min_length or 0, kind.max_length or 60
    if kind.pattern is None:
        return nfc_text(least, most)
    return st.from_regex(kind.pattern).filter(
        lambda text: least <= len(text) <= most and unicodedata.is_normalized("NFC", text)
    )


_MAKERS: dict[type[inspect.Type], Callable[[Any], SearchStrategy[Any]]] = {
    inspect.StrType: _texts,
    inspect.IntType: _integers,
    inspect.VarTupleType: _tuples,
    inspect.StructType: _structs,
    inspect.EnumType: lambda kind: st.sampled_from(list(kind.cls)),
    inspect.NoneType: lambda _: st.none(),
    inspect.BoolType: lambda _: st.booleans(),
    inspect.UUIDType: lambda _: st.uuids(),
    inspect.DateType: lambda _: st.dates(),
}


def builtins_of(event: Event) -> Any:
    """The event as plain JSON values, without what is UNSET."""
    return msgspec.to_builtins(event)
