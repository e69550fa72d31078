"""The sequencer: contiguous positions, chained streams, and losers who never touch the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.postgres.writing.sequencer import (
    Append,
    Appended,
    Batch,
    CommandKey,
    Fence,
    Head,
    HeadBroken,
    KeyReused,
    Known,
    KnownCommand,
    NotFirst,
    ReadMoved,
    StreamBegun,
    SubjectErased,
    SubjectKeyTaken,
    SubjectOfTenant,
    TenantLockLost,
    VersionConflict,
    sequence,
)
from chain.b64 import b64decode
from chain.entry import Case, Link, check_canonical, parse
from chain.merkle import Frontier, leaf_hash
from tests.adapters.postgres.story import TENANT
from tests.adapters.postgres.writing.appends import (
    OTHER_TENANT,
    STREAMS,
    SUBJECTS,
    TOY,
    about,
    append,
    part,
    several,
)
from tests.chain.reference import Tree

EARLY, NOW, LATE = "2026-11-21T08:00:00.000000Z", "2026-11-21T08:00:01.000000Z", "2026-11-21T08:00:02.000000Z"
NOTHING = Known({}, {}, {})
EMPTY = Head(Frontier.empty())


def begun(entries: Sequence[bytes], owners: Sequence[UUID]) -> dict[tuple[UUID, str], int]:
    """Where a stream of each tenant last began."""
    of = enumerate(zip(map(parse, entries), owners, strict=False), 1)
    return {(owner, entry.type): position for position, (entry, owner) in of if entry.seq == 1}


def placed(batch: Batch) -> list[Appended]:
    return [outcome for outcome in batch.outcomes if isinstance(outcome, Appended) and not outcome.replayed]


class Ledger:
    """What a database would remember between batches."""

    def __init__(self) -> None:
        self.head = EMPTY
        self.entries: list[bytes] = []
        self.owners: list[UUID] = []
        self.versions: dict[UUID, tuple[int, bytes]] = {}
        self.commands: dict[CommandKey, KnownCommand] = {}
        self.subjects: dict[SubjectOfTenant, bool] = {}
        self.cases: dict[Case, Link] = {}

    def put(self, appends: Sequence[Append], now: str = NOW) -> Batch:
        known = Known(self.versions, self.commands, self.subjects, begun(self.entries, self.owners), cases=self.cases)
        batch = sequence(appends, self.head, known, now)
        self.head = batch.head
        self.entries += batch.entries
        self.owners += [one.tenant for one in batch.accepted for _ in range(one.events)]
        self.versions |= batch.moved
        self.cases |= batch.moved_cases
        for one, outcome in zip(batch.accepted, placed(batch), strict=True):
            self.commands[one.tenant, one.system, one.key] = KnownCommand(
                one.digest, outcome.stream, outcome.seq, outcome.version, outcome.position, outcome.events
            )
            self.subjects |= {(one.tenant, subject): True for subject, _ in one.subject_keys}
        return batch


versions = st.integers(0, 4)
parts = st.builds(part, st.sampled_from(STREAMS), versions, st.integers(1, 3))
wishes = st.builds(
    lambda parts, **of: several(*parts, **of),
    parts=st.lists(parts, min_size=1, max_size=3),
    reads=st.lists(st.tuples(st.sampled_from(STREAMS), versions), max_size=3),
    looked_to=st.one_of(st.none(), st.integers(0, 12)),
    key=st.sampled_from([f"k{number}" for number in range(8)]),
    says=st.sampled_from(["this", "that"]),
    tenant=st.sampled_from([TENANT, OTHER_TENANT]),
)
appends = st.one_of(
    wishes,
    st.builds(about, wishes, st.sampled_from(SUBJECTS), st.sampled_from([b"", b"wrapped"])),
)
batches = st.lists(st.tuples(st.lists(appends, max_size=8), st.sampled_from([EARLY, NOW, LATE])), max_size=6)


@given(batches)
def test_ledger_grows_by_what_was_accepted_and_nothing_else(story: list[tuple[list[Append], str]]) -> None:
    ledger = Ledger()
    for wanted, now in story:
        before = len(ledger.entries)
        batch = ledger.put(wanted, now)
        assert len(batch.outcomes) == len(wanted)
        assert batch.positions == list(range(before + 1, len(ledger.entries) + 1))
        assert sum(outcome.events for outcome in placed(batch)) == len(batch.positions)
        columns = (batch.positions, batch.streams, batch.seqs, batch.types, batch.entries, batch.leaves)
        assert len({len(column) for column in columns}) == 1
        for outcome in placed(batch):
            assert (outcome.size, outcome.root) == (len(ledger.entries), ledger.head.frontier.root())
    assert ledger.head.frontier.size == len(ledger.entries)
    assert ledger.head.frontier.root() == Tree(ledger.entries).root(len(ledger.entries))


@given(batches)
def test_every_stream_is_a_chain(story: list[tuple[list[Append], str]]) -> None:
    ledger = Ledger()
    for wanted, now in story:
        ledger.put(wanted, now)
    heads: dict[UUID, tuple[int, bytes]] = {}
    recorded_at = ""
    for data in ledger.entries:
        entry = parse(data)
        check_canonical(data, entry, None)
        seq, leaf = heads.get(entry.stream, (0, b""))
        assert entry.seq == seq + 1
        assert (b64decode(entry.prev) if isinstance(entry.prev, str) else b"") == leaf
        assert entry.recorded_at >= recorded_at
        heads[entry.stream] = (entry.seq, leaf_hash(data))
        recorded_at = entry.recorded_at
    assert heads == ledger.versions


@given(batches)
def test_batches_and_single_appends_give_the_same_outcomes(story: list[tuple[list[Append], str]]) -> None:
    """Group commit changes how many share a transaction, never what anybody hears or what is stored."""
    together, alone = Ledger(), Ledger()
    for wanted, now in story:
        batch = together.put(wanted, now)
        singly = [alone.put([one], now).outcomes[0] for one in wanted]
        assert [_without_tree(outcome) for outcome in batch.outcomes] == [_without_tree(one) for one in singly]
    assert together.entries == alone.entries
    assert together.head == alone.head


def _without_tree(outcome: Appended | Exception) -> object:
    if isinstance(outcome, Appended):
        return replace(outcome, size=0, root=b"")
    return type(outcome), str(outcome)


@given(st.lists(appends, max_size=6), appends, st.integers(0, 6))
def test_a_loser_never_touches_the_others(others: list[Append], loser: Append, at: int) -> None:
    """Put an append that must lose anywhere: everybody else hears and stores the same."""
    lost = replace(loser, key="of its own", parts=(replace(loser.parts[0], expected=99), *loser.parts[1:]))
    without = sequence(others, EMPTY, NOTHING, NOW)
    at = min(at, len(others))
    with_it = sequence([*others[:at], lost, *others[at:]], EMPTY, NOTHING, NOW)
    assert isinstance(with_it.outcomes.pop(at), VersionConflict)
    assert [_without_tree(one) for one in with_it.outcomes] == [_without_tree(one) for one in without.outcomes]
    assert (with_it.entries, with_it.moved, with_it.head) == (without.entries, without.moved, without.head)


def _followed(one: Append, at: Counter[UUID]) -> tuple[bool, Counter[UUID]]:
    """Whether every part stands where its stream is, and where the streams are afterwards."""
    after, fits = at.copy(), True
    for each in one.parts:
        fits &= after[each.stream] == each.expected
        after[each.stream] += len(each.drafts)
    return fits, after


_LOST = {VersionConflict: (False,), ReadMoved: (True, False), StreamBegun: (True, True, False)}
"""What is the first thing that does not hold where an append was lost: its streams, its reads, its beginnings."""


def _check_outcome(one: Append, outcome: object, at: Counter[UUID], last: int, written: list[UUID]) -> None:
    """An append that went in is whole, first, and stands on what it has read; one that did not says what moved."""
    as_read = all(at[stream] == version for stream, version in one.reads)
    saw_all = all(last <= looked_to for _, looked_to in one.beginnings)
    as_expected, after = _followed(one, at)
    if (lost := _LOST.get(type(outcome))) is not None:
        assert (as_expected, as_read, saw_all)[: len(lost)] == lost
    elif isinstance(outcome, Appended) and not outcome.replayed:
        assert (as_expected, as_read, saw_all) == (True, True, True)
        eids = [drafted.eid for part in one.parts for drafted in part.drafts]
        assert written[: len(eids)] == eids
        assert (outcome.seq, outcome.version) == (one.parts[0].expected + 1, after[one.stream])
        del written[: len(eids)]
        at.update(after - at)


@given(batches)
def test_all_or_none_and_what_was_read_holds_where_it_is_written(story: list[tuple[list[Append], str]]) -> None:
    """A second bookkeeper, who knows nothing of batches, follows the entries and finds every append whole and right."""
    ledger = Ledger()
    for wanted, now in story:
        before = len(ledger.entries)
        outcomes = ledger.put(wanted, now).outcomes
        at = Counter(parse(entry).stream for entry in ledger.entries[:before])
        written = [parse(entry).eid for entry in ledger.entries[before:]]
        for one, outcome in zip(wanted, outcomes, strict=True):
            last = begun(ledger.entries[: len(ledger.entries) - len(written)], ledger.owners).get((one.tenant, TOY), 0)
            _check_outcome(one, outcome, at, last, written)
        assert written == []


def test_two_that_require_the_other_to_be_absent() -> None:
    """The phantom: neither stream is there when they look, and one of them wins."""
    here, there = STREAMS[:2]
    first = several(part(here), reads=[(there, 0)], key="a")
    second = several(part(there), reads=[(here, 0)], key="b")
    batch = sequence([first, second], EMPTY, NOTHING, NOW)
    assert [type(outcome) for outcome in batch.outcomes] == [Appended, ReadMoved]
    assert str(batch.outcomes[1]) == f"stream {here}: read at version 0, now at 1"
    assert batch.streams == [here]


def test_a_read_moves_within_the_batch_and_before_it() -> None:
    read, known = STREAMS[1], Known({STREAMS[1]: (7, bytes(32))}, {}, {})
    looks = [several(part(), reads=[(read, version)], key=f"{version}") for version in (7, 8)]
    moves = append(read, 7, key="moves")
    outcomes = sequence([moves, looks[0], looks[1]], EMPTY, known, NOW).outcomes
    assert [type(outcome) for outcome in outcomes] == [Appended, ReadMoved, Appended]
    outcomes = sequence([looks[1], looks[0], moves], EMPTY, known, NOW).outcomes
    assert [type(outcome) for outcome in outcomes] == [ReadMoved, Appended, Appended]


def test_a_kind_of_stream_that_was_looked_for_begins_within_the_batch_and_before_it() -> None:
    """Only a beginning counts, of a type that was looked for, behind the position that was looked to."""
    new, old, third = STREAMS[:3]
    head, known = EMPTY, Known({old: (7, bytes(32))}, {}, {}, {(TENANT, TOY): 3})
    looks = [several(part(third), looked_to=looked_to, key=f"{looked_to}") for looked_to in (2, 3)]
    goes_on, begins = append(old, 7, key="goes on"), append(new, key="begins")
    outcomes = sequence([goes_on, looks[0], looks[1]], head, known, NOW).outcomes
    assert [type(outcome) for outcome in outcomes] == [Appended, StreamBegun, Appended]
    assert str(outcomes[1]) == f"{TOY}: looked for up to position 2, found at 3"
    later = several(part(third), looked_to=0, key="later")
    outcomes = sequence([begins, later], EMPTY, NOTHING, NOW).outcomes
    assert [type(outcome) for outcome in outcomes] == [Appended, StreamBegun]
    other = replace(later, beginnings=(("another.begun.v1", 0),))
    assert all(isinstance(one, Appended) for one in sequence([begins, other], EMPTY, NOTHING, NOW).outcomes)


def test_what_a_stranger_begins_moves_nobody() -> None:
    """In the same batch and in one before it: only the tenant's own streams are among those that were looked for."""
    known = Known({}, {}, {}, {(OTHER_TENANT, TOY): 9})
    theirs = several(part(STREAMS[0]), key="a", tenant=OTHER_TENANT)
    mine = several(part(STREAMS[1]), looked_to=0, key="b")
    late = several(part(STREAMS[2]), looked_to=0, key="c")
    batch = sequence([theirs, mine, late], EMPTY, known, NOW)
    assert [type(outcome) for outcome in batch.outcomes] == [Appended, Appended, StreamBegun]


