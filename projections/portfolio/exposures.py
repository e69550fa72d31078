"""Exposures of a portfolio: by lessee and class, with provisions and limits, from the lease book.

A lease counts from its activation until it is settled. Its exposure is what is billed and open and, in a finance lease,
the principal that is not billed yet and the interest that is earned and not billed; rent to come is none. Net assets,
all assets, groups of lessees and related parties are not in this ledger: whoever asks about limits brings them along.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from msgspec import Struct
from psycopg import Connection

from domain.accounting.provisioning import PROVISION_POLICIES, FiveClass, ProvisionPolicy, provision_fen
from domain.kernel.fields import noun, states
from domain.kernel.values import Business
from domain.leasing.lease.state import LeasePhase
from domain.portfolio import limits
from domain.portfolio.limits import PrudentialData
from projections.engine.pages import at_position, resolve
from projections.leasing.currencies import Currencies
from projections.leasing.lease_book import LEASE_BOOK

LARGEST = 20
"""Lessees that an answer names."""

NEWEST_PROVISIONS = PROVISION_POLICIES[max(PROVISION_POLICIES)]

_OUTSIDE = [
    LeasePhase.AWAITING_DELIVERY.value,
    LeasePhase.SETTLED.value,
    LeasePhase.CHARGED_OFF.value,
    LeasePhase.RECOVERED.value,
]
"""States in which a lease is not (any more) an asset."""

_EXPOSURE = f"""
t.open_fen + CASE t.business WHEN '{Business.FINANCE.value}' THEN t.unbilled_principal_fen + t.accrued_fen ELSE 0 END"""


class LesseeShare(Struct, frozen=True):
    """What one lessee owes in all leases, in fen."""

    lessee: Annotated[UUID, noun("subject")]
    leases: int
    fen: int


class Portfolio(Struct, frozen=True):
    """A tenant's leases as assets, in one currency, valid at `position`.

    `risk_assets_fen` is every exposure, `lease_assets_fen` that of finance leases, `unnamed_fen` that of leases whose
    lessee is not known. `largest` holds at most `LARGEST` lessees, the largest first.
    """

    position: int
    currency: str | None
    other_currencies: tuple[str, ...]
    leases: int
    lessees: int
    risk_assets_fen: int
    lease_assets_fen: int
    unnamed_fen: int
    largest: tuple[LesseeShare, ...]


class ProvisionClass(Struct, frozen=True):
    """One class: leases, what they owe, and what is to be set aside for them, in fen."""

    five_class: Annotated[str, states(FiveClass)]
    name_zh: str
    leases: int
    exposure_fen: int
    provision_fen: int


class Provisions(Struct, frozen=True):
    """The five classes on a business date under one version of the policy, in one currency, valid at `position`."""

    position: int
    on: date
    policy: int
    currency: str | None
    other_currencies: tuple[str, ...]
    classes: tuple[ProvisionClass, ...]


class _Book(Struct):
    """The leases of a tenant at a moment, as a FROM item with its parameters."""

    position: int
    currencies: Currencies
    sql: str
    parameters: list[Any]


_IN_BOOK = "t.currency = %s AND t.state <> ALL(%s)"

_BY_LESSEE = f"""
SELECT t.lessee, count(*), sum({_EXPOSURE})::bigint AS fen,
       coalesce(sum({_EXPOSURE}) FILTER (WHERE t.business = %s), 0)::bigint
FROM {{book}} WHERE {_IN_BOOK} GROUP BY t.lessee ORDER BY fen DESC, t.lessee"""

_BY_CLASS = f"""
SELECT width_bucket(greatest(0, coalesce(%s::date - t.oldest_rent_due_on, 0)), %s::integer[]),
       count(*), sum({_EXPOSURE})::bigint
FROM {{book}} WHERE {_IN_BOOK} GROUP BY 1"""


def holdings(
    connection: Connection[Any],
    tenant: UUID,
    *,
    currency: str | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> Portfolio:
    """What the tenant's leases are worth as assets, and with whom, now or at an earlier position."""
    book = _book(connection, tenant, currency, as_of_position, shard)
    rows = _by_lessee(connection, book)
    named = [LesseeShare(lessee, count, fen) for lessee, count, fen, _ in rows if lessee is not None]
    return Portfolio(
        position=book.position,
        currency=book.currencies.chosen,
        other_currencies=book.currencies.others,
        leases=sum(row[1] for row in rows),
        lessees=len(named),
        risk_assets_fen=sum(row[2] for row in rows),
        lease_assets_fen=sum(row[3] for row in rows),
        unnamed_fen=sum(row[2] for row in rows if row[0] is None),
        largest=tuple(named[:LARGEST]),
    )


