"""A made-up history of loan applications in the shape of the BPI Challenge 2012, the same for the same seed.

It lets every command work for people who do not have the real log. The ends of the cases, the numbers of calls and the
lead times are drawn from integer tables that follow the real log's counts and octiles; nobody's case is copied.

    submitted ─▶ partly submitted ─▶ [leads | fraud] ─▶ pre-accepted ─▶ completing ─▶ accepted ─▶ finalised, offer
      ─▶ calls about offers, new offers ─▶ offer sent back ─▶ validation ⇄ incomplete file ─▶ the decision
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from adapters.imports.xes import Case, XesEvent
from domain.kernel.times import utc_text

START: Final = datetime(2024, 1, 1, 6, 0, tzinfo=UTC)
FIRST_NUMBER: Final = 200_000
NUMBER_STEP: Final = 3
ARRIVAL_MAX_S: Final = 2_007
"""Two cases are at most this far apart; the real log has one case in 1,003 seconds."""

OFFICE_OPENS_HOUR: Final = 7
OFFICE_CLOSES_HOUR: Final = 20
"""People work Monday to Saturday between these hours, UTC; the automaton always."""

SUNDAY: Final = 7

AUTOMATON: Final = "112"
WORKERS: Final = tuple(str(10_000 + 37 * nth) for nth in range(1, 61))
UNNAMED_PER_MILLE: Final = 110
"""How many rows of work name no worker."""

CONTRACT_CHANGE_PER_MILLE: Final = 30
"""How many approvals are followed by a change of the contract: more than in the real log, so short ones have some."""

T = TypeVar("T")
_Weighted = Sequence[tuple[T, int]]

# How far a case came and how it ended: the counts of the real log.
_ENDS: Final[_Weighted[tuple[str, str]]] = (
    (("partly", "A_DECLINED"), 5_719),
    (("preaccepted", "A_CANCELLED"), 1_100),
    (("preaccepted", "A_DECLINED"), 1_085),
    (("preaccepted", ""), 69),
    (("accepted", "A_CANCELLED"), 66),
    (("accepted", "A_DECLINED"), 29),
    (("finalised", "A_APPROVED"), 2_246),
    (("finalised", "A_CANCELLED"), 1_640),
    (("finalised", "A_DECLINED"), 802),
    (("finalised", ""), 327),
)
_AMOUNTS_EUR: Final[_Weighted[int]] = (
    (5_000, 196), (10_000, 140), (15_000, 102), (20_000, 62), (25_000, 60), (6_000, 51), (8_000, 42), (7_500, 42),
    (50_000, 34), (7_000, 33), (30_000, 33), (3_000, 33), (2_500, 27), (2_000, 25), (4_000, 21), (12_000, 21),
    (1_000, 20), (9_000, 16), (35_000, 15), (40_000, 15), (12_595, 10),
)  # fmt: skip

# Octiles, in seconds: a draw takes one of the seven spans and a moment in it.
_HANDLING_S: Final = (34, 36, 39, 44, 50, 58, 70, 90)
_LEAD_WAIT_S: Final = (60, 300, 900, 1_800, 3_600, 9_000, 18_000, 30_000)
_CALL_WAIT_S: Final = (20, 450, 1_600, 5_600, 14_800, 43_800, 71_500, 135_000)
_OFFER_WAIT_S: Final = (60, 7_200, 86_000, 172_000, 260_000, 345_000, 430_000, 690_000)
_FILE_WAIT_S: Final = (30, 300, 1_800, 6_000, 20_000, 65_000, 90_000, 180_000)
_LAPSE_S: Final = (6_000, 43_000, 102_000, 355_000, 2_588_000, 2_639_000, 2_657_000, 2_672_000)
_CALL_S: Final = (17, 40, 69, 101, 137, 190, 315, 600)
_CHECK_S: Final = (67, 232, 461, 722, 1_030, 1_416, 2_025, 3_600)
_TERMS_S: Final = (75, 117, 151, 184, 228, 283, 385, 600)

# How often work is taken up before it leads on.
_COMPLETING: Final[_Weighted[int]] = ((1, 45), (2, 15), (3, 14), (4, 12), (6, 14))
_CALLING: Final[_Weighted[int]] = ((1, 13), (2, 16), (3, 26), (4, 16), (6, 16), (8, 13))
_REPAIRING: Final[_Weighted[int]] = ((2, 25), (3, 15), (4, 15), (5, 15), (6, 10), (9, 12), (13, 8))
_NEW_OFFERS: Final[_Weighted[int]] = ((0, 713), (1, 205), (2, 60), (3, 15), (4, 7))

_LEADS = "W_Afhandelen leads"
_FRAUD = "W_Beoordelen fraude"
_COMPLETE = "W_Completeren aanvraag"
_OFFERS = "W_Nabellen offertes"
_FILES = "W_Nabellen incomplete dossiers"
_VALIDATE = "W_Valideren aanvraag"
_CONTRACT = "W_Wijzigen contractgegevens"


def generate(cases: int, seed: int) -> Iterator[Case]:
    """`cases` cases in order of arrival; the first n of a longer history are the history of n."""
    # Chance must be repeatable here, and nothing depends on nobody guessing it.
    chance = random.Random(seed)
    arrival = START
    for number in range(cases):
        arrival += timedelta(milliseconds=chance.randrange(1, ARRIVAL_MAX_S * 1_000))
        yield _case(chance, str(FIRST_NUMBER + NUMBER_STEP * number), arrival)


def _case(chance: random.Random, name: str, arrival: datetime) -> Case:
    history = _History(chance, arrival)
    _application(history, *history.pick(_ENDS))
    attributes = {"REG_DATE": utc_text(arrival), "AMOUNT_REQ": str(history.pick(_AMOUNTS_EUR))}
    return Case(name, attributes, tuple(history.rows))


class _History:
    """The rows of one case so far, the moment they have reached, and who is working on it."""

    def __init__(self, chance: random.Random, at: datetime) -> None:
        self.rows: list[XesEvent] = []
        self._chance = chance
        self._at = at
        self._worker: str | None = AUTOMATON

    def pick(self, table: _Weighted[T]) -> T:
        """One item, as often as its weight says."""
        drawn = self._chance.randrange(sum(weight for _, weight in table))
        for item, weight in table:
            drawn -= weight
            if drawn < 0:
                return item
        raise AssertionError("weights are positive")

    def happens(self, per_mille: int) -> bool:
        """Whether something happens that does so `per_mille` times in a thousand."""
        return self._chance.randrange(1_000) < per_mille

    def row(self, activity: str, transition: str = "COMPLETE") -> None:
        """Write one row, a few milliseconds after the one before."""
        self._at += timedelta(milliseconds=self._chance.randrange(20, 400))
        self._write(activity, transition)

    def burst(self, *activities: str) -> None:
        """Write the rows of one decision at one moment and in any order, as the bank's system did."""
        self._at += timedelta(milliseconds=self._chance.randrange(20, 400))
        shuffled = list(activities)
        self._chance.shuffle(shuffled)
        for activity in shuffled:
            self._write(activity, "COMPLETE")
            self._at += timedelta(milliseconds=self._chance.randrange(2))

    def wait(self, octiles_s: Sequence[int]) -> None:
        """Let time pass."""
        span = self._chance.randrange(len(octiles_s) - 1)
        seconds = self._chance.randrange(octiles_s[span], octiles_s[span + 1])
        self._at += timedelta(seconds=seconds, milliseconds=self._chance.randrange(1_000))

    def automaton(self) -> None:
        """The next rows are the automaton's."""
        self._worker = AUTOMATON

    def take_up(self, lane: str, octiles_s: Sequence[int]) -> None:
        """Someone takes up scheduled work, when the office is open."""
        self.wait(octiles_s)
        self._at = _in_office(self._at, self._chance)
        unnamed = self.happens(UNNAMED_PER_MILLE)
        self._worker = None if unnamed else WORKERS[self._chance.randrange(len(WORKERS))]
        self.row(lane, "START")

    def rounds(self, lane: str, count: int, octiles_s: Sequence[int], effort_s: Sequence[int] = _CALL_S) -> None:
        """Work that is taken up and put down again `count` times."""
        for _ in range(count):
            self.take_up(lane, octiles_s)
            self.wait(effort_s)
            self.row(lane, "COMPLETE")

    def _write(self, activity: str, transition: str) -> None:
        self.rows.append(XesEvent(activity, transition, self._at, self._worker, len(self.rows)))


