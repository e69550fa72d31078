"""What is said of a field is said of what the field holds."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from typing import Any, get_args, get_type_hints

from msgspec import Meta, Struct

import domain


def described() -> Iterator[tuple[str, Any]]:
    """Each description of a field in the domain, with the type that the field has."""
    for found in pkgutil.walk_packages(domain.__path__, "domain."):
        for kind in vars(import_module(found.name)).values():
            if isinstance(kind, type) and issubclass(kind, Struct):
                for hint in get_type_hints(kind, include_extras=True).values():
                    metas = [one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Meta)]
                    yield from ((one.description, get_args(hint)[0]) for one in metas if one.description)


def test_no_enumeration_is_described_as_another_type_is() -> None:
    """Nor is an object: a sentence for a field's name alone is wrong of one of the fields that have it."""
    meant: dict[str, set[Any]] = {}
    for said, kind in described():
        meant.setdefault(said, set()).add(kind)
    assert len(meant) > 100
    shared = {said: kinds for said, kinds in meant.items() if len(kinds) > 1}
    assert [said for said, kinds in shared.items() if any(map(_is_our_own, kinds))] == []


def _is_our_own(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum | Struct)
