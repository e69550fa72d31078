"""Sources of facts for rules: the read model of each relation, the file or function of each reference.

FactLoader ─▶ streams                                     as the ledger has them
           ─▶ relations, sums    read models, brought up to the ledger's head
           ─▶ references         DATA/portfolio.json, the catalogue, cost policies, shipped clauses, the solver
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from adapters.documents.kept import set_papers
from adapters.postgres.connections import Connection
from adapters.postgres.reading.facts import FactLoader, Members
from adapters.postgres.reading.reader import Reader
from adapters.postgres.reading.states import States
from adapters.postgres.schema import SHARD
from adapters.postgres.writing.tenant_lock import TenantLock
from adapters.pricing.quotes import offer_of
from adapters.reference.clauses import shipped_entries
from adapters.reference.plans import plans_of
from adapters.reference.policies import policy_of
from adapters.reference.prudential import prudential_data
from adapters.reference.tenants import terms_of_business
from api.queries.engine.threads import Queries
from domain.access.cross_rules import OWNER
from domain.contracts.cross_rules import PAPERS
from domain.contracts.library import CLAUSES_OF_TENANT, SHIPPED_CLAUSES
from domain.kernel.needs import CROSS_RULES
from domain.leasing.terms_of_business import TERMS_OF_BUSINESS
from domain.parties.needs import CONSENTS_BY_PERSON
from domain.portfolio.limits import Portfolio, PrudentialData
from domain.portfolio.needs import PORTFOLIO, PRUDENTIAL_DATA
from domain.pricing.quoting import COST_POLICY, OFFER, PLANS
from projections.contracts.clause_library import OF_TENANT
from projections.engine.model import Projection
from projections.engine.pages import Relation
from projections.engine.runner import Runner
from projections.leasing.lease_book import LEASE_BOOK
from projections.parties.consents import BY_PERSON
from projections.portfolio import exposures


def fact_loader(
    reader: Reader,
    states: States,
    queries: Queries,
    lock: TenantLock,
    data: Path,
    owner: Callable[[], UUID | None],
) -> FactLoader:
    """The loader on a ledger's readers, with the data directory that holds the tenants' own files."""

    async def portfolio(tenant: UUID, currency: str) -> Portfolio:
        return await queries.run(_portfolio, tenant, currency, prudential_data(data, tenant))

    async def related(relation: Relation, tenant: UUID, key: object) -> Members:
        return await queries.run(_members, relation, tenant, key)

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
            TERMS_OF_BUSINESS.kind: lambda tenant, _: terms_of_business(data, tenant),
            SHIPPED_CLAUSES.kind: lambda *_: shipped_entries(),
            OWNER.kind: lambda *_: owner(),
            PAPERS: lambda _, version: set_papers(data).find(*version),
        },
        sums={PORTFOLIO: portfolio},
    )


def _members(connection: Connection, relation: Relation, tenant: UUID, key: object) -> Members:
    if not relation.is_near(connection, SHARD):
        _catch_up(connection, relation.model)
    streams, position = relation.streams(connection, tenant, key, SHARD)
    return Members(streams, position, relation.types)


def _portfolio(connection: Connection, tenant: UUID, currency: str, prudential: PrudentialData) -> Portfolio:
    _catch_up(connection, LEASE_BOOK)
    return exposures.snapshot(connection, tenant, prudential, currency=currency, shard=SHARD)[1]


def _catch_up(connection: Connection, model: Projection[Any]) -> None:
    """Bring one read model to the ledger's head; another runner may be doing the same."""
    runner = Runner(connection, (model,), shard=SHARD)
    runner.prepare()
    runner.catch_up()
