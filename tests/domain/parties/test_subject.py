"""A look at a person's data says who, what and what for; one tenant's stream of a person is nobody else's."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from domain.kernel.event import validate
from domain.parties.subject import SUBJECT, LookAtSubject, LookPurpose, SubjectLookedAt, SubjectPhase, subject_stream
from tests.given import given

PERSON, CASE = UUID(int=5), UUID(int=6)
LOOK = LookAtSubject(subject=PERSON, purpose=LookPurpose.CONTACT, fields=("application.phone",), about=CASE)
LOOKED = SubjectLookedAt(subject=PERSON, purpose=LookPurpose.CONTACT, fields=("application.phone",), about=CASE)


def test_article_6_every_look_names_its_purpose_and_kinds_of_values() -> None:
    given(SUBJECT).when(LOOK).then(LOOKED)
    given(SUBJECT, LOOKED).when(LOOK).then(LOOKED)


def test_kinds_are_sorted_and_named_once() -> None:
    asked = ("application.phone", "application.name", "application.phone")
    look = msgspec.structs.replace(LOOK, fields=asked)
    told = msgspec.structs.replace(LOOKED, fields=("application.name", "application.phone"))
    given(SUBJECT).when(look).then(told)


def test_looks_are_counted() -> None:
    state = given(SUBJECT, LOOKED, LOOKED).state
    assert (state.phase, state.subject, state.looks) == (SubjectPhase.KNOWN, PERSON, 2)


@pytest.mark.parametrize("field", ["phone", "application.", "Application.phone", "application.phone\n", "王.phone"])
def test_a_kind_of_value_names_its_aggregate(field: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="fields"):
        validate(msgspec.structs.replace(LOOKED, fields=(field,)))


def test_the_streams_of_two_tenants_are_two_for_ever() -> None:
    assert subject_stream(UUID(int=1), PERSON) == UUID("40822fe0-9521-5364-b9cd-e4e9474127c4")
    assert subject_stream(UUID(int=1), PERSON) != subject_stream(UUID(int=2), PERSON)
