"""Why a consent says no: every named rule, in both languages, with the statute where one speaks."""

from __future__ import annotations

from domain.kernel.refusal import refusal

# ------------------------------------------------------------------------------------- life of a consent

UNKNOWN = refusal("consent.unknown", "There is no such consent", "同意记录不存在")
EXISTS = refusal("consent.exists", "The consent exists already", "同意记录已存在")
CLOSED = refusal("consent.closed", "The consent is over; ask for a new one", "同意已终止，须重新征得")
NOT_REQUESTED = refusal(
    "consent.not_requested", "Only a consent that was asked for can be answered", "只有已征询的同意可以答复"
)
NOT_GRANTED = refusal("consent.not_granted", "The consent was not granted", "尚未取得同意", "个人信息保护法 13, 14")
NOT_RENEWABLE = refusal(
    "consent.not_renewable",
    "Only a consent that stands or has expired can be renewed",
    "只有有效或已到期的同意可以续期",
)
EXPIRY_PASSED = refusal("consent.expiry_passed", "The last business date is in the past", "截止营业日已过")
NOT_YET_EXPIRED = refusal("consent.not_yet_expired", "The consent's last business date has not passed", "同意尚未到期")
NOT_LATER = refusal("consent.not_later", "A renewal ends later than what it renews", "续期截止日须晚于原截止日")
RENEWALS_FULL = refusal("consent.renewals_full", "The consent was renewed as often as it may be", "续期次数已达上限")
CLAUSE_DIFFERS = refusal(
    "consent.clause_differs",
    "The person was asked in the words of another clause version",
    "授权文本版本与征询时不一致",
    "个人信息保护法 14, 17",
)
BEYOND_REQUEST = refusal(
    "consent.beyond_request",
    "More is granted than the person was asked for",
    "授权范围超出征询范围",
    "个人信息保护法 14",
)
RECIPIENT_TWICE = refusal("consent.recipient_twice", "A recipient or use is named twice", "接收方或用途重复")
USES_MISSING = refusal(
    "consent.uses_missing", "A credit inquiry needs agreed uses", "查询信用信息须约定用途", "征信业管理条例 18"
)
NOT_IN_WRITING = refusal(
    "consent.not_in_writing",
    "This consent is given in writing; the record of it is missing",
    "该同意须为书面形式，缺少书面凭证",
    "征信业管理条例 18, 29",
)

# ----------------------------------------------------------------------------------- what it does not permit

PURPOSE_DIFFERS = refusal(
    "consent.purpose_differs",
    "The consent is for another purpose; each purpose needs its own",
    "同意的目的不符，须取得单独同意",
    "个人信息保护法 14, 23–30",
)
NOT_YET_GRANTED = refusal(
    "consent.not_yet_granted", "The consent did not stand yet on that day", "当日尚未取得同意", "个人信息保护法 13"
)
WITHDRAWN = refusal("consent.withdrawn", "The person took the consent back", "同意已撤回", "个人信息保护法 15")
EXPIRED = refusal("consent.expired", "The consent had run out on that day", "同意在当日已到期", "个人信息保护法 14")
RECIPIENT_NOT_NAMED = refusal(
    "consent.recipient_not_named",
    "The consent does not name this recipient",
    "同意未载明该接收方",
    "个人信息保护法 23; 征信业管理条例 20",
)
USE_NOT_AGREED = refusal(
    "consent.use_not_agreed", "The consent is not for this use", "超出约定用途", "征信业管理条例 18, 20"
)
MISSING = refusal(
    "consent.missing", "No consent for this purpose was given", "缺少该目的所需的同意", "个人信息保护法 13"
)
