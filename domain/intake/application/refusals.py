"""Refusals of an application: every named rule, in both languages, with the statute it rests on."""

from __future__ import annotations

from domain.kernel.refusal import refusal

# ------------------------------------------------------------------------------------ does the case allow it

UNKNOWN = refusal("application.unknown", "There is no such application", "租赁申请不存在")
EXISTS = refusal("application.exists", "The application exists already", "租赁申请已存在")
CLOSED = refusal("application.closed", "The application is closed", "租赁申请已结束")

NOT_DRAFT = refusal("application.not_draft", "Only a draft can be submitted", "只有草稿可以提交")
NOT_SUBMITTED = refusal(
    "application.not_submitted", "Checks begin on a submitted application", "只有已提交的租赁申请可以开始核验"
)
NOT_QUEUEABLE = refusal(
    "application.not_queueable",
    "Queues are for applications between submission and decision",
    "只有已提交且未决定的租赁申请可以分配队列",
)
NOT_VERIFYING = refusal(
    "application.not_verifying", "The checks of this application are not under way", "租赁申请不在核验中"
)
NOT_CHECKABLE = refusal(
    "application.not_checkable",
    "Check results are taken from the start of the checks until the decision",
    "核验结果只在核验开始至决定之前接收",
)
NOT_DECIDING = refusal(
    "application.not_deciding",
    "Only an application that is being decided can be referred",
    "只有审批中的租赁申请可以转人工",
)
NOT_UNDER_DECISION = refusal(
    "application.not_under_decision",
    "The application is neither being decided nor referred",
    "租赁申请既不在审批中也未转人工",
)
NOT_DECLINABLE = refusal(
    "application.not_declinable",
    "An application is declined between the start of its checks and its approval",
    "租赁申请只能在核验开始后、批准前被拒绝",
)
NOT_DECLINED = refusal(
    "application.not_declined", "An adverse notice follows a decline", "不利决定通知须在拒绝之后发出"
)
OFFERS_NOT_OPEN = refusal(
    "application.offers_not_open",
    "Offers are made while an application is referred or approved",
    "只有已转人工或已批准的租赁申请可以处理报价",
)
NOT_APPROVED = refusal(
    "application.not_approved",
    "Only the offer of an approved application can be accepted",
    "只有已批准租赁申请的报价可以接受",
)
OFFER_NOT_ACCEPTED = refusal(
    "application.offer_not_accepted", "Contracting needs an accepted offer", "签约须先接受报价"
)
NOT_CONTRACTING = refusal(
    "application.not_contracting",
    "Only an application in contracting can be completed",
    "只有签约中的租赁申请可以完成",
)

# ---------------------------------------------------------------------------------------------------- intake

REFERENCE_PERSONAL = refusal(
    "application.reference_personal",
    "The reference looks like an identity or mobile number; personal data never enters the ledger",
    "业务编号疑似身份证号或手机号；个人信息不得进入账本",
)
SUBJECT_MISSING = refusal(
    "application.subject_missing",
    "Personal data needs the person it is about, so that it can be erased",
    "个人信息须注明所属主体，以便日后删除",
)
EXPIRY_PASSED = refusal("application.expiry_passed", "The last business date is in the past", "截止营业日已过")
DOCUMENT_KNOWN = refusal(
    "application.document_known", "A document with this digest was received already", "相同摘要的文件已收到"
)
DOCUMENTS_FULL = refusal(
    "application.documents_full", "The application holds as many documents as it may", "申请资料数量已达上限"
)
DOCUMENT_UNKNOWN = refusal(
    "application.document_unknown", "No document with this digest was received", "未收到该摘要的文件"
)
LANE_UNCHANGED = refusal("application.lane_unchanged", "The application is in this queue already", "租赁申请已在该队列")

# ---------------------------------------------------------------------------------------------- verification

