"""Every problem of the HTTP interface itself: code, status, words. Refusals of rules have their own registry."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from adapters.documents.port import Flaw
from api.http.problems.problem import REFUSAL_STATUS
from api.http.problems.problem import ProblemKind as Kind
from domain.kernel.refusal import REFUSALS

# ------------------------------------------------------------------------------------------------- who asks

KEY_MISSING = Kind(
    "auth.missing", 401, "An API key is needed", "需要 API 密钥",
    "Send Authorization: Bearer <key>.", "请发送 Authorization: Bearer <密钥>。",
)  # fmt: skip
KEY_UNKNOWN = Kind("auth.unknown", 401, "This API key is not valid", "API 密钥无效")
NOT_ALLOWED = Kind("auth.not_allowed", 403, "The role of this key may not do this", "该密钥的角色无权执行此操作")

# ------------------------------------------------------------------------------------------- what is asked for

NO_ROUTE = Kind("route.not_found", 404, "There is nothing at this address", "该地址不存在")
NOT_FOUND = Kind("resource.not_found", 404, "There is no such resource", "资源不存在")
WRONG_METHOD = Kind("route.method", 405, "This address does not take this method", "该地址不支持此方法")
HTTP_ERROR = Kind("http.error", 400, "The request cannot be answered", "无法处理该请求")

# ---------------------------------------------------------------------------------------------- connections

NOT_HTTP = Kind("request.not_http", 400, "What came is not HTTP", "收到的内容不是 HTTP")
HOST = Kind("request.host", 400, "A request names one host", "请求须且只须指明一个主机")
HEAD_LATE = Kind("request.head_late", 408, "The request's head did not come in time", "请求头未在规定时间内到达")
BODY_LATE = Kind("request.body_late", 408, "The request's body did not come in time", "请求体未在规定时间内到达")
HEAD_TOO_LARGE = Kind("request.head_too_large", 431, "The request's head is too large", "请求头过大")
TOO_MANY_CONNECTIONS = Kind("request.connections", 503, "Too many connections are open", "打开的连接过多")

# -------------------------------------------------------------------------------------------------- headers

IDEMPOTENCY_MISSING = Kind(
    "idempotency.missing", 400, "Every POST needs an Idempotency-Key", "每个 POST 请求都需要 Idempotency-Key",
    "Send a fresh random value, and the same one again when you repeat the request.",
    "请发送新的随机值；重试时使用相同的值。",
)  # fmt: skip
IDEMPOTENCY_MALFORMED = Kind(
    "idempotency.malformed", 400, "The Idempotency-Key is not well formed", "Idempotency-Key 格式不正确",
    "1 to 255 visible ASCII characters, bare or as a quoted string (RFC 9651).",
    "1 至 255 个可见 ASCII 字符，可加引号（RFC 9651）。",
)  # fmt: skip
IDEMPOTENCY_PERSONAL = Kind(
    "idempotency.personal", 400, "The Idempotency-Key looks like an identity or mobile number",
    "Idempotency-Key 疑似身份证号或手机号",
    "Keys are kept for ever; use a random value.", "该值将永久保存，请使用随机值。",
)  # fmt: skip
IDEMPOTENCY_REUSED = Kind(
    "idempotency.reused", 422, "The Idempotency-Key was used for another request",
    "Idempotency-Key 已用于其他请求",
)  # fmt: skip
IDEMPOTENCY_IN_FLIGHT = Kind(
    "idempotency.in_flight", 409, "A request with this Idempotency-Key is being handled",
    "使用该 Idempotency-Key 的请求正在处理",
    "Repeat it in a moment to get its outcome.", "请稍后重试以获取结果。",
)  # fmt: skip
PRECONDITION_MALFORMED = Kind(
    "precondition.malformed", 400, "If-Match is not well formed", "If-Match 格式不正确",
    'Send the ETag that you were given, e.g. "3", or *.', '请发送收到的 ETag，例如 "3"，或 *。',
)  # fmt: skip
PRECONDITION_FAILED = Kind(
    "precondition.failed", 412, "The resource is not at the version that was insisted on",
    "资源版本与请求的前提条件不符",
    "Read it again and decide again.", "请重新读取后再作决定。",
)  # fmt: skip
HEADER_INVALID = Kind("header.invalid", 400, "A header is not well formed", "请求头格式不正确")

# -------------------------------------------------------------------------------------------------- payload

TOO_LARGE = Kind("body.too_large", 413, "The body is too large", "请求体过大")
NOT_JSON_TYPE = Kind("body.media_type", 415, "The body must be application/json", "请求体必须为 application/json")
NOT_JSON = Kind("body.not_json", 400, "The body is not one JSON value in UTF-8", "请求体不是 UTF-8 编码的 JSON")
DUPLICATE_MEMBER = Kind(
    "body.duplicate_member", 400, "An object of the body names a member twice", "请求体中的对象包含重复成员"
)
PAYLOAD_INVALID = Kind("body.invalid", 422, "The body does not fit", "请求体不符合要求")
NOT_STORABLE = Kind(
    "body.not_storable", 422, "The ledger cannot hold this payload", "账本无法保存该内容",
    "Text is in Unicode Normalization Form C, one event at most 16 KiB.",
    "文本须为 Unicode NFC 形式，单个事件不超过 16 KiB。",
)  # fmt: skip
QUERY_INVALID = Kind("query.invalid", 422, "The query does not fit", "查询参数不符合要求")
SUBJECT_ERASED = Kind(
    "subject.erased", 409, "The data of this subject was erased; nothing of it can be read or added",
    "该主体的数据已删除，无法读取，也不能再添加",
)  # fmt: skip

CALLBACK_MALFORMED = Kind("callback.malformed", 400, "The callback does not say what it must", "回调内容不符合要求")
CALLBACK_FORGED = Kind("callback.forged", 401, "The provider's signature does not verify", "渠道签名验证失败")
CALLBACK_EARLY = Kind(
    "callback.early", 409, "The money that this takes back is not known yet", "该款项尚未到账，暂不能撤回",
    "Send it again later.", "请稍后重发。",
)  # fmt: skip
# --------------------------------------------------------------------------------------- contracts on paper

NOT_PDF_TYPE = Kind("body.not_pdf_type", 415, "The body must be application/pdf", "请求体必须为 application/pdf")
SCHEDULE_MISSING = Kind(
    "paper.schedule_missing", 409, "The schedule of this contract is known by its digest only",
    "该合同的还款计划仅有摘要",
    "POST it to …/schedule once.", "请先向 …/schedule 提交一次还款计划。",
)  # fmt: skip
SCHEDULE_DIFFERS = Kind(
    "paper.schedule_differs", 409, "This is not the schedule whose digest the contract has",
    "该还款计划与合同所载摘要不一致",
)  # fmt: skip
TEXT_MISSING = Kind(
    "paper.text_missing", 409, "The text of a clause is kept elsewhere; the ledger has its digest only",
    "条款正文另行保存，账本仅有其摘要",
)  # fmt: skip
NO_FONT = Kind(
    "paper.no_font", 503, "No Chinese font is installed to set a contract in", "未安装可用于排版合同的中文字体"
)
SIGNATURES: dict[Flaw, Kind] = {
    Flaw.NOT_A_PDF: Kind("signature.not_a_pdf", 422, "The file is not a PDF that can be read", "文件不是可读取的 PDF"),
    Flaw.UNSIGNED: Kind("signature.unsigned", 422, "Nobody signed the file", "文件未经签署"),
    Flaw.OTHER_SIGNATURES: Kind(
        "signature.other_signatures", 422, "The file has other signatures than those expected", "文件中的签名与预期不符"
    ),
    Flaw.NOT_PADES: Kind("signature.not_pades", 422, "A signature is not a PAdES signature", "签名不是 PAdES 签名"),
    Flaw.CHANGED: Kind(
        "signature.changed", 422, "What was signed, or a signature, was changed", "签署内容或签名已被改动"
    ),
    Flaw.CHANGED_AFTER: Kind(
        "signature.changed_after", 422, "Something was added to the file after it was signed", "文件签署后被添加内容",
        "Behind a signature that certifies the file, signatures must be invisible.",
        "若在先签名为认证签名，其后的签名须为不可见签名。",
    ),
    Flaw.FORBIDS_MORE: Kind(
        "signature.forbids_more", 422, "A signature forbids those of the parties that have still to sign",
        "签名禁止尚未签署的各方签署",
        "Sign without locking the file, and without certifying that nothing may be changed.",
        "签署时请勿锁定文件，也勿使用不允许任何更改的认证签名。",
    ),
    Flaw.UNKNOWN_ROOT: Kind(
        "signature.unknown_root", 422, "The signer's certificate does not lead to a trusted one", "签名证书不受信任",
        "Trusted certificates are files in the directory that LEASELEDGER_TRUST names.",
        "受信任的证书存放于 LEASELEDGER_TRUST 所指目录。",
    ),
    Flaw.EXPIRED: Kind("signature.expired", 422, "The signer's certificate is not valid now", "签名证书不在有效期内"),
    Flaw.REVOKED: Kind("signature.revoked", 422, "The signer's certificate was revoked", "签名证书已被吊销"),
    Flaw.TIME: Kind("signature.time", 422, "The time of a signature cannot be right", "签名时间不合理"),
    Flaw.WRONG_PARTY: Kind(
        "signature.wrong_party", 422, "The certificate does not name the party that signs", "签名证书与签署方不符"
    ),
    Flaw.OTHER_DOCUMENT: Kind(
        "signature.other_document", 422, "What was signed is not a file of this contract",
        "所签署的文件不是该合同的文件",
    ),
    Flaw.TOO_COSTLY: Kind(
        "signature.too_costly", 422, "Checking this file takes more than any contract does",
        "检查该文件的开销超出合同所需",
    ),
}  # fmt: skip
"""What is wrong with a signed file, by the way in which it is."""

# --------------------------------------------------------------------------------------------------- moments

POSITION_AHEAD = Kind(
    "position.ahead", 409, "The ledger has not reached this position or instant", "账本尚未到达该位置或时刻"
)
POSITION_NOT_REACHED = Kind(
    "position.not_reached", 503, "The answer is not as fresh as asked for yet", "数据尚未更新到所请求的位置",
    "Repeat the request in a moment.", "请稍后重试。",
)  # fmt: skip
PAST_TOO_FAR = Kind(
    "position.too_far", 409, "Too much changed since this position to answer at once",
    "自该位置以来变化过多，无法立即回答",
)  # fmt: skip

# --------------------------------------------------------------------------------------------------- our side

READ_MODEL_ABSENT = Kind("projection.unavailable", 503, "This read model is not there yet", "该读模型尚不可用")
PLANS_UNUSABLE = Kind(
    "plans.unusable", 503, "The files of the plan catalogue or of the cost policies cannot be used",
    "产品方案目录或成本政策文件无法使用",
    "`leaseledger doctor` says which file and what is wrong with it.",
    "运行 `leaseledger doctor` 可查看具体文件及问题。",
)  # fmt: skip
DATABASE_NO_ROOM = Kind(
    "database.no_room", 503, "The database has no room; nothing was written", "数据库空间不足，未写入任何内容",
    "Whoever runs the service makes room; repeat it then with the same Idempotency-Key.",
    "请由运维人员腾出空间，之后使用相同的 Idempotency-Key 重试。",
)  # fmt: skip
DATABASE_GONE = Kind("database.unavailable", 503, "The database cannot be reached", "无法连接数据库")
TENANT_DATA_BROKEN = Kind(
    "tenant_data.broken", 503, "A file with the tenant's own figures cannot be read; nothing was written",
    "租户数据文件无法读取，未写入任何内容",
    "Whoever runs the service repairs it; `leaseledger doctor` says which file it is.",
    "请由运维人员修复；`leaseledger doctor` 会指出具体文件。",
)  # fmt: skip
OUTCOME_UNKNOWN = Kind(
    "ledger.outcome_unknown", 503, "Whether this was written is not known", "是否已写入尚不确定",
    "Repeat it with the same Idempotency-Key.", "请使用相同的 Idempotency-Key 重试。",
)  # fmt: skip
STREAM_BUSY = Kind(
    "ledger.busy", 503, "The resource changed again and again meanwhile; nothing was written",
    "资源在处理期间不断变化，未写入任何内容",
    "Repeat it with the same Idempotency-Key.", "请使用相同的 Idempotency-Key 重试。",
)  # fmt: skip
STATE_MOVED = Kind(
    "state.moved", 409, "What the command was judged by changed again and again meanwhile; nothing was written",
    "审核所依据的状态在处理期间不断变化，未写入任何内容",
    "Repeat it with the same Idempotency-Key.", "请使用相同的 Idempotency-Key 重试。",
)  # fmt: skip
CLOSING = Kind("service.closing", 503, "The service is closing; nothing was written", "服务正在关闭，未写入任何内容")
INTERNAL = Kind("service.internal", 500, "Something went wrong on our side", "服务内部错误")

RATE_LIMITED = Kind(
    "rate.limited", 429, "More was asked for than is allowed in this time", "请求过于频繁",
    "Go on after Retry-After.", "请在 Retry-After 之后继续。",
)  # fmt: skip
TOO_MANY_STREAMS = Kind(
    "stream.limit", 429, "Too many event streams of this key or tenant are open", "该密钥或租户打开的事件流过多",
    "Close one, or go on after Retry-After.", "请关闭其中一个，或在 Retry-After 之后继续。",
)  # fmt: skip
STREAMS_FULL = Kind("stream.full", 503, "Too many event streams are open", "打开的事件流过多")

LIMITS: tuple[Kind, ...] = (RATE_LIMITED, TOO_MANY_STREAMS, STREAMS_FULL, TOO_LARGE)
"""Problems that are limits, as measures count them."""

KINDS: tuple[Kind, ...] = (
    *(value for value in list(globals().values()) if isinstance(value, Kind)),
    *SIGNATURES.values(),
)
"""Every kind above, in order."""


# ------------------------------------------------------------------------------------------ what they mean


class Words(Struct, frozen=True):
    """A sentence in both languages."""

    en: str
    zh: str


class ProblemDescription(Struct, frozen=True):
    """What a problem's `type` address shows: the code, the status and the words; the statute where one speaks."""

    code: str
    status: int
    title: Words
    remedy: Words | UnsetType = UNSET
    source: str | UnsetType = UNSET


def descriptions() -> dict[str, ProblemDescription]:
    """Every problem there is by its code: the interface's own and the refusals of all rules."""
    found = {kind.code: _described(kind) for kind in KINDS}
    for rule in REFUSALS.values():
        found[rule.code] = ProblemDescription(
            rule.code, REFUSAL_STATUS, Words(rule.en, rule.zh), UNSET, rule.source or UNSET
        )
    return dict(sorted(found.items()))


def _described(kind: Kind) -> ProblemDescription:
    remedy = Words(kind.help_en, kind.help_zh) if kind.help_en else UNSET
    return ProblemDescription(kind.code, kind.status, Words(kind.en, kind.zh), remedy)
