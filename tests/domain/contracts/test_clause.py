"""A clause's life: exact texts, versions, the days on which each may be assembled, and every rule that says no."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.contracts import clause as r
from domain.contracts import library
from domain.contracts.clause import CLAUSE, TEXT_JSON_BYTES_MAX, ClauseDrafted, ClausePublished, ClauseWithdrawn
from domain.contracts.texts import difference, text_digest
from domain.kernel.command import Command
from domain.kernel.event import EVENT_TYPES, Event, personal_fields
from domain.kernel.refusal import REFUSALS, RefusalKind
from domain.kernel.values import CLAUSE_VERSIONS_MAX, ClauseRef
from domain.pricing.parts import Form
from tests.domain.contracts import clauses as c
from tests.domain.contracts.clauses import given
from tests.domain.parties.table import table
from tests.given import TODAY, body_of

LONG = "约" * (TEXT_JSON_BYTES_MAX // 3)
ENTRY_FRAME_BYTES = 2_048
"""What an entry needs beside the body: ids, times, actor, hash of the one before."""

TABLE = """\
DraftClause
  → drafted.v1                                 absent
  ✗ unchanged                                  drafted published withdrawn

PublishClause
  → published.v1                               drafted
  ✗ unknown                                    absent
  ✗ published_already                          published withdrawn

WithdrawClause
  → withdrawn.v1                               published
  ✗ unknown                                    absent
  ✗ not_published                              drafted
  ✗ withdrawn_already                          withdrawn
"""


def test_table_is_as_agreed() -> None:
    assert table(given, c.SAMPLES, c.HISTORIES, {}) == TABLE
    assert tuple(type(command) for command in c.SAMPLES) == CLAUSE.commands


def test_draft_holds_the_text_and_its_digest() -> None:
    state = given().when(c.DRAFT).then(c.DRAFTED)
    assert state.reference(1) == ClauseRef(clause="dispute", version=1, digest=c.DIGEST)
    assert state.effective(TODAY) is None


def test_digest_is_sha256_over_the_exact_bytes() -> None:
    """FIPS 180-4's own example, and what one punctuation mark does."""
    assert text_digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert c.DIGEST != c.OTHER_DIGEST


def test_longest_text_fits_an_entry() -> None:
    event = given().when(replace(c.DRAFT, text=LONG[:-1])).answer
    assert isinstance(event, tuple)
    assert len(body_of(event[0])) + ENTRY_FRAME_BYTES < 16 * 1024


def test_longer_text_enters_by_its_digest() -> None:
    given().when(replace(c.DRAFT, text=LONG)).then_refused(
        r.TEXT_TOO_LONG, limit_bytes=TEXT_JSON_BYTES_MAX, got_bytes=len(LONG.encode()) + 2
    )
    kept = replace(c.DRAFT, text=None, digest="a" * 64, size_bytes=40_000)
    given().when(kept).then(replace(c.DRAFTED, text=None, digest="a" * 64, size_bytes=40_000))


