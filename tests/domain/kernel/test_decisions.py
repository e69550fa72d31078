"""Refusals and deciders: declared once, told in two languages, folded in order."""

from __future__ import annotations

import msgspec
import pytest

from domain.intake.application.decider import APPLICATION
from domain.intake.application.evolve import evolve
from domain.intake.application.state import ApplicationState
from domain.kernel.command import Command, Context
from domain.kernel.decider import DECIDERS, Decider, fold
from domain.kernel.event import Event
from domain.kernel.refusal import REFUSALS, Refusal, refusal
from tests.domain import cases
from tests.domain.intake.scenario import CONTEXT

pytestmark = pytest.mark.usefixtures("registries")


class Grown(Event, frozen=True):
    by: int


class Grow(Command, frozen=True):
    by: int


def _decide(command: Command, state: int, context: Context) -> tuple[Event, ...] | Refusal:
    assert isinstance(command, Grow)
    return (Grown(by=command.by),) * state


def _evolve(state: int, event: Event) -> int:
    assert isinstance(event, Grown)
    return state * 10 + event.by


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
    pot = Decider(name="pot", initial=1, decide=_decide, evolve=_evolve)
    assert DECIDERS["pot"] is pot
    with pytest.raises(ValueError, match="pot is registered already"):
        Decider(name="pot", initial=1, decide=_decide, evolve=_evolve)


def test_fold_goes_in_order_from_any_state() -> None:
    pot = Decider(name="pot", initial=1, decide=_decide, evolve=_evolve)
    assert fold(pot, []) == 1
    assert fold(pot, [Grown(by=2), Grown(by=3)]) == 123
    assert fold(pot, [Grown(by=2)], 0) == 2


def test_commands_events_and_contexts_do_not_change() -> None:
    for value, field in ((Grow(by=1), "by"), (Grown(by=1), "by"), (CONTEXT, "now"), (ApplicationState(), "version")):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(value, field, 2)


def test_commands_take_no_unknown_field() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"by": 1, "bye": 2}, Grow)


def test_other_aggregates_are_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="expected a command to an application, got Grow"):
        APPLICATION.decide(Grow(by=1), APPLICATION.initial, CONTEXT)
    with pytest.raises(TypeError, match="expected an event of an application, got Grown"):
        evolve(APPLICATION.initial, Grown(by=1))


def test_application_is_registered() -> None:
    assert DECIDERS["application"] is APPLICATION
    assert cases.given().decider is APPLICATION
