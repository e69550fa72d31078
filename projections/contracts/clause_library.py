"""The clause library: one row per clause of a tenant with all its versions, now and at any earlier position.

    clause.drafted ─▶ row ─drafted, published, withdrawn─▶ row (versions with digests, forms and days; the newest apart)

    state of a version:  drafted ─▶ published (effective from a day) ─▶ withdrawn (from a day)

Clauses that come with the program and that a tenant has no version of are no rows: they are data, not events.
The past: rows that have not changed since are taken as they are, all others are folded again from their own streams.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from domain.contracts import clause as e
from domain.contracts.clause import CLAUSE
from domain.kernel.event import Event
from domain.kernel.fields import INTERNAL, Digest, one_of, shown
from domain.pricing.parts import Form
from projections.engine.model import Projection, ProjectionError, Recorded, Row
from projections.engine.pages import Relation

DRAFTED, PUBLISHED, WITHDRAWN = "drafted", "published", "withdrawn"
STATES = (DRAFTED, PUBLISHED, WITHDRAWN)


class ListedVersion(Struct, frozen=True, kw_only=True):
    """One version as it is kept in a row; `text_in_ledger` says whether its text stands in its event.

    `drafted_at` is the ledger position of that event.
    """

    number: int
    title: str
    gloss: str
    digest: Digest
    size_bytes: int
    forms: tuple[Form, ...]
    mandatory: bool
    text_in_ledger: bool
    drafted_at: int
    state: Annotated[str, one_of(STATES)]
    effective_from: date | None
    withdrawn_from: date | None


class Clause(Row, frozen=True, kw_only=True):
    """One clause. `state`, `title` and `forms` are those of the newest version; `version` counts its events.

    `versions` is a JSON array of `ListedVersion`, `forms` has blanks around each form.
    """

    id: UUID
    tenant: UUID
    clause: str
    state: Annotated[str, one_of(STATES)]
    title: Annotated[str, INTERNAL]
    forms: Annotated[str, INTERNAL]
    mandatory: Annotated[bool, INTERNAL]
    newest: Annotated[int, INTERNAL]
    versions: Annotated[str, shown(tuple[ListedVersion, ...])]
    version: int
    first_position: int


_decode = msgspec.json.Decoder(tuple[ListedVersion, ...]).decode


def versions_of(row: Clause) -> tuple[ListedVersion, ...]:
    """The versions of a row, number n at place n - 1."""
    return _decode(row.versions)


# --------------------------------------------------------------------------------------------------- fold


def fold(row: Clause | None, event: Event, recorded: Recorded) -> Clause | None:
    """The row after one event. Raises `ProjectionError` for a clause that does not begin with a draft."""
    if isinstance(event, e.ClauseDrafted):
        return _drafted(row, event, recorded)
    if row is None:
        raise ProjectionError(f"stream {recorded.stream}: expected clause.drafted first, got {recorded.envelope.type}")
    assert isinstance(event, (e.ClausePublished, e.ClauseWithdrawn)), "the projection declares no other"
    versions = list(versions_of(row))
    at = event.version - 1
    if isinstance(event, e.ClausePublished):
        versions[at] = replace(versions[at], state=PUBLISHED, effective_from=event.effective_from)
    else:
        versions[at] = replace(versions[at], state=WITHDRAWN, withdrawn_from=event.withdrawn_from)
    return _written(row, versions, recorded)


def _drafted(row: Clause | None, event: e.ClauseDrafted, recorded: Recorded) -> Clause:
    fresh = ListedVersion(
        number=event.version,
        title=event.title,
        gloss=event.gloss,
        digest=event.digest,
        size_bytes=event.size_bytes,
        forms=event.forms,
        mandatory=event.mandatory,
        text_in_ledger=event.text is not None,
        drafted_at=recorded.position,
        state=DRAFTED,
        effective_from=None,
        withdrawn_from=None,
    )
    if row is None:
        row = Clause(
            position=recorded.position,
            first_position=recorded.position,
            version=0,
            id=recorded.stream,
            tenant=recorded.tenant,
            clause=event.clause,
            state=DRAFTED,
            title=event.title,
            forms="",
            mandatory=event.mandatory,
            newest=0,
            versions="[]",
        )
    return _written(row, [*versions_of(row), fresh], recorded)


def _written(row: Clause, versions: list[ListedVersion], recorded: Recorded) -> Clause:
    newest = versions[-1]
    return replace(
        row,
        position=recorded.position,
        version=recorded.envelope.seq,
        state=newest.state,
        title=newest.title,
        forms=f" {' '.join(newest.forms)} ",
        mandatory=newest.mandatory,
        newest=newest.number,
        versions=msgspec.json.encode(versions).decode(),
    )


CLAUSE_LIBRARY = Projection(
    name="clause_library",
    version=2,
    row=Clause,
    key=("id",),
    events=frozenset(CLAUSE.events),
    fold=fold,
    indexes=(("tenant", "id"), ("tenant", "clause")),
)

OF_TENANT = Relation(CLAUSE_LIBRARY, e.ClauseDrafted)
"""The streams of a tenant's own clauses."""
