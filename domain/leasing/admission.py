"""Admission of a lease: pure rules over its plan, its contract and the lessee's consents.

    Offer, Plan, ContractState ──lease_of──▶ CreateLease ──wrong_contract──▶ what differs, by name

A lease's own stream does not know them; `cross_rules` says what is read for it. A contract has one lease: its stream
follows from the contract, so that a second one is the same stream again.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid5

from domain.contracts.contract import refusals as contract_refusals
from domain.contracts.contract.state import IN_FORCE, ContractState
from domain.contracts.contract.values import KeyTerms, PartyRole
from domain.contracts.roots import schedule_digest
from domain.intake.application.state import ApplicationState
from domain.kernel.money import PPM, Rounding, divide
from domain.kernel.refusal import Refusal, refusal
from domain.kernel.values import Business
from domain.leasing.lease.commands import CreateLease
from domain.leasing.policies import CURRENT_POLICY, POLICIES
from domain.leasing.values import DepositMode, DownPaymentTo
from domain.parties.purposes import Purpose
from domain.pricing.offer import Offer
from domain.pricing.plans import Plan
from domain.pricing.schedules import total_of

CONTRACT_DIFFERS = refusal(
    "lease.contract_differs", "The lease is not what its contract says", "租赁内容与合同约定不一致"
)

NOT_OF_ITS_CONTRACT = refusal(
    "lease.not_of_its_contract",
    "A contract has one lease, and its id follows from the contract",
    "一份合同对应一笔租赁，其编号由合同确定",
)
LEASE_OPEN = refusal(
    "application.lease_open",
    "There is a lease of this application that is not settled: end the lease first",
    "该申请已有未结清的租赁，须先结束租赁",
)
LEASE_BEGUN = refusal(
    "application.lease_begun",
    "The lease of this application began: the application is completed, and not given up any more",
    "该申请的租赁已起租，申请应予完成，不得再撤回或失效",
)
LEASE_NOT_BEGUN = refusal(
    "application.lease_not_begun",
    "An application is completed when its lease has begun",
    "租赁起租后租赁申请方可完成",
)
CONTRACT_LEASED = refusal("lease.contract_leased", "The contract has its lease already", "该合同已有对应租赁")

_SAME = (
    *("currency", "deposit_fen", "late_fee_daily_rate", "grace_days", "allocation"),
    *("upfront_fee_fen", "down_payment_fen"),
)
"""Fields that have one name in a lease and in the key terms of its contract."""


def wrong_contract(lease: CreateLease, contract: ContractState) -> Refusal | None:
    """None when a lease is what a contract in force says: plan, lessee, application, and every amount and date."""
    head, terms = contract.head, contract.key_terms
    if head is None or terms is None:
        return contract_refusals.UNKNOWN()
    if contract.phase not in IN_FORCE:
        return contract_refusals.NOT_IN_FORCE(phase=contract.phase)
    lessees = [party.id for party in head.parties if party.role is PartyRole.LESSEE]
    if lease.subject not in lessees:
        return CONTRACT_DIFFERS(field="subject")
    if (lease.plan, lease.plan_digest) != (head.plan, head.plan_digest):
        return CONTRACT_DIFFERS(field="plan")
    if lease.application != contract.application:
        return CONTRACT_DIFFERS(field="application")
    return _wrong_terms(lease, terms)


def _wrong_terms(lease: CreateLease, terms: KeyTerms) -> Refusal | None:
    for name in _SAME:
        if getattr(lease, name) != getattr(terms, name):
            return CONTRACT_DIFFERS(field=name)
    if lease.principal_fen != terms.financed_fen:
        return CONTRACT_DIFFERS(field="principal_fen")
    days = [instalment.due_on for instalment in lease.schedule]
    if (len(days), days[0], days[-1]) != (terms.instalments, terms.first_due_on, terms.last_due_on):
        return CONTRACT_DIFFERS(field="schedule")
    if schedule_digest(lease.schedule) != terms.schedule_digest:
        return CONTRACT_DIFFERS(field="schedule_digest")
    return _wrong_prices(lease, terms)


def _wrong_prices(lease: CreateLease, terms: KeyTerms) -> Refusal | None:
    if lease.business is Business.FINANCE and not _settles_as_agreed(lease, terms):
        return CONTRACT_DIFFERS(field="policy")
    if _last_price_fen(lease) != (terms.buyout_fen or 0):
        return CONTRACT_DIFFERS(field="buyout_fen")
    return CONTRACT_DIFFERS(field="total_cost_fen") if _total_cost_fen(lease) != terms.total_cost_fen else None


def _total_cost_fen(lease: CreateLease) -> int:
    """What the lessee pays in all until the object is its own or goes back: what it was shown, and confirmed."""
    first_fen = lease.down_payment_fen + lease.upfront_fee_fen
    return first_fen + total_of(lease.schedule) + _last_price_fen(lease)


def _settles_as_agreed(lease: CreateLease, terms: KeyTerms) -> bool:
    """Whether settling early costs the share of the remaining principal that the lessee confirmed."""
    policy = POLICIES.get(lease.policy)
    return policy is None or policy.settlement_fee_ppm == Decimal(terms.early_settlement_rate) * PPM


def _last_price_fen(lease: CreateLease) -> int:
    """What the object costs when all rent is paid: the price less the agreed share of the rent, not below the floor."""
    rent_fen = sum(instalment.principal_fen + instalment.interest_fen for instalment in lease.schedule)
    less_fen = divide(rent_fen * lease.buyout_credit_ppm, PPM, Rounding.HALF_UP)
    return max(lease.buyout_floor_fen, lease.buyout_fen - less_fen)


def lease_stream(contract: UUID) -> UUID:
    """The one lease of a contract."""
    return uuid5(contract, "lease")


def needed_consents(plan: Plan, application: ApplicationState | None) -> frozenset[str]:
    """The purposes whose consents a lease on this plan needs.

    Who asked for a person's judgement and got it need not have agreed to decisions by machine (个人信息保护法 24), and
    is not refused for that (个人信息保护法 16).
    """
    purposes = frozenset(plan.consents)
    by_a_person = application is not None and application.judged_by_a_person
    return purposes - {Purpose.AUTOMATED_DECISION} if by_a_person else purposes


def lease_of(
    offer: Offer, plan: Plan, contract: ContractState, stream: UUID, payee: DownPaymentTo = DownPaymentTo.LESSOR
) -> CreateLease:
    """The lease that a contract on this offer is about; `stream` is the contract's, `payee` gets the down payment.

    In a rental with a price at the end, buying earlier costs that price and all rent that is not paid yet.
    """
    head = contract.head
    assert head is not None, "a contract that was assembled has a head"
    lessee = next(party.id for party in head.parties if party.role is PartyRole.LESSEE)
    rental = offer.business.value == Business.RENTAL.value
    end_fen = offer.buyout_fen or 0
    rent_fen = sum(instalment.principal_fen + instalment.interest_fen for instalment in offer.schedule)
    early = rental and offer.buyout_fen is not None
    return CreateLease(
        plan=offer.plan,
        plan_digest=offer.plan_digest,
        business=Business(offer.business.value),
        asset_class=offer.asset_kind.asset_class,
        currency=offer.currency,
        principal_fen=offer.price_fen if rental else offer.financed_fen,
        annual_rate="0" if rental else offer.contract_rate,
        schedule=offer.schedule,
        reference=head.contract,
        deposit_fen=offer.deposit_fen,
        deposit_mode=DepositMode(offer.deposit_mode),
        buyout_fen=rent_fen + end_fen if early else end_fen,
        allocation=plan.allocation,
        late_fee_daily_rate=offer.late_fee_daily_rate,
        grace_days=plan.grace_days,
        policy=CURRENT_POLICY.version,
        bill_lead_days=plan.bill_lead_days,
        buyout_credit_ppm=PPM if early else 0,
        buyout_floor_fen=end_fen if early else 0,
        upfront_fee_fen=offer.upfront_fees_fen,
        down_payment_fen=offer.down_payment_fen,
        down_payment_to=payee,
        application=contract.application,
        contract=stream,
        subject=lessee,
    )
