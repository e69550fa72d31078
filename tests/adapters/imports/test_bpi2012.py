"""The mapping of a bank's rows to commands: one command per row, bursts in a possible order, ids that never change."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.imports import errors
from adapters.imports.bpi2012 import (
    LANES,
    ROLE,
    SYSTEM_ROLE,
    UNKNOWN_RESOURCE,
    ImportedCommand,
    case_digest,
    commands,
    event_id,
    stream_id,
)
from adapters.imports.errors import LogError
from adapters.imports.xes import Case
from domain.intake.application.commands import (
    ApproveApplication,
    CompleteWork,
    DeclineApplication,
    DraftApplication,
    FinaliseTerms,
    ReferApplication,
    ScheduleWork,
    StartWork,
    SubmitApplication,
    WithdrawApplication,
)
from domain.intake.application.rules import APPLICATION
from domain.intake.application.values import Terms
from domain.kernel.command import Actor, Command, Context
from domain.kernel.ids import format_id
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date
from tests.adapters.imports.logs import T0, case

TENANT = UUID("018f0000-0000-7000-8000-000000000001")

WHOLE_LIFE = [
    ("A_SUBMITTED", 0),
    ("A_PARTLYSUBMITTED", 2_000),
    ("W_Afhandelen leads SCHEDULE", 3_000),
    ("W_Afhandelen leads START", 4_000),
    ("A_PREACCEPTED", 6_000),
    ("W_Afhandelen leads COMPLETE", 7_000),
    ("A_ACCEPTED", 8_000),
    ("A_FINALIZED", 10_000),
    ("O_SELECTED", 10_000),
    ("O_CREATED", 12_000),
    ("O_SENT", 14_000),
    ("O_SENT_BACK", 16_000),
    ("O_ACCEPTED", 20_000),
    ("A_ACTIVATED", 20_000),
    ("A_REGISTERED", 20_001),
    ("A_APPROVED", 20_001),
]


def names(some: Case) -> list[str]:
    return [type(imported.command).__name__ for imported in commands(some)]


def mapped(activity: str) -> list[Command]:
    return [imported.command for imported in commands(case([(activity, 0)]))]


def played(some: Case) -> tuple[str, list[str]]:
    """The phase the case ends in, and the codes of its refusals."""
    state, refused = APPLICATION.initial, []
    for imported in commands(some):
        context = Context(
            tenant=TENANT,
            actor=imported.actor,
            correlation=stream_id(some),
            now=imported.at,
            business_date=business_date(imported.at),
        )
        answer = APPLICATION.decide(imported.command, state, context)
        if isinstance(answer, Refusal):
            refused.append(answer.code)
        else:
            for event in answer:
                state = APPLICATION.evolve(state, event)
    return state.phase.value, refused


@pytest.mark.parametrize(
    ("activity", "expected"),
    [
        ("A_SUBMITTED", ["DraftApplication", "SubmitApplication"]),
        ("A_PARTLYSUBMITTED", ["StartVerification"]),
        ("A_PREACCEPTED", ["CompleteVerification"]),
        ("A_ACCEPTED", ["ReferApplication"]),
        ("A_FINALIZED", ["FinaliseTerms"]),
        ("A_APPROVED", ["ApproveApplication"]),
        ("A_REGISTERED", ["StartContracting"]),
        ("A_ACTIVATED", ["CompleteApplication"]),
        ("A_DECLINED", ["DeclineApplication"]),
        ("A_CANCELLED", ["WithdrawApplication"]),
        ("O_SELECTED", ["SelectOffer"]),
        ("O_CREATED", ["CreateOffer"]),
        ("O_SENT", ["PresentOffer"]),
        ("O_SENT_BACK", ["RecordOfferReturned"]),
        ("O_ACCEPTED", ["AcceptOffer"]),
        ("O_CANCELLED", ["CancelOffer"]),
        ("O_DECLINED", ["DeclineOffer"]),
        ("W_Nabellen offertes SCHEDULE", ["ScheduleWork"]),
        ("W_Nabellen offertes START", ["StartWork"]),
        ("W_Nabellen offertes COMPLETE", ["CompleteWork"]),
    ],
)
def test_every_activity_has_its_command(activity: str, expected: list[str]) -> None:
    assert names(case([(activity, 0)])) == expected


def test_a_submission_opens_the_case_and_hands_it_in() -> None:
    assert mapped("A_SUBMITTED") == [
        DraftApplication(
            reference="173688",
            asset_class=mapped_draft().asset_class,
            product="loan",
            channel="import",
            amount_fen=2_000_000,
            currency="EUR",
        ),
        SubmitApplication(),
    ]
    assert mapped_draft().asset_class == "unspecified"


def mapped_draft() -> DraftApplication:
    draft = mapped("A_SUBMITTED")[0]
    assert isinstance(draft, DraftApplication)
    return draft


def test_terms_are_the_requested_amount() -> None:
    terms = Terms(amount_fen=2_000_000, currency="EUR")
    assert mapped("A_FINALIZED") == [FinaliseTerms(terms=terms)]
    assert mapped("A_APPROVED") == [ApproveApplication(terms=terms)]


def test_reasons_say_that_the_log_gives_none() -> None:
    assert mapped("A_DECLINED") == [DeclineApplication(reasons=("import.reason_not_recorded",))]
    assert mapped("A_CANCELLED") == [WithdrawApplication(reason="import.reason_not_recorded")]
    assert mapped("A_ACCEPTED") == [ReferApplication(reasons=("import.offer_to_be_settled",))]


@pytest.mark.parametrize("lane", LANES)
def test_a_lane_keeps_the_banks_own_name(lane: str) -> None:
    rows = [(f"W_{lane} {step}", nth) for nth, step in enumerate(("SCHEDULE", "START", "COMPLETE"))]
    expected = [ScheduleWork(lane=lane), StartWork(lane=lane), CompleteWork(lane=lane)]
    assert [imported.command for imported in commands(case(rows))] == expected
    assert LANES[lane].isascii()
    assert LANES[lane] != lane


def test_every_command_is_valid_as_its_type_declares() -> None:
    rows = [*WHOLE_LIFE, ("O_CANCELLED", 30_000), ("A_DECLINED", 40_000), ("A_CANCELLED", 50_000)]
    for imported in commands(case(rows)):
        plain = msgspec.to_builtins(imported.command)
        assert msgspec.convert(plain, type(imported.command)) == imported.command


def test_time_actor_and_index_are_the_rows_own() -> None:
    some = case(WHOLE_LIFE)
    for imported in commands(some):
        row = some.events[imported.index]
        assert (imported.at, imported.actor.id, imported.actor.role) == (row.at, "112", SYSTEM_ROLE)


def test_a_row_without_a_resource_has_an_unknown_actor() -> None:
    row = msgspec.structs.replace(case([("A_SUBMITTED", 0)]).events[0], resource=None)
    some = Case("1", {"AMOUNT_REQ": "1"}, (row,))
    assert {imported.actor for imported in commands(some)} == {Actor(ROLE, UNKNOWN_RESOURCE)}


@pytest.mark.parametrize(
    ("text", "cents"),
    [("0", 0), ("1", 100), ("20000", 2_000_000), ("20000.5", 2_000_050), ("20000.55", 2_000_055), ("007", 700)],
)
def test_amounts_are_whole_cents(text: str, cents: int) -> None:
    draft = commands(case([("A_SUBMITTED", 0)], amount=text))[0].command
    assert isinstance(draft, DraftApplication)
    assert draft.amount_fen == cents


# ---------------------------------------------------------------------------------------------- refused input


@pytest.mark.parametrize("text", ["", "UNKNOWN", "-1", "1.234", "1e3", "1,5", "١٢", "9" * 14, " 1", "1.", "nan"])
def test_other_amounts_are_named(text: str) -> None:
    with pytest.raises(errors.BadAmount) as caught:
        commands(case([("W_Nabellen offertes START", 0), ("A_SUBMITTED", 1)], amount=text), "log")
    assert str(caught.value).startswith("log, case '173688', event 1: expected AMOUNT_REQ in euros")


@pytest.mark.parametrize(
    "activity",
    ["A_SUBMITTED START", "A_SUBMITTED SUSPEND", "A_UNKNOWN", "W_Nabellen offertes ABORT", "W_Koffie START", "X", "W_"],
)
def test_unknown_activities_are_named(activity: str) -> None:
    with pytest.raises(errors.UnknownActivity) as caught:
        commands(case([("A_SUBMITTED", 0), (activity, 1)]), "log")
    error = caught.value
    assert (error.place.file, error.place.case, error.place.event) == ("log", "173688", 1)
    assert repr(activity.split(maxsplit=1)[0])[:-1] in error.got


@pytest.mark.parametrize("name", ["Jan de Vries", "贷款", "x" * 65, "1\n", "-1"])
def test_a_case_name_that_is_no_reference_is_named(name: str) -> None:
    with pytest.raises(errors.UnusableCaseName):
        commands(case([("A_SUBMITTED", 0)], name=name))


@pytest.mark.parametrize("text", ["", "2011-10-01", "soon", "0001-01-01T00:00:00+02:00", "1969-01-01T00:00:00Z"])
def test_a_registration_that_is_no_instant_is_named(text: str) -> None:
    some = msgspec.structs.replace(case([("A_SUBMITTED", 0)]), attributes={"REG_DATE": text})
    with pytest.raises(errors.BadRegistration):
        stream_id(some)


# ----------------------------------------------------------------------------------------------------- bursts


def test_a_whole_life_is_followed_to_its_end() -> None:
    assert played(case(WHOLE_LIFE)) == ("completed", [])


APPROVAL = ["A_APPROVED", "O_ACCEPTED", "A_REGISTERED", "A_ACTIVATED"]
DECISIONS = st.sampled_from(
    [
        (APPROVAL, "completed"),
        (["O_CANCELLED", "A_CANCELLED"], "withdrawn"),
        (["O_DECLINED", "A_DECLINED"], "declined"),
        (["O_CANCELLED", "A_DECLINED"], "declined"),
        (["O_CANCELLED", "O_SELECTED", "O_CREATED", "O_SENT"], "referred"),
        (["O_CANCELLED", "A_FINALIZED", "O_SELECTED"], "referred"),
    ]
)
WORK = [f"W_Afhandelen leads {step}" for step in ("SCHEDULE", "START", "COMPLETE")]


@st.composite
def bursts(draw: st.DrawFn) -> tuple[list[tuple[str, int]], list[str], str]:
    """A shuffled decision within a second with work rows between, its rows in order, and the end it leads to."""
    rows, end = draw(DECISIONS)
    shuffled = draw(st.permutations(rows))
    for row in draw(st.lists(st.sampled_from(WORK), max_size=3)):
        shuffled.insert(draw(st.integers(0, len(shuffled))), row)
    times = sorted(draw(st.lists(st.integers(0, 1_000), min_size=len(shuffled), max_size=len(shuffled))))
    return list(zip(shuffled, times, strict=True)), rows, end


@given(bursts())
def test_any_order_within_a_burst_gives_the_same_order_of_commands(
    burst: tuple[list[tuple[str, int]], list[str], str],
) -> None:
    shuffled, in_order, end = burst
    before = WHOLE_LIFE[:12]
    some = case([*before, *((activity, 20_000 + at) for activity, at in shuffled)])
    tail = [imported for imported in commands(some) if imported.index >= len(before)]
    decided = [some.events[imported.index].activity for imported in tail]
    assert [activity for activity in decided if not activity.startswith("W_")] == in_order
    assert played(some) == (end, [])
    for place, imported in enumerate(tail):
        row = some.events[imported.index]
        assert imported.at == row.at
        # Work stays where the log has it.
        if row.activity.startswith("W_"):
            assert imported.index == len(before) + place


def test_every_row_gives_its_commands_once() -> None:
    some = case(WHOLE_LIFE)
    assert sorted(imported.index for imported in commands(some)) == [0, *range(len(WHOLE_LIFE))]


@pytest.mark.parametrize(("gap_ms", "together"), [(1_000, True), (1_001, False)])
def test_a_burst_ends_a_second_after_its_first_row(gap_ms: int, together: bool) -> None:
    some = case([("A_ACTIVATED", 0), ("A_APPROVED", gap_ms)])
    assert (names(some)[0] == "ApproveApplication") is together


def test_a_row_belongs_to_the_burst_of_its_first_row_not_of_its_neighbour() -> None:
    some = case([("A_ACTIVATED", 0), ("A_REGISTERED", 700), ("A_APPROVED", 1_400)])
    assert names(some) == ["StartContracting", "CompleteApplication", "ApproveApplication"]


def test_an_old_offer_goes_before_a_new_one_is_selected() -> None:
    rows = [*WHOLE_LIFE[:11], ("O_SELECTED", 30_000), ("O_CANCELLED", 30_000), ("O_CREATED", 32_000)]
    assert names(case(rows))[-3:] == ["CancelOffer", "SelectOffer", "CreateOffer"]
    assert played(case(rows)) == ("referred", [])


# -------------------------------------------------------------------------------------------------------- ids


def test_ids_are_these_and_no_others() -> None:
    """Stored ledgers depend on these: an import of yesterday must be recognised tomorrow."""
    some = case([("A_SUBMITTED", 0), ("A_PARTLYSUBMITTED", 334)])
    imported = commands(some)
    assert format_id("application", stream_id(some)) == "application_0132be7f34007100840baf5602a4ee9b"
    assert [one.command_id.hex for one in imported] == [
        "0132be7f34007c358ab30690a7c6065c",
        "0132be7f34007669a7423656703b9b61",
        "0132be7f354e74a69225ea6006778984",
    ]
    assert event_id(imported[0], 0).hex == "0132be7f34007c358ab30690a7c6065d"
    assert case_digest(some).hex() == "03451cdd4327c9eca46d24fcf60e4e677d638e955f718fd1847fdf3f72a547f3"


def test_the_same_case_gives_the_same_commands() -> None:
    assert commands(case(WHOLE_LIFE)) == commands(case(WHOLE_LIFE))
    assert case_digest(case(WHOLE_LIFE)) == case_digest(case(WHOLE_LIFE))


def test_ids_are_different_for_different_commands_events_cases_and_sources() -> None:
    found: list[UUID] = []
    for source in ("a", "b", "a1"):
        for name in ("1", "11", "173688"):
            some = case(WHOLE_LIFE, name=name)
            found.append(stream_id(some, source))
            for imported in commands(some, source):
                found += [imported.command_id, event_id(imported, 0), event_id(imported, 1)]
    assert len(set(found)) == len(found) == 9 * (1 + 3 * (len(WHOLE_LIFE) + 1))


def test_ids_are_version_7_of_the_rows_own_millisecond() -> None:
    some = case(WHOLE_LIFE)
    for imported in commands(some):
        for value in (imported.command_id, event_id(imported, 3)):
            assert (value.version, value.variant) == (7, "specified in RFC 4122")
            assert value.int >> 80 == round(imported.at.timestamp() * 1_000)
    assert stream_id(some).int >> 80 == round(T0.timestamp() * 1_000)


def test_a_case_without_a_registration_starts_with_its_first_event() -> None:
    some = msgspec.structs.replace(case(WHOLE_LIFE), attributes={"AMOUNT_REQ": "1"})
    assert stream_id(some) == stream_id(case(WHOLE_LIFE))


def test_the_digest_notices_every_change() -> None:
    some = case(WHOLE_LIFE)
    row = some.events[0]
    changed_rows = [
        msgspec.structs.replace(row, activity="A_DECLINED"),
        msgspec.structs.replace(row, transition="START"),
        msgspec.structs.replace(row, at=row.at - timedelta(microseconds=1)),
        msgspec.structs.replace(row, resource=None),
        msgspec.structs.replace(row, resource="null"),
    ]
    variants = [
        some,
        msgspec.structs.replace(some, id="173689"),
        msgspec.structs.replace(some, attributes={**some.attributes, "AMOUNT_REQ": "20001"}),
        msgspec.structs.replace(some, attributes={}),
        msgspec.structs.replace(some, events=some.events[:-1]),
        msgspec.structs.replace(some, events=(*some.events[:-2], some.events[-1], some.events[-2])),
        *(msgspec.structs.replace(some, events=(changed, *some.events[1:])) for changed in changed_rows),
    ]
    assert len({case_digest(variant) for variant in variants}) == len(variants)


def test_the_digest_does_not_depend_on_the_order_of_attributes() -> None:
    some = case(WHOLE_LIFE)
    turned = msgspec.structs.replace(some, attributes=dict(reversed(some.attributes.items())))
    assert case_digest(turned) == case_digest(some)


def test_one_bad_row_leaves_no_half_mapped_case() -> None:
    result: list[ImportedCommand] = []
    with pytest.raises(LogError):
        result = commands(case([*WHOLE_LIFE, ("X", 30_000)]))
    assert result == []