NOT_A_VEHICLE = refusal(
    "application.not_a_vehicle",
    "This check is for vehicles; the application is not for one",
    "该核验仅适用于车辆租赁申请",
)
VIN_INVALID = refusal(
    "application.vin_invalid",
    "The vehicle identification number breaks its own check digit",
    "车辆识别代号校验位不符",
    "GB 16735",
)

# -------------------------------------------------------------------------------------------------- decision

HUMAN_REVIEW_PENDING = refusal(
    "application.human_review_pending",
    "A person was asked to review this application and has not done so yet",
    "已请求人工复核，尚未完成",
    "个人信息保护法 24",
)
HUMAN_REVIEW_REQUESTED_ALREADY = refusal(
    "application.human_review_requested_already", "A human review is under way", "人工复核已在进行"
)
NO_HUMAN_REVIEW = refusal("application.no_human_review", "No human review was asked for", "未请求人工复核")
REVIEWER_NOT_ENTITLED = refusal(
    "application.reviewer_not_entitled",
    "A human review is completed by a person of the lessor",
    "人工复核须由出租方人员完成",
    "个人信息保护法 24",
)
CHECKS_OPEN = refusal(
    "application.checks_open",
    "Required checks did not pass, so a person must judge; refer the application",
    "必要核验未通过，须转人工审核",
)
CURRENCY_DIFFERS = refusal(
    "application.currency_differs", "Terms are in the currency applied for", "方案币种须与申请币种一致"
)
TERMS_DIFFER = refusal(
    "application.terms_differ", "Approval is on the terms that were finalised", "批准方案须与已确定方案一致"
)
NOTICE_ISSUED_ALREADY = refusal(
    "application.notice_issued_already", "The adverse notice was issued already", "不利决定通知已发出"
)

# ---------------------------------------------------------------------------------------------------- offers

OFFER_OUTSTANDING = refusal(
    "application.offer_outstanding",
    "The current offer must be cancelled or declined first",
    "须先撤销或拒绝当前报价",
)
OFFER_SELECTED_ALREADY = refusal(
    "application.offer_selected_already", "An offer is selected and not created yet", "已选定报价，尚未生成"
)
NO_OFFER_SELECTED = refusal("application.no_offer_selected", "No offer is selected", "未选定报价")
TERMS_NOT_FINAL = refusal("application.terms_not_final", "An offer needs final terms", "报价须先确定方案")
TITLE_NOT_EXACT = refusal(
    "application.title_not_exact",
    "The title is blank, not in Unicode Normalization Form C, or holds invisible characters",
    "标题为空、未按 NFC 规范化或含有不可见字符",
    "UAX #15",
)
LANE_NOT_EXACT = refusal(
    "application.lane_not_exact",
    "The queue's name is blank, not in Unicode Normalization Form C, or holds invisible characters",
    "队列名称为空、未按 NFC 规范化或含有不可见字符",
    "UAX #15",
)
TITLE_PERSONAL = refusal(
    "application.title_personal",
    "The title looks like an identity or mobile number; personal data never enters the ledger",
    "报价标题疑似身份证号或手机号；个人信息不得进入账本",
)
NO_OFFER = refusal("application.no_offer", "There is no current offer", "没有当前报价")
OFFER_PRESENTED_ALREADY = refusal(
    "application.offer_presented_already", "The current offer was presented already", "当前报价已送达"
)
OFFER_NOT_PRESENTED = refusal(
    "application.offer_not_presented", "The current offer was not presented yet", "当前报价尚未送达"
)
OFFER_RETURNED_ALREADY = refusal(
    "application.offer_returned_already", "The current offer came back already", "当前报价已返回"
)

# ------------------------------------------------------------------------------------------------ end and work

NOT_YET_EXPIRED = refusal(
    "application.not_yet_expired", "The application's last business date has not passed", "租赁申请尚未到期"
)
WORK_NOT_SCHEDULED = refusal(
    "application.work_not_scheduled", "No work was ever scheduled in this queue", "该队列从未安排工作"
)
