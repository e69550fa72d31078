"""Event types: what may be registered, how bodies are read for ever, and where personal data may stand."""

from __future__ import annotations

from typing import Annotated, cast
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET, Meta, Struct

from domain.kernel.event import (
    EVENT_TYPES,
    Event,
    PersonalText,
    UnknownEventType,
    decode_body,
    event_type,
    is_event_type,
    personal_fields,
    subject_of,
    type_of,
    upcaster,
    validate,
    without_personal,
)

PERSON = UUID(int=5)


class Nested(Struct, frozen=True):
    note: PersonalText = UNSET


class Looped(Struct, frozen=True):
    inside: Looped | None = None


def _event(name: str, field: object) -> type[Event]:
    """An event class with a subject and one field of the given type, registered under a name."""
    fields = [("subject", UUID | None, None), ("value", field, UNSET)]
    cls = cast(type[Event], msgspec.defstruct("Sample", fields, bases=(Event,), frozen=True, kw_only=True))
    return event_type(name)(cls)


class Noted(Event, frozen=True):
    """A note about a person."""

    count: Annotated[int, Meta(ge=0)]
    subject: UUID | None = None
    note: PersonalText = UNSET


@pytest.fixture(autouse=True)
def _noted_is_registered(registries: None) -> None:
    event_type("kernelsample.noted.v1")(Noted)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "noted",
        "sample.noted",
        "sample.noted.v0",
        "sample.noted.v01",
        "Sample.noted.v1",
        "sample.noted.v1 ",
        "a.b.c.v1",
    ],
)
def test_malformed_type_is_refused(name: str) -> None:
    assert not is_event_type(name)
    with pytest.raises(ValueError, match="expected <aggregate>"):
        event_type(name)


def test_type_is_registered_once() -> None:
    _event("sample.once.v1", int)
    with pytest.raises(ValueError, match=r"sample\.once\.v1 is registered already"):
        _event("sample.once.v1", int)


def test_type_is_data() -> None:
    assert type_of(Noted(count=1)) == "kernelsample.noted.v1"
    assert is_event_type("kernelsample.noted.v1")
    assert is_event_type("sample.never_registered.v12")
    assert EVENT_TYPES.get("kernelsample.noted.v1") is Noted


def test_class_without_a_type_is_unknown() -> None:
    class Nameless(Event, frozen=True):
        pass

    with pytest.raises(UnknownEventType, match="Nameless"):
        type_of(Nameless())


def test_unknown_type_is_not_decoded() -> None:
    with pytest.raises(UnknownEventType, match=r"sample\.never\.v1"):
        decode_body("sample.never.v1", b"{}")


@pytest.mark.parametrize("body", [b"{}", b'{"count":-1}', b'{"count":"1"}', b'{"count":1,"more":1}', b"[]", b"{"])
def test_body_that_does_not_fit_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_body("kernelsample.noted.v1", body)


def test_validation_names_the_field() -> None:
    validate(Noted(count=0))
    with pytest.raises(msgspec.ValidationError, match=r"\$\.count"):
        validate(Noted(count=-1))


def test_old_bodies_become_current_ones_step_by_step() -> None:
    _event("sample.renamed.v3", int)
    upcaster("sample.renamed.v1", "sample.renamed.v2")(lambda old: {"number": old["n"]})
    upcaster("sample.renamed.v2", "sample.renamed.v3")(lambda old: {"value": old["number"] * 100})
    read = {version: decode_body(f"sample.renamed.v{version}", body) for version, body in _RENAMED.items()}
    assert {type_of(event) for event in read.values()} == {"sample.renamed.v3"}
    assert [getattr(event, "value", None) for event in read.values()] == [700, 800, 9]


_RENAMED = {1: b'{"n":7}', 2: b'{"number":8}', 3: b'{"value":9}'}


