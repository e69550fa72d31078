"""What can happen to a clause of the library: every event type of the aggregate."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from domain.contracts.clause.values import TEXT_BYTES_MAX, TEXT_JSON_BYTES_MAX, Forms, Title, VersionNumber
from domain.intake.application.values import Code, Digest
from domain.kernel.event import Event, event_type

Size = Annotated[int, Meta(ge=1, le=TEXT_BYTES_MAX)]


@event_type("clause.drafted.v1")
class ClauseDrafted(Event, frozen=True):
    """A version was written.

    `digest` is SHA-256 over the exact UTF-8 bytes of the text, `size_bytes` counts them. `text` is the text itself, or
    null where it is longer than an entry holds and is kept by its digest. `gloss` says in English what it is about.
    """

    clause: Code
    version: VersionNumber
    title: Title
    gloss: Title
    forms: Forms
    mandatory: bool
    digest: Digest
    size_bytes: Size
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_JSON_BYTES_MAX)] | None = None


@event_type("clause.published.v1")
class ClausePublished(Event, frozen=True):
    """A version may be assembled into contracts from this business date on; the digest says which bytes were read."""

    version: VersionNumber
    digest: Digest
    effective_from: date


@event_type("clause.withdrawn.v1")
class ClauseWithdrawn(Event, frozen=True):
    """A version may not be assembled any more, from this business date on; contracts that hold it keep it."""

    version: VersionNumber
    withdrawn_from: date
    reason: Code