def test_who_lost_the_tenant_lock_writes_nothing() -> None:
    fence = Fence(lock=7, holder=4711)
    under = replace(append(key="under"), fence=fence)
    for fences, expected in (
        ({fence}, Appended),
        (set(), TenantLockLost),
        ({Fence(lock=7, holder=4712)}, TenantLockLost),
    ):
        known = Known({}, {}, {}, fences=frozenset(fences))
        [outcome, other] = sequence([under, append(STREAMS[1], key="other")], EMPTY, known, NOW).outcomes
        assert (type(outcome), type(other)) == (expected, Appended)


def test_the_stream_of_the_command_comes_first_and_may_come_again() -> None:
    own, other = STREAMS[:2]
    one = several(part(own, 0, 2), part(other, 0, 1), part(own, 2, 1))
    [first, again] = sequence([one, one], EMPTY, NOTHING, NOW).outcomes
    assert isinstance(first, Appended)
    assert (first.stream, first.position, first.seq, first.version, first.events) == (own, 1, 1, 3, 4)
    assert first.last_position == 4
    assert again == replace(first, size=0, root=b"", replayed=True)


def test_first_events_are_the_first_or_none() -> None:
    """Of two that demand an empty ledger one wins, and neither comes behind anything else."""
    first = replace(append(key="first"), first=True)
    rival = replace(append(STREAMS[1], key="rival"), first=True)
    batch = sequence([first, rival], EMPTY, NOTHING, NOW)
    assert isinstance(batch.outcomes[0], Appended)
    assert isinstance(batch.outcomes[1], NotFirst)
    late = sequence([append(STREAMS[1]), first], EMPTY, NOTHING, NOW)
    assert isinstance(late.outcomes[1], NotFirst)
    assert isinstance(sequence([replace(first, key="again")], batch.head, NOTHING, LATE).outcomes[0], NotFirst)


