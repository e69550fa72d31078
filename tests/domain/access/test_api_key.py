"""API keys: their text, how long they live, who may make them, which secrets open."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.access import api_key as k
from domain.access.api_key import (
    API_KEY,
    ApiKeyMade,
    ApiKeyRevoked,
    ApiKeyRotated,
    ApiKeyState,
    MakeApiKey,
    RevokeApiKey,
    RotateApiKey,
    accepts,
    acts,
)
from domain.access.key_text import SECRET_BYTES, key_text, presented, stream_of_before
from domain.access.user import USER, UserKind, UserPhase, UserState
from domain.access.values import UserRole
from domain.kernel.command import Actor
from domain.kernel.decider import Answer
from domain.kernel.event import Event
from domain.kernel.needs import Need, StreamState
from domain.kernel.refusal import Refusal
from domain.kernel.times import utc_text
from tests.given import CONTEXT, given

ADMIN = Actor("merchant_admin", "person_" + "a" * 32, "api_key_" + "c" * 32)
HOLDER = UUID(int=7)
NOW = CONTEXT.now
ONE, TWO, THREE = (sha256(text).hexdigest() for text in (b"1", b"2", b"3"))


def events_of(answer: Answer) -> tuple[Event, ...]:
    assert not isinstance(answer, Refusal), answer
    return answer


def at(**later: float) -> str:
    return utc_text(NOW + timedelta(**later))


MAKE = MakeApiKey(
    user=HOLDER, role=UserRole.COLLECTOR, label="till-3", digest=ONE, expires_at=at(days=90), scopes=("collect",)
)
MADE = ApiKeyMade(
    user=HOLDER,
    role=UserRole.COLLECTOR,
    label="till-3",
    digest=ONE,
    expires_at=at(days=90),
    scopes=("collect",),
    by=ADMIN.id,
    vouched=False,
)
ROTATE = RotateApiKey(digest=TWO, previous_until=at(hours=24), expires_at=at(days=180))
ROTATED = ApiKeyRotated(digest=TWO, previous_until=at(hours=24), expires_at=at(days=180), by=ADMIN.id, vouched=False)


def test_a_key_says_whose_it_is_and_who_saw_its_secret() -> None:
    state = given(API_KEY).when(MAKE, actor=ADMIN).then(MADE)
    assert (state.user, state.shown_to, state.scopes) == (HOLDER, (ADMIN.id,), ("collect",))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"expires_at": at(days=367)}, k.LIFE_TOO_LONG),
        ({"expires_at": at()}, k.LIFE_PAST),
        ({"label": "13800138000"}, k.LABEL_PERSONAL),
        ({"role": UserRole.AUDITOR}, k.ROLE_NOT_YOURS),
    ],
)
def test_keys_that_are_not_made(changes: dict[str, object], refusal: object) -> None:
    answer = given(API_KEY).when(replace(MAKE, **changes), actor=ADMIN).answer
    assert answer.kind is refusal  # type: ignore[union-attr]


def test_a_machine_makes_no_keys() -> None:
    robot = Actor("merchant_admin", "machine_" + "a" * 32)
    assert given(API_KEY).when(MAKE, actor=robot).answer.code == "user.person_needed"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("holder", "refusal"),
    [
        (None, k.USER_NOT_ACTIVE),
        (UserState(phase=UserPhase.SUSPENDED, roles=("collector",)), k.USER_NOT_ACTIVE),
        (UserState(phase=UserPhase.ACTIVE, roles=("auditor",)), k.ROLE_NOT_OF_USER),
        (UserState(phase=UserPhase.ACTIVE, roles=("collector",)), None),
    ],
)
def test_a_key_is_of_an_active_user_with_its_role(holder: UserState | None, refusal: object) -> None:
    facts: dict[Need, Any] = {StreamState(USER.name, HOLDER): holder}
    made = given(facts).when(MAKE, ApiKeyState(), actor=ADMIN)
    rotated = given(facts).when(ROTATE, given(API_KEY, MADE).state, actor=ADMIN)
    for verdict in (made, rotated):
        assert (verdict.answer.kind if verdict.answer else None) is refusal


def test_both_secrets_open_while_a_rotation_overlaps() -> None:
    state = given(API_KEY, MADE).when(ROTATE, actor=ADMIN).then(ROTATED)
    assert accepts(state, ONE, NOW)
    assert accepts(state, TWO, NOW)
    later = NOW + timedelta(hours=24)
    assert not accepts(state, ONE, later)
    assert accepts(state, TWO, later)
    assert not accepts(state, THREE, NOW)
    assert not accepts(state, "", NOW)


def test_an_overlap_ends_with_the_life_of_the_secret_before() -> None:
    short = replace(MADE, expires_at=at(hours=1))
    state = given(API_KEY, short).when(ROTATE, actor=ADMIN).then(replace(ROTATED, previous_until=at(hours=1)))
    assert not accepts(state, ONE, NOW + timedelta(hours=1))


def test_rotations_that_are_refused() -> None:
    long = replace(ROTATE, previous_until=at(days=8))
    given(API_KEY, MADE).when(long, actor=ADMIN).then_refused(k.OVERLAP_TOO_LONG)
    given(API_KEY, MADE).when(ROTATE, actor=ADMIN, now=NOW + timedelta(days=90)).then_refused(k.EXPIRED)
    given(API_KEY).when(ROTATE, actor=ADMIN).then_refused(k.UNKNOWN)
    revoked = ApiKeyRevoked(reason="leaked")
    given(API_KEY, MADE).when(RevokeApiKey(reason="leaked"), actor=ADMIN).then(revoked)
    given(API_KEY, MADE, revoked).when(ROTATE, actor=ADMIN).then_refused(k.REVOKED)


def test_a_key_ends_at_its_instant_and_when_it_is_revoked() -> None:
    state = given(API_KEY, MADE).state
    end = NOW + timedelta(days=90)
    assert accepts(state, ONE, end - timedelta(microseconds=1))
    assert not accepts(state, ONE, end)
    assert not accepts(given(API_KEY, MADE, ApiKeyRevoked(reason="leaked")).state, ONE, NOW)
    assert not accepts(ApiKeyState(), "", NOW)


def test_a_key_acts_in_a_role_that_its_user_has() -> None:
    key = given(API_KEY, MADE).state
    active = UserState(phase=UserPhase.ACTIVE, kind=UserKind.PERSON, roles=("collector",))
    assert acts(key, active)
    assert not acts(key, replace(active, roles=("auditor",)))
    assert not acts(key, replace(active, phase=UserPhase.SUSPENDED))


@pytest.mark.parametrize(
    ("maker", "rotator", "vouched"),
    [
        (Actor("operator", "person_" + "e" * 32), None, True),
        (Actor("operator", "person_" + "e" * 32), Actor("collector", f"person_{HOLDER.hex}"), True),
        (Actor("operator", "person_" + "e" * 32), ADMIN, False),
        (ADMIN, Actor("merchant_admin", f"person_{HOLDER.hex}"), False),
        (ADMIN, Actor("operator", "person_" + "e" * 32), False),
    ],
)
def test_a_key_that_somebody_else_saw_stays_so(maker: Actor, rotator: Actor | None, vouched: bool) -> None:
    """A key cannot wash itself: whoever saw one secret of it could have made the next."""
    events = list(events_of(given(API_KEY).when(MAKE, actor=maker).answer))
    if rotator is not None:
        role = "merchant_admin" if rotator.role == "collector" else rotator.role
        events += events_of(given(API_KEY, *events).when(ROTATE, actor=replace(rotator, role=role)).answer)
    state = given(API_KEY, *events).state
    assert state.vouched is vouched
    assert set(state.shown_to) == {maker.id, *([] if rotator is None else [rotator.id])}


def test_an_administrator_ends_no_key_of_an_operator() -> None:
    key = replace(MADE, role=UserRole.OPERATOR)
    given(API_KEY, key).when(RevokeApiKey(reason="x"), actor=ADMIN).then_refused(k.ROLE_NOT_YOURS)


def test_the_programs_own_reason_is_nobody_elses() -> None:
    """A first operator's key that was revoked for it would make the next start print another."""
    given(API_KEY, MADE).when(RevokeApiKey(reason="not_shown"), actor=ADMIN).then_refused(k.REASON_RESERVED)


