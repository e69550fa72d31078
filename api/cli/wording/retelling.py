"""Sentences that others composed in English, told again in the reader's language.

    sentence ─one of the known forms─▶ text(form, …), its parts told again as well

Forms are tried in their order; a sentence of no known form stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from api.language import Language, current, message, text

_FORMS = (
    message("Usage: {command}"),
    message("Try '{command}' for help."),
    message("Error: {what}"),
    message("{what}. Did you mean {others}?"),
    message("Invalid value for {option}: {what}"),
    message("Invalid value: {what}"),
    message("Missing option {option}."),
    message("Missing argument {option}."),
    message("Missing command."),
    message("No such option: {option} (Possible options: {others})"),
    message("No such option: {option}"),
    message("No such command {option}."),
    message("No such command {option}"),
    message("Option {option} does not take a value."),
    message("Option {option} requires an argument."),
    message("Got unexpected extra argument(s) ({option})"),
    message("Value error, {what}"),
    message("{value} does not match the formats {formats}."),
    message("Input should be less than or equal to {limit}"),
    message("Input should be greater than or equal to {limit}"),
    message("Input should be a valid integer, {what}"),
    message("Input should be a valid integer"),
    message("Input should be a valid UUID, {what}"),
    message("unable to parse string as an integer"),
    message("{file}.json: {what}"),
    message("{what} - at `key` in `{place}`"),
    message("{what} - at `{place}`"),
    message("Expected `{kind}`, got `{other}`"),
    message("Expected `{kind}` {limit}"),
    message("of length {limit}"),
    message("matching regex '{pattern}'"),
    message("Object missing required field `{field}`"),
    message("Object contains unknown field `{field}`"),
    message("Invalid enum value"),
    message("Invalid value"),
    message("Invalid UUID"),
    message("Input data was truncated"),
    message("JSON is malformed: {what} (byte {number})"),
    message("object keys must be strings"),
    message("invalid character"),
    message("trailing characters"),
    message("expected ':'"),
    message("expected ',' or '}'"),
    message("expected ',' or ']'"),
    message("trailing comma in object"),
    message("trailing comma in array"),
    message("invalid number"),
    message("{what}: expected {expected}, got {got}; {more}"),
    message("{what}: expected {expected}, got {got}"),
    message("expected {expected}, got {got}; {more}"),
    message("expected {expected}, got {got}"),
    message("No such file or directory"),
    message("Permission denied"),
    message("Is a directory"),
    message("Address already in use"),
    message("Name or service not known"),
    message("run chmod 600 on it"),
    message("set the origin it was made with"),
    message("the log {origin}"),
    message("at most {limit}"),
    message("a ledger that holds events"),
    message("an empty one"),
    message("data directory"),
    message("a name in UTF-8 without control characters"),
    message("mode {mode}"),
)

_CODES = frozenset({"field", "place", "kind", "other", "pattern", "number"})
"""Parts of forms that are no words."""


def retold(sentence: str) -> str:
    """A sentence of others in the reader's language, where its form is known."""
    if current() is Language.EN:
        return sentence
    if (found := matched(sentence, _FORMS)) is None:
        return text(sentence)
    form, parts = found
    return text(form, **{name: part if name in _CODES else retold(part) for name, part in parts.items()})


def matched(sentence: str, forms: Sequence[str]) -> tuple[str, dict[str, str]] | None:
    """The first form that a sentence has, and its parts by their names."""
    for form in forms:
        if (match := _pattern(form).fullmatch(sentence)) is not None:
            return form, match.groupdict()
    return None


@cache
def _pattern(form: str) -> re.Pattern[str]:
    pieces = re.split(r"{([a-z]+)}", form)
    return re.compile("".join(f"(?P<{one}>.+?)" if at % 2 else re.escape(one) for at, one in enumerate(pieces)))
