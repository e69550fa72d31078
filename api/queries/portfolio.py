"""Portfolio reads: exposures, the five classes, the limits of the portfolio."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from adapters.reference.prudential import prudential_data
from api.queries.engine.figures import InCurrency, figure
from api.queries.engine.parameters import suggested, the_day
from api.queries.engine.read import ReadRequest
from domain.kernel.fields import noun
from domain.portfolio.limits import Measure
from projections.leasing.lease_book import LEASE_BOOK
from projections.portfolio import exposures


class OnFilter(InCurrency, frozen=True, kw_only=True):
    """The business date that days overdue count to."""

    on: Annotated[
        date,
        Meta(description="The business date that days overdue count to.", examples=["2027-03-01"]),
        suggested(the_day),
    ]


class LimitRow(Struct, frozen=True, kw_only=True):
    """One limit: what is measured, the number it may reach (for lease assets: must), and how far away that is.

    The last three are null where the tenant said nothing of its assets: then no limit is known.
    """

    code: str
    title: str
    title_zh: str
    lessee: Annotated[UUID | None, noun("subject")]
    group: UUID | None
    fen: int
    limit_ppm: int
    limit_fen: int | None
    headroom_fen: int | None
    breached: bool | None


class PortfolioLimits(Struct, frozen=True, kw_only=True):
    """The portfolio under one version of its limits. Net and total assets are what the tenant says of itself now,
    null where it says nothing, and so is whether any limit is broken.
    """

    position: int
    currency: str | None
    other_currencies: tuple[str, ...]
    limits_version: int
    net_assets_fen: int | None
    total_assets_fen: int | None
    breached: bool | None
    data: tuple[LimitRow, ...]


def _portfolio(request: ReadRequest) -> exposures.Portfolio:
    """Leases as assets: what is at risk, and with whom."""
    currency = request.filters.currency
    return exposures.holdings(request.connection, request.tenant, currency=currency, as_of_position=request.position)


def _provisions(request: ReadRequest) -> exposures.Provisions:
    """The five classes by days overdue on a business date, and what is to be set aside for each."""
    on, currency = request.filters.on, request.filters.currency
    return exposures.provisions(
        request.connection, request.tenant, on, currency=currency, as_of_position=request.position
    )


def _limits(request: ReadRequest) -> PortfolioLimits:
    """Every limit of the portfolio: its amount, the number it may reach, what is left, and whether it is broken.

    Of the limit on one lessee the largest are named, and whoever is over it. Net and total assets, groups and related
    parties are what the tenant says of itself now, whatever moment is asked about.
    """
    prudential = prudential_data(request.data, request.tenant)
    found = exposures.measured(
        request.connection,
        request.tenant,
        prudential,
        currency=request.filters.currency,
        as_of_position=request.position,
    )
    held = found.portfolio
    return PortfolioLimits(
        position=found.position,
        currency=found.currency,
        other_currencies=found.other_currencies,
        limits_version=found.version,
        net_assets_fen=held.net_assets_fen if prudential.stated else None,
        total_assets_fen=held.total_assets_fen if prudential.stated else None,
        breached=any(one.breached for one in found.measures) if prudential.stated else None,
        data=tuple(_limit(one, known=prudential.stated) for one in found.measures),
    )


def _limit(one: Measure, *, known: bool) -> LimitRow:
    return LimitRow(
        code=one.kind.code,
        title=one.kind.en,
        title_zh=one.kind.zh,
        lessee=one.lessee,
        group=one.group,
        fen=one.fen,
        limit_ppm=one.limit_ppm,
        limit_fen=one.limit_fen if known else None,
        headroom_fen=one.headroom_fen if known else None,
        breached=one.breached if known else None,
    )


READS = (
    figure("/portfolio", _portfolio, LEASE_BOOK, tag="books", filters=InCurrency),
    figure("/provisions", _provisions, LEASE_BOOK, tag="books", filters=OnFilter),
    figure("/portfolio/limits", _limits, LEASE_BOOK, tag="books", filters=InCurrency),
)
