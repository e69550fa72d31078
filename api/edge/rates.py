"""Rate limits: a token bucket for each key, each tenant, and each address without a valid key.

A bucket fills with `rate` tokens a second up to twice that; a request takes one (draft-ietf-httpapi-ratelimit-headers
names what is left). Buckets are this process's own: several serving processes allow several times as much.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from ipaddress import IPv6Address, ip_address
from math import ceil

from msgspec import Struct

BURST_S = 2
"""A bucket holds what comes in so many seconds."""

BUCKETS_MAX = 100_000
"""Callers that are remembered; whoever was not heard of for longest has a full bucket again."""

NETWORK_BITS = 64
"""An IPv6 customer has a network of his own, and could ask from each address of it (RFC 6177)."""

_ADDRESS_BITS = 128

QUERY_PARAMETERS_MAX = 64
"""Parameters in one query; no list and no page knows a third of that, and each is work before it is refused."""


class RateLimits(Struct, frozen=True, kw_only=True):
    """Requests a second."""

    key: int = 5_000
    tenant: int = 10_000
    address: int = 100


class Quota(Struct, frozen=True):
    """Quota of a caller who took a token: how many are left, and after how long there is one, 0 when it was given."""

    left: int
    wait_s: float
    full_s: float


class Buckets:
    """Buckets of one kind; `clock` tells seconds."""

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst = rate, rate * BURST_S
        self._clock = clock
        # When each bucket will be full: one number says how much is in it now.
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def take(self, name: Hashable) -> Quota:
        """Take a token out of a bucket, if there is one."""
        now_s = self._clock()
        full_in_s = max(0.0, self._full_at.get(name, now_s) - now_s) + 1 / self.rate
        missing_s = full_in_s - self.burst / self.rate
        if missing_s > 1e-9:
            return Quota(0, missing_s, full_in_s - 1 / self.rate)
        self._full_at[name] = now_s + full_in_s
        self._full_at.move_to_end(name)
        if len(self._full_at) > BUCKETS_MAX:
            self._full_at.popitem(last=False)
        return Quota(max(0, int((self.burst / self.rate - full_in_s) * self.rate + 1e-6)), 0.0, full_in_s)

    def give_back(self, name: Hashable) -> None:
        """Put a token back that need not have been taken."""
        if name in self._full_at:
            self._full_at[name] -= 1 / self.rate


class Rates:
    """The buckets of a serving process."""

    def __init__(self, limits: RateLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self.keys = Buckets(limits.key, clock)
        self.tenants = Buckets(limits.tenant, clock)
        self.addresses = Buckets(limits.address, clock)
        policy = ", ".join(
            f'"{name}";q={buckets.burst};w={BURST_S}'
            for name, buckets in (("key", self.keys), ("tenant", self.tenants))
        )
        self.policy = (b"ratelimit-policy", policy.encode())

    @staticmethod
    def header(key: Quota, tenant: Quota) -> tuple[bytes, bytes]:
        """What is left, and the seconds until everything is there again."""
        value = b'"key";r=%d;t=%d, "tenant";r=%d;t=%d'
        return b"ratelimit", value % (key.left, ceil(key.full_s), tenant.left, ceil(tenant.full_s))


def crowded(query: bytes) -> bool:
    """Whether a query has more parameters than any address knows; tells without reading them."""
    return query.count(b"&") >= QUERY_PARAMETERS_MAX


def place_of(client: tuple[str, int] | None) -> str:
    """What stands for a client's address: the address itself, of IPv6 its network."""
    if client is None:
        return ""
    try:
        address = ip_address(client[0])
    except ValueError:
        return client[0]
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> (_ADDRESS_BITS - NETWORK_BITS) << (_ADDRESS_BITS - NETWORK_BITS)))
    return str(address)