def snapshot(
    connection: Connection[Any],
    tenant: UUID,
    prudential: PrudentialData,
    *,
    currency: str | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> tuple[int, limits.Portfolio]:
    """The portfolio that the limits are checked on, and the position it is valid at."""
    book = _book(connection, tenant, currency, as_of_position, shard)
    return book.position, _portfolio(connection, book, prudential)


class Measured(Struct, frozen=True):
    """Every limit against the portfolio, in one currency, valid at `position`, under one version of the limits."""

    position: int
    currency: str | None
    other_currencies: tuple[str, ...]
    version: int
    portfolio: limits.Portfolio
    measures: tuple[limits.Measure, ...]


def measured(
    connection: Connection[Any],
    tenant: UUID,
    prudential: PrudentialData,
    *,
    policy: limits.Limits = limits.NEWEST_LIMITS,
    currency: str | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> Measured:
    """The portfolio under its limits, now or at an earlier position; what is `prudential` is as it is now.

    Of the limit on one lessee the `LARGEST` are named, and whoever is over it.
    """
    book = _book(connection, tenant, currency, as_of_position, shard)
    found = _portfolio(connection, book, prudential)
    one_lessee = [one for one in limits.measures(found, policy) if one.kind is limits.ONE_LESSEE]
    named = {one.lessee for at, one in enumerate(one_lessee) if at < LARGEST or one.breached}
    shown = tuple(
        one for one in limits.measures(found, policy) if one.kind is not limits.ONE_LESSEE or one.lessee in named
    )
    currencies = book.currencies
    return Measured(book.position, currencies.chosen, currencies.others, policy.version, found, shown)


def provisions(
    connection: Connection[Any],
    tenant: UUID,
    on: date,
    *,
    policy: ProvisionPolicy = NEWEST_PROVISIONS,
    currency: str | None = None,
    as_of_position: int | None = None,
    shard: int = 0,
) -> Provisions:
    """The five classes by days overdue on a business date, from what is known now or at an earlier position."""
    book = _book(connection, tenant, currency, as_of_position, shard)
    parameters = (on, [rule.from_days for rule in policy.rules], *book.parameters, book.currencies.chosen, _OUTSIDE)
    rows = connection.execute(_BY_CLASS.format(book=book.sql), parameters).fetchall()
    sums = {policy.rules[at - 1].five_class: (leases, fen) for at, leases, fen in rows}
    classes = tuple(_provision(one, *sums.get(one, (0, 0)), policy) for one in FiveClass)
    currencies = book.currencies
    return Provisions(book.position, on, policy.version, currencies.chosen, currencies.others, classes)


def _provision(one: FiveClass, leases: int, exposure_fen: int, policy: ProvisionPolicy) -> ProvisionClass:
    return ProvisionClass(one.value, one.zh, leases, exposure_fen, provision_fen(exposure_fen, one, policy))


def _book(
    connection: Connection[Any], tenant: UUID, currency: str | None, as_of_position: int | None, shard: int
) -> _Book:
    """Raises `NotProjectedYet` for a position ahead of the book, `TooMuchPast` when too much changed since."""
    position = resolve(connection, LEASE_BOOK, shard, as_of_position)
    currencies = Currencies.of(connection, tenant, currency, shard, position)
    sql, parameters = at_position(connection, LEASE_BOOK, tenant, position, shard, past=as_of_position is not None)
    return _Book(position, currencies, sql, parameters)


def _portfolio(connection: Connection[Any], book: _Book, prudential: PrudentialData) -> limits.Portfolio:
    rows = _by_lessee(connection, book)
    exposures = tuple(
        limits.Exposure(
            lessee=lessee, fen=max(0, fen), group=prudential.group_of.get(lessee), related=lessee in prudential.related
        )
        for lessee, _, fen, _ in rows
        if lessee is not None
    )
    return limits.Portfolio(
        net_assets_fen=prudential.net_assets_fen,
        total_assets_fen=prudential.total_assets_fen,
        lease_assets_fen=sum(row[3] for row in rows),
        risk_assets_fen=sum(row[2] for row in rows),
        exposures=exposures,
    )


def _by_lessee(connection: Connection[Any], book: _Book) -> list[tuple[UUID | None, int, int, int]]:
    """(lessee, leases, exposure, exposure of finance leases), the largest first."""
    parameters = (Business.FINANCE.value, *book.parameters, book.currencies.chosen, _OUTSIDE)
    return connection.execute(_BY_LESSEE.format(book=book.sql), parameters).fetchall()
