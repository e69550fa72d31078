"""What a field says of itself beside its type: the noun of its ids, how its text is shown, whether it stays inside.

A description is `Meta(description=…)`; the rest stands here, so that a row type, a command or a state says everything
about a field where the field is written, and forms, answers, tables and documents are derived from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Annotated, Any

from msgspec import Meta

NOUN, SHOWN, INTERNAL_KEY, STATES = "noun", "shown", "internal", "states"


def noun(name: str) -> Meta:
    """An identifier's noun, where it is not the name of the field: `lessee: Annotated[UUID, noun("subject")]`."""
    return Meta(extra={NOUN: name})


def shown(kind: Any) -> Meta:
    """The type of a text column's value: a struct or tuple kept as JSON, codes joined by blanks, text that may lack."""
    return Meta(extra={SHOWN: kind})


def states(kind: type[Enum]) -> Meta:
    """The values that a text column can have, those of an enumeration; the state of an empty stream is none of them."""
    return one_of(one.value for one in kind if one.value != "absent")


Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
"""SHA-256 in lower-case hex."""

INTERNAL = Meta(extra={INTERNAL_KEY: True})
"""A column that serves its fold or its queries and is no part of an answer."""


def one_of(values: Iterable[str]) -> Meta:
    """The values that a text can have."""
    known = tuple(values)
    return Meta(extra_json_schema={"enum": list(known)}, extra={STATES: known})