def test_upcast_body_is_validated() -> None:
    _event("sample.checked.v2", int)
    upcaster("sample.checked.v1", "sample.checked.v2")(lambda old: {"value": "seven"})
    with pytest.raises(msgspec.ValidationError, match="value"):
        decode_body("sample.checked.v1", b"{}")


def test_upcasters_that_lead_nowhere_are_unknown_types() -> None:
    upcaster("sample.lost.v1", "sample.lost.v2")(dict)
    with pytest.raises(UnknownEventType, match=r"sample\.lost\.v1"):
        decode_body("sample.lost.v1", b"{}")


def test_upcasters_are_registered_once_and_never_for_a_current_type() -> None:
    _event("sample.now.v2", int)
    upcaster("sample.now.v1", "sample.now.v2")(dict)
    with pytest.raises(ValueError, match="has an upcaster already"):
        upcaster("sample.now.v1", "sample.now.v2")(dict)
    with pytest.raises(ValueError, match="current type"):
        upcaster("sample.now.v2", "sample.now.v3")(dict)
    with pytest.raises(ValueError, match="registered already"):
        _event("sample.now.v1", int)


@pytest.mark.parametrize(("old", "new"), [("sample.v1", "sample.x.v2"), ("sample.x.v1", "x")])
def test_upcasters_have_well_formed_names(old: str, new: str) -> None:
    with pytest.raises(ValueError, match="expected <aggregate>"):
        upcaster(old, new)(dict)


def test_upcasters_do_not_go_in_circles() -> None:
    upcaster("sample.round.v1", "sample.round.v2")(dict)
    upcaster("sample.round.v2", "sample.round.v3")(dict)
    for old, new in (("sample.round.v3", "sample.round.v1"), ("sample.self.v1", "sample.self.v1")):
        with pytest.raises(ValueError, match="circle"):
            upcaster(old, new)(dict)


def test_personal_fields_are_known_by_their_declaration() -> None:
    assert personal_fields(Noted) == ("note",)
    assert personal_fields(_event("sample.plain.v1", str)) == ()


def test_personal_values_leave_and_the_rest_stays() -> None:
    noted = Noted(count=3, subject=PERSON, note="secret")
    assert without_personal(noted) == Noted(count=3, subject=PERSON)
    assert b"secret" not in msgspec.json.encode(without_personal(noted))
    plain = _event("sample.plain.v1", str)()
    assert without_personal(plain) is plain


def test_subject_is_who_an_event_is_about() -> None:
    class Subjectless(Event, frozen=True):
        pass

    assert subject_of(Noted(count=1, subject=PERSON)) == PERSON
    assert subject_of(Subjectless()) is None


def test_personal_field_needs_a_subject() -> None:
    with pytest.raises(ValueError, match="no subject"):

        @event_type("sample.orphan.v1")
        class Orphan(Event, frozen=True):
            note: PersonalText = UNSET

    assert "sample.orphan.v1" not in EVENT_TYPES


@pytest.mark.parametrize(
    "hiding",
    [
        PersonalText | None,
        tuple[PersonalText, ...],
        tuple[int, PersonalText],
        dict[str, PersonalText],
        Nested | None,
        Annotated[tuple[Nested, ...], Meta(min_length=1)],
    ],
    ids=str,
)
def test_personal_text_cannot_hide_inside_another_type(hiding: object) -> None:
    """There it would enter the ledger's bytes, for ever."""
    with pytest.raises(ValueError, match="whole type of a field"):
        _event("sample.hiding.v1", hiding)
    assert "sample.hiding.v1" not in EVENT_TYPES


@pytest.mark.parametrize("harmless", [str | None, Looped | None, dict[str, Looped], tuple[int, str]], ids=str)
def test_types_without_personal_text_are_free(harmless: object) -> None:
    assert personal_fields(_event("sample.free.v1", harmless)) == ()


@pytest.mark.parametrize("text", ["", "x" * 201])
def test_personal_text_has_limits(text: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="note"):
        validate(Noted(count=1, subject=PERSON, note=text))
