"""Read models of time: the business day and the timers."""
