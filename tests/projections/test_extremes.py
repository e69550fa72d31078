"""Every command with values at the ends of what it accepts, in every phase; and then the aggregate lives on.

Whatever is asked, an aggregate answers with events or a refusal. What it grants is an entry, or is refused for its size
(`event.too_large`); it is read back as it was, and no read model stumbles over it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from chain.entry import EntryTooLarge, draft
from domain.contracts.clause import CLAUSE
from domain.contracts.contract.rules import CONTRACT
from domain.intake.application.rules import APPLICATION
from domain.kernel.command import Command
from domain.kernel.decider import Decider
from domain.kernel.event import Event, decode_body, type_of, validate, without_personal
from domain.kernel.refusal import Refusal
from domain.kernel.times import BEIJING
from domain.leasing.lease.commands import AccrueInterest, AssessLateFees, IssueBill, PostPayment
from domain.leasing.lease.rules.decider import LEASE
from domain.parties.consent import CONSENT
from domain.payments.mandate import MANDATE
from domain.payments.payment.rules import PAYMENT
from domain.registry import AGGREGATES
from projections.engine.folding import fold_batch, keyed
from projections.registry import PROJECTIONS
from tests.domain import cases as applications
from tests.domain.contracts import clauses
from tests.domain.contracts.contract import contracts
from tests.domain.leasing import cases as leases
from tests.domain.parties import consents
from tests.domain.payments import cases as payments
from tests.domain.payments import test_mandate as mandates
from tests.extremes import commands_of, is_accepted, mixed, varied
from tests.given import STREAM, TODAY, body_of, context
from tests.projections.accounting.book_keeping import recorded, stream
from tests.sampling import examples

LAST_DAY = date(2999, 12, 1)
STEPS = 40
Past = tuple[Event, ...]


class Known(Struct, frozen=True):
    """What is known of an aggregate: pasts and commands that fit it."""

    pasts: tuple[Past, ...] = ((),)
    samples: tuple[Command, ...] = ()
    begins: date = TODAY


def _stored(histories: Mapping[Any, Past]) -> tuple[Past, ...]:
    return tuple(tuple(without_personal(event) for event in past) for past in histories.values())


_STEPS = (*leases.PASTS.values(), *leases.SITUATIONS.values())
KNOWN: dict[str, Known] = {
    LEASE.name: Known(tuple(leases.history(*past) for past in _STEPS), leases.SAMPLES, leases.day(200)),
    APPLICATION.name: Known(_stored(applications.HISTORIES), applications.SAMPLES),
    PAYMENT.name: Known(_stored(payments.HISTORIES), payments.SAMPLES),
    CONTRACT.name: Known(_stored(contracts.HISTORIES), contracts.SAMPLES),
    CLAUSE.name: Known(_stored(clauses.HISTORIES), clauses.SAMPLES),
    CONSENT.name: Known(_stored(consents.HISTORIES), consents.SAMPLES),
    MANDATE.name: Known(_stored(mandates.HISTORIES), tuple(mandates.SAMPLES)),
}
COMMANDS = {decider.name: commands_of(decider, KNOWN.get(decider.name, Known()).samples) for decider in AGGREGATES}


class Life:
    """One aggregate, from a past on."""

    def __init__(self, decider: Decider[Any], past: Past, day: date) -> None:
        self.decider, self.day = decider, day
        self.state = decider.initial
        self.happened: list[tuple[date, Event]] = []
        for event in past:
            self._happens(event)

    def _happens(self, event: Event) -> None:
        self.state = self.decider.evolve(self.state, event)
        self.happened.append((self.day, event))

    def asks(self, command: Command, days: int = 0) -> None:
        """Give a command so many days later."""
        self.day = min(LAST_DAY, self.day + timedelta(days=days))
        given = context(business_date=self.day, now=datetime.combine(self.day, time(12), BEIJING))
        answer = self.decider.decide(command, self.state, given)
        if isinstance(answer, Refusal):
            return
        try:
            for event in answer:
                draft(event, given, stream=STREAM, eid=UUID(int=1), cause=UUID(int=2))
        except EntryTooLarge:
            return
        for event in answer:
            validate(event)
            kept = without_personal(event)
            assert decode_body(type_of(kept), body_of(kept)) == kept
            self._happens(kept)

    def is_projected(self) -> None:
        """No read model parks any of its events."""
        told = [(stream(1), datetime.combine(day, time(12), BEIJING), event) for day, event in self.happened]
        events = list(recorded(told))
        for projection in PROJECTIONS:
            folded = fold_batch(projection, {}, keyed(projection, events))
            assert folded.dead_letters == [], projection.name


def ordinary(life: Life, random: Random) -> Command:
    """What happens to a lease by itself, day after day; for every other aggregate one of its commands."""
    if life.decider is not LEASE:
        return random.choice(COMMANDS[life.decider.name])
    worth = life.day - timedelta(days=random.choice((0, 3, 90)))
    payment = UUID(int=random.getrandbits(128), version=4)
    return random.choice(
        (
            IssueBill(number=life.state.next_number),
            AccrueInterest(up_to=life.day),
            AssessLateFees(up_to=life.day),
            PostPayment(payment=payment, amount_fen=random.choice((1, 1_000, 2**53 - 1)), value_date=worth),
        )
    )


def today(command: Command, day: date) -> Command:
    """The command with this day for each that it names."""
    days = {name: day for name in command.__struct_fields__ if isinstance(getattr(command, name), date)}
    return replace(command, **days)


def cases_of(decider: Decider[Any]) -> Iterator[tuple[Past, Command]]:
    """Each command with one field at an end, after each past."""
    changed = [one for command in COMMANDS[decider.name] for one in varied(command) if is_accepted(one)]
    yield from ((past, one) for past in KNOWN.get(decider.name, Known()).pasts for one in changed)


def test_there_is_a_command_of_each_class() -> None:
    missing = {
        cls.__name__
        for one in AGGREGATES
        for cls in set(one.commands) - {type(command) for command in COMMANDS[one.name]}
    }
    assert missing == set()


@pytest.mark.parametrize("decider", AGGREGATES, ids=lambda decider: decider.name)
def test_one_field_at_its_end(decider: Decider[Any]) -> None:
    """Whatever it is, it is answered, and what follows from it later, too."""
    every = list(cases_of(decider))
    random = Random(len(every))
    for past, command in random.sample(every, min(len(every), examples(200))):
        life = Life(decider, past, KNOWN.get(decider.name, Known()).begins)
        before = len(life.happened)
        life.asks(command)
        if len(life.happened) > before:
            for _ in range(STEPS // 5):
                life.asks(ordinary(life, random), random.choice((0, 1, 30)))
            life.is_projected()


@pytest.mark.parametrize("decider", AGGREGATES, ids=lambda decider: decider.name)
@settings(max_examples=examples(8), deadline=None, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=False))
def test_lives_of_fields_at_their_ends(decider: Decider[Any], random: Random) -> None:
    """Many fields at their ends, command after command, over centuries."""
    known = KNOWN.get(decider.name, Known())
    life = Life(decider, random.choice(known.pasts), known.begins)
    for _ in range(STEPS):
        command = ordinary(life, random)
        if random.random() < 0.7:
            command = mixed(random, random.choice(COMMANDS[decider.name]), random.choice((0.1, 0.3, 0.6)))
        if random.random() < 0.4:
            command = today(command, life.day)
        life.asks(command, random.choice((0, 0, 1, 10, 30, 400, 40_000)))
    life.is_projected()
