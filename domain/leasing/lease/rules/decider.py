"""Decider of a lease: each command gives events, or the refusal of the first rule that says no.

The order of refusals is fixed and is the order in which a person would ask:

1. Is there a lease (`unknown`), or should there be none (`exists`)?
2. Is it settled (`closed`)?
3. Is it in a phase that this is for (`not_active`, `not_terminated`, …)?
4. The command's own rules, top to bottom as written in its function.

Commands with their functions stand in `opening`, `billing`, `changes`, `transferring` and `ending`.

What is granted may have consequences of any command: money on a transferred lease is the investor's, and a demand is
answered when its bills are paid.
"""

from __future__ import annotations

from domain.kernel.command import Context
from domain.kernel.decider import Decider, Events
from domain.leasing.lease import refusals as r
from domain.leasing.lease.evolve import EVOLVE
from domain.leasing.lease.rules import billing, changes, ending, opening, transferring
from domain.leasing.lease.state import CLOSED, OWING, WRITTEN_OFF, LeaseState
from domain.leasing.lease.timers import TIMERS

assert WRITTEN_OFF.isdisjoint(OWING)


def _consequences(events: Events, state: LeaseState, context: Context) -> Events:
    return (*transferring.collected(events, state, context), *ending.cured(events, state, context))


LEASE = Decider(
    name="lease",
    initial=LeaseState(),
    unknown=r.UNKNOWN,
    closed=(CLOSED, r.CLOSED),
    consequences=_consequences,
    rules={**opening.RULES, **billing.RULES, **changes.RULES, **transferring.RULES, **ending.RULES},
    evolve=EVOLVE,
    timers=TIMERS,
)