def test_conflict_says_what_was_expected() -> None:
    known = Known({STREAMS[0]: (7, bytes(32))}, {}, {})
    [outcome] = sequence([append(expected=3)], EMPTY, known, NOW).outcomes
    assert isinstance(outcome, VersionConflict)
    assert (outcome.expected, outcome.actual) == (3, 7)
    assert str(outcome) == f"stream {STREAMS[0]}: expected version 3, got 7"


def test_second_of_two_on_one_stream_loses_or_follows() -> None:
    first, stale, next_one = append(key="a"), append(key="b"), append(key="c", expected=1)
    batch = sequence([first, stale, next_one], EMPTY, NOTHING, NOW)
    assert [type(outcome) for outcome in batch.outcomes] == [Appended, VersionConflict, Appended]
    assert [outcome.seq for outcome in placed(batch)] == [1, 2]


def test_same_key_twice_in_one_batch_is_written_once() -> None:
    once = append(events=2)
    first, again = sequence([once, once], EMPTY, NOTHING, NOW).outcomes
    assert isinstance(first, Appended)
    assert isinstance(again, Appended)
    assert (first.position, first.replayed, again.position, again.replayed) == (1, False, 1, True)
    assert (again.version, again.last_position) == (first.version, first.last_position) == (2, 2)


