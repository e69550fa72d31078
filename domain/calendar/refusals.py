"""Why a calendar says no."""

from __future__ import annotations

from domain.kernel.refusal import refusal

UNKNOWN = refusal("calendar.unknown", "The calendar was never opened", "营业日历尚未开启")
EXISTS = refusal("calendar.exists", "The calendar was opened already", "营业日历已开启")
DAY_NOT_CURRENT = refusal(
    "calendar.day_not_current",
    "Only the current business date can be closed, day by day and forward",
    "只能结束当前营业日，逐日向前",
)
CLOSING = refusal("calendar.closing", "The end of this day has begun already", "本营业日的日终处理已开始")
NOT_CLOSING = refusal("calendar.not_closing", "The end of this day has not begun", "本营业日的日终处理尚未开始")
STEPS_REPEAT = refusal("calendar.steps_repeat", "A step may stand only once in a day", "同一步骤一日内只能出现一次")
STEP_OUT_OF_ORDER = refusal(
    "calendar.step_out_of_order", "The steps of a day are done in their order", "日终步骤必须按顺序执行"
)
STEP_WENT_BACK = refusal("calendar.step_went_back", "A step never counts less than before", "步骤的处理数量不得减少")
STEPS_OPEN = refusal(
    "calendar.steps_open", "A day is closed when all its steps are done", "所有日终步骤完成后才能结束营业日"
)
LAST_DAY = refusal("calendar.last_day", "There is no following day", "不存在下一营业日")
