"""Sentences that others composed in English, told again in the reader's language.

    sentence ─one of the known forms─▶ text(form, …), its parts told again as well

Forms are tried in their order; a sentence of no known form stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from api.language import Language, current, message, text, text_in

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
    message("{file}: expected certificates in PEM"),
    message("{file}: expected a list of revoked certificates in DER"),
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
    message("No space left on device"),
    message("Bad file descriptor"),
    message("Broken pipe"),
    message("Is a directory"),
    message("Address already in use"),
    message("Name or service not known"),
    message("run chmod 600 on it"),
    message("an account that may work as {name}"),
    message("{command}, as a superuser of the server"),
    message("set the origin it was made with"),
    message("the log {origin}"),
    message("at most {limit}"),
    message("a ledger that holds events"),
    message("an empty one"),
    message("data directory"),
    message("a name in UTF-8 without control characters"),
    message("{value} is not one of {others}."),
    message("one of {others}"),
    message("{noun}_ and 32 lower-case hex digits"),
    message("a position up to {last}"),
    message("{first} to {last} bytes"),
    message("{first} to {last}"),
    message("{first} … {last} days"),
    message("{first} … {last} fen"),
    message("{first} … {last}"),
    message("at most {last} bytes"),
    message("{number} bytes"),
    message("{number} lines, each with a newline"),
    message("{number} hex digits"),
    message("{number} characters"),
    message("{number} or more"),
    message("{number} fen or more"),
    message("at least {number} fen"),
    message("{number} fields"),
    message("exit {number}"),
    message("schema version {number}"),
    message("ledger schema version {number}"),
    message("the books of a sandbox bank"),
    message("file is not a database"),
    message("database disk image is malformed"),
    message("database is locked"),
    message("unable to open database file"),
    message("no file"),
    message("no other rebuild, somebody is rebuilding it"),
    message("the key this ledger was made with"),
    message("the key that this ledger was opened with"),
    message("the key that this ledger's persons were sealed with"),
    message("another one"),
    message("restore it"),
    message("{name}, which signed this ledger last, or a key that it was rotated to"),
    message("restore the ledger's own seeds and take others away: only `leaseledger keys rotate` gives it another"),
    message("what the log {origin} has signed"),
    message("restore the file of this log"),
    message("a ledger of at least {number} events, which its log has signed"),
    message("the root {name} at {number} events, which its log has signed"),
    message("restore a newer backup, or remove the file and answer for the fork to whoever kept a checkpoint"),
    message("the key that signed the checkpoint of {number} events"),
    message("verifier keys"),
    message("run fsck"),
    message("well-formed XML"),
    message("{what}: line {number}, column {first}"),
    message("unclosed token"),
    message("no element found"),
    message("mismatched tag"),
    message("not well-formed (invalid token)"),
    message("syntax error"),
    message("undefined entity"),
    message("junk after document element"),
    message("an encoding that can be read"),
    message("a gzip file (1f 8b …), as its name says"),
    message("an empty file"),
    message("the end marker of the gzip stream"),
    message("the end of the file"),
    message("an undamaged gzip stream"),
    message("an RFC 3339 date-time with an offset"),
    message("an RFC 3339 date-time"),
    message("an instant from {what} on"),
    message("at least one trace"),
    message("at least one event"),
    message("an event with {name}"),
    message("a trace with {name}"),
    message("{name} once"),
    message("{name} once in a log"),
    message("it again"),
    message("{what} or later"),
    message("signature (file)"),
    message("signature (all)"),
    message("signature {name}"),
    message("a PDF"),
    message("a signature"),
    message("a PDF that can still be signed"),
    message("a file that cannot be read"),
    message("canonical Base64"),
    message("a blank line before the signatures"),
    message("a blank line before the checkpoint"),
    message("signature lines, each with a newline"),
    message("a newline at its end"),
    message("a decimal number without leading zeros"),
    message("index <decimal number>"),
    message("one line of text"),
    message("UTF-8 without control characters"),
    message("encoding of the note"),
    message("end of the note"),
    message("signatures of the note"),
    message("signer of the note"),
    message("note text"),
    message("proof file"),
    message("index line"),
    message("first line"),
    message("tree size"),
    message("position"),
    message("{file}, case {name} (number {number}), event {place}"),
    message("{file}, case {name} (number {number})"),
    message("{file}, case number {number}, event {place}"),
    message("{file}, case number {number}"),
    message("{file}, after case number {number}"),
    message("mode {mode}"),
)

_CODES = frozenset(
    {"field", "place", "kind", "other", "pattern", "number", "first", "last", "noun", "name", "others", "file", "value"}
)
"""Parts of forms that are no words."""

_NUMBERS, _NUMBER = frozenset({"number", "first", "last"}), "[0-9][0-9,.^-]*"
"""Parts of forms that nothing but a number can be."""

CONTEXT = ("error",)
"""The context of words in errors: the note of a checkpoint is not one that somebody wrote."""


def retold(sentence: str) -> str:
    """A sentence of others in the reader's language, where its form is known."""
    if current() is Language.EN:
        return sentence
    if (found := matched(sentence, _FORMS)) is None:
        return text_in(CONTEXT, sentence)
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
    parts = (
        f"(?P<{one}>{_NUMBER if one in _NUMBERS else '.+?'})" if at % 2 else re.escape(one)
        for at, one in enumerate(pieces)
    )
    return re.compile("".join(parts))
