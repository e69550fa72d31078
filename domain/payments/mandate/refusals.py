"""Why a mandate says no."""

from __future__ import annotations

from domain.kernel.refusal import refusal

UNKNOWN = refusal("mandate.unknown", "There is no such mandate", "代扣授权不存在")
EXISTS = refusal("mandate.exists", "A mandate stands already for this lease", "该租赁已有有效的代扣授权")
CLOSED = refusal("mandate.closed", "The mandate has ended", "代扣授权已终止")
NOT_GRANTED = refusal("mandate.not_granted", "The mandate does not stand", "代扣授权不在有效状态")
NOT_SUSPENDED = refusal("mandate.not_suspended", "The mandate is not suspended", "代扣授权未被暂停")
REFERENCE_PERSONAL = refusal(
    "mandate.reference_personal",
    "The reference looks like an identity or mobile number; personal data never enters the ledger",
    "授权编号疑似身份证号或手机号；个人信息不得进入账本",
)
LEASE_DIFFERS = refusal("mandate.lease_differs", "The mandate belongs to another lease", "代扣授权属于另一笔租赁")
CHANNELS_REPEAT = refusal("mandate.channels_repeat", "A channel stands only once in a policy", "策略中渠道不得重复")
LIMIT_TOO_SMALL = refusal(
    "mandate.limit_too_small",
    "The limit of a debit is below the least amount that the policy collects",
    "单笔限额低于策略的最低扣款金额",
)
VALIDITY_PASSED = refusal("mandate.validity_passed", "The last day of the mandate has passed", "代扣授权的有效期已过")
NOT_YET_EXPIRED = refusal("mandate.not_yet_expired", "The last day of the mandate has not passed", "代扣授权尚未到期")
REFERENCE_DIFFERS = refusal(
    "mandate.reference_differs", "The mandate that stands has another reference", "有效的代扣授权编号与所给不符"
)
BEYOND_LIMIT = refusal(
    "mandate.beyond_limit", "One debit may not ask for more than the lessee allowed", "单笔扣款超过承租人授权的限额"
)
