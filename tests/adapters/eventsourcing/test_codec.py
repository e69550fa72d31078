"""Stored events become entries and come back: opaque ones of other applications, and events of ours byte for byte."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest
from eventsourcing.persistence import DataError, StoredEvent
from hypothesis import given
from hypothesis import strategies as st

from adapters.eventsourcing import EntryCodec
from adapters.system import new_id
from chain.entry import ENTRY_MAX_BYTES, UNLINKED, Entry, check_canonical, parse, seal
from domain.kernel.event import is_event_type
from tests.adapters.postgres.story import START, context

STREAM = UUID("01890000-0000-7000-8000-000000000001")
CODEC = EntryCodec()


def entry_of(stored: StoredEvent, codec: EntryCodec = CODEC) -> Entry:
    """The entry that a stored event becomes, read again from its bytes."""
    drafted = codec.draft(stored, context(STREAM), new_id(), new_id())
    before = codec.seq(stored.originator_version) - 1
    after = (before, bytes(32) if before else b"")
    entry = seal(drafted, after, UNLINKED, "2026-11-21T08:00:00.000000Z")
    parsed = parse(entry)
    check_canonical(entry, parsed, parsed.event() if is_event_type(parsed.type) else None)
    return parsed


def ours(topic: str, state: bytes) -> StoredEvent:
    return StoredEvent(STREAM, 1, topic, state)


foreign_topics = st.text(st.characters(codec="ascii"), min_size=1, max_size=60).filter(lambda t: not is_event_type(t))


@given(foreign_topics, st.binary(max_size=2_000), st.integers(0, 1), st.integers(1, 10_000))
def test_any_bytes_come_back(topic: str, state: bytes, first_version: int, seq: int) -> None:
    codec = EntryCodec(first_version)
    stored = StoredEvent(STREAM, codec.version(seq), topic, state)
    entry = entry_of(stored, codec)
    assert entry.seq == seq
    assert codec.topic_and_state(entry) == (topic, state)
    assert codec.version(entry.seq) == stored.originator_version


def test_opaque_body_is_base64_under_the_topic() -> None:
    entry = entry_of(ours("shop.domain:Dog.Registered", b"\x00\xff"))
    assert (entry.type, bytes(entry.body)) == ("shop.domain:Dog.Registered", b'{"state":"AP8="}')


def test_event_of_ours_is_its_body() -> None:
    stored = ours("application.routed_to_lane.v1", b'{"lane":"manual"}')
    entry = entry_of(stored)
    assert bytes(entry.body) == stored.state
    assert CODEC.topic_and_state(entry) == (stored.topic, stored.state)


def test_context_is_in_the_entry() -> None:
    given_context, cause = context(STREAM, START), new_id()
    drafted = CODEC.draft(ours("a:B", b""), given_context, cause, new_id())
    parsed = parse(seal(drafted, UNLINKED, UNLINKED, "2026-11-21T08:00:00.000000Z"))
    assert (parsed.tenant, parsed.actor, parsed.cause) == (
        given_context.tenant,
        given_context.actor,
        cause,
    )


@pytest.mark.parametrize(
    ("topic", "state", "said"),
    [
        ("application.unheard_of.v1", b"{}", "registered event types"),
        ("application.submitted.v1", b"{", "truncated"),
        ("application.routed_to_lane.v1", b'{"lane":"\xff"}', "utf-8"),
        ("application.submitted.v1", b'{"surprise":1}', "unknown field"),
        ("application.submitted.v1", b"{ }", "2 bytes of the canonical body"),
        ("application.routed_to_lane.v1", b'{"lane": "manual"}', "canonical body"),
        ("application.routed_to_lane.v1", b'{"lane":"manual","lane":"manual"}', "canonical body"),
        ("application.routed_to_lane.v1", '{"lane":"e\u0301"}'.encode(), "Lane|lane|enum|Normalization"),
        ("", b"", "1 to 200 characters"),
        ("x" * 201, b"", "1 to 200 characters"),
        ("shop:e\u0301", b"", "in NFC"),
        ("shop:Big", bytes(ENTRY_MAX_BYTES), "at most 16384 bytes"),
    ],
)
def test_what_cannot_be_an_entry_is_refused(topic: str, state: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        CODEC.draft(ours(topic, state), context(STREAM), new_id(), new_id())


def test_personal_values_are_refused_and_not_repeated() -> None:
    body = {
        "reference": "R-1", "asset_class": "vehicle", "product": "p", "channel": "c", "amount_fen": 1,
        "currency": "CNY", "checklist": 1, "expires_on": None, "subject": str(STREAM), "name": "王小明",
    }  # fmt: skip
    state = msgspec.json.encode(body, order="sorted")
    with pytest.raises(DataError, match="without personal values") as caught:
        CODEC.draft(ours("application.drafted.v1", state), context(STREAM), new_id(), new_id())
    assert "王小明" not in str(caught.value)


def test_text_ids_are_refused() -> None:
    with pytest.raises(DataError, match="expected a UUID, got 'dog-1'"):
        CODEC.draft(StoredEvent("dog-1", 1, "a:B", b""), context(STREAM), new_id(), new_id())


@pytest.mark.parametrize("body", [b'{"state":"!"}', b'{"state":"AP9="}', b'{"other":1}', b'{"state":1}'])
def test_broken_opaque_body_is_named(body: bytes) -> None:
    entry = msgspec.structs.replace(entry_of(ours("a:B", b"")), body=msgspec.Raw(body))
    with pytest.raises(DataError, match="expected an opaque state"):
        CODEC.topic_and_state(entry)
