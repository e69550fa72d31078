"""Mandates: one row for each lease that has, or had, one.

    mandate.granted ─▶ granted ⇄ suspended ─▶ revoked | expired ─granted again─▶ granted

`policy` is the JSON of the collection policy: what a debit under the mandate follows.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from domain.kernel.fields import shown, states
from domain.kernel.values import canonical_json
from domain.payments.mandate import MANDATE, MandateGranted, MandatePhase
from domain.payments.payment.values import CollectionPolicy
from projections.engine.model import StateRow
from projections.engine.states import BY_ID, state_projection


class Mandate(StateRow, frozen=True, kw_only=True):
    """One mandate: the terms that were granted last, and its state."""

    lease: UUID
    state: Annotated[str, states(MandatePhase)]
    reference: str
    policy: Annotated[str, shown(CollectionPolicy)]
    limit_fen: int | None
    valid_until: date | None
    granted_on: date


MANDATES = state_projection(
    MANDATE,
    Mandate,
    name="mandates",
    version=2,
    columns={"policy": lambda state: canonical_json(state.policy).decode()},
    noted={MandateGranted: lambda noted, event, recorded: {"granted_on": event.granted_on}},
    indexes=(BY_ID, ("tenant", "lease")),
)
