"""Events: frozen facts whose type is data (`application.submitted.v1`), never a Python path.

An event class is registered under its type; the ledger stores the type and the canonical JSON of the fields.
A released type never changes. When a fact needs another shape, the class moves to the next version and an
upcaster turns stored bodies of the old version into the new one while they are read; stored bytes stay as they are.

A field declared `PersonalText` never enters a body: the ledger stores a salted digest of it and the value goes to
the vault under the key of the event's `subject`. On replay such a field is `UNSET`, so no rule can depend on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from domain.kernel.refusal import refusal
from domain.kernel.values import canonical_json

TOO_LARGE = refusal(
    "event.too_large",
    "What would be recorded is more than one event holds; do it in smaller parts",
    "拟记录内容超出单个事件的上限，请分次办理",
)
"""An event grows with what it is about, such as the bills that one payment pays; an entry does not."""

PERSONAL_MAX_CHARS = 200

PersonalText = Annotated[str, Meta(min_length=1, max_length=PERSONAL_MAX_CHARS, extra={"personal": True})] | UnsetType
"""Text about a person: to the vault, digest to the ledger; `UNSET` when not given, withheld or erased."""

_TYPE = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*\.v[1-9][0-9]*")


class Event(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """Base of all events; subclasses are registered with `@event_type`."""


class UnknownEventType(ValueError):
    """A stored or submitted event type that no class is registered for."""


E = TypeVar("E", bound=Event)
Upcast = Callable[[dict[str, Any]], dict[str, Any]]

EVENT_TYPES: dict[str, type[Event]] = {}
_TYPE_OF: dict[type[Event], str] = {}
_UPCASTERS: dict[str, tuple[str, Upcast]] = {}
_DECODERS: dict[str, msgspec.json.Decoder[Event]] = {}


def event_type(name: str) -> Callable[[type[E]], type[E]]:
    """Register a class as the event type `name`, of the form `<aggregate>.<past_tense>.v<n>`.

    Raises `ValueError` for a malformed or taken name, for personal fields without a `subject: UUID`, and for
    `PersonalText` anywhere but as the whole type of a field, where it would enter the body unnoticed.
    """
    if not _TYPE.fullmatch(name):
        raise ValueError(f"event type: expected <aggregate>.<past_tense>.v<n>, got {name!r}")

    def register(cls: type[E]) -> type[E]:
        if name in EVENT_TYPES or name in _UPCASTERS:
            raise ValueError(f"event type {name} is registered already")
        if hidden := _hidden_personal_fields(cls):
            raise ValueError(f"{name}: expected PersonalText as the whole type of a field, got it inside {hidden}")
        if personal_fields(cls) and "subject" not in cls.__struct_fields__:
            raise ValueError(f"{name} declares personal fields {personal_fields(cls)} but no subject")
        EVENT_TYPES[name] = cls
        _TYPE_OF[cls] = name
        _DECODERS[name] = msgspec.json.Decoder(cls)
        return cls

    return register


def upcaster(old: str, new: str) -> Callable[[Upcast], Upcast]:
    """Register how a stored body of type `old` becomes one of type `new` while it is read.

    Raises `ValueError` for a malformed name, a type that is current or upcast already, and a circle of upcasters.
    """

    def register(function: Upcast) -> Upcast:
        if not (_TYPE.fullmatch(old) and _TYPE.fullmatch(new)):
            raise ValueError(f"event types: expected <aggregate>.<past_tense>.v<n>, got {old!r} and {new!r}")
        if old in EVENT_TYPES or old in _UPCASTERS:
            raise ValueError(f"cannot upcast {old}: it is a current type or has an upcaster already")
        if _current(new) == old:
            raise ValueError(f"cannot upcast {old} to {new}: they would go round in a circle")
        _UPCASTERS[old] = (new, function)
        return function

    return register


def stored_types() -> dict[str, type[Event]]:
    """Every type that an entry may name, older versions too, with the class that it is decoded to."""
    return EVENT_TYPES | {old: EVENT_TYPES[_current(old)] for old in _UPCASTERS if _current(old) in EVENT_TYPES}


def is_event_type(name: str) -> bool:
    """Whether a name has the form `<aggregate>.<past_tense>.v<n>`, registered or not."""
    return _TYPE.fullmatch(name) is not None


def type_of(event: Event) -> str:
    """The registered type of an event; raises `UnknownEventType` for a class that was never registered."""
    try:
        return _TYPE_OF[type(event)]
    except KeyError:
        raise UnknownEventType(f"{type(event).__name__} is not registered with @event_type") from None


def decode_body(name: str, body: bytes | Raw) -> Event:
    """Decode one stored body, upcasting older versions.

    Raises `UnknownEventType`, or `msgspec.ValidationError` when the body does not fit its type.
    """
    decoder = _DECODERS.get(name)
    if decoder is not None:
        return decoder.decode(body)
    if _current(name) not in EVENT_TYPES:
        raise UnknownEventType(f"expected one of {len(EVENT_TYPES)} registered event types, got {name!r}")
    fields: dict[str, Any] = msgspec.json.decode(body)
    while name in _UPCASTERS:
        name, upcast = _UPCASTERS[name]
        fields = upcast(fields)
    return _DECODERS[name].decode(msgspec.json.encode(fields))


def _current(name: str) -> str:
    """The type at the end of the chain of upcasters that starts at `name`."""
    while name in _UPCASTERS:
        name = _UPCASTERS[name][0]
    return name


def validate(event: Event) -> None:
    """Check an event against its own declaration (msgspec does so on decoding, not on construction).

    Raises `msgspec.ValidationError` naming the field.
    """
    _DECODERS[type_of(event)].decode(canonical_json(event))


@cache
def personal_fields(cls: type[Event]) -> tuple[str, ...]:
    """Names of the fields of an event class that are declared personal, in declaration order."""
    info = msgspec.inspect.type_info(cls)
    assert isinstance(info, msgspec.inspect.StructType)
    return tuple(field.name for field in info.fields if _is_personal(field.type))


def is_personal(cls: type[Struct]) -> bool:
    """Whether a struct, or anything it is made of, holds personal text."""
    return _holds_personal(msgspec.inspect.type_info(cls), set())


def _is_personal(field: msgspec.inspect.Type) -> bool:
    return isinstance(field, msgspec.inspect.Metadata) and bool((field.extra or {}).get("personal"))


def _hidden_personal_fields(cls: type[Event]) -> tuple[str, ...]:
    info = msgspec.inspect.type_info(cls)
    assert isinstance(info, msgspec.inspect.StructType)
    return tuple(f.name for f in info.fields if not _is_personal(f.type) and _holds_personal(f.type, set()))


def _holds_personal(value: object, seen: set[int]) -> bool:
    """Whether a type, or anything it is made of, is personal; types that hold themselves are visited once."""
    if isinstance(value, tuple):
        return any(_holds_personal(part, seen) for part in value)
    if not isinstance(value, (msgspec.inspect.Type, msgspec.inspect.Field)) or id(value) in seen:
        return False
    seen.add(id(value))
    if isinstance(value, msgspec.inspect.Type) and _is_personal(value):
        return True
    return any(_holds_personal(getattr(value, name), seen) for name in value.__struct_fields__)


def without_personal(event: E) -> E:
    """The same event with every personal field `UNSET`: what replay sees, and what a body is made of."""
    names = personal_fields(type(event))
    return msgspec.structs.replace(event, **dict.fromkeys(names, UNSET)) if names else event


def subject_of(event: Event | None) -> UUID | None:
    """The person an event is about, if there is an event and its class declares one."""
    subject: UUID | None = getattr(event, "subject", None)
    return subject
