"""Token buckets: what comes in a burst, what comes in time, whose bucket it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.edge import rates
from api.edge.rates import BURST_S, Buckets, RateLimits, Rates, place_of


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


def granted(buckets: Buckets, name: str, asked: int) -> int:
    return sum(not buckets.take(name).wait_s for _ in range(asked))


def test_a_burst_then_one_after_the_other() -> None:
    clock = Clock()
    buckets = Buckets(10, clock)
    assert granted(buckets, "a", 100) == 10 * BURST_S
    refused = buckets.take("a")
    assert refused.left == 0
    assert refused.wait_s == pytest.approx(0.1)
    clock.now_s += refused.wait_s
    assert granted(buckets, "a", 100) == 1
    clock.now_s += 1
    assert granted(buckets, "a", 100) == 10


def test_what_is_left_is_counted_down_and_full_again_in_time() -> None:
    clock = Clock()
    buckets = Buckets(2, clock)
    assert [buckets.take("a").left for _ in range(5)] == [3, 2, 1, 0, 0]
    clock.now_s += buckets.take("a").full_s
    assert (buckets.take("a").left, buckets.take("a").left) == (3, 2)


def test_everybody_has_his_own() -> None:
    buckets = Buckets(1, Clock())
    assert granted(buckets, "a", 100) == BURST_S
    assert granted(buckets, "b", 100) == BURST_S


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_never_more_than_the_rate_and_the_burst(pauses: list[float]) -> None:
    clock = Clock()
    buckets, done = Buckets(3, clock), 0
    for pause in pauses:
        clock.now_s += pause
        done += granted(buckets, "a", 5)
    assert done <= 3 * sum(pauses[1:]) + 3 * BURST_S + 1e-6


def test_who_was_not_heard_of_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody fills the memory with made-up addresses."""
    monkeypatch.setattr(rates, "BUCKETS_MAX", 3)
    buckets = Buckets(1, Clock())
    for name in "abcdef":
        granted(buckets, name, 1)
    assert list(buckets._full_at) == ["d", "e", "f"]


def test_headers_say_what_the_draft_says() -> None:
    one = Rates(RateLimits(key=5, tenant=50), Clock())
    assert one.policy == (b"ratelimit-policy", b'"key";q=10;w=2, "tenant";q=100;w=2')
    value = one.header(one.keys.take("k"), one.tenants.take("t"))
    assert value == (b"ratelimit", b'"key";r=9;t=1, "tenant";r=99;t=1')


@pytest.mark.parametrize(
    ("client", "place"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::"),
        (("2001:db8:1:2:ffff::", 1), "2001:db8:1:2::"),
        (("somewhere", 1), "somewhere"),
        (None, ""),
    ],
)
def test_an_ipv6_customer_is_one_place(client: tuple[str, int] | None, place: str) -> None:
    assert place_of(client) == place
