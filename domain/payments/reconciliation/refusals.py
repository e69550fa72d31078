"""Why a reconciliation says no."""

from __future__ import annotations

from domain.kernel.refusal import refusal

UNKNOWN = refusal("reconciliation.unknown", "No statement was loaded", "尚未载入对账单")
LOADED = refusal("reconciliation.loaded", "The statement of this day was loaded already", "当日对账单已载入")
DAY_AHEAD = refusal(
    "reconciliation.day_ahead", "A statement is of the business date or of a day before", "对账单日期不得晚于营业日"
)
MATCHED = refusal("reconciliation.matched", "The statement was matched already", "对账单已完成匹配")
NOT_MATCHED = refusal("reconciliation.not_matched", "The statement is not matched yet", "对账单尚未匹配")
DOES_NOT_ADD_UP = refusal(
    "reconciliation.does_not_add_up",
    "Matched rows and breaks must account for every row and every fen of both sides",
    "匹配结果与差异必须覆盖双方全部笔数与金额",
)
BREAK_UNKNOWN = refusal("reconciliation.break_unknown", "There is no such break", "差异不存在")
BREAK_RESOLVED = refusal("reconciliation.break_resolved", "The break is resolved already", "差异已处理")
BREAKS_OPEN = refusal(
    "reconciliation.breaks_open", "A run with open breaks cannot be closed", "存在未处理差异，不能结账"
)
CLOSED = refusal("reconciliation.closed", "The reconciliation is closed", "对账已结束")
