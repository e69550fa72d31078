"""Given facts, when a command is proposed that its aggregate has agreed to, then this rule says no, or none does.

    given({consents_of(PERSON): (consent,)}).when(RecordIdentityVerified(…), state).then_passes()

A rule that asks for more than it is given fails the test, and so does a fact that no rule has asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import domain.registry  # noqa: F401 - rules register themselves
from domain.kernel.command import Command
from domain.kernel.needs import CROSS_RULES, Need, Proposal, Reference, missing
from domain.kernel.refusal import Refusal, RefusalKind
from domain.pricing.offer import Offer
from domain.pricing.quoting import OFFER
from tests.domain.intake.scenario import context

STREAM = UUID(int=0x57)


@dataclass(frozen=True)
class Verdict:
    """What the rules on a command said."""

    refusal: Refusal | None

    def then_passes(self) -> None:
        """No rule says no."""
        assert self.refusal is None, self.refusal.sentence()

    def then_refused(self, kind: RefusalKind, **facts: object) -> None:
        """This rule says no, with exactly these facts where facts are given."""
        assert self.refusal is not None, f"expected {kind.code}, got a pass"
        assert self.refusal.kind is kind, f"expected {kind.code}, got {self.refusal.code}"
        if facts:
            assert dict(self.refusal.facts) == {name: str(value) for name, value in facts.items()}


@dataclass(frozen=True)
class Facts:
    """What would be read; `offer` is what every request is worked out to."""

    known: Mapping[Need, Any]
    offer: Offer | Refusal | None = None
    found: dict[Need, Any] = field(default_factory=dict)

    def when(self, command: Command, state: object, *, stream: UUID = STREAM, **changes: Any) -> Verdict:
        """Have every rule on the command judged, in order; keywords change the context."""
        proposal = Proposal(stream, command, state, context(**changes))
        for rule in CROSS_RULES[type(command)]:
            while needs := missing(rule.needs, proposal, self.found):
                self.found.update({need: self._read(need) for need in needs})
            refusal = rule.judge(proposal, self.found)
            if refusal is not None:
                return Verdict(refusal)
        assert self.known.keys() <= self.found.keys(), "facts that nobody asked for"
        return Verdict(None)

    def _read(self, need: Need) -> Any:
        if isinstance(need, Reference) and need.kind == OFFER:
            assert self.offer is not None, "an offer is worked out that was not given"
            return self.offer
        assert need in self.known, f"a fact is needed that was not given: {need}"
        return self.known[need]


def given(known: Mapping[Need, Any] | None = None, *, offer: Offer | Refusal | None = None) -> Facts:
    """Facts by what is needed."""
    return Facts(known or {}, offer)