# ---------------------------------------------------------------------------------------------------------- its text


@for_all(st.uuids(), st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES))
def test_a_key_names_its_stream(stream: UUID, random: bytes) -> None:
    text = key_text(stream, random)
    asked = presented(text)
    assert asked is not None
    assert (asked.stream, asked.digest) == (stream, sha256(text.encode()).hexdigest())
    assert len(text) == 65


@for_all(st.integers(0, 64), st.sampled_from("0aZ_!é"))
def test_one_wrong_character_is_no_key(place: int, char: str) -> None:
    text = key_text(UUID(int=1 << 127), bytes(range(32)))
    changed = text[:place] + char + text[place + 1 :]
    assert (presented(changed) is None) is (changed != text)


def test_numbers_beyond_a_stream_are_no_key() -> None:
    assert presented("llk_" + "z" * 22 + "_" + "0" * 38) is None
    assert presented("") is None
    with pytest.raises(ValueError, match="32 random bytes"):
        key_text(UUID(int=1), b"short")


def test_a_key_of_before_is_found_by_its_digest_for_ever() -> None:
    text = "llk_" + "A" * 43
    asked = presented(text)
    assert asked is not None
    assert asked.stream == stream_of_before(asked.digest) == UUID("16af2dfb-9184-5106-8fe2-1b111a5b2342")


def test_texts_are_for_ever() -> None:
    assert key_text(UUID(int=0), bytes(32)) == "llk_0000000000000000000000_00000000000000000000000000000000" + "2QF85R"
