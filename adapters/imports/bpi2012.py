"""The loan applications of the BPI Challenge 2012 as commands to the Application aggregate.

    A_SUBMITTED        DraftApplication, SubmitApplication      O_SELECTED   SelectOffer
    A_PARTLYSUBMITTED  StartVerification                        O_CREATED    CreateOffer
    A_PREACCEPTED      CompleteVerification                     O_SENT       PresentOffer
    A_ACCEPTED         ReferApplication                         O_SENT_BACK  RecordOfferReturned
    A_FINALIZED        FinaliseTerms                            O_ACCEPTED   AcceptOffer
    A_APPROVED         ApproveApplication                       O_CANCELLED  CancelOffer
    A_REGISTERED       StartContracting                         O_DECLINED   DeclineOffer
    A_ACTIVATED        CompleteApplication
    A_DECLINED         DeclineApplication                       W_<lane>     SCHEDULE  ScheduleWork(lane)
    A_CANCELLED        WithdrawApplication                                   START     StartWork(lane)
                                                                             COMPLETE  CompleteWork(lane)

The bank wrote the rows of one decision as a burst: within a second, usually within a millisecond, and in any order
(an activation before its approval in half of all cases). The rows of a burst are put into the order in which the state
machine can follow them; each keeps its own time. Work rows stay where they are.

Source: B. van Dongen, BPI Challenge 2012, 4TU.ResearchData, doi:10.4121/uuid:3926db30-f712-4394-aebc-75976070e91f.
Everything here is a pure function of a case and the name of its source: the same case always gives the same commands
under the same ids, so that a second import finds everything done.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.imports.errors import BadAmount, BadRegistration, Place, UnknownActivity, UnusableCaseName, shorten
from adapters.imports.xes import EARLIEST, Case, XesEvent
from domain.intake.application.commands import (
    AcceptOffer,
    ApproveApplication,
    CancelOffer,
    CompleteApplication,
    CompleteVerification,
    CompleteWork,
    CreateOffer,
    DeclineApplication,
    DeclineOffer,
    DraftApplication,
    FinaliseTerms,
    PresentOffer,
    RecordOfferReturned,
    ReferApplication,
    ScheduleWork,
    SelectOffer,
    StartContracting,
    StartVerification,
    StartWork,
    SubmitApplication,
    WithdrawApplication,
)
from domain.intake.application.values import Terms
from domain.kernel.command import Actor, Command
from domain.kernel.ids import RANDOM_BITS, uuid7
from domain.kernel.money import MAX_SAFE_INTEGER
from domain.kernel.times import TimeError, parse_utc
from domain.kernel.values import AssetClass, Reference

DEFAULT_SOURCE = "bpi2012"
"""The source's name when neither the caller nor the log has one; ids depend on it."""

CURRENCY = "EUR"
PRODUCT = "loan"
CHANNEL = "import"
REFERRAL_REASON = "import.offer_to_be_settled"
UNKNOWN_REASON = "import.reason_not_recorded"
"""The log tells that an application was declined or cancelled, never why."""

ROLE = "merchant_operator"
SYSTEM_ROLE = "system"
SYSTEM_RESOURCE = "112"
"""The bank's own system: it writes the first rows of every case within seconds, at night and on Sundays too."""

UNKNOWN_RESOURCE = "unknown"
"""Who acted where the log names no resource (18,010 of its 262,200 events)."""

BURST: Final = timedelta(seconds=1)
"""Rows at most this long after the first one of a burst belong to it."""

LANES: Final = MappingProxyType(
    {
        "Afhandelen leads": "Handle leads",
        "Beoordelen fraude": "Assess suspected fraud",
        "Completeren aanvraag": "Complete the application",
        "Nabellen incomplete dossiers": "Call about incomplete files",
        "Nabellen offertes": "Call about offers",
        "Valideren aanvraag": "Validate the application",
        "Wijzigen contractgegevens": "Change contract details",
    }
)
"""The bank's work queues as it calls them, with an English gloss; the ledger keeps the bank's own name."""

# In the order in which the state machine can follow the rows of one burst: an old offer goes before a new one is
# selected, an approval comes before the acceptance of the offer, an offer ends before its application does.
_RANKS: Final = {
    activity: rank
    for rank, activity in enumerate(
        (
            "A_SUBMITTED", "A_PARTLYSUBMITTED", "A_PREACCEPTED", "A_ACCEPTED", "O_CANCELLED", "O_DECLINED",
            "A_FINALIZED", "O_SELECTED", "O_CREATED", "O_SENT", "O_SENT_BACK", "A_APPROVED", "O_ACCEPTED",
            "A_REGISTERED", "A_ACTIVATED", "A_DECLINED", "A_CANCELLED",
        )
    )
}  # fmt: skip

