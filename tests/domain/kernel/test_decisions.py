"""Refusals and deciders: declared once, told in two languages, folded in order."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationState
from domain.kernel.command import Command, Context
from domain.kernel.decider import ABSENT, DECIDERS, PRESENT, Answer, Decider, Events, Rule, State, fold, without_phase
from domain.kernel.event import Event
from domain.kernel.refusal import REFUSALS, RefusalKind, refusal
from tests.domain import cases
from tests.given import CONTEXT

pytestmark = pytest.mark.usefixtures("registries")


class Grown(Event, frozen=True):
    by: int


class Died(Event, frozen=True):
    pass


class Plant(Command, frozen=True):
    pass


class Grow(Command, frozen=True):
    by: int


class Bury(Command, frozen=True):
    pass


class Pot(State, frozen=True, kw_only=True):
    phase: str = "absent"
    cm: int = 0


GROWING, DEAD = frozenset({"growing"}), frozenset({"dead"})


def _kinds() -> dict[str, RefusalKind]:
    names = ("unknown", "exists", "over", "not_growing", "not_dead", "too_tall")
    return {name: refusal(f"pot.{name}", name, "花盆") for name in names}


def _pot(**changes: Any) -> tuple[Decider[Pot], dict[str, RefusalKind]]:
    """A plant that dies of growing to a metre; without words of its own for "unknown" and "over" unless it has them."""
    kinds = _kinds()

    def grow(command: Grow, state: Pot, context: Context) -> Answer:
        return kinds["too_tall"](cm=state.cm) if command.by > 100 else (Grown(by=command.by),)

    def consequences(events: Events, state: Pot, context: Context) -> Events:
        return (Died(),) if state.cm + sum(one.by for one in events if isinstance(one, Grown)) >= 100 else ()

    settings: dict[str, Any] = {"unknown": kinds["unknown"], "closed": (DEAD, kinds["over"])} | changes
    pot = Decider(
        name="pot",
        initial=Pot(),
        rules={
            Plant: Rule(ABSENT, without_phase(kinds["exists"]), lambda *_: (Grown(by=1),)),
            Grow: Rule(GROWING, kinds["not_growing"], grow),
            Bury: Rule(DEAD, kinds["not_dead"], lambda *_: ()),
        },
        evolve={
            Grown: lambda state, event: replace(state, phase="growing", cm=state.cm * 10 + event.by),
            Died: lambda state, event: replace(state, phase="dead"),
        },
        consequences=consequences,
        **settings,
    )
    return pot, kinds


@pytest.mark.parametrize("code", ["", "full", "pot.", "Pot.full", "pot.full.now", "pot.full ", "pot full"])
def test_malformed_code_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="expected <aggregate>"):
        refusal(code, "The pot is full", "花盆已满")


def test_code_is_declared_once() -> None:
    kind = refusal("pot.full", "The pot is full", "花盆已满")
    assert REFUSALS["pot.full"] is kind
    with pytest.raises(ValueError, match="declared already"):
        refusal("pot.full", "The pot is too full", "花盆太满")


def test_refusal_carries_its_facts_in_both_languages() -> None:
    kind = refusal("pot.full", "The pot is full", "花盆已满", "园艺法 1")
    said = kind(limit=3, height_cm=40)
    assert (said.code, said.kind.source) == ("pot.full", "园艺法 1")
    assert said.facts == (("limit", "3"), ("height_cm", "40"))
    assert said.sentence() == "The pot is full (limit=3, height_cm=40)"
    assert said.sentence("zh") == "花盆已满 (limit=3, height_cm=40)"
    assert kind().sentence() == "The pot is full"


def test_refusals_are_values() -> None:
    kind = refusal("pot.full", "The pot is full", "花盆已满")
    assert kind(limit=3) == kind(limit=3) != kind(limit=4)
    assert hash(kind(limit=3)) == hash(kind(limit=3))


def test_aggregate_is_registered_once() -> None:
    pot, _ = _pot()
    assert DECIDERS["pot"] is pot
    with pytest.raises(ValueError, match="pot is registered already"):
        Decider(name="pot", initial=Pot(), rules={}, evolve={})


def test_commands_and_events_are_those_of_the_tables() -> None:
    pot, _ = _pot()
    assert (pot.commands, pot.events) == ((Plant, Grow, Bury), (Grown, Died))


def test_fold_goes_in_order_from_any_state_and_counts() -> None:
    pot, _ = _pot()
    assert fold(pot, []) == Pot()
    assert fold(pot, [Grown(by=2), Grown(by=3)]) == Pot(version=2, phase="growing", cm=23)
    assert fold(pot, [Grown(by=2)], Pot(version=7, cm=1)) == Pot(version=8, phase="growing", cm=12)


GROWN, DIED = Pot(version=1, phase="growing", cm=1), Pot(version=2, phase="dead", cm=100)


@pytest.mark.parametrize(
    ("command", "state", "kind", "facts"),
    [
        (Grow(by=1), Pot(), "unknown", {}),
        (Bury(), Pot(), "unknown", {}),
        (Plant(), GROWN, "exists", {}),
        (Plant(), DIED, "exists", {}),
        (Grow(by=1), DIED, "over", {"phase": "dead"}),
        (Bury(), GROWN, "not_dead", {"phase": "growing"}),
        (Grow(by=101), GROWN, "too_tall", {"cm": 1}),
    ],
)
def test_refusals_come_in_one_order(command: Command, state: Pot, kind: str, facts: dict[str, object]) -> None:
    """Existence, the end, the phase, the command's own rules; what begins or follows an end does not meet the end."""
    pot, kinds = _pot()
    assert pot.decide(command, state, CONTEXT) == kinds[kind](**facts)


