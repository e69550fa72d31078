"""What every aggregate is made of: events, commands, refusals, the decider type, ids, money and dates.

command ──decide(command, state, now)──▶ (event, …) | Refusal
event   ──evolve(state, event)─────────▶ state
"""

from __future__ import annotations

from domain.kernel.commands import Actor, Command, Context
from domain.kernel.decider import DECIDERS, Decider, fold
from domain.kernel.events import (
    EVENT_TYPES,
    Event,
    PersonalText,
    UnknownEventType,
    decode_body,
    event_type,
    is_event_type,
    personal_fields,
    subject_of,
    type_of,
    upcaster,
    validate,
    without_personal,
)
from domain.kernel.ids import IdError, format_id, parse_id, uuid7
from domain.kernel.money import Currency, Fen, Rounding, divide
from domain.kernel.refusals import REFUSALS, Refusal, RefusalKind, refusal
from domain.kernel.times import BEIJING, TimeError, business_date, parse_utc, utc_text

__all__ = [
    "BEIJING",
    "DECIDERS",
    "EVENT_TYPES",
    "REFUSALS",
    "Actor",
    "Command",
    "Context",
    "Currency",
    "Decider",
    "Event",
    "Fen",
    "IdError",
    "PersonalText",
    "Refusal",
    "RefusalKind",
    "Rounding",
    "TimeError",
    "UnknownEventType",
    "business_date",
    "decode_body",
    "divide",
    "event_type",
    "fold",
    "format_id",
    "is_event_type",
    "parse_id",
    "parse_utc",
    "personal_fields",
    "refusal",
    "subject_of",
    "type_of",
    "upcaster",
    "utc_text",
    "uuid7",
    "validate",
    "without_personal",
]
