"""The lease book: one row per lease, as it stands and as it stood at any earlier position.

What a row holds and how events change it is in `lease_fold`. The past: rows that have not changed since are taken as
they are, all others are folded again from their own streams.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from projections.engine.as_of import resolve, rows_as_of
from projections.engine.model import Projection
from projections.leasing.lease_fold import EVENTS, Lease, fold, fold_run
from projections.leasing.lease_pages import Window, lease_pages

__all__ = ["LEASE_BOOK", "Lease", "Page", "fold", "lease", "listing"]


class Page(Struct, frozen=True):
    """Some rows in the order of their ids, valid at `position`; `next_after` continues the list, if there is more."""

    position: int
    rows: tuple[Lease, ...]
    next_after: UUID | None


# ---------------------------------------------------------------------------------------------------- DDL

LEASE_BOOK = Projection(
    name="lease_book",
    version=1,
    row=Lease,
    key=("id",),
    events=EVENTS,
    fold=fold,
    fold_run=fold_run,
    ddl="""
CREATE TABLE {table} (
    shard                  smallint NOT NULL,
    position               bigint   NOT NULL,
    id                     uuid     NOT NULL,
    tenant                 uuid     NOT NULL,
    reference              text     NOT NULL,
    state                  text     NOT NULL,
    business               text     NOT NULL,
    asset_class            text     NOT NULL,
    plan                   text     NOT NULL,
    currency               text     NOT NULL,
    annual_rate            text     NOT NULL,
    application            uuid,
    contract               uuid,
    lessee                 uuid,
    investor               uuid,
    principal_fen          bigint   NOT NULL,
    deposit_mode           text     NOT NULL,
    deposit_fen            bigint   NOT NULL,
    deposit_held_fen       bigint   NOT NULL,
    upfront_fee_fen        bigint   NOT NULL,
    down_payment_fen       bigint   NOT NULL,
    down_payment_held_fen  bigint   NOT NULL,
    investor_owed_fen      bigint   NOT NULL,
    instalments            bigint   NOT NULL,
    issued                 bigint   NOT NULL,
    billed_fen             bigint   NOT NULL,
    paid_fen               bigint   NOT NULL,
    waived_fen             bigint   NOT NULL,
    written_off_fen        bigint   NOT NULL,
    recovered_fen          bigint   NOT NULL,
    open_fen               bigint   NOT NULL,
    credit_fen             bigint   NOT NULL,
    accrued_fen            bigint   NOT NULL,
    unbilled_fen           bigint   NOT NULL,
    unbilled_principal_fen bigint   NOT NULL,
    next_due_on            date,
    period_start           date,
    oldest_due_on          date,
    oldest_rent_due_on     date,
    last_paid_on           date,
    created_on             date     NOT NULL,
    activated_on           date,
    closed_on              date,
    version                bigint   NOT NULL,
    first_position         bigint   NOT NULL,
    schedule               text     NOT NULL,
    dues                   text     NOT NULL,
    PRIMARY KEY (shard, id)
) WITH (fillfactor = 45);
CREATE INDEX ON {table} (shard, tenant, id);
CREATE INDEX ON {table} (shard, tenant, reference);
""",
)


# ------------------------------------------------------------------------------------------------ queries


def lease(
    connection: Connection[Any], tenant: UUID, stream: UUID, *, as_of_position: int | None = None, shard: int = 0
) -> tuple[int, Lease | None]:
    """The position this is valid at, and one lease of the tenant, now or at an earlier position.

    Raises `NotProjectedYet` for a position ahead of the book.
    """
    position = resolve(connection, LEASE_BOOK, shard, as_of_position)
    if as_of_position is None:
        found = Window(LEASE_BOOK, tenant, shard).rows(connection, "t.id = %s", [stream], 1)
        return position, found[0] if found else None
    past = rows_as_of(connection, LEASE_BOOK, [str(stream)], position, shard).get((str(stream),))
    return position, past if past is not None and past.tenant == tenant else None


def listing(
    connection: Connection[Any],
    tenant: UUID,
    *,
    state: str | None = None,
    reference: str | None = None,
    limit: int,
    starting_after: UUID | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> Page:
    """A page of the tenant's leases in the order of their ids, now or at an earlier position.

    It may be short, even empty, and still have more behind it (`next_after`). Raises `NotProjectedYet` for a position
    ahead of the book.
    """
    position = resolve(connection, LEASE_BOOK, shard, as_of_position)
    condition, values = "(%s::text IS NULL OR t.state = %s)", [state, state]
    if reference is not None:
        condition, values = f"{condition} AND t.reference = %s", [*values, reference]
    window = Window(LEASE_BOOK, tenant, shard, condition, values)
    found: list[Lease] = []
    for row in lease_pages(connection, window, starting_after, position, past=as_of_position is not None):
        if state in (None, row.state) and reference in (None, row.reference):
            found.append(row)
        if len(found) > limit:
            return Page(position, tuple(found[:limit]), found[limit - 1].id)
    return Page(position, tuple(found), window.stopped_at)
