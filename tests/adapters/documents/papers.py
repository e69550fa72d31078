"""A contract to set and sign: the shipped clauses of a telephone rental, three parties, twelve instalments."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from adapters.documents.document import ClauseLine, ContractDocument, PartyLine
from adapters.documents.port import Signatory
from adapters.reference.clauses import ShippedClause, choose, shipped_clauses
from domain.contracts.contract.events import ContractAssembled
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.state import ContractState
from domain.contracts.contract.values import KeyTerms, Party, PartyRole
from domain.contracts.roots import Head, contract_root, schedule_digest
from domain.kernel.decider import fold
from domain.pricing.parts import Form
from domain.pricing.schedules import Component, Instalment

SIGNED_AT = datetime(2026, 3, 2, 1, 30, 15, tzinfo=UTC)
MADE_ON = date(2026, 3, 2)
REFERENCE = "HT-2026-000173"
KEY_BITS = 2048
"""Smaller keys than in use: making one is a matter of luck and time."""

PARTIES = (
    PartyLine(id=UUID(int=71), role=PartyRole.LESSEE, name="王小明"),
    PartyLine(id=UUID(int=72), role=PartyRole.GUARANTOR, name="李晓燕"),
    PartyLine(id=UUID(int=70), role=PartyRole.LESSOR, name="华东星河设备租赁有限公司"),
)
SIGNATORIES = tuple(Signatory(id=party.id, role=party.role, place=at) for at, party in enumerate(PARTIES))
SCHEDULE = tuple(
    Instalment(
        number=n, due_on=date(2026 + (n + 2) // 12, (n + 2) % 12 + 1, 2), principal_fen=49_991 + n, interest_fen=8_500
    )
    for n in range(1, 13)
)
KEY_TERMS = KeyTerms(
    currency="CNY",
    financed_fen=599_970,
    total_cost_fen=sum(line.total_fen for line in SCHEDULE) + 20_000,
    deposit_fen=0,
    instalments=12,
    first_due_on=SCHEDULE[0].due_on,
    last_due_on=SCHEDULE[-1].due_on,
    apr="0.1377",
    irr="0.14671",
    schedule_digest=schedule_digest(SCHEDULE),
    lock=True,
    late_fee_daily_rate="0.0003",
    grace_days=3,
    allocation=(Component.LATE_FEE, Component.FEE, Component.INTEREST, Component.PRINCIPAL),
    early_settlement_rate="0",
    buyout_fen=20_000,
    forum="华东仲裁委员会",
)


def line(clause: ShippedClause) -> ClauseLine:
    """A shipped clause on paper."""
    return ClauseLine(
        clause=clause.clause,
        version=clause.version,
        title=clause.title,
        text=clause.text,
        digest=clause.reference.digest,
    )


def paper(form: Form = Form.OPERATING, options: tuple[str, ...] = ("device_lock", "buyout")) -> ContractDocument:
    """The contract on paper."""
    clauses = choose(shipped_clauses(), form, options)
    return ContractDocument(
        reference=REFERENCE,
        form=form,
        plan="手机月租·到期留购",
        root=contract_root(head(form), KEY_TERMS, [clause.reference for clause in clauses]),
        made_on=MADE_ON,
        parties=PARTIES,
        key_terms=KEY_TERMS,
        clauses=tuple(map(line, clauses)),
        schedule=SCHEDULE,
        thing=(("租赁物", "智能手机 256 GB，全新"),),
    )


def head(form: Form = Form.OPERATING) -> Head:
    """What stands above its clauses."""
    return Head(
        contract=REFERENCE,
        form=form,
        plan="phone_buyout",
        plan_digest="1" * 64,
        parties=tuple(Party(role=party.role, id=party.id) for party in PARTIES),
    )


def state() -> ContractState:
    """The same contract as its events have it."""
    clauses = tuple(clause.reference for clause in choose(shipped_clauses(), Form.OPERATING, ("device_lock", "buyout")))
    top = head()
    assembled = ContractAssembled(
        reference=REFERENCE,
        form=Form.OPERATING,
        plan=top.plan,
        plan_digest=top.plan_digest,
        parties=top.parties,
        key_terms=KEY_TERMS,
        clauses=clauses,
        evidence_clause=clauses[0],
        root=contract_root(top, KEY_TERMS, clauses),
        assembled_on=MADE_ON,
    )
    return fold(CONTRACT, [assembled])
