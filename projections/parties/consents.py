"""Consents by person: one row per consent, for whoever asks what somebody agreed to, and for rules.

    consent.requested ─▶ row ─every later event of the consent─▶ row (state, recipients, last day, version, position)

A row says what stands in the stream; whether an act is carried on a day is asked of the stream's own state
(`domain.parties.permission`). Whoever must not miss a consent asks `BY_PERSON`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from domain.kernel.fields import noun, shown, states
from domain.parties.consent import CONSENT, ConsentPhase, ConsentRequested
from domain.parties.purposes import Purpose
from projections.engine.model import StateRow
from projections.engine.pages import Relation
from projections.engine.states import BY_ID, state_projection


class Consent(StateRow, frozen=True, kw_only=True):
    """One consent; `person` is the random id that the vault knows the person by.

    `recipients` and `uses` are codes joined by spaces; `expires_on` is the last day it was asked or granted until,
    `withdrawn_on` the first day without it.
    """

    person: Annotated[UUID, noun("subject")]
    purpose: Annotated[str, states(Purpose)]
    state: Annotated[str, states(ConsentPhase)]
    recipients: Annotated[str, shown(tuple[str, ...])]
    uses: Annotated[str, shown(tuple[str, ...])]
    granted_on: date | None
    expires_on: date
    withdrawn_on: date | None


CONSENTS = state_projection(
    CONSENT,
    Consent,
    name="consents",
    version=2,
    columns={
        "person": lambda state: state.subject,
        "recipients": lambda state: " ".join(state.recipients),
        "uses": lambda state: " ".join(state.uses),
        "granted_on": lambda state: state.periods[0].first if state.periods else None,
        "expires_on": lambda state: state.periods[-1].last if state.periods else state.asked_until,
    },
    indexes=(BY_ID, ("tenant", "person", "first_position")),
)

BY_PERSON = Relation(CONSENTS, ConsentRequested, "person", lambda event: event.subject)
"""The streams of a person's consents."""
