"""The contract book: one row per contract, as it stands and as it stood at any earlier position.

    contract.assembled ─▶ row ─every later event of the contract─▶ row (state, root, file, signatures, amendments, days)

Terms are those in force, or those being agreed upon; a pending amendment keeps its own until everybody signed it.
The past: rows that have not changed since are taken as they are, all others are folded again from their own streams.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from psycopg import Connection

from domain.contracts.contract import events as e
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import ContractPhase
from domain.contracts.contract.values import ADDRESSED, KeyTerms, Party, PartyRole
from domain.kernel.event import Event
from domain.kernel.fields import INTERNAL, Digest, noun, shown, states
from domain.pricing.parts import Form
from projections.engine.model import Projection, ProjectionError, Recorded, Row
from projections.leasing.lease_book import LEASE_BOOK


class Contract(Row, frozen=True, kw_only=True):
    """One contract. `version` is the number of its events.

    `addressed` counts the parties that standard terms are put to, `acknowledged` those of them that confirmed the
    latest showing, `signed` the signatures under the latest file, whose digest is `document`. `pending` holds the terms
    of the pending amendment. `lessee` and `lessor` are the random ids that the vault knows them by.
    """

    id: UUID
    tenant: UUID
    reference: str
    state: Annotated[str, states(ContractPhase)]
    form: Annotated[str, states(Form)]
    plan: str
    lessee: Annotated[UUID | None, noun("subject")]
    lessor: Annotated[UUID | None, noun("party")]
    application: UUID | None = None
    root: Digest
    document: Annotated[str, shown(Digest | None)] = ""
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
    signed: int = 0
    amendments: int = 0
    amendment_pending: bool = False
    alarms: int = 0
    assembled_on: date
    executed_on: date | None = None
    ended_on: date | None = None
    version: int
    first_position: int
    pending: Annotated[str, INTERNAL] = ""


# --------------------------------------------------------------------------------------------------- fold

Change = dict[str, Any]


class _Terms(Struct, frozen=True):
    """The key terms that a row shows."""

    currency: str
    financed_fen: int
    total_cost_fen: int
    deposit_fen: int
    instalments: int
    apr: str | None
    first_due_on: date
    last_due_on: date


_terms = msgspec.json.Decoder(_Terms).decode


def _terms_of(terms: KeyTerms) -> _Terms:
    return _Terms(*(getattr(terms, name) for name in _Terms.__struct_fields__))


def _assembled(event: e.ContractAssembled, recorded: Recorded) -> Contract:
    return Contract(
        position=recorded.position,
        first_position=recorded.position,
        version=recorded.envelope.seq,
        id=recorded.stream,
        tenant=recorded.tenant,
        reference=event.reference,
        state=ContractPhase.ASSEMBLED.value,
        form=event.form.value,
        plan=event.plan,
        lessee=_one(event.parties, PartyRole.LESSEE),
        lessor=_one(event.parties, PartyRole.LESSOR),
        application=event.application,
        root=event.root,
        parties=len(event.parties),
        addressed=sum(party.role in ADDRESSED for party in event.parties),
        assembled_on=event.assembled_on,
        **msgspec.structs.asdict(_terms_of(event.key_terms)),
    )


def _one(parties: tuple[Party, ...], role: PartyRole) -> UUID | None:
    return next((party.id for party in parties if party.role is role), None)


def _to(phase: ContractPhase, **change: Any) -> Callable[[Contract, Any, Recorded], Change]:
    return lambda row, event, recorded: {"state": phase.value, **change}


def _ended(phase: ContractPhase) -> Callable[[Contract, Any, Recorded], Change]:
    """The end of a contract takes a pending amendment with it."""
    return lambda row, event, recorded: {
        "state": phase.value,
        "ended_on": recorded.envelope.business_date,
        **_NOTHING_PENDING,
    }


_NOTHING_PENDING: Change = {"amendment_pending": False, "pending": ""}


def _presented(row: Contract, event: e.ContractPresented, _: Recorded) -> Change:
    """Whatever was confirmed of an earlier showing counts no more."""
    return {"state": ContractPhase.PRESENTED.value, "document": event.document, "acknowledged": 0, "signed": 0}


def _acknowledged(row: Contract, event: e.DisclosureAcknowledged, _: Recorded) -> Change:
    confirmed = row.acknowledged + 1
    everybody = {"state": ContractPhase.DISCLOSURE_ACKNOWLEDGED.value} if confirmed >= row.addressed else {}
    return {"acknowledged": confirmed, **everybody}


def _signed(row: Contract, event: e.ContractSigned, _: Recorded) -> Change:
    return {
        "state": ContractPhase.PARTIALLY_SIGNED.value, "document": event.signature.signed, "signed": row.signed + 1,
    }  # fmt: skip


def _proposed(row: Contract, event: e.AmendmentProposed, _: Recorded) -> Change:
    pending = msgspec.json.encode(_terms_of(event.key_terms)).decode()
    return {"amendments": event.number, "amendment_pending": True, "pending": pending}


def _amended(row: Contract, event: e.ContractAmended, _: Recorded) -> Change:
    terms = msgspec.structs.asdict(_terms(row.pending)) if row.pending else {}
    return {
        "state": ContractPhase.AMENDED.value, "root": event.root, "document": event.document, "signed": row.parties,
        **terms, **_NOTHING_PENDING,
    }  # fmt: skip


_CHANGES: Mapping[type[Event], Callable[[Contract, Any, Recorded], Change]] = {
    e.ContractPresented: _presented,
    e.DisclosureAcknowledged: _acknowledged,
    e.ContractSigned: _signed,
    e.ContractExecuted: lambda row, event, _: {"state": ContractPhase.EXECUTED.value, "executed_on": event.executed_on},
    e.ContractAnchored: _to(ContractPhase.ANCHORED),
    e.AmendmentProposed: _proposed,
    e.AmendmentSigned: lambda row, event, _: {},
    e.ContractAmended: _amended,
    e.AmendmentLapsed: lambda row, event, _: _NOTHING_PENDING,
    e.TamperAlarmRaised: lambda row, event, _: {"alarms": row.alarms + 1},
    e.TextsConfirmed: lambda row, event, _: {},
    e.ContractTerminated: _ended(ContractPhase.TERMINATED),
    e.ContractFulfilled: _ended(ContractPhase.FULFILLED),
    e.ContractVoided: _ended(ContractPhase.VOID),
}


def fold(row: Contract | None, event: Event, recorded: Recorded) -> Contract | None:
    """The row after one event. Raises `ProjectionError` for a contract that does not begin with its assembly."""
    if isinstance(event, e.ContractAssembled):
        return _assembled(event, recorded)
    if row is None:
        raise ProjectionError(
            f"stream {recorded.stream}: expected contract.assembled first, got {recorded.envelope.type}"
        )
    change = _CHANGES[type(event)](row, event, recorded)
    return replace(row, version=recorded.envelope.seq, position=recorded.position, **change)


CONTRACT_BOOK = Projection(
    name="contract_book",
    version=1,
    row=Contract,
    key=("id",),
    events=frozenset(CONTRACT.events),
    fold=fold,
    indexes=(("tenant", "id"), ("tenant", "reference"), ("tenant", "lessee")),
    fillfactor=70,
)

# ------------------------------------------------------------------------------------------------ queries


_LEASES = "SELECT t.id FROM read.{table} t WHERE t.shard = %s AND t.tenant = %s AND t.contract = %s ORDER BY t.id"


def leases_of(connection: Connection[Any], tenant: UUID, contract: UUID, *, shard: int = 0) -> list[UUID]:
    """The leases that were made of a contract, as far as the lease book has them."""
    query = _LEASES.replace("{table}", LEASE_BOOK.table)
    return [row[0] for row in connection.execute(query.encode(), (shard, tenant, contract)).fetchall()]
