"""Guards about people: no provider's answer and no decision by machine without the consent that carries it.

    provider asked about a person   third parties (个人信息保护法 23), biometrics (个人信息保护法 29)
    decided by machine              automated decision (个人信息保护法 24)

A case without a person has nobody who could consent. What a consent is for, whom it names and until when it stands is
`domain.parties.consent`; here its streams are found and read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from adapters.gate.streams import Streams
from adapters.postgres.ledger import Guard, Request
from domain.intake.application.rules import REVIEWERS
from domain.intake.application.state import ApplicationState
from domain.kernel.refusal import Refusal
from domain.leasing.admission import wrong_consents
from domain.parties.consent import CONSENT, ConsentState
from domain.parties.permission import MISSING, permits_any
from domain.parties.purposes import Purpose

ConsentStreams = Callable[[UUID, UUID], Awaitable[Sequence[UUID]]]
"""The streams of a person's consents with a tenant, as fresh as the ledger."""


class Consents:
    """The consents of persons, as the ledger has them when it is asked."""

    def __init__(self, streams: Streams, of: ConsentStreams) -> None:
        self._streams = streams
        self._of = of

    async def wrong(self, tenant: UUID, subject: UUID | None, purposes: Iterable[str], on: date) -> Refusal | None:
        """None when a consent stands for each purpose, whoever is named in it; else the first that does not."""
        return wrong_consents(purposes, await self._states(tenant, subject), on)

    def provider_asked(self, purpose: Purpose, use: str | None = None) -> Guard:
        """A guard of commands that record a provider's answer about an applicant: the consent names that provider."""

        async def guard(request: Request, state: ApplicationState) -> Refusal | None:
            if state.subject is None:
                return MISSING(purpose=purpose)
            command: Any = request.command
            consents = await self._states(request.context.tenant, state.subject)
            return permits_any(consents, purpose, command.provider, request.context.business_date, use=use)

        return guard

    async def decided(self, request: Request, state: ApplicationState) -> Refusal | None:
        """A guard of commands that decide a case: a machine needs the person's consent to that, a person none."""
        if decided_by_a_person(state, request.context.actor.role):
            return None
        context = request.context
        return await self.wrong(context.tenant, state.subject, (Purpose.AUTOMATED_DECISION,), context.business_date)

    async def _states(self, tenant: UUID, subject: UUID | None) -> list[ConsentState]:
        if subject is None:
            return []
        states: list[ConsentState] = []
        for stream in await self._of(tenant, subject):
            state = await self._streams.state(CONSENT, stream, tenant)
            states += [] if state is None else [state]
        return states


def decided_by_a_person(state: ApplicationState, role: str) -> bool:
    """Whether a person of the lessor decides a case that was put to a person, or that one looked at on request."""
    return state.judged_by_a_person and role in REVIEWERS
