"""Refusals of a contract: every named rule, in both languages, with the statute it rests on."""

from __future__ import annotations

from domain.kernel.refusal import refusal

# ----------------------------------------------------------------------------------- does its phase allow it

UNKNOWN = refusal("contract.unknown", "There is no such contract", "合同不存在")
EXISTS = refusal("contract.exists", "The contract exists already", "合同已存在")
CLOSED = refusal("contract.closed", "The contract is over", "合同已终止")
NOT_PRESENTABLE = refusal(
    "contract.not_presentable",
    "A contract is shown before anybody has confirmed all of it",
    "合同只能在确认完成前出示",
)
NOT_PRESENTED = refusal(
    "contract.not_presented", "Only a contract that was shown can be confirmed", "只有已出示的合同可以确认"
)
NOT_ACKNOWLEDGED = refusal(
    "contract.not_acknowledged",
    "Nobody signs before the key terms were shown and confirmed",
    "主要条款出示并逐项确认之前不得签署",
    "民法典 496",
)
NOT_IN_FORCE = refusal("contract.not_in_force", "The contract is not in force", "合同未生效")
IN_FORCE_ALREADY = refusal("contract.in_force_already", "All parties signed already", "各方均已签署")

# ------------------------------------------------------------------------------------------------- assembly

REFERENCE_PERSONAL = refusal(
    "contract.reference_personal",
    "The contract number looks like an identity or mobile number; personal data never enters the ledger",
    "合同编号疑似身份证号或手机号；个人信息不得进入账本",
)
PARTIES_INCOMPLETE = refusal(
    "contract.parties_incomplete", "A contract has one lessor and one lessee", "合同须有一名出租人与一名承租人"
)
PARTY_TWICE = refusal("contract.party_twice", "A party is named twice", "当事人重复")
TERMS_CONTRADICT = refusal("contract.terms_contradict", "The key terms contradict themselves", "主要条款自相矛盾")
FORUM_NOT_EXACT = refusal(
    "contract.forum_not_exact",
    "The forum is blank, more than a line, not in Unicode Normalization Form C, or holds invisible characters",
    "仲裁机构名称为空、不止一行、未按 NFC 规范化或含有不可见字符",
    "UAX #15",
)
CLAUSE_TWICE = refusal("contract.clause_twice", "A clause is named twice", "条款重复")
CLAUSE_UNKNOWN = refusal("contract.clause_unknown", "The library has no such clause version", "条款库中没有该条款版本")
CLAUSE_DIFFERS = refusal("contract.clause_differs", "The clause is not what the library has", "条款摘要与条款库不一致")
CLAUSE_NOT_EFFECTIVE = refusal(
    "contract.clause_not_effective", "The clause version is not in effect yet", "条款版本尚未生效"
)
CLAUSE_WITHDRAWN = refusal("contract.clause_withdrawn", "The clause version was withdrawn", "条款版本已停用")
CLAUSE_OF_OTHER_FORM = refusal(
    "contract.clause_of_other_form",
    "The clause is not written for this form of lease",
    "条款不适用于该业务形式",
)
EVIDENCE_CLAUSE_MISSING = refusal(
    "contract.evidence_clause_missing",
    "No contract is without the clause on how evidence is kept",
    "合同必须包含电子数据存证约定",
    "最高人民法院关于民事诉讼证据的若干规定 94(5)",
)
CLAUSES_MISSING = refusal(
    "contract.clauses_missing", "Clauses that this form of lease needs are missing", "缺少该业务形式的必备条款"
)
LOCK_CLAUSE_DIFFERS = refusal(
    "contract.lock_clause_differs",
    "Key terms and clauses do not agree on whether the device can be locked",
    "主要条款与合同条款关于设备锁定的约定不一致",
    "民法典 496",
)
BUYOUT_CLAUSE_DIFFERS = refusal(
    "contract.buyout_clause_differs",
    "Key terms and clauses do not agree on whether there is a right to buy",
    "主要条款与合同条款关于留购的约定不一致",
    "民法典 757, 759",
)

# -------------------------------------------------------------------------------------------- the ceremony

ROOT_DIFFERS = refusal(
    "contract.root_differs", "This is about other terms than those of the contract", "合同根哈希不一致"
)
DISCLOSURE_INCOMPLETE = refusal(
    "contract.disclosure_incomplete",
    "Not every key term was shown or confirmed",
    "主要条款未全部出示或确认",
    "民法典 496",
)
NOT_A_PARTY = refusal("contract.not_a_party", "Only a party can do this", "非合同当事人")
NOT_ADDRESSED = refusal(
    "contract.not_addressed",
    "This party makes the terms and does not confirm them",
    "该当事人为条款提供方，无需确认",
)
ACKNOWLEDGED_ALREADY = refusal("contract.acknowledged_already", "The party has confirmed already", "该当事人已确认")
SIGNED_ALREADY = refusal("contract.signed_already", "The party has signed already", "该当事人已签署")
OUT_OF_TURN = refusal("contract.out_of_turn", "Somebody else signs first", "未到该当事人签署顺序")
DOCUMENT_DIFFERS = refusal(
    "contract.document_differs",
    "What was signed is not the latest file of the contract",
    "签署文件不是最新合同文件",
    "电子签名法 13",
)
DOCUMENT_UNCHANGED = refusal(
    "contract.document_unchanged", "The file is the same after the signature", "签署后文件未发生变化"
)
SIGNATURE_UNVERIFIED = refusal(
    "contract.signature_unverified",
    "A signature counts as verified only when its file was checked here: hand the signed file in",
    "只有在本系统核验过签署文件后，签名方可记为已核验；请提交已签署的文件",
)

# ----------------------------------------------------------------------------------------------- afterwards

AMENDMENT_PENDING = refusal("contract.amendment_pending", "Another amendment is pending", "尚有未完成的补充协议")
NO_AMENDMENT = refusal("contract.no_amendment", "No amendment is pending", "没有待签署的补充协议")
AMENDMENTS_FULL = refusal(
    "contract.amendments_full", "The contract was amended as often as it may be", "补充协议数量已达上限"
)
AMENDMENT_EMPTY = refusal("contract.amendment_empty", "The amendment changes nothing", "补充协议未作任何变更")
BASIS_MISSING = refusal(
    "contract.basis_missing",
    "A contract in force is void only on the basis of an award, a judgement or an agreement",
    "已生效合同须凭裁决、判决或协议方可认定无效",
    "民法典 143–157",
)
