"""What rules may ask for, put together: which read model answers a relation, which file or function a reference.

FactLoader ─▶ streams                                     as the ledger has them
           ─▶ relations, sums    read models, brought up to the ledger's head
           ─▶ references         DATA/portfolio.json, the catalogue, cost policies, shipped clauses, the solver
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from adapters.postgres.facts import FactLoader
from adapters.postgres.reader import Reader
from adapters.postgres.schema import SHARD
from adapters.postgres.states import States
from adapters.postgres.tenant_lock import TenantLock
from adapters.pricing.quotes import offer_of
from adapters.reference.clauses import shipped_entries
from adapters.reference.plans import plans_of
from adapters.reference.policies import policy_of
from adapters.reference.prudential import prudential_data
from api.queries.engine.threads import Queries
from domain.contracts.library import CLAUSES_OF_TENANT, SHIPPED_CLAUSES
from domain.kernel.needs import CROSS_RULES
from domain.parties.needs import CONSENTS_BY_PERSON
from domain.portfolio.limits import Portfolio, PrudentialData
from domain.portfolio.needs import PORTFOLIO, PRUDENTIAL_DATA
from domain.pricing.needs import COST_POLICY, OFFER, PLANS
from projections.contracts.clause_library import OF_TENANT
from projections.engine.relation import Relation
from projections.engine.runner import Runner
from projections.leasing.lease_book import LEASE_BOOK
from projections.parties.consents import BY_PERSON
from projections.portfolio import exposures

Connection = psycopg.Connection[tuple[Any, ...]]


def fact_loader(reader: Reader, states: States, queries: Queries, lock: TenantLock, data: Path) -> FactLoader:
    """The loader on a ledger's readers, with the data directory that holds the tenants' own files."""

    async def portfolio(tenant: UUID, currency: str) -> Portfolio:
        return await queries.run(_portfolio, tenant, currency, prudential_data(data, tenant))

    async def related(relation: Relation, tenant: UUID, key: object) -> Any:
        return await queries.run(relation.streams, tenant, key, SHARD)

    return FactLoader(
        reader,
        states,
        lock.hold,
        rules=CROSS_RULES,
        relations={CONSENTS_BY_PERSON: partial(related, BY_PERSON), CLAUSES_OF_TENANT: partial(related, OF_TENANT)},
        references={
            PLANS.kind: lambda *_: plans_of(data),
            COST_POLICY.kind: lambda tenant, _: policy_of(data, tenant),
            OFFER: lambda _, request: offer_of(request),
            PRUDENTIAL_DATA.kind: lambda tenant, _: prudential_data(data, tenant),
            SHIPPED_CLAUSES.kind: lambda *_: shipped_entries(),
        },
        sums={PORTFOLIO: portfolio},
    )


def _portfolio(connection: Connection, tenant: UUID, currency: str, prudential: PrudentialData) -> Portfolio:
    runner = Runner(connection, (LEASE_BOOK,), shard=SHARD)  # another one may be doing the same
    runner.prepare()
    runner.catch_up()
    return exposures.snapshot(connection, tenant, prudential, currency=currency, shard=SHARD)[1]
