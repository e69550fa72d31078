"""Chinese public holidays and the weekend days worked in exchange for them, from the package `chinesecalendar`.

The package (MIT licence, no dependencies) transcribes the notices of the General Office of the State Council, year by
year since 2004, as plain tables. A release follows each new notice; until it is installed, days of the new year are
assumed.
"""

from __future__ import annotations

from datetime import date

from chinese_calendar import constants  # type: ignore[import-untyped]

from domain.calendar.working_days import WORKING_WEEKDAYS, Day, assumed

_HOLIDAYS: dict[date, str] = dict(constants.holidays)
_WORKED: dict[date, str] = dict(constants.workdays)

FIRST_YEAR = min(_HOLIDAYS).year
LAST_YEAR = max(_HOLIDAYS).year
"""First and last year whose holidays are known."""


class ChineseHolidays:
    """The working days of mainland China."""

    def day(self, on: date) -> Day:
        """What this day is: published from `FIRST_YEAR` to `LAST_YEAR`, assumed outside."""
        if not FIRST_YEAR <= on.year <= LAST_YEAR:
            return assumed(on)
        holiday = _HOLIDAYS.get(on, "")
        working = on in _WORKED or (on.weekday() < WORKING_WEEKDAYS and not holiday)
        return Day(on, working, published=True, holiday=holiday)
