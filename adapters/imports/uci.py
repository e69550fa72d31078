"""The UCI data set "default of credit card clients" (Taiwan 2005) as leases: reading the file, and what it means here.

The file has, for each of 30,000 clients and each month from April to September 2005, the balance of the statement and
the amount paid in that month (X17…X12 and X23…X18). In nearly all rows

    balance(m) = balance(m-1) - paid(m) + charged(m)

so what was charged in a month follows. A client becomes a lease of that currency, a month's charge its instalment:

    charged(April)  = balance(April) + paid(April): what was owed before anything in the file
    charged(m)      = balance(m) - balance(m-1) + paid(m)
    bill m          issued at the end of month m (the statement), due 20 days later; none when nothing was charged
    paid(m)         a payment on the 15th of month m
    charged(m) < 0  money given back: a payment on the last day of month m

So the balance of the lease at the end of month m is the statement's. A lease has no revolving credit: what is unpaid
20 days after its bill is late, whatever the bank's own repayment status (X6…X11) calls it; that status and the personal
columns (X2…X5: sex, education, marriage, age) are not imported. The schedule of a lease is known from its start.

Source: I-C. Yeh, UCI Machine Learning Repository, CC BY 4.0.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from msgspec import Struct

from adapters.imports.errors import LogError, Place, shorten
from domain.kernel.times import month_end

MONTHS: Final = tuple(date(2005, month, 1) for month in range(4, 10))
"""First days of the six months, April to September 2005."""

BALANCES: Final = tuple(f"X{column}" for column in range(17, 11, -1))
PAYMENTS: Final = tuple(f"X{column}" for column in range(23, 17, -1))
LIMIT: Final = "X1"
CLIENT: Final = "ID"
CURRENCY: Final = "TWD"
CENTS: Final = 100
PAID_ON_DAY: Final = 15
DUE_AFTER: Final = timedelta(days=20)

_NUMBER: Final = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?(E\+?[0-9]{1,2})?")


class BadHeader(LogError):
    """A file that has not the columns of this data set."""


class BadClient(LogError):
    """A row whose value is not a whole number, or whose client is there twice."""


class Client(Struct, frozen=True):
    """One row, in cents: credit limit, and for each month what was charged (negative: given back) and paid."""

    name: str
    limit_fen: int
    charged_fen: tuple[int, ...]
    paid_fen: tuple[int, ...]

    def digest(self) -> bytes:
        """SHA-256 over everything the row says, 32 bytes."""
        text = f"leaseledger.uci/1|{self.name}|{self.limit_fen}|{self.charged_fen}|{self.paid_fen}"
        return hashlib.sha256(text.encode()).digest()


def bills(client: Client) -> list[tuple[date, int]]:
    """Due date and amount of every bill, in order; months without a charge have none."""
    return [
        (month_end(month) + DUE_AFTER, charged)
        for month, charged in zip(MONTHS, client.charged_fen, strict=True)
        if charged > 0
    ]


def payments(client: Client) -> list[tuple[date, str, int]]:
    """Day, name and amount of everything that reduced the debt, in order."""
    found = []
    for month, charged, paid in zip(MONTHS, client.charged_fen, client.paid_fen, strict=True):
        if paid > 0:
            found.append((month.replace(day=PAID_ON_DAY), f"{month:%Y-%m}/paid", paid))
        if charged < 0:
            found.append((month_end(month), f"{month:%Y-%m}/given-back", -charged))
    return found


def clients(path: Path) -> Iterator[Client]:
    """The rows of the file, in order. Raises `LogError` naming file, row and column at the first one that is wrong."""
    seen: set[str] = set()
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = csv.DictReader(file)
        missing = [name for name in (CLIENT, LIMIT, *BALANCES, *PAYMENTS) if name not in (rows.fieldnames or ())]
        if missing:
            raise BadHeader(Place(path.name), f"columns {', '.join(missing)}", shorten(",".join(rows.fieldnames or ())))
        for number, row in enumerate(rows, start=1):
            place = Place(path.name, row.get(CLIENT) or f"row {number}")
            client = _client(row, place)
            if client.name in seen:
                raise BadClient(place, "each client once", "this one again")
            seen.add(client.name)
            yield client


def _client(row: Mapping[str, str], place: Place) -> Client:
    balances = [_cents(row, name, place) for name in BALANCES]
    paid = [_cents(row, name, place) for name in PAYMENTS]
    charged = [balances[0] + paid[0]]
    charged += [now - before + came for before, now, came in zip(balances, balances[1:], paid[1:], strict=False)]
    name = str(_whole(row, CLIENT, place))
    return Client(name, _cents(row, LIMIT, place), tuple(charged), tuple(paid))


def _cents(row: Mapping[str, str], column: str, place: Place) -> int:
    return _whole(row, column, place) * CENTS


def _whole(row: Mapping[str, str], column: str, place: Place) -> int:
    """Whole numbers as the file writes them, some as `5.00E+05`."""
    text = row[column] or ""
    number = Decimal(text) if _NUMBER.fullmatch(text) else None
    if number is None or number != number.to_integral_value():
        raise BadClient(place, f"a whole number in {column}", shorten(text) or "nothing")
    return int(number)
