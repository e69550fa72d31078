"""Stored events of the library and entries of the ledger: the same facts in two shapes, each readable as the other.

The topic alone says which rule holds, so that reading and writing can never disagree:

    topic `<aggregate>.<past_tense>.v<n>`   an event type of ours: the state is the canonical body, byte for byte
    any other topic                         another application's: the body is {"state": "<base64 of its bytes>"}
"""

from __future__ import annotations

import unicodedata
from uuid import UUID

import msgspec
from eventsourcing.persistence import DataError, StoredEvent
from msgspec import Struct

from chain.b64 import Base64Error, b64decode, b64encode
from chain.entry import Draft, Entry, EntryError, draft, draft_body
from domain.kernel.command import Context
from domain.kernel.event import Event, UnknownEventType, decode_body, is_event_type, type_of, without_personal
from domain.kernel.values import canonical_json

TOPIC_MAX_CHARS = 200


class _Opaque(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an event whose meaning only its own application knows."""

    state: str


_OPAQUE = msgspec.json.Decoder(_Opaque)


class EntryCodec:
    """Turns stored events into drafts and entries into stored events.

    `first_version` is the `originator_version` of a stream's first event, which is number 1 of its chain.
    """

    def __init__(self, first_version: int = 1) -> None:
        self.first_version = first_version

    def draft(self, stored: StoredEvent, context: Context, cause: UUID, eid: UUID) -> Draft:
        """The draft of one stored event.

        Raises `eventsourcing.persistence.DataError` when the topic is too long or not NFC, when an event of ours is
        not registered, not valid, not canonical or of an old version, and when the entry is too large.
        """
        stream, topic = stream_of(stored.originator_id), stored.topic
        if not 0 < len(topic) <= TOPIC_MAX_CHARS or not unicodedata.is_normalized("NFC", topic):
            raise DataError(f"topic: expected 1 to {TOPIC_MAX_CHARS} characters in NFC, got {topic[:40]!r}")
        try:
            if not is_event_type(topic):
                body = msgspec.structs.asdict(_Opaque(b64encode(stored.state).decode()))
                return draft_body(topic, body, context, stream=stream, eid=eid, cause=cause)
            event = decode_body(topic, stored.state)
            _check_current_and_canonical(event, stored)
            return draft(event, context, stream=stream, eid=eid, cause=cause)
        except (UnknownEventType, msgspec.MsgspecError, UnicodeDecodeError, EntryError) as error:
            raise DataError(f"{topic}: {error}") from error

    def topic_and_state(self, entry: Entry) -> tuple[str, bytes]:
        """What was written as topic and state. Raises `DataError` for an opaque body that is not of its form."""
        if is_event_type(entry.type):
            return entry.type, bytes(entry.body)
        try:
            return entry.type, b64decode(_OPAQUE.decode(entry.body).state)
        except (msgspec.MsgspecError, Base64Error) as error:
            raise DataError(
                f"event {entry.eid} of type {entry.type}: expected an opaque state, got: {error}"
            ) from error

    def seq(self, version: int) -> int:
        """The number in the stream's chain (from 1) of the event with this `originator_version`."""
        return version - self.first_version + 1

    def version(self, seq: int) -> int:
        """Inverse of `seq`."""
        return seq - 1 + self.first_version


def _check_current_and_canonical(event: Event, stored: StoredEvent) -> None:
    if type_of(event) != stored.topic:
        raise DataError(f"expected an event of the current type {type_of(event)}, got {stored.topic}")
    body = canonical_json(without_personal(event))
    if body != stored.state:
        raise DataError(
            f"{stored.topic}: expected the {len(body)} bytes of the canonical body without personal values, got "
            f"{len(stored.state)} others"
        )


def stream_of(originator_id: UUID | str) -> UUID:
    """The stream of an aggregate. Raises `DataError` for an id that is a text: streams are UUIDs here."""
    if not isinstance(originator_id, UUID):
        raise DataError(f"originator_id: expected a UUID, got {originator_id[:40]!r}")
    return originator_id
