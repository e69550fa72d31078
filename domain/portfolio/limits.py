"""Portfolio limits (集中度与杠杆) of a finance-lease tenant: pure functions over one snapshot, exact in integers.

With every new exposure: risk assets ≤ 8 × net assets; one lessee ≤ 30 %, one group ≤ 50 %, one related party ≤ 30 %,
all related parties ≤ 50 % of net assets; lease assets ≥ 60 % of all assets. The numbers are those of a versioned
policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from domain.kernel.money import PPM, Fen, Rounding, divide
from domain.kernel.refusal import Refusal, RefusalKind, refusal

_SOURCE = "policy"

NO_NET_ASSETS = refusal(
    "portfolio.no_net_assets", "Without net assets nothing can be booked", "净资产不足，不得新增业务", _SOURCE
)
RISK_ASSETS = refusal(
    "portfolio.risk_assets", "Risk assets would exceed 8 times the net assets", "风险资产将超过净资产的8倍", _SOURCE
)
ONE_LESSEE = refusal(
    "portfolio.one_lessee", "One lessee would exceed 30 % of net assets", "单一承租人将超过净资产的30%", _SOURCE
)
ONE_GROUP = refusal(
    "portfolio.one_group", "One group would exceed 50 % of net assets", "单一集团将超过净资产的50%", _SOURCE
)
ONE_RELATED = refusal(
    "portfolio.one_related", "One related party would exceed 30 % of net assets", "单一关联方将超过净资产的30%", _SOURCE
)
ALL_RELATED = refusal(
    "portfolio.all_related",
    "All related parties would exceed 50 % of net assets",
    "全部关联方将超过净资产的50%",
    _SOURCE,
)
LEASE_ASSETS = refusal(
    "portfolio.lease_assets", "Lease assets would be less than 60 % of assets", "租赁资产占比将低于60%", _SOURCE
)


class Limits(Struct, frozen=True, kw_only=True):
    """One version of the numbers, in millionths of net assets; the share of lease assets in those of all assets."""

    version: Annotated[int, Meta(ge=1)]
    risk_assets_ppm: int = 8 * PPM
    one_lessee_ppm: int = 300_000
    one_group_ppm: int = 500_000
    one_related_ppm: int = 300_000
    all_related_ppm: int = 500_000
    lease_assets_ppm: int = 600_000


LIMITS: dict[int, Limits] = {1: Limits(version=1)}
"""Every version there ever was; released ones never change."""

NEWEST_LIMITS = LIMITS[max(LIMITS)]


class Exposure(Struct, frozen=True, kw_only=True):
    """What one lessee owes, the group it belongs to, whether it is related to the lessor."""

    lessee: UUID
    fen: Fen
    group: UUID | None = None
    related: bool = False


class PrudentialData(Struct, frozen=True, kw_only=True):
    """Prudential data, which the ledger does not hold: the lessor's assets, groups and related parties of lessees.

    Not `stated`: the tenant said nothing. Its assets count as none then, and no limit is known.
    """

    net_assets_fen: int
    total_assets_fen: int
    group_of: Mapping[UUID, UUID] = {}
    related: frozenset[UUID] = frozenset()
    stated: bool = True


class Portfolio(Struct, frozen=True, kw_only=True):
    """A snapshot: assets and exposures, at most one for each lessee. `net_assets_fen` may be negative."""

    net_assets_fen: int
    total_assets_fen: Fen
    lease_assets_fen: Fen
    risk_assets_fen: Fen
    exposures: tuple[Exposure, ...] = ()


def with_exposure(before: Portfolio, exposure: Exposure) -> Portfolio:
    """The portfolio after a new exposure: so much more of risk assets, lease assets and all assets.

    All assets grow as if the lease were paid with borrowed money; were it paid with cash, the share of lease assets
    would be larger, so this is the cautious reading.
    """
    known = {one.lessee: one for one in before.exposures}
    old = known.get(exposure.lessee)
    known[exposure.lessee] = Exposure(
        lessee=exposure.lessee,
        fen=exposure.fen + (old.fen if old else 0),
        group=exposure.group or (old.group if old else None),
        related=exposure.related or (old is not None and old.related),
    )
    return Portfolio(
        net_assets_fen=before.net_assets_fen,
        total_assets_fen=before.total_assets_fen + exposure.fen,
        lease_assets_fen=before.lease_assets_fen + exposure.fen,
        risk_assets_fen=before.risk_assets_fen + exposure.fen,
        exposures=tuple(known.values()),
    )


class Measure(Struct, frozen=True, kw_only=True):
    """One limit against the portfolio, in fen; who it is about, where it is about somebody.

    A limit is broken by more than its number, not by exactly it; the share of lease assets by less. What is left of it
    is `headroom_fen`, negative when it is broken. `limit_fen` is rounded down to the fen (up for lease assets), the
    comparison is exact.
    """

    kind: RefusalKind
    fen: int
    base_fen: int
    limit_ppm: int
    lessee: UUID | None = None
    group: UUID | None = None
    least: bool = False

    @property
    def limit_fen(self) -> int:
        """The number that may be reached."""
        return divide(self.base_fen * self.limit_ppm, PPM, Rounding.UP if self.least else Rounding.DOWN)

    @property
    def headroom_fen(self) -> int:
        """How far the limit is away."""
        return self.fen - self.limit_fen if self.least else self.limit_fen - self.fen

    @property
    def breached(self) -> bool:
        """Whether it is broken; compared by cross multiplication."""
        if self.least:
            return self.fen * PPM < self.base_fen * self.limit_ppm
        return self.fen * PPM > self.base_fen * self.limit_ppm

    def refusal(self) -> Refusal:
        """The rule that says no."""
        if self.least:
            return self.kind(lease_assets_fen=self.fen, total_assets_fen=self.base_fen, limit_ppm=self.limit_ppm)
        who = {name: value for name in ("lessee", "group") if (value := getattr(self, name)) is not None}
        return self.kind(fen=self.fen, net_assets_fen=self.base_fen, limit_ppm=self.limit_ppm, **who)


def check_exposure(before: Portfolio, exposure: Exposure, limits: Limits) -> tuple[Refusal, ...]:
    """Every limit that a new exposure would break and that concerns it; empty when it may be taken."""
    return breaches(with_exposure(before, exposure), limits, exposure.lessee)


def breaches(portfolio: Portfolio, limits: Limits, lessee: UUID | None = None) -> tuple[Refusal, ...]:
    """Every limit that a portfolio breaks, in a fixed order; with a lessee, only those that concern it."""
    if portfolio.net_assets_fen <= 0:
        return (NO_NET_ASSETS(net_assets_fen=portfolio.net_assets_fen),)
    return tuple(one.refusal() for one in measures(portfolio, limits, lessee) if one.breached)


def measures(portfolio: Portfolio, limits: Limits, lessee: UUID | None = None) -> tuple[Measure, ...]:
    """Every limit against a portfolio, in a fixed order; with a lessee, only those that concern it.

    Limits of lessees, groups and related parties come once for each of them, in the order of the exposures.
    """
    net_fen = portfolio.net_assets_fen
    return (
        Measure(kind=RISK_ASSETS, fen=portfolio.risk_assets_fen, base_fen=net_fen, limit_ppm=limits.risk_assets_ppm),
        *_concentrations(portfolio, limits, lessee),
        Measure(
            kind=LEASE_ASSETS,
            fen=portfolio.lease_assets_fen,
            base_fen=portfolio.total_assets_fen,
            limit_ppm=limits.lease_assets_ppm,
            least=True,
        ),
    )


def _concentrations(portfolio: Portfolio, limits: Limits, lessee: UUID | None) -> Iterable[Measure]:
    net_fen, everyone = portfolio.net_assets_fen, portfolio.exposures
    mine = [one for one in everyone if lessee in (None, one.lessee)]
    related = [one for one in mine if one.related]
    for one in mine:
        yield Measure(
            kind=ONE_LESSEE, fen=one.fen, base_fen=net_fen, limit_ppm=limits.one_lessee_ppm, lessee=one.lessee
        )
    for group, fen in _groups(everyone, mine).items():
        yield Measure(kind=ONE_GROUP, fen=fen, base_fen=net_fen, limit_ppm=limits.one_group_ppm, group=group)
    for one in related:
        yield Measure(
            kind=ONE_RELATED, fen=one.fen, base_fen=net_fen, limit_ppm=limits.one_related_ppm, lessee=one.lessee
        )
    if related:
        fen = sum(one.fen for one in everyone if one.related)
        yield Measure(kind=ALL_RELATED, fen=fen, base_fen=net_fen, limit_ppm=limits.all_related_ppm)


def _groups(everyone: Iterable[Exposure], mine: Iterable[Exposure]) -> dict[UUID, int]:
    """What each group of mine owes, all its members together."""
    owed = {one.group: 0 for one in mine if one.group is not None}
    for one in everyone:
        if one.group in owed:
            owed[one.group] += one.fen
    return owed