_PLAIN: Final[dict[str, Command]] = {
    "A_PARTLYSUBMITTED": StartVerification(),
    "A_PREACCEPTED": CompleteVerification(),
    "A_ACCEPTED": ReferApplication(reasons=(REFERRAL_REASON,)),
    "A_REGISTERED": StartContracting(),
    "A_ACTIVATED": CompleteApplication(),
    "A_DECLINED": DeclineApplication(reasons=(UNKNOWN_REASON,)),
    "A_CANCELLED": WithdrawApplication(reason=UNKNOWN_REASON),
    "O_SELECTED": SelectOffer(),
    "O_CREATED": CreateOffer(),
    "O_SENT": PresentOffer(),
    "O_SENT_BACK": RecordOfferReturned(),
    "O_ACCEPTED": AcceptOffer(),
    "O_CANCELLED": CancelOffer(),
    "O_DECLINED": DeclineOffer(),
}
_WORK: Final[dict[tuple[str, str], Command]] = {
    (f"W_{lane}", transition): make(lane=lane)
    for lane in LANES
    for transition, make in (("SCHEDULE", ScheduleWork), ("START", StartWork), ("COMPLETE", CompleteWork))
}
_AMOUNT: Final = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,2}))?")
_ID_DOMAIN: Final = "leaseledger.import/1"
_DIGEST_DOMAIN: Final = "leaseledger.case/1"
_MILLISECOND: Final = timedelta(milliseconds=1)
_ID_BYTES: Final = 10
_SURPLUS_BITS: Final = 8 * _ID_BYTES - RANDOM_BITS
_COUNTED: Final = (1 << 62) - 1
"""The last 62 bits of a UUIDv7, all of them random."""

_COMMANDS_MAX: Final = 2
"""Commands that one row can become."""

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


class ImportedCommand(Struct, frozen=True):
    """One command of a case: when it was wished (UTC), by whom, its id, and the index of the row it comes from."""

    command: Command
    at: datetime
    actor: Actor
    command_id: UUID
    index: int


def commands(case: Case, source: str = DEFAULT_SOURCE) -> list[ImportedCommand]:
    """The commands of one case, in the order in which they are to be decided.

    `at` can step back by less than a second inside a burst. Raises `LogError` with the source as the file:
    `UnknownActivity`, `BadAmount`, `UnusableCaseName`.
    """
    bits = _random_bits(source, case.id, 1 + _COMMANDS_MAX * (1 + max(event.index for event in case.events)))
    imported = []
    for event in _ordered(case.events):
        actor = _actor(event.resource)
        unix_ms = (event.at - EARLIEST) // _MILLISECOND
        for slot, command in enumerate(_commands_of(event, case, source), 1 + _COMMANDS_MAX * event.index):
            identifier = uuid7(unix_ms, _draw(bits, slot))
            imported.append(ImportedCommand(command, event.at, actor, identifier, event.index))
    return imported


