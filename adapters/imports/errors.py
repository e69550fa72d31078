"""Errors of an event log: one class each, with file, case and event, what was expected and what came."""

from __future__ import annotations

from msgspec import Struct

GOT_MAX_CHARS = 60
"""Longest piece of a foreign file that an error message repeats."""


class Place(Struct, frozen=True):
    """Where in a log: the file, the case (its name, and its number from 1), the event (from 0), as far as known.

    `after_cases` is the number of cases that were begun before a place between two of them.
    """

    file: str
    case: str | None = None
    case_number: int | None = None
    event: int | None = None
    after_cases: int = 0

    def __str__(self) -> str:
        parts = [self.file]
        if self.case is not None:
            number = "" if self.case_number is None else f" (number {self.case_number})"
            parts.append(f"case {shorten(self.case)}{number}")
        elif self.case_number is not None:
            parts.append(f"case number {self.case_number}")
        elif self.after_cases:
            parts.append(f"after case number {self.after_cases}")
        if self.event is not None:
            parts.append(f"event {self.event}")
        return ", ".join(parts)


class LogError(ValueError):
    """An event log that cannot be taken as it is; everything before `place` is unaffected."""

    def __init__(self, place: Place, expected: str, got: str) -> None:
        super().__init__(f"{place}: expected {expected}, got {got}")
        self.place = place
        self.expected = expected
        self.got = got

    @property
    def name(self) -> str:
        """The stable name for reports, e.g. `TruncatedGzip`."""
        return type(self).__name__


class NotGzip(LogError):
    """The name ends in .gz and the content is something else."""


class TruncatedGzip(LogError):
    """The gzip stream stops before its end marker: a download or copy was cut off."""


class BrokenGzip(LogError):
    """The gzip stream is damaged, or something else follows it."""


class NotWellFormed(LogError):
    """The bytes are not well-formed XML (or stop in the middle of it)."""


class NotALog(LogError):
    """Well-formed XML whose root is not `<log>`."""


class ForbiddenDoctype(LogError):
    """A document type: XES has none, and entities are how XML files attack their readers."""


class TooComplex(LogError):
    """Nested deeper, or with more different names, than any log needs."""


class EmptyLog(LogError):
    """A log without a single case."""


class MisplacedTrace(LogError):
    """A `<trace>` that is not directly inside the `<log>`."""


class CaseWithoutName(LogError):
    """A trace without `concept:name`: nobody could say which case it is."""


class CaseWithoutEvents(LogError):
    """A trace in which nothing happens."""


class CaseTooLarge(LogError):
    """One trace larger than the named limit."""


class DuplicateCase(LogError):
    """The same `concept:name` on two traces."""


class DuplicateAttribute(LogError):
    """The same key twice in one trace or event: it cannot be known which value is meant."""


class AttributeTooLarge(LogError):
    """An attribute (or another piece of XML that must be held in memory at once) larger than the named limit."""


class EventWithoutCase(LogError):
    """An `<event>` that is not directly inside a `<trace>`."""


class EventWithoutActivity(LogError):
    """An event without `concept:name`."""


class EventWithoutTimestamp(LogError):
    """An event without `time:timestamp`."""


class BadTimestamp(LogError):
    """A timestamp that is no date-time with an offset, or lies before 1970."""


class TimeGoesBack(LogError):
    """An event before its predecessor in the same case."""


class UnknownActivity(LogError):
    """An activity or transition that the mapping has no command for."""


class UnusableCaseName(LogError):
    """A case name that cannot be an application's reference."""


class BadRegistration(LogError):
    """A registration date that is no date-time with an offset, or lies before 1970."""


class BadAmount(LogError):
    """A requested amount that is not a number of whole cents."""


def shorten(text: str) -> str:
    """A foreign text for an error message: quoted, control characters escaped, cut to `GOT_MAX_CHARS`."""
    return repr(text) if len(text) <= GOT_MAX_CHARS else f"{text[:GOT_MAX_CHARS]!r}… ({len(text)} characters)"
