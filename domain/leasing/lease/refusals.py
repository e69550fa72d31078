"""Refusals of a lease: every named rule, in both languages, with the statute it rests on.

A rule without a source is a rule of the books or of the tenant's policy, not of the law.
"""

from __future__ import annotations

from domain.kernel.refusal import refusal

# ------------------------------------------------------------------------------------ does the lease allow it

UNKNOWN = refusal("lease.unknown", "There is no such lease", "租赁不存在")
EXISTS = refusal("lease.exists", "The lease exists already", "租赁已存在")
CLOSED = refusal("lease.closed", "The lease is settled", "租赁已结清")
NOT_AWAITING_DELIVERY = refusal(
    "lease.not_awaiting_delivery", "The lease is not waiting for delivery", "租赁不在待交付状态"
)
NOT_ACTIVE = refusal("lease.not_active", "The lease is not running", "租赁未在履行中")
NOT_TERMINATED = refusal(
    "lease.not_terminated", "The asset is taken back after the contract was terminated", "解除合同后方可收回租赁物"
)
NOT_REPOSSESSED = refusal(
    "lease.not_repossessed", "Only a repossessed asset is disposed of", "只有已收回的租赁物可以处置"
)
NOT_ENDED = refusal(
    "lease.not_ended", "Debts are written off after the lease stopped running", "租赁停止履行后方可核销"
)
NOT_A_FINANCE_LEASE = refusal("lease.not_a_finance_lease", "This is for finance leases only", "仅适用于融资租赁")
NOT_A_RENTAL = refusal("lease.not_a_rental", "This is for rentals only", "仅适用于经营性租赁")

# ----------------------------------------------------------------------------------------------------- creation

REFERENCE_PERSONAL = refusal(
    "lease.reference_personal",
    "The reference looks like an identity or mobile number; personal data never enters the ledger",
    "业务编号疑似身份证号或手机号；个人信息不得进入账本",
)
POLICY_UNKNOWN = refusal("lease.policy_unknown", "There is no such version of the policy", "政策版本不存在")
ALLOCATION_INCOMPLETE = refusal(
    "lease.allocation_incomplete", "The allocation names every component once", "冲抵顺序须包含每个组成部分各一次"
)
SCHEDULE_NUMBERS = refusal("lease.schedule_numbers", "Instalments are numbered on without a hole", "租金期次须连续编号")
SCHEDULE_DATES = refusal(
    "lease.schedule_dates", "Instalments fall due one after another, none in the past", "租金到期日须递增且不早于营业日"
)
SCHEDULE_SUM = refusal(
    "lease.schedule_sum", "The instalments do not repay exactly the principal", "租金计划的本金合计须等于应还本金"
)
DEPOSIT_MODE_DIFFERS = refusal(
    "lease.deposit_mode_differs", "The deposit was agreed to be secured otherwise", "押金方式与约定不符"
)
DEPOSIT_OPEN = refusal(
    "lease.deposit_open", "The agreed deposit is neither waived nor held in full", "约定押金尚未免除或足额提供"
)
DEPOSIT_TOO_SMALL = refusal("lease.deposit_too_small", "Less deposit is held than that", "所持押金不足")
DEPOSIT_HELD = refusal("lease.deposit_held", "The deposit was not given back yet", "押金尚未退还")
CAPTURE_EXCEEDS_DEBT = refusal(
    "lease.capture_exceeds_debt", "No more deposit is taken than is owed", "扣收押金不得超过所欠金额"
)
DOWN_PAYMENT_PAYEE_DIFFERS = refusal(
    "lease.down_payment_payee_differs", "The down payment was agreed to go elsewhere", "首付款收款方与约定不符"
)
DOWN_PAYMENT_TOO_LARGE = refusal(
    "lease.down_payment_too_large", "Less than that is open of the down payment", "超过未付首付款"
)
DOWN_PAYMENT_TOO_SMALL = refusal(
    "lease.down_payment_too_small", "Less of the down payment is held than that", "所收首付款不足"
)
DOWN_PAYMENT_OPEN = refusal("lease.down_payment_open", "The down payment was not paid in full", "首付款尚未付清")
DOWN_PAYMENT_HELD = refusal("lease.down_payment_held", "The down payment was not given back yet", "首付款尚未退还")
NOT_DELIVERED = refusal("lease.not_delivered", "The asset was not delivered yet", "租赁物尚未交付")
DELIVERED_ALREADY = refusal("lease.delivered_already", "The asset was delivered already", "租赁物已交付")
DATE_IN_FUTURE = refusal("lease.date_in_future", "That day has not come yet", "日期尚未到来")
BEFORE_DELIVERY = refusal("lease.before_delivery", "That day lies before the delivery", "日期早于交付日")

# ---------------------------------------------------------------------------------------------- bills and money