def _in_office(at: datetime, chance: random.Random) -> datetime:
    """`at`, or a moment in the first hour of the next working day when nobody is in."""
    open_today = at.replace(hour=OFFICE_OPENS_HOUR, minute=0, second=0, microsecond=0)
    if at.hour >= OFFICE_CLOSES_HOUR:
        open_today += timedelta(days=1)
    if open_today.isoweekday() == SUNDAY:
        open_today += timedelta(days=1)
    return at if open_today <= at else open_today + timedelta(milliseconds=chance.randrange(3_600_000))


def _application(h: _History, stage: str, end: str) -> None:
    h.row("A_SUBMITTED")
    h.row("A_PARTLYSUBMITTED")
    if stage == "partly":
        _declined_at_once(h, end)
        return
    _preaccept(h)
    _complete(h, stage, end)
    if stage == "finalised":
        _offers(h, end)


def _declined_at_once(h: _History, end: str) -> None:
    """By the automaton, or by a person who looked at the lead or at a suspicion of fraud."""
    h.wait(_HANDLING_S)
    lane = h.pick((("", 3_415), (_LEADS, 2_239), (_FRAUD, 65)))
    if lane:
        h.row(lane, "SCHEDULE")
        h.rounds(lane, h.pick(((0, 75), (1, 25))), _LEAD_WAIT_S)
        h.take_up(lane, _LEAD_WAIT_S)
        h.wait(_CALL_S)
    h.row(end)
    if lane:
        h.row(lane, "COMPLETE")