def test_key_of_another_payload_is_refused_without_its_digest() -> None:
    first, other = append(says="this"), append(says="that")
    _, outcome = sequence([first, other], EMPTY, NOTHING, NOW).outcomes
    assert isinstance(outcome, KeyReused)
    assert first.digest.hex()[:16] in str(outcome)
    assert first.digest.hex() not in str(outcome)


def test_key_belongs_to_its_tenant() -> None:
    theirs = append(STREAMS[1], tenant=OTHER_TENANT, says="that")
    assert len(placed(sequence([append(), theirs], EMPTY, NOTHING, NOW))) == 2


def test_known_key_is_answered_before_the_version_is_looked_at() -> None:
    once = append(expected=0)
    known = KnownCommand(once.digest, STREAMS[0], 1, 2, 41, 2)
    held = Known({STREAMS[0]: (9, bytes(32))}, {(TENANT, True, "k"): known}, {})
    [outcome] = sequence([once], EMPTY, held, NOW).outcomes
    assert outcome == Appended(stream=STREAMS[0], position=41, seq=1, version=2, events=2, replayed=True)


@pytest.mark.parametrize(("head", "now", "expected"), [("", NOW, NOW), (EARLY, NOW, NOW), (LATE, NOW, LATE)])
def test_time_of_recording_never_goes_back(head: str, now: str, expected: str) -> None:
    batch = sequence([append()], Head(Frontier.empty(), head), NOTHING, now)
    assert parse(batch.entries[0]).recorded_at == batch.head.recorded_at == expected


