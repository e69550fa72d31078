"""Calendar (营业日历): the business date of a tenant, timers, working days."""
