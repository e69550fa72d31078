"""Why a clause says no: every named rule, in both languages, with the statute where one speaks."""

from __future__ import annotations

from domain.kernel.refusal import refusal

UNKNOWN = refusal("clause.unknown", "There is no such clause", "条款不存在")
EXISTS = refusal("clause.exists", "The clause exists already; write its next version", "条款已存在，请在其下起草新版本")
OTHER_CLAUSE = refusal("clause.other_clause", "This is another clause's history", "条款编号与既有记录不符")
VERSIONS_FULL = refusal("clause.versions_full", "The clause has as many versions as it may", "条款版本数量已达上限")
FORM_TWICE = refusal("clause.form_twice", "A form of lease is named twice", "适用业务形式重复")
TEXT_OR_DIGEST = refusal(
    "clause.text_or_digest",
    "A draft has either its text or the digest and size of one kept elsewhere",
    "草稿须提供条款正文，或提供另存正文的摘要与长度，二者择一",
)
TEXT_NOT_EXACT = refusal(
    "clause.text_not_exact",
    "The text is blank, not in Unicode Normalization Form C, or holds invisible characters",
    "条款正文为空、未按 NFC 规范化或含有不可见字符",
    "UAX #15",
)
TEXT_TOO_LONG = refusal(
    "clause.text_too_long",
    "The text does not fit into an entry; keep it by its digest",
    "条款正文超出单条记录上限，须以摘要方式另存",
)
TEXT_PERSONAL = refusal(
    "clause.text_personal",
    "The text holds what looks like an identity or mobile number; personal data never enters the ledger",
    "条款正文疑似含有身份证号或手机号；个人信息不得进入账本",
)
UNCHANGED = refusal(
    "clause.unchanged", "The latest version says exactly this already", "与最新版本完全相同，无须新版本"
)
VERSION_UNKNOWN = refusal("clause.version_unknown", "There is no such version", "条款版本不存在")
PUBLISHED_ALREADY = refusal("clause.published_already", "The version was published already", "该版本已发布")
DIGEST_DIFFERS = refusal(
    "clause.digest_differs",
    "What the publisher read is not what was drafted",
    "发布人审阅的文本与草稿不一致",
)
EFFECTIVE_PASSED = refusal(
    "clause.effective_passed", "A clause takes effect today or later", "生效日不得早于当前营业日"
)
NOT_PUBLISHED = refusal("clause.not_published", "Only a published version can be withdrawn", "只有已发布的版本可以停用")
WITHDRAWN_ALREADY = refusal("clause.withdrawn_already", "The version was withdrawn already", "该版本已停用")
WITHDRAWAL_PASSED = refusal(
    "clause.withdrawal_passed", "A clause is withdrawn from today or later", "停用日不得早于当前营业日"
)
