"""The currencies of a tenant's leases: amounts of two currencies are never added up, so one has to be chosen."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from projections.leasing.lease_book import LEASE_BOOK

_COUNT = f"""
SELECT currency FROM read.{LEASE_BOOK.table} WHERE shard = %s AND tenant = %s AND first_position <= %s
GROUP BY currency ORDER BY count(*) DESC, currency"""


class Currencies(Struct, frozen=True):
    """The currency an answer is in, and the others that the tenant has leases in."""

    chosen: str | None
    others: tuple[str, ...]

    @classmethod
    def of(cls, connection: Connection[Any], tenant: UUID, wanted: str | None, shard: int, position: int) -> Currencies:
        """The wanted currency, by default that of most leases up to a position; `None` when there was no lease."""
        found = known(connection, tenant, shard, position)
        chosen = wanted or next(iter(found), None)
        return cls(chosen, tuple(sorted(one for one in found if one != chosen)))


def known(connection: Connection[Any], tenant: UUID, shard: int, position: int) -> tuple[str, ...]:
    """Every currency that the tenant has leases in up to a position, that of most leases first."""
    return tuple(row[0] for row in connection.execute(_COUNT, (shard, tenant, position)).fetchall())


def in_currency(currencies: Currencies, tenant: UUID, shard: int, column: str = "t.id") -> tuple[str, list[Any]]:
    """A condition, with its parameters, that a row's lease is in the chosen currency.

    A lease's currency never changes, so the condition holds for every moment. It costs nothing when there is only one.
    """
    if not currencies.others:
        return "true", []
    leases = f"SELECT b.id FROM read.{LEASE_BOOK.table} b WHERE b.shard = %s AND b.tenant = %s AND b.currency = %s"
    return f"{column} IN ({leases})", [shard, tenant, currencies.chosen]
