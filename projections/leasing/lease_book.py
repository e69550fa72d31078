"""The lease book: one row per lease, as it stands and as it stood at any earlier position.

What a row holds and how events change it is in `lease_fold`. The past: rows that have not changed since are taken as
they are, all others are folded again from their own streams.
"""

from __future__ import annotations

from projections.engine.model import Projection
from projections.leasing.lease_fold import EVENTS, Lease, fold, fold_run

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