def test_batch_of_losers_leaves_the_head_alone() -> None:
    batch = sequence([append(expected=1)], head := Head(Frontier.empty(), EARLY), NOTHING, LATE)
    assert (batch.head, batch.positions, batch.accepted) == (head, [], [])


@pytest.mark.parametrize(
    ("subjects", "brings", "expected"),
    [
        ({}, b"", SubjectErased),  # never had a key
        ({SUBJECTS[0]: False}, b"", SubjectErased),  # destroyed
        ({SUBJECTS[0]: True}, b"", Appended),
        ({}, b"wrapped", Appended),
        ({SUBJECTS[0]: True}, b"wrapped", SubjectKeyTaken),
        ({SUBJECTS[0]: False}, b"wrapped", SubjectKeyTaken),
    ],
)
def test_personal_values_need_a_living_key(subjects: dict[UUID, bool], brings: bytes, expected: type) -> None:
    known = Known({}, {}, {(TENANT, subject): lives for subject, lives in subjects.items()})
    [outcome] = sequence([about(append(), SUBJECTS[0], brings)], EMPTY, known, NOW).outcomes
    assert type(outcome) is expected


def test_first_of_two_new_keys_in_one_batch_wins() -> None:
    first = about(append(STREAMS[0], key="a"), SUBJECTS[0], b"one")
    second = about(append(STREAMS[1], key="b"), SUBJECTS[0], b"two")
    under_it = about(append(STREAMS[2], key="c"), SUBJECTS[0])
    outcomes = sequence([first, second, under_it], EMPTY, NOTHING, NOW).outcomes
    assert [*map(type, outcomes)] == [Appended, SubjectKeyTaken, Appended]


@pytest.mark.parametrize("recorded_at", ['zzz"}', "yesterday", LATE + "\n", LATE[:-1], LATE.replace("2", "２", 1)])
def test_a_time_that_is_none_is_never_sealed(recorded_at: str) -> None:
    """It would stand in every entry from here on, hashed and signed."""
    with pytest.raises(HeadBroken, match="recorded_at in the head row: expected a time in UTC"):
        sequence([append()], Head(Frontier.empty(), recorded_at), Known({}, {}, {}), NOW)
