"""Schemas of what the log holds: the entry, and the body of every event type under the name of its class.

    EventItem.entry ─▶ Entry: type, body, …        EventBodies: type ─▶ ApplicationSubmitted, LeaseActivated, …

An entry's body is an object whatever its type, as types are added with every release and a client must go on reading;
who knows the type takes the schema that `EventBodies` has under it. Persons' data are no part of a body.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from chain.entry import Entry
from domain.kernel.event import EVENT_TYPES, personal_fields

Part = dict[str, Any]

_REF = "#/components/schemas/"
_STORED = "Stored"
_LIMITS = frozenset({"maxLength", "minLength", "maxItems", "minItems", "pattern"})
"""What was checked before a fact was recorded; who reads it has no use for that, and the document is half as long."""

_WORDS = {
    "_sd": "Salted digests of what is personal, and decoys (RFC 9901 §4.2.4.1).",
    "actor": "Who did it: a person, a machine or a process.",
    "body": "The facts, as `EventBodies` describes them by type.",
    "business_date": "The business date that it counts for.",
    "cause": "The command that it comes of.",
    "correlation": "The case that it belongs to.",
    "docs": "Files outside the ledger, by their digests.",
    "eid": "The event's id, as a UUID.",
    "occurred_at": "When it happened (RFC 3339).",
    "prev": "Leaf hash of the event before it in its stream.",
    "prev_case": "Leaf hash of the event before it in its case.",
    "recorded_at": "When it was recorded (RFC 3339).",
    "seq": "Its number in its stream, from 1.",
    "seq_case": "Its number in its case, from 1.",
    "stream": "The stream that it belongs to: what an id outside has behind its noun.",
    "tenant": "The tenant whose event it is.",
    "type": "The type: `<noun>.<past participle>.v<number>`.",
    "v": "The version of the entry's format.",
}


def event_schemas(known: dict[str, Part]) -> dict[str, Part]:
    """Every schema that entries need beside the known ones.

    A value that commands have under the same name, but with other ids in it, is here `Stored…`.
    """
    kinds = list(EVENT_TYPES.values())
    _, found = msgspec.json.schema_components([Entry, *kinds], ref_template=f"{_REF}{{name}}")
    for kind in kinds:
        for name in personal_fields(kind):
            del found[kind.__name__]["properties"][name]
    found = {name: _unlimited(one) for name, one in found.items()}
    for member, one in found["Entry"]["properties"].items():
        one["description"] = _WORDS[member]
    found["Entry"]["properties"]["body"]["type"] = "object"
    found["EventBodies"] = _bodies()
    return _beside(known, found)


def _bodies() -> Part:
    described = {name: {"$ref": f"{_REF}{kind.__name__}"} for name, kind in sorted(EVENT_TYPES.items())}
    words = "The schema of an entry's body by the entry's type. No answer has this form: it is a list of the types."
    return {"title": "EventBodies", "description": words, "type": "object", "properties": described}


def _unlimited(part: Any) -> Any:
    if isinstance(part, list):
        return [_unlimited(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {name: _unlimited(one) for name, one in part.items() if name not in _LIMITS or isinstance(one, dict)}


def _beside(known: dict[str, Part], found: dict[str, Part]) -> dict[str, Part]:
    """The found schemas without those that are known as they are; others of a known name are renamed."""
    renamed = {name for name, one in found.items() if name in known and "properties" in one}
    text = json.dumps({name: one for name, one in found.items() if name in renamed or name not in known})
    for name in renamed:
        for written in (f'"{_REF}{{}}"', '"{}": {{"title"', '"title": "{}"'):
            text = text.replace(written.format(name), written.format(_STORED + name))
    beside: dict[str, Part] = json.loads(text)
    return beside
