"""Permission by consent: whether one covers a purpose, a recipient, a use and a business date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from domain.kernel.refusal import Refusal, refusal
from domain.parties.consent import NOT_GRANTED, UNKNOWN, ConsentPhase, ConsentState
from domain.parties.purposes import WITH_USES, Purpose

PURPOSE_DIFFERS = refusal(
    "consent.purpose_differs",
    "The consent is for another purpose; each purpose needs its own",
    "同意的目的不符，须取得单独同意",
    "个人信息保护法 14, 23–30",
)
NOT_YET_GRANTED = refusal(
    "consent.not_yet_granted", "The consent did not stand yet on that day", "当日尚未取得同意", "个人信息保护法 13"
)
WITHDRAWN = refusal("consent.withdrawn", "The person took the consent back", "同意已撤回", "个人信息保护法 15")
EXPIRED = refusal("consent.expired", "The consent had run out on that day", "同意在当日已到期", "个人信息保护法 14")
RECIPIENT_NOT_NAMED = refusal(
    "consent.recipient_not_named",
    "The consent does not name this recipient",
    "同意未载明该接收方",
    "个人信息保护法 23; 征信业管理条例 20",
)
USE_NOT_AGREED = refusal(
    "consent.use_not_agreed", "The consent is not for this use", "超出约定用途", "征信业管理条例 18, 20"
)
MISSING = refusal(
    "consent.missing", "No consent for this purpose was given", "缺少该目的所需的同意", "个人信息保护法 13"
)


def permits(
    state: ConsentState, purpose: Purpose, recipient: str, on: date, *, use: str | None = None
) -> Refusal | None:
    """None when the consent carries an act for this purpose and recipient on this business date, else why not.

    `on` is the day of the act, which may be past: an act under a consent that was withdrawn or expired later stays
    lawful (个人信息保护法 15). `use` is needed for purposes whose uses are agreed upon (征信业管理条例 18, 20).
    Rules are asked in this order: existence, purpose, grant, day, recipient, use.
    """
    if state.phase is ConsentPhase.ABSENT:
        return UNKNOWN()
    if state.purpose is not purpose:
        return PURPOSE_DIFFERS(expected=purpose, got=state.purpose)
    if not state.periods:
        return NOT_GRANTED(phase=state.phase)
    if (wrong_day := _wrong_day(state, on)) is not None:
        return wrong_day
    if recipient not in state.recipients:
        return RECIPIENT_NOT_NAMED(recipient=recipient)
    if purpose in WITH_USES and use not in state.uses:
        return USE_NOT_AGREED(use=use)
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
        if answer.kind not in (UNKNOWN, PURPOSE_DIFFERS):
            nearest = answer
    return nearest or MISSING(purpose=purpose, recipient=recipient)


def wrong_consents(purposes: Iterable[str], consents: Sequence[ConsentState], on: date) -> Refusal | None:
    """None when a consent stands on this day for each purpose, whoever is named in it; else the first that does not.

    The consents are those of one person. Whatever hands data over asks `permits` again, for its recipient.
    """
    answers = (_wrong_consent(Purpose(purpose), consents, on) for purpose in sorted(purposes))
    return next(filter(None, answers), None)


def _wrong_consent(purpose: Purpose, consents: Sequence[ConsentState], on: date) -> Refusal | None:
    nearest: Refusal | None = None
    for state in consents:
        recipient, use = next(iter(state.recipients), ""), next(iter(state.uses), None)
        answer = permits_any((state,), purpose, recipient, on, use=use)
        if answer is None:
            return None
        if answer.kind is not MISSING:
            nearest = answer
    return nearest or MISSING(purpose=purpose)


def _wrong_day(state: ConsentState, on: date) -> Refusal | None:
    if state.withdrawn_on is not None and on >= state.withdrawn_on:
        return WITHDRAWN(withdrawn_on=state.withdrawn_on, on=on)
    begun = [period for period in state.periods if period.first <= on]
    if not begun:
        return NOT_YET_GRANTED(granted_on=state.periods[0].first, on=on)
    if on > begun[-1].last:
        return EXPIRED(expires_on=begun[-1].last, on=on)
    return None
