"""Statements of providers: one CSV file for each business date, written and read strictly.

    row,kind,request,ref,amount_fen,value_date
    1,collection,0f…-1,<64 hex digits>,108315,2005-05-04
    2,refund,…
    total,2,,,216630,2005-05-04

UTF-8 without a byte order mark, lines end in LF, no quotes, no spaces. Rows are numbered from 1 without a hole;
`kind` is `collection`, `refund` or `chargeback`, `request` our name of the attempt whose money moved, `ref` SHA-256 of
the provider's own reference (a chargeback has that of the collection), `amount_fen` a positive integer, `value_date`
the day of the statement. The last line counts the rows and sums the amounts whichever way they went. A file is named by
its SHA-256: the ledger keeps that, not the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from hashlib import sha256

from msgspec import Struct

from domain.payments.matching import Movement

HEADER = "row,kind,request,ref,amount_fen,value_date"
FIELDS = 6
LINES_MIN = 3
"""Header, total, and the end behind the last line feed."""
ROWS_MAX = 1_000_000
TOTAL = "total"

_KINDS = tuple(movement.value for movement in Movement)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_REF = re.compile(r"[0-9a-f]{64}")
_REQUEST = re.compile(r"[0-9a-f]{32}-[1-9][0-9]{0,2}")


class StatementRow(Struct, frozen=True):
    """One amount that moved."""

    movement: Movement
    request: str
    ref: str
    amount_fen: int


class Statement(Struct, frozen=True):
    """A whole statement; `digest` is SHA-256 of the file in hex."""

    day: date
    digest: str
    rows: tuple[StatementRow, ...]

    @property
    def total_fen(self) -> int:
        """The sum of all rows, whichever way their money went."""
        return sum(row.amount_fen for row in self.rows)


class StatementError(ValueError):
    """A statement that is not what the format says: which file, which line (from 1), what was expected, what came."""

    def __init__(self, file: str, line: int, expected: str, got: str) -> None:
        super().__init__(f"{file}, line {line}: expected {expected}, got {got[:80]!r}")
        self.file, self.line, self.expected, self.got = file, line, expected, got


def write_statement(day: date, rows: Iterable[StatementRow]) -> bytes:
    """The file."""
    lines, total_fen, count = [HEADER], 0, 0
    for count, row in enumerate(rows, start=1):
        lines.append(f"{count},{row.movement.value},{row.request},{row.ref},{row.amount_fen},{day}")
        total_fen += row.amount_fen
    lines.append(f"{TOTAL},{count},,,{total_fen},{day}")
    return ("\n".join(lines) + "\n").encode()


def read_statement(file: str, content: bytes, day: date) -> Statement:
    """The statement of a day in a file's content. Raises `StatementError`; nothing is guessed or skipped."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise StatementError(file, line, "UTF-8", repr(content[error.start : error.start + 4])) from error
    lines = text.split("\n")
    if lines[0] != HEADER:
        raise StatementError(file, 1, HEADER, lines[0])
    if lines[-1] != "" or len(lines) < LINES_MIN:
        raise StatementError(file, len(lines), "a line that ends in LF, the total last", lines[-1])
    if len(lines) - 3 > ROWS_MAX:
        raise StatementError(file, len(lines), f"at most {ROWS_MAX} rows", str(len(lines) - 3))
    rows = tuple(_row(file, number, line, day) for number, line in enumerate(lines[1:-2], start=1))
    statement = Statement(day, sha256(content).hexdigest(), rows)
    _check_total(file, len(lines) - 1, lines[-2], statement)
    return statement


def _row(file: str, number: int, line: str, day: date) -> StatementRow:
    at = number + 1
    fields = line.split(",")
    if len(fields) != FIELDS:
        raise StatementError(file, at, f"{FIELDS} fields", line)
    count, kind, request, ref, amount, on = fields
    _expect(file, at, count == str(number), f"row {number}", count)
    _expect(file, at, kind in _KINDS, f"one of {', '.join(_KINDS)}", kind)
    _expect(file, at, _REQUEST.fullmatch(request) is not None, "a request <32 hex digits>-<attempt>", request)
    _expect(file, at, _REF.fullmatch(ref) is not None, "a reference of 64 hex digits", ref)
    _expect(file, at, _NUMBER.fullmatch(amount) is not None and amount != "0", "a positive integer of fen", amount)
    _expect(file, at, on == str(day), f"the value date {day}", on)
    return StatementRow(Movement(kind), request, ref, int(amount))


def _check_total(file: str, at: int, line: str, statement: Statement) -> None:
    expected = f"{TOTAL},{len(statement.rows)},,,{statement.total_fen},{statement.day}"
    _expect(file, at, line == expected, expected, line)


def _expect(file: str, line: int, holds: bool, expected: str, got: str) -> None:
    if not holds:
        raise StatementError(file, line, expected, got)
