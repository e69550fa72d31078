"""Calendar (营业日历): the ledger's own day of one tenant, moved by explicit commands, never by a clock.

    Absent ─opened(d)─▶ Open(d) ─end_of_day_started(d)─▶ Closing(d) ─step_done × n─▶ ─day_closed(d, d+1)─▶ Open(d+1)

One stream for each tenant, day by day, forward only. A day that is being closed says which steps are left, so that
whoever goes on after a fault knows where. Beside it: `timers` (what is due and its key) and `working_days`.
"""
