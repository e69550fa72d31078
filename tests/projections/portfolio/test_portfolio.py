"""The portfolio: exposures by lessee, limits with what the ledger does not hold, provisions by class."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from domain.portfolio import limits
from domain.portfolio.limits import PrudentialData
from projections.portfolio import exposures as portfolio
from projections.portfolio.exposures import LARGEST, holdings, measured, provisions, snapshot
from tests.domain.leasing import cases
from tests.projections.accounting.book_keeping import OTHER_TENANT, TENANT, BookKeeper
from tests.projections.leasing.lease_stories import bring_up_to_date, lived, told

BIG, SMALL = UUID(int=71), UUID(int=72)


def of_lessee(past: tuple[cases.Step, ...], subject: UUID | None, number: int) -> Any:
    (on, create), *rest = past
    return lived((on, cases.changed(create, subject=subject)), *rest, number=number)  # type: ignore[arg-type]


@pytest.fixture
def projected(connection: Connection[Any], books: BookKeeper) -> Connection[Any]:
    """Two vehicles of one lessee, a phone with an unpaid bill of another, one of nobody, one that waits."""
    phone = (*cases.PHONE_RUNNING, cases.bill(1))
    stories = [
        of_lessee(cases.RUNNING, BIG, 1),
        of_lessee(cases.BILLED, BIG, 2),
        of_lessee(phone, SMALL, 3),
        of_lessee(phone, None, 4),
        of_lessee(cases.CREATED, SMALL, 5),
        of_lessee(cases.SETTLED, SMALL, 6),
    ]
    bring_up_to_date(connection, books, *told(*stories))
    return connection


def test_holdings(projected: Connection[Any]) -> None:
    found = holdings(projected, TENANT)
    # The second vehicle's first bill took its interest of 60 yuan with it.
    assert (found.leases, found.lessees) == (4, 2)
    assert [(one.lessee, one.leases, one.fen) for one in found.largest] == [(BIG, 2, 2_406_000), (SMALL, 1, 50_000)]
    assert (found.risk_assets_fen, found.lease_assets_fen, found.unnamed_fen) == (2_506_000, 2_406_000, 50_000)


def test_holdings_of_the_past(projected: Connection[Any]) -> None:
    assert holdings(projected, TENANT, as_of_position=0).leases == 0
    assert holdings(projected, OTHER_TENANT).risk_assets_fen == 0


def test_the_largest_are_named(projected: Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolio, "LARGEST", 1)
    assert [one.lessee for one in holdings(projected, TENANT).largest] == [BIG]


def test_limits(projected: Connection[Any]) -> None:
    rich = PrudentialData(net_assets_fen=100_000_000, total_assets_fen=4_000_000)
    position, found = snapshot(projected, TENANT, rich)
    sound = measured(projected, TENANT, rich)
    assert (sound.position, sound.portfolio, sound.version) == (position, found, 1)
    assert not any(one.breached for one in sound.measures)
    assert {one.lessee for one in sound.measures if one.kind is limits.ONE_LESSEE} == {BIG, SMALL}
    assert (found.risk_assets_fen, found.lease_assets_fen, len(found.exposures)) == (2_506_000, 2_406_000, 2)
    poor = PrudentialData(net_assets_fen=300_000, total_assets_fen=9_000_000, related=frozenset({BIG}))
    kinds = {one.kind for one in measured(projected, TENANT, poor).measures if one.breached}
    assert {limits.RISK_ASSETS, limits.ONE_LESSEE, limits.ONE_RELATED, limits.ALL_RELATED, limits.LEASE_ASSETS} <= kinds
    grouped = PrudentialData(
        net_assets_fen=4_500_000, total_assets_fen=1, group_of={BIG: UUID(int=9), SMALL: UUID(int=9)}
    )
    assert limits.ONE_GROUP in {one.kind for one in measured(projected, TENANT, grouped).measures if one.breached}


def test_the_largest_lessees_are_named_and_whoever_is_over(
    projected: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LARGEST > 2
    monkeypatch.setattr(portfolio, "LARGEST", 1)

    def named(net_assets_fen: int) -> set[object]:
        prudential = PrudentialData(net_assets_fen=net_assets_fen, total_assets_fen=1)
        return {one.lessee for one in measured(projected, TENANT, prudential).measures if one.kind is limits.ONE_LESSEE}

    assert named(100_000_000) == {BIG}
    assert named(10_000) == {BIG, SMALL}


def test_provisions(projected: Connection[Any]) -> None:
    def classes(day: int) -> dict[str, tuple[int, int, int]]:
        found = provisions(projected, TENANT, cases.day(day))
        assert [one.five_class for one in found.classes] == [
            "normal", "special_mention", "substandard", "doubtful", "loss",
        ]  # fmt: skip
        return {
            one.five_class: (one.leases, one.exposure_fen, one.provision_fen) for one in found.classes if one.leases
        }

    assert classes(30) == {"normal": (4, 2_506_000, 37_590)}
    assert classes(31) == {"normal": (1, 1_200_000, 18_000), "special_mention": (3, 1_306_000, 39_180)}
    assert classes(300)["loss"] == (3, 1_306_000, 1_306_000)
