"""Tamper check of a contract: a presented copy is compared with the agreed one, and every differing clause named."""

from __future__ import annotations

from collections.abc import Sequence

from domain.contracts.contract.events import TamperAlarmRaised
from domain.contracts.contract.values import GivenText, Tampering
from domain.contracts.texts import text_digest
from domain.kernel.values import ClauseRef


def compare(agreed: Sequence[ClauseRef], given: Sequence[GivenText]) -> tuple[TamperAlarmRaised, ...]:
    """An alarm for each clause that is not byte for byte what was agreed; none for a faithful copy.

    Changed and missing clauses come in the order of the contract, then what was added, then the first clause that
    stands in another place although the rest is the same.
    """
    digests: dict[str, str] = {}
    added: list[TamperAlarmRaised] = []
    known = {held.clause for held in agreed}
    for text in given:
        if text.clause in known and text.clause not in digests:
            digests[text.clause] = text_digest(text.text)
        else:
            added.append(_alarm(Tampering.ADDED, text.clause, None, text_digest(text.text)))
    alarms = [alarm for held in agreed if (alarm := _compared(held, digests.get(held.clause))) is not None]
    return tuple(alarms + added) or _moved(agreed, tuple(digests))


def _compared(held: ClauseRef, got: str | None) -> TamperAlarmRaised | None:
    if got is None:
        return _alarm(Tampering.MISSING, held.clause, held, None)
    return None if got == held.digest else _alarm(Tampering.CHANGED, held.clause, held, got)


def _moved(agreed: Sequence[ClauseRef], order: Sequence[str]) -> tuple[TamperAlarmRaised, ...]:
    for held, code in zip(agreed, order, strict=True):
        if held.clause != code:
            return (_alarm(Tampering.MOVED, held.clause, held, held.digest),)
    return ()


def _alarm(tampering: Tampering, clause: str, held: ClauseRef | None, got: str | None) -> TamperAlarmRaised:
    return TamperAlarmRaised(
        clause=clause,
        tampering=tampering,
        version=held.version if held is not None else None,
        expected=held.digest if held is not None else None,
        got=got,
    )