def _preaccept(h: _History) -> None:
    h.wait(_HANDLING_S)
    lead = h.happens(340)
    if lead:
        h.row(_LEADS, "SCHEDULE")
        h.rounds(_LEADS, h.pick(((0, 75), (1, 25))), _LEAD_WAIT_S)
        h.take_up(_LEADS, _LEAD_WAIT_S)
        h.wait(_CALL_S)
    h.row("A_PREACCEPTED")
    h.row(_COMPLETE, "SCHEDULE")
    if lead:
        h.row(_LEADS, "COMPLETE")


def _complete(h: _History, stage: str, end: str) -> None:
    """The missing answers are asked for by telephone; the last call leads to an offer or to an end."""
    h.rounds(_COMPLETE, h.pick(_COMPLETING) - 1, _CALL_WAIT_S)
    if stage == "preaccepted":
        _lapse(h, _COMPLETE, end)
        return
    h.take_up(_COMPLETE, _CALL_WAIT_S)
    h.wait(_TERMS_S)
    h.row("A_ACCEPTED")
    h.wait(_TERMS_S)
    if stage == "accepted":
        h.row(end)
    else:
        h.burst("A_FINALIZED", "O_SELECTED")
        _write_offer(h)
    h.row(_COMPLETE, "COMPLETE")


def _lapse(h: _History, lane: str, end: str, *offer_rows: str) -> None:
    """An application that comes to nothing: closed by a person, or by the automaton a month later, or still open."""
    if not end:
        return
    if end == "A_CANCELLED" and h.happens(500):
        h.wait(_LAPSE_S)
        h.automaton()
        h.burst(end, *offer_rows)
        return
    h.take_up(lane, _CALL_WAIT_S)
    h.wait(_CALL_S)
    h.burst(end, *offer_rows)
    h.row(lane, "COMPLETE")


def _write_offer(h: _History) -> None:
    h.wait((1, 3))
    h.row("O_CREATED")
    h.row("O_SENT")
    h.row(_OFFERS, "SCHEDULE")


def _offers(h: _History, end: str) -> None:
    for _ in range(h.pick(_NEW_OFFERS)):
        h.take_up(_OFFERS, _CALL_WAIT_S)
        h.wait(_CALL_S)
        h.burst("O_CANCELLED", "O_SELECTED")
        _write_offer(h)
        h.row(_OFFERS, "COMPLETE")
    h.rounds(_OFFERS, h.pick(_CALLING), _OFFER_WAIT_S)
    if end in ("", "A_CANCELLED"):
        _lapse(h, _OFFERS, end, "O_CANCELLED")
    else:
        _validate(h, end)


def _validate(h: _History, end: str) -> None:
    """The offer comes back; its papers are checked, and asked for again while they are incomplete."""
    h.take_up(_OFFERS, _OFFER_WAIT_S)
    h.wait(_CALL_S)
    h.row("O_SENT_BACK")
    h.row(_VALIDATE, "SCHEDULE")
    h.row(_OFFERS, "COMPLETE")
    while h.happens(400):
        h.take_up(_VALIDATE, _FILE_WAIT_S)
        h.wait(_CHECK_S)
        h.row(_FILES, "SCHEDULE")
        h.row(_VALIDATE, "COMPLETE")
        h.rounds(_FILES, h.pick(_REPAIRING) - 1, _FILE_WAIT_S)
        h.take_up(_FILES, _FILE_WAIT_S)
        h.wait(_CALL_S)
        h.row(_VALIDATE, "SCHEDULE")
        h.row(_FILES, "COMPLETE")
    h.take_up(_VALIDATE, _FILE_WAIT_S)
    h.wait(_CHECK_S)
    if end == "A_APPROVED":
        h.burst("O_ACCEPTED", "A_APPROVED", "A_REGISTERED", "A_ACTIVATED")
    else:
        h.burst("O_DECLINED", "A_DECLINED")
    h.row(_VALIDATE, "COMPLETE")
    if end == "A_APPROVED" and h.happens(CONTRACT_CHANGE_PER_MILLE):
        h.wait(_LAPSE_S)
        h.row(_CONTRACT, "SCHEDULE")