def stream_id(case: Case, source: str = DEFAULT_SOURCE) -> UUID:
    """The application's stream: a UUIDv7 of the case's registration and of its name in its source.

    The time is the attribute REG_DATE, else the first event's. Raises `BadRegistration`.
    """
    text = case.attributes.get("REG_DATE")
    try:
        registered = case.events[0].at if text is None else parse_utc(text)
    except (TimeError, OverflowError):
        raise BadRegistration(
            Place(source, case.id), "an RFC 3339 date-time with an offset", shorten(text or "")
        ) from None
    if registered < EARLIEST:
        raise BadRegistration(Place(source, case.id), f"an instant from {EARLIEST.year} on", shorten(text or ""))
    return uuid7((registered - EARLIEST) // _MILLISECOND, _draw(_random_bits(source, case.id, 1), 0))


def event_id(imported: ImportedCommand, nth: int) -> UUID:
    """The id of the `nth` event (from 0) that an imported command led to: the command's own, counted on.

    So may UUIDs of one millisecond be made (RFC 9562 §6.2, method 2); the count stays within the random bits.
    """
    command = imported.command_id.int
    return UUID(int=command & ~_COUNTED | command + nth + 1 & _COUNTED)


def case_digest(case: Case) -> bytes:
    """SHA-256 of everything a case says, 32 bytes: two cases with the same digest give the same commands.

    Over the JSON text, without spaces and with sorted keys of the attributes, of
    `["leaseledger.case/1", id, attributes, [{activity, transition, at, resource, index}, …]]`.
    """
    said = (_DIGEST_DOMAIN, case.id, case.attributes, case.events)
    return hashlib.sha256(_ENCODER.encode(said)).digest()


def _ordered(events: tuple[XesEvent, ...]) -> list[XesEvent]:
    """The rows with those of each burst in the order of the state machine; work rows keep their places."""
    ordered = list(events)
    slots = [place for place, event in enumerate(events) if event.activity in _RANKS]
    for burst in _bursts(events, slots):
        rows = sorted((events[place] for place in burst), key=lambda event: _RANKS[event.activity])
        for place, row in zip(burst, rows, strict=True):
            ordered[place] = row
    return ordered


def _bursts(events: tuple[XesEvent, ...], slots: list[int]) -> Iterator[list[int]]:
    """The places of each burst of two or more rows."""
    burst: list[int] = []
    for place in slots:
        if burst and events[place].at - events[burst[0]].at > BURST:
            if len(burst) > 1:
                yield burst
            burst = []
        burst.append(place)
    if len(burst) > 1:
        yield burst


def _commands_of(event: XesEvent, case: Case, source: str) -> tuple[Command, ...]:
    work = _WORK.get((event.activity, event.transition))
    if work is not None:
        return (work,)
    if event.transition != "COMPLETE" or event.activity not in _RANKS:
        got = f"{shorten(event.activity)} {shorten(event.transition)}"
        expected = "A_*, O_* (COMPLETE) or W_* (SCHEDULE, START, COMPLETE) of the BPI Challenge 2012"
        raise UnknownActivity(_place(case, source, event), expected, got)
    plain = _PLAIN.get(event.activity)
    if plain is not None:
        return (plain,)
    amount_fen = _amount_cents(case, source, event)
    if event.activity == "A_SUBMITTED":
        return (_draft(case, source, amount_fen), SubmitApplication())
    terms = Terms(amount_fen=amount_fen, currency=CURRENCY)
    return (FinaliseTerms(terms=terms),) if event.activity == "A_FINALIZED" else (ApproveApplication(terms=terms),)


def _draft(case: Case, source: str, amount_fen: int) -> DraftApplication:
    try:
        msgspec.convert(case.id, Reference)
    except msgspec.ValidationError as error:
        raise UnusableCaseName(Place(source, case.id), "a reference of an application", str(error)) from None
    return DraftApplication(
        reference=case.id,
        asset_class=AssetClass.UNSPECIFIED,
        product=PRODUCT,
        channel=CHANNEL,
        amount_fen=amount_fen,
        currency=CURRENCY,
    )


def _amount_cents(case: Case, source: str, event: XesEvent) -> int:
    """The requested amount in cents, from AMOUNT_REQ in euros."""
    text = case.attributes.get("AMOUNT_REQ", "")
    match = _AMOUNT.fullmatch(text)
    cents = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else -1
    if not 0 <= cents <= MAX_SAFE_INTEGER:
        raise BadAmount(_place(case, source, event), "AMOUNT_REQ in euros with at most two decimals", shorten(text))
    return cents


def _place(case: Case, source: str, event: XesEvent) -> Place:
    return Place(source, case.id, event=event.index)


@cache
def _actor(resource: str | None) -> Actor:
    return Actor(SYSTEM_ROLE if resource == SYSTEM_RESOURCE else ROLE, resource or UNKNOWN_RESOURCE)


def _random_bits(source: str, case: str, draws: int) -> bytes:
    """Bits for `draws` ids: SHAKE-128 over the import's domain, the source and the case, each behind its length.

    More draws begin with the same bits, so that a case which grew keeps the ids it had.
    """
    parts = [part.encode() for part in (_ID_DOMAIN, source, case)]
    seed = b"".join([len(part).to_bytes(4) + part for part in parts])
    return hashlib.shake_128(seed).digest(draws * _ID_BYTES)


def _draw(bits: bytes, slot: int) -> int:
    """The random bits of one id; slot 0 is the stream's."""
    return int.from_bytes(bits[slot * _ID_BYTES : (slot + 1) * _ID_BYTES]) >> _SURPLUS_BITS
