"""Refusals of a payment: every named rule, in both languages."""

from __future__ import annotations

from domain.kernel.refusal import refusal

UNKNOWN = refusal("payment.unknown", "There is no such payment", "收款不存在")
EXISTS = refusal("payment.exists", "The payment exists already", "收款已存在")
CHANNELS_REPEAT = refusal("payment.channels_repeat", "A channel stands only once in a policy", "策略中渠道不得重复")
ATTEMPT_NOT_CURRENT = refusal(
    "payment.attempt_not_current", "This is not the current attempt", "该笔不是当前的扣款尝试"
)
NOT_UNDER_WAY = refusal("payment.not_under_way", "No attempt is under way", "没有进行中的扣款尝试")
PENDING_ALREADY = refusal("payment.pending_already", "The provider took this attempt already", "渠道已受理该尝试")
OUTCOME_UNRESOLVED = refusal(
    "payment.outcome_unresolved",
    "The outcome of the attempt is unknown; only a query resolves it, and nothing is tried again before",
    "扣款结果未知；须先查询确认，在此之前不得重试",
)
UNKNOWN_ALREADY = refusal("payment.unknown_already", "The outcome is known to be unknown", "扣款结果已标记为未知")
NO_RETRY_SCHEDULED = refusal("payment.no_retry_scheduled", "No further attempt is scheduled", "没有已安排的重试")
RETRY_NOT_DUE = refusal("payment.retry_not_due", "The scheduled attempt is not due yet", "尚未到约定的重试日期")
PAID_ALREADY = refusal("payment.paid_already", "This attempt brought its money already", "该尝试已到账")
VALUE_DATE_FAR = refusal(
    "payment.value_date_far",
    "Money is worth from a day at most a month ahead of the news of it",
    "到账起息日最多晚于通知日一个月",
)
COLLECT_ON_FAR = refusal(
    "payment.collect_on_far",
    "A payment is collected at most a year ahead",
    "约定扣款日最多晚于今日一年",
)
NOT_RECEIVED = refusal("payment.not_received", "No money arrived that could go back", "尚无可退回的到账款项")
CHARGED_BACK_ALREADY = refusal(
    "payment.charged_back_already", "The money of this attempt was taken back already", "该尝试的款项已被撤回"
)
REFUND_KNOWN = refusal("payment.refund_known", "A refund with this number is known", "该编号的退款已登记")
REFUND_NOT_OPEN = refusal("payment.refund_not_open", "No refund with this number is under way", "没有该编号的在途退款")
BEYOND_WISH = refusal(
    "payment.beyond_wish",
    "Without a mandate no more is asked for than the lessee wished to pay",
    "没有代扣授权时，扣款不得超过承租人原定的付款金额",
)
CALLBACK_INCOMPLETE = refusal(
    "payment.callback_incomplete",
    "A success says its amount, value date and reference, a failure its code, a chargeback code and value date",
    "成功回调须含金额、起息日与渠道参考号，失败回调须含原因码，撤回回调须含原因码与起息日",
)
