"""Subject (个人信息主体): a person of one tenant, and who looked at what the vault holds about them.

    Absent ─looked_at─▶ Known

What a person is called, and every other personal value, stands in the vault and in no event; this stream says who read
which of it, and what for (个人信息保护法 6: for a clear purpose, no more than it needs). A look is recorded before it
is answered. The stream is a case of its own, so that nobody who is shown a lease's case sees who looked at its lessee.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid5

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from domain.kernel.command import Command, Context
from domain.kernel.decider import Answer, Decider, Rule, State, without_phase
from domain.kernel.event import Event, event_type
from domain.kernel.refusal import refusal

FIELDS_MAX = 40
"""Kinds of personal values that one look may be for."""


class LookPurpose(StrEnum):
    """What personal values are looked at for."""

    CONTACT = "contact"
    IDENTITY_CHECK = "identity_check"
    CONTRACT = "contract"
    DELIVERY = "delivery"
    COLLECTION = "collection"
    COURT = "court"
    SUBJECT_REQUEST = "subject_request"
    CORRECTION = "correction"


FieldName = Annotated[str, Meta(pattern=r"^[a-z][a-z_]{0,39}\.[a-z][a-z_]{0,39}$(?!\n)")]
"""A kind of personal value: the aggregate that keeps it and its field, `application.phone`."""

FieldNames = Annotated[tuple[FieldName, ...], Meta(min_length=1, max_length=FIELDS_MAX)]


@event_type("subject.looked_at.v1")
class SubjectLookedAt(Event, frozen=True):
    """Somebody was shown personal values: which kinds of them, sorted, and what for.

    `about` is the case (the correlation of its events) that they were needed for.
    """

    subject: UUID
    purpose: LookPurpose
    fields: FieldNames
    about: UUID | UnsetType = UNSET


class SubjectPhase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    KNOWN = "known"


class SubjectState(State, frozen=True, kw_only=True):
    """One person of one tenant, as far as events tell."""

    phase: SubjectPhase = SubjectPhase.ABSENT
    subject: UUID | None = None
    looks: int = 0


class LookAtSubject(Command, frozen=True):
    """Look at personal values of a subject."""

    subject: Annotated[UUID, Meta(description="The person: `subject_` and 32 hex digits.")]
    purpose: Annotated[LookPurpose, Meta(description="What the values are needed for.")]
    fields: Annotated[
        tuple[FieldName, ...],
        Meta(min_length=1, max_length=FIELDS_MAX, description="Kinds of values, such as `application.phone`."),
    ]
    about: (
        Annotated[UUID, Meta(description="The case they are needed for: the correlation of its events.")] | UnsetType
    ) = UNSET


UNKNOWN = refusal("subject.unknown", "Nothing of this kind is kept of this person", "未保存该主体的此类信息")


def _look(command: LookAtSubject, state: SubjectState, context: Context) -> Answer:
    fields = tuple(sorted(set(command.fields)))
    return (
        SubjectLookedAt(subject=command.subject, purpose=command.purpose, fields=fields, about=command.about),
    )  # fmt: skip


def _looked_at(state: SubjectState, event: SubjectLookedAt) -> SubjectState:
    return replace(state, phase=SubjectPhase.KNOWN, subject=event.subject, looks=state.looks + 1)


SUBJECT = Decider(
    name="subject",
    initial=SubjectState(),
    rules={LookAtSubject: Rule(frozenset(SubjectPhase), without_phase(UNKNOWN), _look)},
    evolve={SubjectLookedAt: _looked_at},
)


def subject_stream(tenant: UUID, subject: UUID) -> UUID:
    """The stream of a tenant's subject: two tenants that know one person have two."""
    return uuid5(tenant, f"subject:{subject}")