def test_a_text_that_is_far_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every character of a megabyte was once looked at, which took two seconds, before it was found too long."""
    monkeypatch.setattr("domain.contracts.clause.is_exact", lambda text: pytest.fail("read"))
    given().when(replace(c.DRAFT, text="a\u200b" * TEXT_JSON_BYTES_MAX)).then_refused(r.TEXT_TOO_LONG)


@pytest.mark.parametrize(
    "text",
    [
        " \n ",
        unicodedata.normalize("NFD", "café 条款"),
        "条款\u200b",
        "条款\r\n",
        "条款\x00",
        "条款\u202e",
        "条款\ue000",
    ],
)
def test_text_is_exact(text: str) -> None:
    given().when(replace(c.DRAFT, text=text)).then_refused(r.TEXT_NOT_EXACT)


@pytest.mark.parametrize("field", ["title", "gloss"])
@pytest.mark.parametrize("heading", [" ", "租金\u202e", "租金\u200b", "租\x85金", "租金\n", "\u3164", "e\u0301"])
def test_headings_show_all_of_their_characters(field: str, heading: str) -> None:
    """What a reader sees above a text, on paper and on screens, is what was drafted."""
    wrong = replace(c.DRAFT, **{field: heading})
    given().when(wrong).then_refused(r.HEADING_NOT_EXACT, field=field)


def test_second_version_takes_over_on_its_day() -> None:
    state = given(c.DRAFTED, c.PUBLISHED, c.SECOND, c.SECOND_PUBLISHED).state
    expected = {c.YESTERDAY: None, TODAY: 1, c.NEXT_MONTH - timedelta(days=1): 1, c.NEXT_MONTH: 2}
    for on, number in expected.items():
        version = state.effective(on)
        assert (version.number if version is not None else None) == number


def test_withdrawal_brings_the_version_before_back() -> None:
    history = (c.DRAFTED, c.PUBLISHED, c.SECOND, c.SECOND_PUBLISHED)
    gone = ClauseWithdrawn(version=2, withdrawn_from=date(2026, 5, 1), reason="mistake")
    state = given(*history, gone).state
    numbers = [state.effective(on) for on in (date(2026, 4, 30), date(2026, 5, 1))]
    assert [version.number for version in numbers if version is not None] == [2, 1]


def test_withdrawn_for_good() -> None:
    state = given(*c.HISTORIES["withdrawn"]).state
    assert state.effective(TODAY) is not None
    assert state.effective(c.TOMORROW) is None


def test_a_change_of_scope_alone_is_a_version() -> None:
    narrower = replace(c.DRAFT, forms=(Form.OPERATING,))
    given(c.DRAFTED).when(narrower).then(replace(c.DRAFTED, version=2, forms=(Form.OPERATING,)))


FULL = tuple(replace(c.DRAFTED, version=n, digest=f"{n:064x}", text=None) for n in range(1, CLAUSE_VERSIONS_MAX + 1))
REACHED: list[tuple[RefusalKind, tuple[Event, ...], Command]] = [
    (r.UNKNOWN, (), c.PUBLISH),
    (r.OTHER_CLAUSE, (c.DRAFTED,), replace(c.DRAFT, clause="rent")),
    (r.VERSIONS_FULL, FULL, c.DRAFT),
    (r.FORM_TWICE, (), replace(c.DRAFT, forms=(Form.DIRECT, Form.DIRECT))),
    (r.TEXT_OR_DIGEST, (), replace(c.DRAFT, text=None)),
    (r.TEXT_OR_DIGEST, (), replace(c.DRAFT, text=None, digest="a" * 64)),
    (r.TEXT_OR_DIGEST, (), replace(c.DRAFT, digest="a" * 64)),
    (r.TEXT_OR_DIGEST, (), replace(c.DRAFT, size_bytes=3)),
    (r.TEXT_NOT_EXACT, (), replace(c.DRAFT, text="\t")),
    (r.HEADING_NOT_EXACT, (), replace(c.DRAFT, gloss="\u2800")),
    (r.TEXT_TOO_LONG, (), replace(c.DRAFT, text=LONG)),
    (r.TEXT_PERSONAL, (), replace(c.DRAFT, text="请拨打 13800138000。")),
    (r.UNCHANGED, (c.DRAFTED,), c.DRAFT),
    (r.VERSION_UNKNOWN, (c.DRAFTED,), replace(c.PUBLISH, version=2)),
    (r.VERSION_UNKNOWN, (c.DRAFTED,), replace(c.WITHDRAW, version=2)),
    (r.PUBLISHED_ALREADY, (c.DRAFTED, c.PUBLISHED), c.PUBLISH),
    (r.DIGEST_DIFFERS, (c.DRAFTED,), replace(c.PUBLISH, digest=c.OTHER_DIGEST)),
    (r.EFFECTIVE_PASSED, (c.DRAFTED,), replace(c.PUBLISH, effective_from=c.YESTERDAY)),
    (r.NOT_PUBLISHED, (c.DRAFTED,), c.WITHDRAW),
    (r.WITHDRAWN_ALREADY, c.HISTORIES["withdrawn"], c.WITHDRAW),
    (r.WITHDRAWAL_PASSED, c.HISTORIES["published"], replace(c.WITHDRAW, withdrawn_from=c.YESTERDAY)),
]


@pytest.mark.parametrize(
    ("kind", "past", "command"), REACHED, ids=[f"{n}-{k.code}" for n, (k, _, _) in enumerate(REACHED)]
)
def test_every_rule_is_reached(kind: RefusalKind, past: tuple[Event, ...], command: Command) -> None:
    given(*past).when(command).then_refused(kind)


def test_no_rule_is_forgotten() -> None:
    mine = {kind for code, kind in REFUSALS.items() if code.startswith("clause.")}
    # A tenant's other clauses are seen by the interface only, which refuses the second of one code (tests/api/http).
    # How many there may be is a rule over streams (test_cross_rules).
    assert mine == {kind for kind, _, _ in REACHED} | {r.EXISTS, library.LIBRARY_FULL, library.MANDATORY_FULL}
    for kind in mine:
        assert kind.en
        assert re.search("[一-鿿]", kind.zh)


def test_publisher_says_what_was_read() -> None:
    given(c.DRAFTED).when(replace(c.PUBLISH, digest=c.OTHER_DIGEST)).then_refused(
        r.DIGEST_DIFFERS, expected=c.DIGEST, got=c.OTHER_DIGEST
    )


def test_publication_and_withdrawal_may_be_today() -> None:
    given(c.DRAFTED).when(c.PUBLISH).then(c.PUBLISHED)
    today = replace(c.WITHDRAW, withdrawn_from=TODAY)
    state = given(c.DRAFTED, c.PUBLISHED).when(today).then(replace(c.WITHDRAWN, withdrawn_from=TODAY))
    assert state.effective(TODAY) is None


def test_evolve_is_total_and_judges_nothing() -> None:
    mine = {cls for name, cls in EVENT_TYPES.items() if name.startswith("clause.")}
    assert set(CLAUSE.events) == mine == {ClauseDrafted, ClausePublished, ClauseWithdrawn}
    assert all(personal_fields(cls) == () for cls in mine)
    events: tuple[Event, ...] = (c.DRAFTED, c.SECOND_PUBLISHED, c.WITHDRAWN)
    for history in c.HISTORIES.values():
        for event in events:
            assert CLAUSE.evolve(given(*history).state, event).version == len(history) + 1


def test_foreign_events_and_commands_are_errors() -> None:
    with pytest.raises(TypeError, match="expected an event of the aggregate clause"):
        CLAUSE.evolve(given().state, Event())
    with pytest.raises(TypeError, match="expected a command to the aggregate clause"):
        given().when(Command())


def test_difference_names_the_character() -> None:
    found = difference(c.TEXT, c.OTHER_TEXT)
    assert found is not None
    assert found.at == c.TEXT.index("；")
    assert found.expected == "； U+FF1B FULLWIDTH SEMICOLON"
    assert found.got == "， U+FF0C FULLWIDTH COMMA"
    assert found.around.startswith("各方应当先行协商；")


@forall(st.text(max_size=20), st.text(max_size=20))
def test_difference_is_the_first_one(one: str, other: str) -> None:
    found = difference(one, other)
    assert (found is None) == (one == other)
    if found is not None:
        assert one[: found.at] == other[: found.at]
        assert one[found.at : found.at + 1] != other[found.at : found.at + 1]
        assert found.expected.startswith(one[found.at : found.at + 1].rstrip())