NOTHING_TO_BILL = refusal("lease.nothing_to_bill", "Every instalment was billed", "全部租金均已出账")
BILL_NOT_NEXT = refusal("lease.bill_not_next", "Another bill comes next", "应出账的不是该期")
BILL_TOO_EARLY = refusal("lease.bill_too_early", "The bill cannot be issued yet", "尚未到出账日")
BILL_UNKNOWN = refusal("lease.bill_unknown", "There is no such bill", "账单不存在")
NOTHING_TO_ACCRUE = refusal("lease.nothing_to_accrue", "No interest was earned since", "没有新增应计利息")
NOTHING_TO_ASSESS = refusal("lease.nothing_to_assess", "No late fee changes", "没有逾期违约金变动")
REFUND_UNKNOWN = refusal("lease.refund_unknown", "No refund with this number went out", "没有该编号的退款")
REFUND_RETURNED_ALREADY = refusal(
    "lease.refund_returned_already", "This refund was taken back already", "该退款已退回入账"
)
PAYMENT_KNOWN = refusal("lease.payment_known", "This payment was posted already", "该付款已入账")
PAYMENT_UNKNOWN = refusal("lease.payment_unknown", "This payment was never posted", "该付款未曾入账")
PAYMENT_REVERSED_ALREADY = refusal(
    "lease.payment_reversed_already", "This payment was reversed already", "该付款已冲正"
)
SUM_TOO_LARGE = refusal(
    "lease.sum_too_large",
    "All money of one lease together is more than books can hold",
    "单笔租赁的收款合计超出账簿上限",
)
CREDIT_TOO_SMALL = refusal("lease.credit_too_small", "There is less credit than that", "可用余额不足")
WAIVER_TOO_LARGE = refusal("lease.waiver_too_large", "Less than that is open of this component", "减免金额超过未付金额")

# --------------------------------------------------------------------------------------------- changes and quotes

NOT_LATER = refusal("lease.not_later", "The new due date is not later", "新到期日未延后")
BILL_PAID = refusal("lease.bill_paid", "Nothing is open of this bill", "该账单已无未付金额")
AS_OF_PASSED = refusal("lease.as_of_passed", "A quote is for today or a day to come", "报价日不得早于营业日")
NO_QUOTE = refusal("lease.no_quote", "No such quote stands", "没有有效报价")
QUOTE_EXPIRED = refusal("lease.quote_expired", "The quote has expired", "报价已失效")
TERM_NOT_OVER = refusal("lease.term_not_over", "Instalments are still to be billed", "租期尚未届满")
TRANSFERRED_ALREADY = refusal("lease.transferred_already", "The claim was transferred already", "债权已转让")
NOTHING_TO_TRANSFER = refusal("lease.nothing_to_transfer", "Nothing is owed or to be billed", "没有可转让的债权")
NOT_TRANSFERRED = refusal("lease.not_transferred", "The claim was not transferred", "债权未转让")
REMITTANCE_TOO_LARGE = refusal(
    "lease.remittance_too_large", "Less than that was collected and not remitted", "超过已代收未划转金额"
)
INVESTOR_OPEN = refusal(
    "lease.investor_open", "What was collected for the investor is not settled", "代收投资人款项尚未结清"
)
BUY_BACK_FIRST = refusal(
    "lease.buy_back_first",
    "The claim was transferred with recourse; it is bought back before it is written off",
    "债权转让附追索权，核销前须先回购",
)

# -------------------------------------------------------------------------------------------------------- default

_demand = "融资租赁解释 5；民法典 722；民法典 752"
"""Two instalments or 15 % and a demand in a finance lease; a demand in a rental."""

NOTHING_OVERDUE = refusal("lease.nothing_overdue", "No rent is overdue", "没有逾期租金")
CURE_TOO_SHORT = refusal(
    "lease.cure_too_short",
    "A demand gives a reasonable period; the policy says how many days that are at least",
    "催告须给予合理期限；最短天数由政策规定",
    _demand,
)
DEFAULT_TOO_SMALL = refusal(
    "lease.default_too_small",
    "Less than two instalments and less than 15 % of all rent are unpaid",
    "欠付租金不足两期且不足全部租金百分之十五",
    "融资租赁解释 5",
)
NO_DEMAND = refusal("lease.no_demand", "The lessee was not called upon to pay", "尚未催告承租人", _demand)
CURE_PERIOD_RUNNING = refusal(
    "lease.cure_period_running",
    "The period to pay after the demand has not passed",
    "催告后的合理期限尚未届满",
    _demand,
)
DEMAND_CURED = refusal("lease.demand_cured", "What was demanded was paid", "催告的租金已付清", _demand)
CURE_EXPIRED_ALREADY = refusal(
    "lease.cure_expired_already", "That the period has passed is recorded already", "催告期限届满已记录"
)
RENTAL_NOT_ACCELERATED = refusal(
    "lease.rental_not_accelerated",
    "All rent at once is asked for in finance leases only; a rental is ended",
    "请求支付全部租金仅适用于融资租赁；经营性租赁可解除合同",
    "民法典 722；民法典 752",
)
REMEDIES_EXCLUDE = refusal(
    "lease.remedies_exclude",
    "All rent at once and the end of the contract exclude each other, and the choice was made",
    "请求支付全部租金与解除合同不得同时主张，已作出选择",
    "民法典 752；融资租赁解释 10",
)
NO_REMEDY = refusal("lease.no_remedy", "The lessor has not chosen this remedy", "出租人尚未选择该救济", "民法典 752")
REMEDY_CHOSEN = refusal(
    "lease.remedy_chosen", "The lessor has chosen a remedy; new terms come too late", "出租人已选择救济，不再变更条件"
)
COSTS_EXCEED_PROCEEDS = refusal(
    "lease.costs_exceed_proceeds", "The costs of a disposal are at most its proceeds", "处置费用不得超过处置所得"
)

# ------------------------------------------------------------------------------------------------------------ end

BALANCE_OPEN = refusal("lease.balance_open", "Bills are still to be paid", "尚有未付账单")
CREDIT_OPEN = refusal("lease.credit_open", "Credit is not settled with the lessee", "承租人余额尚未结清")
NOTHING_OPEN = refusal("lease.nothing_open", "Nothing is owed", "没有欠款")
CLAIM_STANDS = refusal(
    "lease.claim_stands", "The debt is written off in the books only; the claim stands", "欠款仅作账面核销，债权仍在"
)
