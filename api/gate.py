"""The gate of the write path, put together: guards, the read models they ask, the files that hold a tenant's own data.

Ledger ─gates─▶ guards (adapters/gate) ─▶ other streams           read when asked
                                       ─▶ consents by person      read model, and the ledger behind it
                                       ─▶ portfolio               read model, brought up to the ledger's head
                                       ─▶ DATA/tenants.json, DATA/portfolio.json, the catalogue, the clause library
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from adapters.gate.bookings import Bookings
from adapters.gate.consents import Consents
from adapters.gate.contracts import Contracts
from adapters.gate.money import Money
from adapters.gate.offers import Offers
from adapters.gate.streams import Streams
from adapters.gate.table import gates_of
from adapters.postgres.directory import Directory
from adapters.postgres.ledger import Gates
from adapters.postgres.reader import Reader
from adapters.postgres.schema import SHARD
from adapters.reference.library import ClauseLibrary
from adapters.reference.plans import plans_of
from adapters.reference.policies import policy_of
from adapters.reference.prudential import surroundings
from adapters.reference.tenants import TenantTerms, terms_of_business
from api.queries.engine.threads import Queries
from domain.portfolio.limits import Portfolio, PrudentialData
from projections.engine.catalog import NotLive
from projections.engine.runner import Runner
from projections.leasing.lease_book import LEASE_BOOK
from projections.parties import consents
from projections.portfolio import exposures as portfolio

Connection = psycopg.Connection[tuple[Any, ...]]


class FreshModels:
    """Read models as the gate needs them: nothing that is in the ledger is missed, whoever keeps them up to date."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._directory = Directory()

    async def consents(self, tenant: UUID, subject: UUID) -> Sequence[UUID]:
        """The streams of a person's consents with a tenant."""
        return await self._queries.run(_consents, tenant, subject)

    async def clauses(self, tenant: UUID) -> Sequence[UUID]:
        """The streams of a tenant's own clauses."""
        return await self._queries.run(self._directory.clauses, tenant)

    async def portfolio(self, tenant: UUID, currency: str, around: PrudentialData) -> Portfolio:
        """A tenant's portfolio in a currency."""
        return await self._queries.run(_portfolio, tenant, currency, around)


def _consents(connection: Connection, tenant: UUID, subject: UUID) -> Sequence[UUID]:
    try:
        near = consents.is_near(connection, SHARD)
    except (NotLive, psycopg.errors.UndefinedTable):
        near = False
    if not near:
        _catch_up(connection, consents.CONSENTS)
    return consents.streams_of(connection, tenant, subject, shard=SHARD)


def _portfolio(connection: Connection, tenant: UUID, currency: str, around: PrudentialData) -> Portfolio:
    _catch_up(connection, LEASE_BOOK)
    return portfolio.snapshot(connection, tenant, around, currency=currency, shard=SHARD)[1]


def _catch_up(connection: Connection, model: Any) -> None:
    """Bring one read model to the ledger's head; another runner may be doing the same."""
    runner = Runner(connection, (model,), shard=SHARD)
    runner.prepare()
    runner.catch_up()


@dataclass(frozen=True)
class Gatehouse:
    """What stands around the ledger: the gates, and what processes and the HTTP interface use of the same parts."""

    gates: Gates
    streams: Streams
    offers: Offers
    library: ClauseLibrary
    houses: Callable[[UUID], TenantTerms]


def gatehouse(reader: Reader, queries: Queries, data: Path) -> Gatehouse:
    """The gate on a ledger's readers, with the data directory that holds the tenants' own files."""
    streams, fresh = Streams(reader), FreshModels(queries)

    def houses(tenant: UUID) -> TenantTerms:
        return terms_of_business(data, tenant)

    people = Consents(streams, fresh.consents)
    offers = Offers(lambda _: plans_of(data), lambda tenant: policy_of(data, tenant))
    library = ClauseLibrary(reader, fresh.clauses)
    bookings = Bookings(lambda tenant: surroundings(data, tenant), fresh.portfolio)
    contracts = Contracts(streams, people, offers, library, bookings)
    gates = gates_of(people, offers, contracts, bookings, Money(streams))
    return Gatehouse(gates, streams, offers, library, houses)