def test_without_words_of_its_own_the_phase_alone_refuses() -> None:
    pot, kinds = _pot(unknown=None, closed=None)
    assert pot.decide(Grow(by=1), Pot(), CONTEXT) == kinds["not_growing"](phase="absent")
    assert pot.decide(Grow(by=1), DIED, CONTEXT) == kinds["not_growing"](phase="dead")


def test_what_is_granted_has_consequences_and_a_refusal_none() -> None:
    pot, kinds = _pot()
    assert pot.decide(Plant(), Pot(), CONTEXT) == (Grown(by=1),)
    assert pot.decide(Grow(by=99), GROWN, CONTEXT) == (Grown(by=99), Died())
    assert pot.decide(Grow(by=101), replace(GROWN, cm=99), CONTEXT) == kinds["too_tall"](cm=99)


def test_aggregate_without_phases_is_absent_or_present() -> None:
    kind = refusal("pot.gone", "There is no pot", "没有花盆")
    plain = Decider(
        name="plain_pot",
        initial=State(),
        rules={Plant: Rule(ABSENT, kind, lambda *_: ()), Bury: Rule(PRESENT, kind, lambda *_: ())},
        evolve={Grown: lambda state, event: state},
    )
    planted = fold(plain, [Grown(by=1)])
    assert plain.decide(Plant(), State(), CONTEXT) == plain.decide(Bury(), planted, CONTEXT) == ()
    assert plain.decide(Bury(), State(), CONTEXT) == kind(phase="absent")
    assert plain.decide(Plant(), planted, CONTEXT) == kind(phase="present")


def test_commands_events_and_contexts_do_not_change() -> None:
    for value, field in ((Grow(by=1), "by"), (Grown(by=1), "by"), (CONTEXT, "now"), (ApplicationState(), "version")):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(value, field, 2)


def test_commands_take_no_unknown_field() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"by": 1, "bye": 2}, Grow)


def test_other_aggregates_are_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="expected a command to the aggregate application, got Grow"):
        APPLICATION.decide(Grow(by=1), APPLICATION.initial, CONTEXT)
    with pytest.raises(TypeError, match="expected an event of the aggregate application, got Grown"):
        APPLICATION.evolve(APPLICATION.initial, Grown(by=1))


def test_application_is_registered() -> None:
    assert DECIDERS["application"] is APPLICATION
    assert cases.given().decider is APPLICATION
