"""Rules about the text of a file, whatever its language: what may not stand in any tracked file.

The patterns are put together from pieces, so that this file does not trip over itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.tidy import ratchet
from tests.tidy.rules import Finding

FILE_MAX_LINES = ratchet.limit("file_lines")

TextRule = Callable[[str], Iterator[Finding]]

MARKERS = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")

# Where packages come from is the business of the machine that installs them.
_HOSTS = ("pyp" + "i", "python" + "hosted", "npm" + "js", "crates", "proxy" + r"\.golang")
PACKAGE_HOSTS = re.compile(r"\b(?:" + "|".join(_HOSTS) + r")\.(?:org|com|io|net|dev)\b")

# A path of one person's machine is of no use to another. Mount points of a data directory are not meant.
MACHINE_PATHS = re.compile(r"(?<![\w.}/~$-])/(?:home/\w|root\b|Users/\w|work(?:space|spaces)?/|mnt/|tmp/\w)")

TRACKER = re.compile(r"(?i)(?<![\w-])(?:issue|ticket|pull request|PR)s? ?#?[0-9]+\b")


def too_long(text: str) -> Iterator[Finding]:
    """A file is read in one sitting."""
    if (lines := text.count("\n")) > FILE_MAX_LINES:
        yield FILE_MAX_LINES, f"{lines} lines, at most {FILE_MAX_LINES}"


def left_over(text: str) -> Iterator[Finding]:
    """Unfinished work is in the tracker, not in a comment."""
    yield from _each(MARKERS, text, "a note to oneself")


def names_a_package_host(text: str) -> Iterator[Finding]:
    """No file names the host that packages come from."""
    yield from _each(PACKAGE_HOSTS, text, "the name of a package host")


def names_a_machine(text: str) -> Iterator[Finding]:
    """No file names a path of the machine it was written on."""
    yield from _each(MACHINE_PATHS, text, "a path of one machine")


def names_a_tracker(text: str) -> Iterator[Finding]:
    """A comment says why by itself; a number in a tracker says nothing to a reader."""
    yield from _each(TRACKER, text, "a number of some tracker")


def untidy_whitespace(text: str) -> Iterator[Finding]:
    """Lines end where their text ends; files end with one newline and use no tabs for layout."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.endswith((" ", "\t", "\r")):
            yield number, "white space at the end of the line"
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        yield text.count("\n") + 1, "the file does not end with exactly one newline"


def _each(pattern: re.Pattern[str], text: str, what: str) -> Iterator[Finding]:
    for number, line in enumerate(text.split("\n"), start=1):
        for match in pattern.finditer(line):
            yield number, f"{what}: {match[0]}"
