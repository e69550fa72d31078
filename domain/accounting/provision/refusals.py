"""Why provisions say no: rules of the books, not of the law."""

from __future__ import annotations

from domain.kernel.refusal import refusal

POLICY_UNKNOWN = refusal("provision.policy_unknown", "There is no such version of the policy", "政策版本不存在")
NOT_MONTH_END = refusal("provision.not_month_end", "Provisions are recognised at month ends", "减值准备于月末计提")
DATE_IN_FUTURE = refusal("provision.date_in_future", "That day has not come yet", "日期尚未到来")
RECOGNISED_ALREADY = refusal(
    "provision.recognised_already", "Provisions of this month end were recognised", "该月末减值准备已计提"
)
WENT_BACK = refusal("provision.went_back", "A later month end was recognised", "已计提更晚月末的减值准备")
CURRENCY_DIFFERS = refusal("provision.currency_differs", "These provisions are in another currency", "币种不一致")
CLASSES_DIFFER = refusal(
    "provision.classes_differ", "The five classes stand once each, the best first", "五级分类须各列一次并由优至劣"
)
REQUIRED_DIFFERS = refusal(
    "provision.required_differs", "The policy gives another amount for this exposure", "应计提金额与政策计算不符"
)
HELD_TOO_MUCH = refusal(
    "provision.held_too_much",
    "The allowance holds more than was set aside; only month ends fill it",
    "减值准备余额超过已计提金额",
)
