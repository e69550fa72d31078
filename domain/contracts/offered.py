"""Key terms of an accepted offer: a contract repeats its offer, its plan and the tenant's own conditions."""

from __future__ import annotations

from uuid import UUID, uuid5

from msgspec import Struct

from domain.contracts.clause import Title
from domain.contracts.contract.values import KeyTerms
from domain.contracts.roots import schedule_digest
from domain.intake.offers import principal_fen
from domain.kernel.refusal import Refusal, refusal
from domain.kernel.values import Rate
from domain.pricing.offer import Offer
from domain.pricing.plans import Plan

CONTRACT_PLAN_DIFFERS = refusal(
    "contract.plan_differs", "The contract is not on the plan as the catalogue has it", "合同与方案目录中的方案不一致"
)
CONTRACT_OFFER_DIFFERS = refusal(
    "contract.offer_differs", "The contract is not what the accepted offer says", "合同与已接受的报价不一致"
)
NOT_OF_ITS_APPLICATION = refusal(
    "contract.not_of_its_application",
    "An application has one contract, and its id follows from the application",
    "一份租赁申请对应一份合同，其编号由租赁申请确定",
)
OFFER_NOT_ACCEPTED = refusal(
    "contract.offer_not_accepted",
    "There is no accepted offer with a plan that the contract could be made of",
    "没有可据以签约的已接受报价",
)
APPLICATION_NOT_CONTRACTING = refusal(
    "contract.application_not_contracting",
    "The application of this contract is not in contracting: nothing is shown, confirmed or signed any more",
    "该合同的租赁申请不在签约中，不得再出示、确认或签署",
)
NOT_THE_PAPER = refusal(
    "contract.not_the_paper",
    "The document is not the paper that was set of this contract: read `document.pdf` again and show that",
    "所出示文件并非本合同已排版的文本，请重新读取 document.pdf 并出示该文件",
)
CONTRACT_IN_FORCE = refusal(
    "application.contract_in_force",
    "All parties signed the contract of this application: end the contract first, by terminating or voiding it",
    "该申请的合同已由各方签署，须先解除合同或宣告其无效",
)
LEASE_NOT_SETTLED = refusal(
    "contract.lease_not_settled",
    "The lease of this contract is not settled: end the lease first, and the contract ends with it",
    "该合同的租赁尚未结清，须先结束租赁，合同随之终止",
)
NOTHING_PERFORMED = refusal(
    "contract.nothing_performed",
    "A contract is fulfilled when its lease began and is settled: this one is terminated instead",
    "租赁起租并结清后合同方为履行完毕；本合同应作终止处理",
)
LIBRARY_TOO_LARGE = refusal(
    "contract.library_too_large",
    "More clauses are mandatory than a contract holds: withdraw some of them",
    "必备条款数量超过一份合同所能容纳的上限，请先停用部分条款",
)
LIBRARY_DIFFERS = refusal(
    "contract.library_differs",
    "What is said of the clause library is not what the ledger has",
    "所附条款库与账本记录不一致",
)


def contract_stream(application: UUID) -> UUID:
    """The contract of an application's accepted offer: one, whoever derives it."""
    return uuid5(application, "contract")


class ContractConditions(Struct, frozen=True, kw_only=True):
    """Conditions of a contract beside its offer and its plan, from the tenant's own terms of business."""

    lock: bool
    forum: Title | None
    early_settlement_rate: Rate


def key_terms_of(offer: Offer, plan: Plan, agreed: ContractConditions) -> KeyTerms:
    """The key terms of a contract on this offer."""
    return KeyTerms(
        currency=offer.currency,
        financed_fen=principal_fen(offer),
        total_cost_fen=offer.total_fen,
        deposit_fen=offer.deposit_fen,
        instalments=len(offer.schedule),
        first_due_on=offer.schedule[0].due_on,
        last_due_on=offer.schedule[-1].due_on,
        apr=None if offer.rates is None else offer.rates.nominal_annual_rate,
        irr=None if offer.rates is None else offer.rates.effective_annual_rate,
        schedule_digest=schedule_digest(offer.schedule),
        lock=agreed.lock,
        late_fee_daily_rate=offer.late_fee_daily_rate,
        grace_days=plan.grace_days,
        allocation=plan.allocation,
        early_settlement_rate=agreed.early_settlement_rate,
        upfront_fee_fen=offer.upfront_fees_fen,
        down_payment_fen=offer.down_payment_fen,
        buyout_fen=offer.buyout_fen,
        forum=agreed.forum,
    )


def wrong_key_terms(terms: KeyTerms, offer: Offer, plan: Plan) -> Refusal | None:
    """None when key terms say what the accepted offer says; lock, forum and early settlement are not the offer's."""
    own = ContractConditions(lock=terms.lock, forum=terms.forum, early_settlement_rate=terms.early_settlement_rate)
    expected = key_terms_of(offer, plan, own)
    for name in KeyTerms.__struct_fields__:
        if getattr(terms, name) != getattr(expected, name):
            return CONTRACT_OFFER_DIFFERS(field=name)
    return None
