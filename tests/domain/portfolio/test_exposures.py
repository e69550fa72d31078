"""Booking after booking: what is added is added everywhere, and who was related or in a group stays so."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.kernel.refusal import RefusalKind
from domain.portfolio import limits as p

LIMITS = p.LIMITS[1]
A, B, C, D = (UUID(int=n) for n in (1, 2, 3, 4))
GROUP, OTHER = UUID(int=50), UUID(int=51)
SOUND = p.Portfolio(
    net_assets_fen=1_000_000, total_assets_fen=4_000_000, lease_assets_fen=3_000_000, risk_assets_fen=3_000_000
)


def owes(lessee: UUID, fen: int, *, group: UUID | None = None, related: bool = False) -> p.Exposure:
    return p.Exposure(lessee=lessee, fen=fen, group=group, related=related)


def refused(before: p.Portfolio, booking: p.Exposure) -> list[RefusalKind]:
    return [one.kind for one in p.check_exposure(before, booking, LIMITS)]


def test_a_first_booking_of_somebody_is_an_exposure_of_its_own() -> None:
    booking = owes(C, 5, group=GROUP, related=True)
    after = p.with_exposure(replace(SOUND, exposures=(owes(A, 10),)), booking)
    assert after.exposures == (owes(A, 10), booking)
    assert after.net_assets_fen == SOUND.net_assets_fen


@pytest.mark.parametrize(
    ("known", "booking", "after"),
    [
        (owes(A, 1), owes(A, 2, group=GROUP), owes(A, 3, group=GROUP)),
        (owes(A, 1, group=GROUP), owes(A, 2), owes(A, 3, group=GROUP)),
        (owes(A, 1, group=GROUP), owes(A, 2, group=OTHER), owes(A, 3, group=OTHER)),
        (owes(A, 1, related=True), owes(A, 2), owes(A, 3, related=True)),
        (owes(A, 1), owes(A, 2, related=True), owes(A, 3, related=True)),
    ],
)
def test_what_is_known_of_a_lessee_is_not_forgotten(known: p.Exposure, booking: p.Exposure, after: p.Exposure) -> None:
    """A booking that says nothing of a group or a relation does not end it; the newest group counts."""
    assert p.with_exposure(replace(SOUND, exposures=(known,)), booking).exposures == (after,)


def test_leverage_and_the_share_of_leases_concern_every_booking() -> None:
    full = replace(SOUND, risk_assets_fen=8_000_000)
    assert refused(full, owes(D, 0)) == []
    assert refused(full, owes(D, 1)) == [p.RISK_ASSETS]
    idle = replace(SOUND, lease_assets_fen=2_399_999)
    assert refused(idle, owes(D, 0)) == [p.LEASE_ASSETS]
    assert refused(idle, owes(D, 3)) == [], "three fen more of leases make it sixty per cent"


def test_a_related_lessee_is_refused_for_what_all_related_owe() -> None:
    """And somebody else is not."""
    before = replace(SOUND, exposures=(owes(A, 300_000, related=True), owes(B, 200_000, related=True)))
    assert refused(before, owes(C, 1, related=True)) == [p.ALL_RELATED]
    assert refused(before, owes(C, 1)) == []
    assert refused(before, owes(B, 1)) == [p.ALL_RELATED]


def test_a_lessee_that_joins_a_group_brings_what_it_owes() -> None:
    before = replace(SOUND, exposures=(owes(A, 250_000), owes(B, 250_000, group=GROUP)))
    assert refused(before, owes(A, 1)) == []
    assert refused(before, owes(A, 1, group=GROUP)) == [p.ONE_GROUP]
    (said,) = p.check_exposure(before, owes(A, 1, group=GROUP), LIMITS)
    assert dict(said.facts) == {
        "fen": "500001",
        "net_assets_fen": "1000000",
        "limit_ppm": "500000",
        "group": str(GROUP),
    }


BOOKINGS = st.lists(
    st.builds(
        p.Exposure,
        lessee=st.sampled_from([A, B, C, D]),
        fen=st.integers(0, 200_000),
        group=st.sampled_from([None, GROUP, OTHER]),
        related=st.booleans(),
    ),
    max_size=10,
)


def _summed(mine: list[p.Exposure]) -> p.Exposure:
    """What one lessee's bookings come to: related once is related for good, the last group named is its group."""
    return p.Exposure(
        lessee=mine[0].lessee,
        fen=sum(booking.fen for booking in mine),
        group=next((booking.group for booking in reversed(mine) if booking.group), None),
        related=any(booking.related for booking in mine),
    )


@given(BOOKINGS)
def test_bookings_add_up(bookings: list[p.Exposure]) -> None:
    """Each lessee stands once, with all that was booked on it; assets grow by the same sum."""
    state = SOUND
    for booking in bookings:
        state = p.with_exposure(state, booking)
    total_fen = sum(one.fen for one in bookings)
    assert sum(one.fen for one in state.exposures) == total_fen
    assert len({one.lessee for one in state.exposures}) == len(state.exposures)
    for one in state.exposures:
        assert one == _summed([booking for booking in bookings if booking.lessee == one.lessee])
    grown = (state.total_assets_fen, state.lease_assets_fen, state.risk_assets_fen)
    assert grown == (4_000_000 + total_fen, 3_000_000 + total_fen, 3_000_000 + total_fen)


@given(BOOKINGS, st.integers(1, 10**6))
def test_a_portfolio_of_granted_bookings_breaks_nothing(bookings: list[p.Exposure], net_fen: int) -> None:
    """Whoever asks before every booking never has to ask about the whole, while nobody changes its group."""
    homes = dict(zip((A, B, C, D), (GROUP, GROUP, OTHER, None), strict=True))
    state = replace(SOUND, net_assets_fen=net_fen, risk_assets_fen=0)
    for wish in bookings:
        booking = replace(wish, group=homes[wish.lessee], related=wish.lessee in (A, C))
        if not p.check_exposure(state, booking, LIMITS):
            state = p.with_exposure(state, booking)
    assert p.breaches(state, LIMITS) == ()
