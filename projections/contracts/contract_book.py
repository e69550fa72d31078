"""The contract book: one row per contract, as it stands and as it stood at any earlier position.

    contract.assembled ─▶ row ─every later event of the contract─▶ row (state, root, file, signatures, amendments, days)

Terms are those in force, or those being agreed upon; a pending amendment keeps its own until everybody signed it.
The past: rows that have not changed since are taken as they are, all others are folded again from their own streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from operator import attrgetter
from typing import Annotated, Any
from uuid import UUID

from psycopg import Connection

from domain.contracts.contract import events as e
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import ContractPhase, ContractState
from domain.contracts.contract.values import PartyRole
from domain.kernel.fields import Digest, noun, shown, states
from domain.pricing.parts import Form
from projections.engine.model import Recorded, StateRow
from projections.engine.states import BY_ID, state_projection
from projections.leasing.lease_book import LEASE_BOOK


class Contract(StateRow, frozen=True, kw_only=True):
    """One contract. `version` is the number of its events.

    `addressed` counts the parties that standard terms are put to, `acknowledged` those of them that confirmed the
    latest showing of the contract itself, `signed` the signatures under the latest file, whose digest is `document`.
    `lessee` and `lessor` are the random ids that the vault knows them by.
    """

    reference: str
    state: Annotated[str, states(ContractPhase)]
    form: Annotated[str, states(Form)]
    plan: str
    lessee: Annotated[UUID | None, noun("subject")]
    lessor: Annotated[UUID | None, noun("party")]
    application: UUID | None
    root: Digest
    document: Annotated[str, shown(Digest | None)]
    currency: str
    financed_fen: int
    total_cost_fen: int
    deposit_fen: int
    instalments: int
    apr: str | None
    first_due_on: date
    last_due_on: date
    parties: int
    addressed: int
    acknowledged: int = 0
    signed: int
    amendments: int
    amendment_pending: bool
    alarms: int
    assembled_on: date
    executed_on: date | None
    ended_on: date | None = None


def _one(state: ContractState, role: PartyRole) -> UUID | None:
    return next((party.id for party in state.parties if party.role is role), None)


def _ended(noted: Mapping[str, Any], event: object, recorded: Recorded) -> Mapping[str, Any]:
    return {"ended_on": recorded.envelope.business_date}


_TERMS = (
    "currency", "financed_fen", "total_cost_fen", "deposit_fen", "instalments", "apr", "first_due_on", "last_due_on",
)  # fmt: skip

CONTRACT_BOOK = state_projection(
    CONTRACT,
    Contract,
    name="contract_book",
    version=3,
    columns={
        "reference": attrgetter("head.contract"),
        "form": attrgetter("head.form"),
        "plan": attrgetter("head.plan"),
        "lessee": lambda state: _one(state, PartyRole.LESSEE),
        "lessor": lambda state: _one(state, PartyRole.LESSOR),
        "document": lambda state: "" if state.round is None else state.round.document,
        **{name: attrgetter(f"key_terms.{name}") for name in _TERMS},
        "parties": lambda state: len(state.parties),
        "addressed": lambda state: len(state.addressed()),
        "signed": lambda state: 0 if state.round is None else len(state.round.signed),
        "amendment_pending": lambda state: state.amendment is not None,
    },
    noted={
        e.ContractAssembled: lambda noted, event, recorded: {"assembled_on": event.assembled_on},
        e.ContractPresented: lambda noted, event, recorded: {"acknowledged": 0},
        e.DisclosureAcknowledged: lambda noted, event, recorded: {"acknowledged": noted.get("acknowledged", 0) + 1},
        **dict.fromkeys((e.ContractTerminated, e.ContractFulfilled, e.ContractVoided), _ended),
    },
    indexes=(BY_ID, ("tenant", "reference"), ("tenant", "lessee")),
)

# ------------------------------------------------------------------------------------------------ queries


_LEASES = "SELECT t.id FROM read.{table} t WHERE t.shard = %s AND t.tenant = %s AND t.contract = %s ORDER BY t.id"


def leases_of(connection: Connection[Any], tenant: UUID, contract: UUID, *, shard: int = 0) -> list[UUID]:
    """The leases that were made of a contract, as far as the lease book has them."""
    query = _LEASES.replace("{table}", LEASE_BOOK.table)
    return [row[0] for row in connection.execute(query.encode(), (shard, tenant, contract)).fetchall()]
