"""The question that every act asks which needs a consent: does it stand, for this, for this recipient, on this day?"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from domain.kernel.refusal import Refusal
from domain.parties.consent import refusals as r
from domain.parties.consent.state import ConsentState, Phase
from domain.parties.consent.values import WITH_USES, Purpose


def permits(
    state: ConsentState, purpose: Purpose, recipient: str, on: date, *, use: str | None = None
) -> Refusal | None:
    """None when the consent carries an act for this purpose and recipient on this business date, else why not.

    `on` is the day of the act, which may be past: an act under a consent that was withdrawn or expired later stays
    lawful (个人信息保护法 15). `use` is needed for purposes whose uses are agreed upon (征信业管理条例 18, 20).
    Rules are asked in this order: existence, purpose, grant, day, recipient, use.
    """
    if state.phase is Phase.ABSENT:
        return r.UNKNOWN()
    if state.purpose is not purpose:
        return r.PURPOSE_DIFFERS(expected=purpose, got=state.purpose)
    if not state.periods:
        return r.NOT_GRANTED(phase=state.phase)
    if (wrong_day := _wrong_day(state, on)) is not None:
        return wrong_day
    if recipient not in state.recipients:
        return r.RECIPIENT_NOT_NAMED(recipient=recipient)
    if purpose in WITH_USES and use not in state.uses:
        return r.USE_NOT_AGREED(use=use)
    return None


def permits_any(
    states: Iterable[ConsentState], purpose: Purpose, recipient: str, on: date, *, use: str | None = None
) -> Refusal | None:
    """None when any of a person's consents carries the act; else why the nearest one does not, or `consent.missing`."""
    nearest: Refusal | None = None
    for state in states:
        answer = permits(state, purpose, recipient, on, use=use)
        if answer is None:
            return None
        if answer.kind not in (r.UNKNOWN, r.PURPOSE_DIFFERS):
            nearest = answer
    return nearest or r.MISSING(purpose=purpose, recipient=recipient)


def _wrong_day(state: ConsentState, on: date) -> Refusal | None:
    if state.withdrawn_on is not None and on >= state.withdrawn_on:
        return r.WITHDRAWN(withdrawn_on=state.withdrawn_on, on=on)
    begun = [period for period in state.periods if period.first <= on]
    if not begun:
        return r.NOT_YET_GRANTED(granted_on=state.periods[0].first, on=on)
    if on > begun[-1].last:
        return r.EXPIRED(expires_on=begun[-1].last, on=on)
    return None
