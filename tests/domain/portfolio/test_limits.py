"""Portfolio limits: each at its number, one fen below and one above."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.kernel.refusal import REFUSALS, RefusalKind
from domain.portfolio import limits as p

LIMITS = p.LIMITS[1]
NET = 1_000_000
A, B, C = (UUID(int=n) for n in (1, 2, 3))
GROUP = UUID(int=50)

SOUND = p.Portfolio(
    net_assets_fen=NET, total_assets_fen=4_000_000, lease_assets_fen=3_000_000, risk_assets_fen=3_000_000
)


def owes(lessee: UUID, fen: int, *, group: UUID | None = None, related: bool = False) -> p.Exposure:
    return p.Exposure(lessee=lessee, fen=fen, group=group, related=related)


def kinds(portfolio: p.Portfolio, lessee: UUID | None = None) -> list[RefusalKind]:
    return [refusal.kind for refusal in p.breaches(portfolio, LIMITS, lessee)]


def test_a_sound_portfolio_breaks_nothing() -> None:
    assert kinds(SOUND) == []


@pytest.mark.parametrize(
    ("kind", "at", "above"),
    [
        (p.RISK_ASSETS, replace(SOUND, risk_assets_fen=8 * NET), replace(SOUND, risk_assets_fen=8 * NET + 1)),
        (
            p.ONE_LESSEE,
            replace(SOUND, exposures=(owes(A, 300_000),)),
            replace(SOUND, exposures=(owes(A, 300_001),)),
        ),
        (
            p.ONE_GROUP,
            replace(SOUND, exposures=(owes(A, 250_000, group=GROUP), owes(B, 250_000, group=GROUP))),
            replace(SOUND, exposures=(owes(A, 250_000, group=GROUP), owes(B, 250_001, group=GROUP))),
        ),
        (
            p.ALL_RELATED,
            replace(SOUND, exposures=(owes(A, 250_000, related=True), owes(B, 250_000, related=True))),
            replace(SOUND, exposures=(owes(A, 250_000, related=True), owes(B, 250_001, related=True))),
        ),
        (p.LEASE_ASSETS, replace(SOUND, lease_assets_fen=2_400_000), replace(SOUND, lease_assets_fen=2_399_999)),
    ],
)
def test_a_limit_holds_at_its_number_and_breaks_above(kind: RefusalKind, at: p.Portfolio, above: p.Portfolio) -> None:
    assert kinds(at) == []
    assert kinds(above) == [kind]


def test_a_related_lessee_breaks_both_of_its_limits() -> None:
    assert kinds(replace(SOUND, exposures=(owes(A, 300_001, related=True),))) == [p.ONE_LESSEE, p.ONE_RELATED]


def test_a_refusal_says_the_numbers_and_who() -> None:
    (said,) = p.breaches(replace(SOUND, exposures=(owes(A, 300_001),)), LIMITS)
    assert dict(said.facts) == {
        "fen": "300001",
        "net_assets_fen": "1000000",
        "limit_ppm": "300000",
        "lessee": str(A),
    }
    assert said.sentence("zh").startswith("单一承租人")


@pytest.mark.parametrize("net_fen", [0, -1])
def test_without_net_assets_nothing_else_is_asked(net_fen: int) -> None:
    assert kinds(replace(SOUND, net_assets_fen=net_fen)) == [p.NO_NET_ASSETS]


def test_a_booking_is_added_to_what_the_lessee_owes() -> None:
    before = replace(SOUND, exposures=(owes(A, 200_000, group=GROUP), owes(B, 10)))
    after = p.with_exposure(before, owes(A, 100_000))
    assert after.exposures == (owes(A, 300_000, group=GROUP), owes(B, 10))
    assert (after.total_assets_fen, after.lease_assets_fen, after.risk_assets_fen) == (
        4_100_000,
        3_100_000,
        3_100_000,
    )
    assert p.check_exposure(before, owes(A, 100_000), LIMITS) == ()
    assert [x.kind for x in p.check_exposure(before, owes(A, 100_001), LIMITS)] == [p.ONE_LESSEE]


def test_a_booking_is_not_refused_for_what_others_owe() -> None:
    before = replace(SOUND, exposures=(owes(B, 900_000), owes(C, 1, related=True)))
    assert p.check_exposure(before, owes(A, 1), LIMITS) == ()
    assert kinds(before) == [p.ONE_LESSEE]


def test_a_booking_in_a_full_group_is_refused() -> None:
    before = replace(SOUND, exposures=(owes(B, 290_000, group=GROUP), owes(C, 210_000, group=GROUP)))
    assert [x.kind for x in p.check_exposure(before, owes(A, 1, group=GROUP), LIMITS)] == [p.ONE_GROUP]


def test_the_rules_are_registered_and_named() -> None:
    mine = {code for code in REFUSALS if code.startswith("portfolio.")}
    assert mine == {
        "portfolio.no_net_assets",
        "portfolio.risk_assets",
        "portfolio.one_lessee",
        "portfolio.one_group",
        "portfolio.one_related",
        "portfolio.all_related",
        "portfolio.lease_assets",
    }
    assert {REFUSALS[code].source for code in mine} == {"policy"}
    assert all(version == limits.version for version, limits in p.LIMITS.items())


@given(st.integers(1, 2**53), st.integers(0, 2**53), st.integers(0, 2**53))
def test_comparisons_are_exact_at_any_size(net_fen: int, fen: int, more: int) -> None:
    """Who breaks a limit breaks it with more too, and never below a third of net assets less one."""
    found = kinds(replace(SOUND, net_assets_fen=net_fen, exposures=(owes(A, fen),)))
    assert (p.ONE_LESSEE in found) == (10 * fen > 3 * net_fen)
    if p.ONE_LESSEE in found:
        assert p.ONE_LESSEE in kinds(replace(SOUND, net_assets_fen=net_fen, exposures=(owes(A, fen + more),)))


AMOUNTS = st.integers(0, 10**7)


@given(net=st.integers(1, 10**7), total=AMOUNTS, lease=AMOUNTS, risk=AMOUNTS, fens=st.lists(AMOUNTS, max_size=4))
def test_a_measure_says_what_the_refusal_says(net: int, total: int, lease: int, risk: int, fens: list[int]) -> None:
    """Broken, out of headroom and refused are one thing; the limit in fen is the last number that is not too much."""
    portfolio = p.Portfolio(
        net_assets_fen=net, total_assets_fen=total, lease_assets_fen=lease, risk_assets_fen=risk,
        exposures=tuple(owes(UUID(int=n), fen, group=GROUP, related=n % 2 == 0) for n, fen in enumerate(fens)),
    )  # fmt: skip
    found = p.measures(portfolio, LIMITS)
    assert p.breaches(portfolio, LIMITS) == tuple(one.refusal() for one in found if one.breached)
    for one in found:
        assert one.breached is (one.headroom_fen < 0)
        at_the_limit = replace(one, fen=one.limit_fen)
        assert not at_the_limit.breached
        beyond = -1 if one.least else 1
        assert replace(one, fen=one.limit_fen + beyond).breached


def test_measures_come_in_the_order_of_the_rules() -> None:
    exposures = (owes(A, 1, group=GROUP, related=True), owes(B, 2))
    assert [one.kind for one in p.measures(replace(SOUND, exposures=exposures), LIMITS)] == [
        p.RISK_ASSETS, p.ONE_LESSEE, p.ONE_LESSEE, p.ONE_GROUP, p.ONE_RELATED, p.ALL_RELATED, p.LEASE_ASSETS,
    ]  # fmt: skip
