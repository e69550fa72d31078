"""The clause library: one row per clause of a tenant with all its versions, now and at any earlier position.

    clause.drafted ─▶ row ─drafted, published, withdrawn─▶ row (versions with digests, forms and days; the newest apart)

    state of a version:  drafted ─▶ published (effective from a day) ─▶ withdrawn (from a day)

Clauses that come with the program and that a tenant has no version of are no rows: they are data, not events.
The past: rows that have not changed since are taken as they are, all others are folded again from their own streams.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from psycopg import Connection

from domain.contracts.clause import events as e
from domain.kernel.event import Event
from domain.pricing.parts import Form
from projections.engine.as_of import resolve
from projections.engine.model import Projection, ProjectionError, Recorded, Row
from projections.leasing.lease_pages import Window, lease_pages

DRAFTED, PUBLISHED, WITHDRAWN = "drafted", "published", "withdrawn"
STATES = (DRAFTED, PUBLISHED, WITHDRAWN)


class Version(Struct, frozen=True, kw_only=True):
    """One version as it is kept in a row; `inline` says whether its text stands in its event.

    `drafted_at` is the ledger position of that event.
    """

    number: int
    title: str
    gloss: str
    digest: str
    size_bytes: int
    forms: tuple[Form, ...]
    mandatory: bool
    inline: bool
    drafted_at: int
    state: str = DRAFTED
    effective_from: date | None = None
    withdrawn_from: date | None = None

    def in_effect(self, on: date) -> bool:
        """Whether a contract of this business date may hold it."""
        if self.effective_from is None or on < self.effective_from:
            return False
        return self.withdrawn_from is None or on < self.withdrawn_from


class Clause(Row, frozen=True, kw_only=True):
    """One clause. `state`, `title` and `forms` are those of the newest version; `version` counts its events.

    `versions` is a JSON array of `Version`, `forms` has blanks around each form.
    """

    id: UUID
    tenant: UUID
    clause: str
    state: str
    title: str
    forms: str
    mandatory: bool
    newest: int
    versions: str
    version: int
    first_position: int


class Page(Struct, frozen=True):
    """Some rows in the order of their ids, valid at `position`; `next_after` continues the list, if there is more."""

    position: int
    rows: tuple[Clause, ...]
    next_after: UUID | None


class Filter(Struct, frozen=True, kw_only=True):
    """Which clauses are wanted; `on` asks for a version that is in effect on that business date."""

    clause: str | None = None
    state: str | None = None
    form: str | None = None
    on: date | None = None

    def matches(self, row: Clause) -> bool:
        """Whether a row is wanted."""
        if self.clause not in (None, row.clause) or self.state not in (None, row.state):
            return False
        if self.form is not None and self.form not in row.forms.split():
            return False
        return self.on is None or in_effect(row, self.on) is not None


_decode = msgspec.json.Decoder(tuple[Version, ...]).decode


def versions_of(row: Clause) -> tuple[Version, ...]:
    """The versions of a row, number n at place n - 1."""
    return _decode(row.versions)


def in_effect(row: Clause, on: date) -> Version | None:
    """The version to assemble on a business date: the one that took effect last, the higher number on a tie."""
    usable = [one for one in versions_of(row) if one.in_effect(on)]
    return max(usable, key=lambda one: (one.effective_from or on, one.number), default=None)


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
    fresh = Version(
        number=event.version,
        title=event.title,
        gloss=event.gloss,
        digest=event.digest,
        size_bytes=event.size_bytes,
        forms=event.forms,
        mandatory=event.mandatory,
        inline=event.text is not None,
        drafted_at=recorded.position,
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


def _written(row: Clause, versions: list[Version], recorded: Recorded) -> Clause:
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
    version=1,
    row=Clause,
    key=("id",),
    events=frozenset({e.ClauseDrafted, e.ClausePublished, e.ClauseWithdrawn}),
    fold=fold,
    ddl="""
CREATE TABLE {table} (
    shard          smallint NOT NULL,
    position       bigint   NOT NULL,
    id             uuid     NOT NULL,
    tenant         uuid     NOT NULL,
    clause         text     NOT NULL,
    state          text     NOT NULL,
    title          text     NOT NULL,
    forms          text     NOT NULL,
    mandatory      boolean  NOT NULL,
    newest         bigint   NOT NULL,
    versions       text     NOT NULL,
    version        bigint   NOT NULL,
    first_position bigint   NOT NULL,
    PRIMARY KEY (shard, id)
);
CREATE INDEX ON {table} (shard, tenant, id);
CREATE INDEX ON {table} (shard, tenant, clause);
""",
)

# ------------------------------------------------------------------------------------------------ queries


def listing(
    connection: Connection[Any],
    tenant: UUID,
    *,
    where: Filter,
    limit: int,
    starting_after: UUID | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> Page:
    """A page of the tenant's clauses in the order of their ids, now or at an earlier position.

    It may be short, even empty, and still have more behind it (`next_after`). Raises `NotProjectedYet` for a position
    ahead of the library.
    """
    position = resolve(connection, CLAUSE_LIBRARY, shard, as_of_position)
    condition, values = "true", list[Any]()
    for name in ("clause", "state"):
        if (wanted := getattr(where, name)) is not None:
            condition, values = f"{condition} AND t.{name} = %s", [*values, wanted]
    window = Window(CLAUSE_LIBRARY, tenant, shard, condition, values)
    found: list[Clause] = []
    for row in lease_pages(connection, window, starting_after, position, past=as_of_position is not None):
        if where.matches(row):
            found.append(row)
        if len(found) > limit:
            return Page(position, tuple(found[:limit]), found[limit - 1].id)
    return Page(position, tuple(found), window.stopped_at)
