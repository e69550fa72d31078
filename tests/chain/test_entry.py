"""Entries: byte for byte what RFC 8785 says, for every event type; strict when read; within their limits."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from chain.b64 import b64encode
from chain.entry import (
    ENTRY_MAX_BYTES,
    ENTRY_VERSION,
    ENTRY_WITHOUT_CASE,
    UNLINKED,
    Document,
    EntryError,
    EntryTooLarge,
    Link,
    check_canonical,
    draft,
    draft_body,
    parse,
    seal,
)
from domain.intake.application.events import ApplicationSubmitted, RoutedToLane
from domain.kernel.command import Actor, Context
from domain.kernel.event import EVENT_TYPES, Event, personal_fields
from domain.kernel.times import utc_text
from domain.leasing.lease.events.money import DepositReceived
from tests.chain.event_strategies import RELEASED, builtins_of, events, nfc_text
from tests.sampling import examples

STREAM = UUID("01890000-0000-7000-8000-000000000001")
EID = UUID("01890000-0000-7000-8000-000000000002")
CAUSE = UUID("01890000-0000-7000-8000-000000000004")
RECORDED = "2026-11-21T08:00:01.000000Z"
LEAF = bytes(range(32))
CONTEXT = Context(
    tenant=UUID("01890000-0000-7000-8000-000000000003"),
    actor=Actor("merchant_operator", "key_1"),
    correlation=STREAM,
    now=datetime(2026, 11, 21, 8, 0, 0, 123456, tzinfo=UTC),
    business_date=date(2026, 11, 21),
)

contexts = st.builds(
    Context,
    tenant=st.uuids(),
    actor=st.builds(Actor, nfc_text(max_size=10), nfc_text(max_size=10)),
    correlation=st.uuids(),
    now=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))])).filter(lambda at: at.year > 1),
    business_date=st.dates(),
)
digests = st.lists(st.text("ABab01-_", min_size=43, max_size=43), max_size=7, unique=True)
documents = st.lists(
    st.builds(
        Document,
        name=nfc_text(max_size=10),
        type=st.just("application/pdf"),
        size=st.integers(0, 2**53 - 1),
        sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
        sm3=st.text("0123456789abcdef", min_size=64, max_size=64),
    ),
    max_size=2,
)


def plain(event: Event, context: Context, **more: Any) -> dict[str, Any]:
    """The entry as a dictionary, put together field by field from the published format."""
    entry = {
        "v": "leaseledger.entry/2",
        "eid": str(EID),
        "type": next(name for name, cls in EVENT_TYPES.items() if cls is type(event)),
        "stream": str(STREAM),
        "occurred_at": utc_text(context.now),
        "recorded_at": RECORDED,
        "business_date": context.business_date.isoformat(),
        "tenant": str(context.tenant),
        "actor": {"role": context.actor.role, "id": context.actor.id},
        "cause": str(CAUSE),
        "correlation": str(context.correlation),
        "body": builtins_of(event),
    }
    return entry | {name: value for name, value in more.items() if value is not None}


links = st.sampled_from([UNLINKED, (1, LEAF), (2**31 - 2, LEAF)])


@pytest.mark.parametrize("name", RELEASED)
@settings(max_examples=examples(10), suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_entry_is_the_canonical_form_of_its_fields(name: str, data: st.DataObject) -> None:
    event, context = data.draw(events(name)), data.draw(contexts)
    sd, docs = data.draw(digests), data.draw(documents)
    after, in_case = data.draw(links), data.draw(links)
    entry = seal(
        draft(event, context, stream=STREAM, eid=EID, cause=CAUSE, digests=sd, docs=docs), after, in_case, RECORDED
    )
    expected = plain(
        event,
        context,
        seq=after[0] + 1,
        prev=b64encode(after[1]).decode() if after[1] else None,
        seq_case=in_case[0] + 1,
        prev_case=b64encode(in_case[1]).decode() if in_case[1] else None,
        _sd=sorted(sd) or None,
        docs=[msgspec.to_builtins(one) for one in docs] or None,
    )
    assert entry == rfc8785.dumps(expected)
    parsed = parse(entry)
    assert parsed.event() == event
    check_canonical(entry, parsed, event)


WITH_PERSONAL = [name for name in RELEASED if personal_fields(EVENT_TYPES[name])]


def test_some_event_has_personal_fields() -> None:
    assert "application.drafted.v1" in WITH_PERSONAL


@pytest.mark.parametrize("name", WITH_PERSONAL)
@settings(max_examples=examples(10))
@given(data=st.data())
def test_body_never_holds_a_personal_value(name: str, data: st.DataObject) -> None:
    event = data.draw(events(name, personal=True))
    entry = parse(seal(draft(event, CONTEXT, stream=STREAM, eid=EID, cause=CAUSE), UNLINKED, UNLINKED, RECORDED))
    assert set(json.loads(bytes(entry.body))) & set(personal_fields(type(event))) == set()


def sealed(event: Event | None = None, after: Link = UNLINKED, in_case: Link = UNLINKED, **more: Any) -> bytes:
    drafted = draft(event or ApplicationSubmitted(), CONTEXT, stream=STREAM, eid=EID, cause=CAUSE, **more)
    return seal(drafted, after, in_case, RECORDED)


def of_version_1(entry: bytes) -> bytes:
    """The entry as the version of before would have it."""
    fields = json.loads(entry)
    fields.pop("seq_case", None)
    fields.pop("prev_case", None)
    return rfc8785.dumps(fields | {"v": ENTRY_WITHOUT_CASE})


def test_an_entry_as_published() -> None:
    sd = ["B" * 43, "A" * 43]
    assert sealed(RoutedToLane(lane="manual"), (11, LEAF), (40, LEAF[::-1]), digests=sd).decode() == (
        '{"_sd":["' + "A" * 43 + '","' + "B" * 43 + '"],"actor":{"id":"key_1","role":"merchant_operator"},'
        '"body":{"lane":"manual"},"business_date":"2026-11-21",'
        '"cause":"01890000-0000-7000-8000-000000000004","correlation":"01890000-0000-7000-8000-000000000001",'
        '"eid":"01890000-0000-7000-8000-000000000002","occurred_at":"2026-11-21T08:00:00.123456Z",'
        '"prev":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",'
        '"prev_case":"Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=","recorded_at":"2026-11-21T08:00:01.000000Z",'
        '"seq":12,"seq_case":41,'
        '"stream":"01890000-0000-7000-8000-000000000001","tenant":"01890000-0000-7000-8000-000000000003",'
        '"type":"application.routed_to_lane.v1","v":"leaseledger.entry/2"}'
    )


def test_keys_are_sorted_at_every_level() -> None:
    document = Document(name="合同", type="application/pdf", size=1, sha256="0" * 64, sm3="1" * 64)
    entry = sealed(RoutedToLane(lane="manual"), (1, LEAF), (1, LEAF), digests=["A" * 43], docs=[document])

    def check_sorted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        assert keys == sorted(keys)
        assert len(keys) == len(set(keys))
        return dict(pairs)

    assert set(json.loads(entry, object_pairs_hook=check_sorted)) >= {"_sd", "prev", "prev_case", "docs"}


def opaque(length: int) -> bytes:
    body = {"state": "x" * length}
    last = (2**31 - 2, LEAF)
    return seal(draft_body("a.b.v1", body, CONTEXT, stream=STREAM, eid=EID, cause=CAUSE), last, last, RECORDED)


def test_longest_entry_keeps_the_limit() -> None:
    low, high = 0, ENTRY_MAX_BYTES
    while low < high:
        middle = (low + high + 1) // 2
        try:
            opaque(middle)
            low = middle
        except EntryError:
            high = middle - 1
    longest = len(opaque(low))
    assert ENTRY_MAX_BYTES - 50 <= longest <= ENTRY_MAX_BYTES
    with pytest.raises(EntryError, match="expected an entry of at most 16384 bytes, got 16385"):
        opaque(low + 1)


@pytest.mark.parametrize("text", ["e\u0301", "가".encode().decode().replace("가", "\u1100\u1161"), "\u212b"])
def test_text_must_be_in_form_c(text: str) -> None:
    assert not unicodedata.is_normalized("NFC", text)
    with pytest.raises(EntryError, match="Normalization Form C"):
        draft_body("a.b.v1", {"text": text}, CONTEXT, stream=STREAM, eid=EID, cause=CAUSE)
    with pytest.raises(EntryError, match="Normalization Form C"):
        draft_body("a.b.v1", {}, replace(CONTEXT, actor=Actor(text, "x")), stream=STREAM, eid=EID, cause=CAUSE)


@pytest.mark.parametrize("body", [{"n": 2**53}, {"n": [-(2**53)]}, {"n": {"m": 10**30}}, {"n": 1.5}, {"n": 0.0}])
def test_numbers_that_are_not_safe_integers_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(EntryError, match=r"expected integers of at most 2\^53-1, got"):
        draft_body("a.b.v1", body, CONTEXT, stream=STREAM, eid=EID, cause=CAUSE)


@pytest.mark.parametrize("fen", [2**53, 2**63, 10**30])
def test_an_event_of_a_larger_number_than_an_entry_holds_says_so(fen: int) -> None:
    """Sums of what was legal may be larger; that is no event that breaks its declaration in another way."""
    with pytest.raises(EntryTooLarge, match=r"lease\.deposit_received\.v1: expected integers of at most 2\^53-1"):
        draft(DepositReceived(fen=fen, on=date(2026, 3, 2)), CONTEXT, stream=STREAM, eid=EID, cause=CAUSE)


@pytest.mark.parametrize("body", [{"n": 2**53 - 1}, {"n": [-(2**53) + 1]}, {"t": "1.5, 9007199254740993e5"}])
def test_safe_integers_and_digits_in_text_are_taken(body: dict[str, Any]) -> None:
    entry = seal(draft_body("a.b.v1", body, CONTEXT, stream=STREAM, eid=EID, cause=CAUSE), UNLINKED, UNLINKED, RECORDED)
    assert json.loads(bytes(parse(entry).body)) == body


def test_event_that_breaks_its_declaration_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\.lane"):
        sealed(RoutedToLane(lane=""))


GOOD = sealed(RoutedToLane(lane="manual"), (1, LEAF), (6, LEAF))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'"v":"leaseledger.entry/2"', b'"v":"leaseledger.entry/3"', "got 'leaseledger.entry/3'"),
        (b'"v":"leaseledger.entry/2"', b'"v":"leaseledger.entry/1"', "entry/1: expected no seq_case"),
        (b'"seq_case":7,', b"", "entry/2: expected seq_case"),
        (b'"seq_case":7', b'"seq_case":null', r"Expected `int`, got `null`"),
        (b'"seq":2', b'"seq":2.5', r"Expected `int`, got `float` - at `\$.seq`"),
        (b'"seq":2', b'"seq":"2"', r"Expected `int`, got `str`"),
        (b'"seq":2,', b"", "missing required field `seq`"),
        (b'"seq":2', b'"extra":1,"seq":2', "unknown field `extra`"),
        (b'"eid":"0189', b'"eid":"x189', "Invalid UUID"),
        (b'"business_date":"2026-11-21"', b'"business_date":"21.11.2026"', "Invalid RFC3339"),
        (b'{"actor"', b'["actor"', "expected a leaseledger.entry/2 object"),
        (b'"key_1"', b'"\xff\xfe"', "expected a leaseledger.entry/2 object"),
    ],
)  # fmt: skip
def test_parse_is_strict(old: bytes, new: bytes, said: str) -> None:
    assert old in GOOD
    with pytest.raises(EntryError, match=said):
        parse(GOOD.replace(old, new, 1))


def test_parse_refuses_what_follows() -> None:
    with pytest.raises(EntryError, match="trailing"):
        parse(GOOD + b"{}")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"seq":2', b'"seq":1,"seq":2'),  # a key twice
        (b'"lane":"manual"', b'"lane":"fast","lane":"manual"'),
        (b'"seq":2', b'"seq": 2'),
        (b'"lane":"manual"', b'"lane" :"manual"'),
        (b'"key_1"', rb'"key\u005f1"'),  # another way to write the same text
        (b'{"id":"key_1","role":"merchant_operator"}', b'{"role":"merchant_operator","id":"key_1"}'),
        (b'"01890000-0000-7000-8000-000000000002"', b'"01890000000070008000000000000002"'),
        (b'"eid":"01890000-0000-7000-8000-000000000002"', b'"eid":"01890000-0000-7000-8000-00000000000A"'),
    ],
)
def test_one_way_to_write_it(old: bytes, new: bytes) -> None:
    assert old in GOOD
    other = GOOD.replace(old, new, 1)
    parsed = parse(other)
    with pytest.raises(EntryError, match="expected canonical bytes, first difference at byte"):
        check_canonical(other, parsed, parsed.event())


def test_trailing_bytes_and_older_bodies_are_compared_too() -> None:
    parsed = parse(GOOD)
    with pytest.raises(EntryError, match=f"first difference at byte {len(GOOD)}"):
        check_canonical(GOOD + b" ", parsed, parsed.event())
    check_canonical(GOOD, parsed, None)
    loose = GOOD.replace(b'"lane":"manual"', b'"lane": "manual"')
    with pytest.raises(EntryError, match="first difference"):
        check_canonical(loose, parse(loose), None)


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(EntryError):
        parse(data)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_no_other_bytes_pass_for_the_same_entry(at: int, flip: int) -> None:
    changed = GOOD[:at] + bytes([GOOD[at] ^ flip]) + GOOD[at + 1 :]
    try:
        parsed = parse(changed)
        check_canonical(changed, parsed, parsed.event())
    except ValueError:
        return
    assert parsed != parse(GOOD)


def test_version_names() -> None:
    assert (ENTRY_WITHOUT_CASE, ENTRY_VERSION) == ("leaseledger.entry/1", "leaseledger.entry/2")


def test_an_entry_of_version_1_is_read_as_ever_and_has_no_number_in_its_case() -> None:
    old = of_version_1(GOOD)
    parsed = parse(old)
    assert parsed.event() == RoutedToLane(lane="manual")
    assert (parsed.seq, parsed.seq_case, parsed.prev_case) == (2, UNSET, UNSET)
    check_canonical(old, parsed, parsed.event())


def test_a_case_is_a_tenant_and_a_correlation() -> None:
    assert parse(GOOD).case == (CONTEXT.tenant, CONTEXT.correlation)
    assert draft(ApplicationSubmitted(), CONTEXT, stream=STREAM, eid=EID, cause=CAUSE).case == parse(GOOD).case
