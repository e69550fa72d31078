"""What a measurement is: rounds of ours and of the peer's by turns, their medians, and a bar to reach.

    round 1: ours, peer │ round 2: ours, peer │ …  ─▶  median of ours / median of peer  ─▶  bar reached or not

A machine is noisy, so that only what ran in the same run, by turns, is compared. A measurement checks what it measured
(as many events in the ledger as were acknowledged, proofs that verify) and raises `Broken` when that is wrong: a quick
wrong answer is no result.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from statistics import median

import msgspec
from msgspec import Struct

Measure = Callable[[], float]


class Broken(RuntimeError):
    """A measurement whose result is wrong; the message has expected and got."""

    def __init__(self, what: str, expected: object, got: object) -> None:
        super().__init__(f"{what}: expected {expected}, got {got}")


def check(what: str, expected: object, got: object) -> None:
    """Raise `Broken` unless both are equal."""
    if expected != got:
        raise Broken(what, expected, got)


class Sizes(Struct, frozen=True, kw_only=True):
    """How much is measured. `seconds` is the length of one round of a throughput; all else are counts."""

    rounds: int = 5
    seconds: float = 3.0
    clients: int = 128
    cases: int = 13_087
    leases: int = 2_000
    peer_events: int = 1_000
    leaves: int = 1_000_000
    proofs: int = 3_000
    orders: int = 100_000
    stored: int = 5_000_000
    stored_before: int = 50_000

    def times(self, factor: float) -> Sizes:
        """The same with every count of stored things multiplied, none below what makes sense."""
        counts = {
            name: max(1, round(getattr(self, name) * factor))
            for name in ("cases", "leases", "peer_events", "leaves", "proofs", "orders", "stored", "stored_before")
        }
        return msgspec.structs.replace(self, **counts)


FULL = Sizes()
SHORT = Sizes(
    rounds=3,
    seconds=0.5,
    cases=400,
    leases=100,
    peer_events=200,
    leaves=100_000,
    proofs=600,
    orders=2_000,
    stored=200_000,
    stored_before=20_000,
)
"""For a run of less than a minute that shows that every measurement works; its numbers are not the bars' numbers."""


class Bar(Struct, frozen=True):
    """What is to be reached: at least this ratio to the peer or, without a peer, this number in `unit`."""

    name: str
    unit: str
    least: float


class Result(Struct, frozen=True, kw_only=True):
    """One row of the report.

    `ours` and `peer` are medians over `rounds`, in `unit`; without a peer the bar is a number in `unit` and `ratio` is
    null. `measured` says how much was measured, so that a short run is never taken for a full one.
    """

    name: str
    ours: float
    peer: float | None
    ratio: float | None
    bar: float
    unit: str
    rounds: int
    met: bool
    ours_min: float
    ours_max: float
    peer_min: float | None = None
    peer_max: float | None = None
    against: str = ""
    measured: str = ""
    note: str = ""


def compare(ours: Measure, peer: Measure, rounds: int) -> tuple[list[float], list[float]]:
    """Run both by turns, `rounds` times each."""
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        mine.append(ours())
        theirs.append(peer())
    return mine, theirs


def repeat(ours: Measure, rounds: int) -> list[float]:
    """Run a measurement that has no peer."""
    return [ours() for _ in range(rounds)]


def result(
    bar: Bar,
    ours: Sequence[float],
    peer: Sequence[float] = (),
    *,
    measured: str,
    note: str,
    missed: str = "",
    against: str = "",
) -> Result:
    """The row of a finished measurement; `missed` is what is known about the reason, told when the bar is missed."""
    middle, other = median(ours), (median(peer) if peer else None)
    ratio = middle / other if other else None
    met = (ratio or middle) >= bar.least
    return Result(
        name=bar.name,
        ours=round(middle, 1),
        peer=_rounded(other),
        ratio=_rounded(ratio, 3),
        bar=bar.least,
        unit=bar.unit,
        rounds=len(ours),
        met=met,
        ours_min=round(min(ours), 1),
        ours_max=round(max(ours), 1),
        peer_min=_rounded(min(peer, default=None)),
        peer_max=_rounded(max(peer, default=None)),
        against=against,
        measured=measured,
        note=note if met or not missed else f"{note}. Missed: {missed}",
    )


def cpu_seconds() -> float:
    """CPU seconds of this process and of its finished children so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _rounded(value: float | None, digits: int = 1) -> float | None:
    return None if value is None else round(value, digits)
