"""Collection from one lease at the end of a business date: a pure function of its collection position.

    due and open ─ less what is under way ─▶ left
      1. payments that wait and whose day has come, in order: again with what is left, or given up
      2. with a mandate that stands: one new payment of what is left

The amount of an attempt is fixed here and now, not when a bill was issued: credit, and money that came in another way,
are not debited again. A payment that waits has no order at a provider, so giving it up is safe.

    Start   InitiatePayment                    collection:<lease hex>:<day>
    Again   RetryPayment(attempt, amount)      payment:<hex>:retry:<attempt>
    GiveUp  CancelPayment(reason)              payment:<hex>:give_up:<attempt>

A mandate whose collection was exhausted, charged back, or cancelled by people rests until another bill falls due after
that day; then everything that is due is asked for again.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid5

from msgspec import Struct

from domain.kernel.process import FollowUp
from domain.payments.payment.commands import CancelPayment, InitiatePayment, RetryPayment
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.values import CollectionPolicy

NOTHING_OPEN = "nothing_open"
NO_MANDATE = "no_mandate"
OWN_REASONS = frozenset({NOTHING_OPEN, NO_MANDATE})
"""Why the program gives a payment up by itself; neither lets a mandate rest."""


class Debit(Struct, frozen=True, kw_only=True):
    """A mandate that stands on the day: its reference, its policy, the most that one debit may ask."""

    reference: str
    policy: CollectionPolicy
    limit_fen: int | None = None


class WaitingPayment(Struct, frozen=True, kw_only=True):
    """A payment without an order under way whose next attempt may begin today.

    `mandate` is the reference it was begun under, if any; `advance`: for no bill in particular.
    """

    payment: UUID
    attempt: int
    initiated_fen: int
    mandate: str | None
    advance: bool


class CollectionPosition(Struct, frozen=True, kw_only=True):
    """Collection position of a lease at the end of a business date, in fen.

    `due_fen` is open of its bills that are due by then, `newest_due_on` the latest due date among those. `busy_fen` is
    what attempts under way ask for, and what arrived and is not posted yet. `collecting`: a payment under the mandate
    is not finished, or had its last attempt today. `rests_since` is the day on which the last one was stopped, if any.
    """

    lease: UUID
    due_fen: int
    newest_due_on: date | None
    busy_fen: int = 0
    collecting: bool = False
    rests_since: date | None = None
    debit: Debit | None = None
    waiting: tuple[WaitingPayment, ...] = ()


class Start(Struct, frozen=True):
    """Begin a payment under the mandate."""

    amount_fen: int
    debit: Debit


class Again(Struct, frozen=True):
    """Begin the next attempt of a payment, with this amount."""

    payment: UUID
    attempt: int
    amount_fen: int


class GiveUp(Struct, frozen=True):
    """Give a payment up before its next attempt."""

    payment: UUID
    attempt: int
    reason: str


Move = Start | Again | GiveUp

POSTING = "payments"
"""The process manager that posts what payments bring to their leases."""


_DERIVED_VERSION = 5
"""Of an id that is derived by SHA-1 from another one and a name (RFC 9562 §5.5)."""


def named_by_the_ledger(payment: UUID) -> bool:
    """Whether an id is of the kind that the ledger derives its own from, for any lease, day and attempt."""
    return payment.version == _DERIVED_VERSION


def on_top(payment: UUID, attempt: int) -> UUID:
    """The lease's name of money that a payment's attempt brought on top."""
    return uuid5(payment, f"attempt:{attempt}")


def collection_stream(lease: UUID, day: date) -> UUID:
    """The payment that collects what is due of a lease on a day: one, whoever derives it."""
    return uuid5(lease, f"collection:{day}")


def follow_up(move: Move, lease: UUID, day: date) -> FollowUp:
    """The command that a move of a lease on a day is."""
    match move:
        case Start(amount_fen, debit):
            stream, key = collection_stream(lease, day), f"collection:{lease.hex}:{day}"
            begin = InitiatePayment(
                lease=lease, bill=None, amount_fen=amount_fen, policy=debit.policy, mandate=debit.reference
            )
            return FollowUp(decider=PAYMENT, stream=stream, key=key, command=begin)
        case Again(payment, attempt, amount_fen):
            key, again = f"payment:{payment.hex}:retry:{attempt}", RetryPayment(attempt=attempt, amount_fen=amount_fen)
            return FollowUp(decider=PAYMENT, stream=payment, key=key, command=again)
        case GiveUp(payment, attempt, reason):
            key = f"payment:{payment.hex}:give_up:{attempt}"
            return FollowUp(decider=PAYMENT, stream=payment, key=key, command=CancelPayment(reason=reason))


def moves(position: CollectionPosition) -> tuple[Move, ...]:
    """The moves to make now; together they ask for no more than is due, advances that people scheduled apart."""
    left_fen = max(0, position.due_fen - position.busy_fen)
    moves_due: list[Move] = []
    for one in position.waiting:
        move = _waiting(one, left_fen, position.debit)
        if isinstance(move, Again):
            left_fen = max(0, left_fen - move.amount_fen)
        moves_due.append(move)
    if (start := _start(position, left_fen)) is not None:
        moves_due.append(start)
    return tuple(moves_due)


def _waiting(one: WaitingPayment, left_fen: int, debit: Debit | None) -> Again | GiveUp:
    """Under a mandate what is due now, else at most what was initiated; an advance's first attempt is just that."""
    if one.mandate is None:
        fresh = one.advance and one.attempt == 1
        amount_fen, least_fen = one.initiated_fen if fresh else min(left_fen, one.initiated_fen), 1
    elif debit is None or debit.reference != one.mandate:
        return GiveUp(one.payment, one.attempt, NO_MANDATE)
    else:
        amount_fen, least_fen = _within(left_fen, debit), _least_fen(debit)
    if amount_fen < least_fen:
        return GiveUp(one.payment, one.attempt, NOTHING_OPEN)
    return Again(one.payment, one.attempt, amount_fen)


def _start(position: CollectionPosition, left_fen: int) -> Start | None:
    debit, rests = position.debit, position.rests_since
    if debit is None or position.collecting or _within(left_fen, debit) < _least_fen(debit):
        return None
    if rests is not None and (position.newest_due_on is None or position.newest_due_on <= rests):
        return None
    return Start(_within(left_fen, debit), debit)


def _least_fen(debit: Debit) -> int:
    return max(1, debit.policy.minimum_fen)


def _within(fen: int, debit: Debit) -> int:
    return fen if debit.limit_fen is None else min(fen, debit.limit_fen)
