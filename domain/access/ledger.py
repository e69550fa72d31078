"""Ledger (账本): origin, owner and purpose of a ledger at opening, recorded once.

    Absent ─opened─▶ Open
    Absent ─opened_for_demonstration─▶ Open ─keys_adopted (once)─▶ Open

The owner is the tenant that runs the log: its auditors may read the entries of all tenants, which the log is made of.
No setting of a later start changes that.

Days of an ordinary ledger end when their date has come; those of a ledger that was opened for a demonstration may run
ahead of the clock. The opening grants that only where it is the event at position 1 of the first log: a permission that
came later must never look like one that was given at birth. No event takes it back.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid5

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from domain.kernel.command import Command, Context
from domain.kernel.decider import ABSENT, Answer, Decider, Rule, State, without_phase
from domain.kernel.event import Event, event_type
from domain.kernel.refusal import Refusal, refusal
from domain.kernel.values import Count

ORIGIN_MAX_CHARS = 200
SEED_MAX = 2**53 - 1
_LEDGERS = UUID("5f2f9c1e-6c1d-5a43-9f0b-0d7a4f6f2f51")
"""Namespace of the streams of ledgers: released, it never changes."""

Origin = Annotated[str, Meta(pattern=r"^[!-*,-~]+$(?!\n)", min_length=1, max_length=ORIGIN_MAX_CHARS)]
"""A log's name in checkpoints (the key name of a C2SP signed note): printable ASCII without space and plus sign."""

Scenario = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.]*$(?!\n)", max_length=64)]
"""The name and version of a program of made-up lives, such as `two_leases.1`; no rule reads it."""

Seed = Annotated[int, Meta(ge=0, le=SEED_MAX)]
"""What made-up persons, amounts and answers are drawn from; public, so no key or salt is."""


@event_type("ledger.opened.v1")
class LedgerOpened(Event, frozen=True):
    """The ledger was opened: `origin` is that of its first log, `owner` the tenant that runs the log at opening.

    It is the ledger's first event, but in ledgers that had events before openings were recorded.
    """

    origin: Origin
    owner: UUID


@event_type("ledger.opened_for_demonstration.v1")
class LedgerOpenedForDemonstration(Event, frozen=True):
    """The ledger was opened for a demonstration: its persons and its money are made up, its days may run ahead of the
    clock. `origin` is that of its first log, `owner` the tenant that runs the log at opening. `seed` is absent where
    nothing is drawn.
    """

    origin: Origin
    owner: UUID
    scenario: Scenario
    seed: Seed | UnsetType = UNSET


@event_type("ledger.keys_adopted.v1")
class LedgerKeysAdopted(Event, frozen=True):
    """The API keys that a table held before keys were recorded as events were taken over, so many; once and for all.

    Each is an `api_key.made` of the same append, under the SHA-256 of its text, whose first 16 digits after `key_` were
    the actor's id in events of before.
    """

    count: Count


class LedgerPhase(StrEnum):
    """The state machine's states; `ABSENT` is the empty stream."""

    ABSENT = "absent"
    OPEN = "open"


class LedgerState(State, frozen=True, kw_only=True):
    """One ledger."""

    phase: LedgerPhase = LedgerPhase.ABSENT
    origin: str = ""
    owner: UUID | None = None
    demonstration: bool = False
    scenario: str = ""
    seed: int | None = None
    keys_adopted: bool = False


class OpenLedger(Command, frozen=True):
    """Open a ledger of the commanding tenant."""

    origin: Origin


class OpenLedgerForDemonstration(Command, frozen=True):
    """Open an empty ledger of the commanding tenant for a demonstration."""

    origin: Origin
    scenario: Scenario
    seed: Seed | UnsetType = UNSET


class AdoptKeys(Command, frozen=True):
    """Say that the keys of before were taken over."""

    count: Count


ADOPTED_ALREADY = refusal("ledger.keys_adopted", "Keys of before were taken over already", "原有密钥已接管")
OPEN_ALREADY = refusal("ledger.open_already", "The ledger was opened already", "账本已开启")
AHEAD_OF_CLOCK = refusal(
    "ledger.ahead_of_clock",
    "A business day ends at the earliest on its date; only a ledger made for a demonstration runs ahead of the clock",
    "营业日最早于当日结束；仅为演示开启的账本可以超前于时钟",
)


def _open(command: OpenLedger, state: LedgerState, context: Context) -> Answer:
    return (LedgerOpened(origin=command.origin, owner=context.tenant),)


def _open_for_demonstration(command: OpenLedgerForDemonstration, state: LedgerState, context: Context) -> Answer:
    opened = LedgerOpenedForDemonstration(
        origin=command.origin, owner=context.tenant, scenario=command.scenario, seed=command.seed
    )
    return (opened,)


def _adopt(command: AdoptKeys, state: LedgerState, context: Context) -> Answer:
    return ADOPTED_ALREADY() if state.keys_adopted else (LedgerKeysAdopted(count=command.count),)


def may_end(day: date, today: date, ledger: LedgerState) -> Refusal | None:
    """None when a business day may end on the calendar date `today`, else the refusal."""
    return None if day <= today or ledger.demonstration else AHEAD_OF_CLOCK(day=day, today=today)


def _opened(state: LedgerState, event: LedgerOpened) -> LedgerState:
    return replace(state, phase=LedgerPhase.OPEN, origin=event.origin, owner=event.owner)


def _adopted(state: LedgerState, event: LedgerKeysAdopted) -> LedgerState:
    return replace(state, keys_adopted=True)


def _opened_for_demonstration(state: LedgerState, event: LedgerOpenedForDemonstration) -> LedgerState:
    return replace(
        state,
        phase=LedgerPhase.OPEN,
        origin=event.origin,
        owner=event.owner,
        demonstration=True,
        scenario=event.scenario,
        seed=None if event.seed is UNSET else event.seed,
    )


LEDGER = Decider(
    name="ledger",
    initial=LedgerState(),
    rules={
        OpenLedger: Rule(ABSENT, without_phase(OPEN_ALREADY), _open),
        OpenLedgerForDemonstration: Rule(ABSENT, without_phase(OPEN_ALREADY), _open_for_demonstration),
        AdoptKeys: Rule(frozenset({LedgerPhase.OPEN}), without_phase(OPEN_ALREADY), _adopt),
    },
    evolve={
        LedgerOpened: _opened,
        LedgerOpenedForDemonstration: _opened_for_demonstration,
        LedgerKeysAdopted: _adopted,
    },
)


def ledger_stream(origin: str) -> UUID:
    """The stream of a ledger by the origin of its first log at opening."""
    return uuid5(_LEDGERS, origin)
