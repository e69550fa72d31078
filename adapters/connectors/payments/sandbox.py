"""A sandbox bank: a provider that is not real but remembers; for laptops, demonstrations and tests.

    orders(request: amount, channel, day; fate, what it brings, days of settling and of a chargeback)
    refunds(request, key: amount, day, code of a failure)
    calls(day, request: callbacks on their way, true and forged)

Its books are one SQLite file, so that ends of days in separate processes meet the same bank; `:memory:` lives as long
as the object. What happens to an order is its fate (`fates`), kept with the order: a bank does not change its mind.
Writes outlive the process; a loss of power may cost the last ones, which a real bank would not.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from adapters.connectors.payments.port import Answer, Callback, Order, ProviderError, Status
from adapters.connectors.payments.scenarios import ALL_PCT, Rule, Script
from adapters.connectors.payments.signature import callback_body, sign, verify
from adapters.connectors.payments.statement import StatementRow, write_statement
from domain.kernel.values import canonical_json
from domain.payments.matching import Movement

DAY_S = 86_400
BUSY_MS = 10_000
"""How long one process waits for another that writes to the same bank."""

MEMORY = Path(":memory:")
_DDL = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS orders (
    request TEXT PRIMARY KEY, amount_fen INTEGER NOT NULL, channel TEXT NOT NULL, mandate TEXT, day TEXT NOT NULL,
    script TEXT NOT NULL, settled TEXT NOT NULL, charged_back TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS orders_settled ON orders (settled);
CREATE INDEX IF NOT EXISTS orders_charged_back ON orders (charged_back) WHERE charged_back IS NOT NULL;
CREATE TABLE IF NOT EXISTS refunds (
    request TEXT NOT NULL, key TEXT NOT NULL, amount_fen INTEGER NOT NULL, day TEXT NOT NULL, code TEXT,
    PRIMARY KEY (request, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS refunds_day ON refunds (day);
CREATE TABLE IF NOT EXISTS calls (
    number INTEGER PRIMARY KEY, day TEXT NOT NULL, request TEXT NOT NULL, status TEXT, forged INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS calls_day ON calls (day);
"""
_ORDER = "SELECT request, amount_fen, channel, mandate, day, script, settled, charged_back FROM orders"
_script = msgspec.json.Decoder(Script).decode


class BooksUnusable(ProviderError):
    """The books of a sandbox bank cannot be read or written; the message names the file."""


class Delivery(Struct, frozen=True):
    """One callback on its way: its number at the bank, headers and body, as they arrive on a day."""

    number: int
    on: date
    headers: dict[str, str]
    body: bytes


class _Known(Struct, frozen=True):
    order: Order
    script: Script
    settled: date
    charged_back: date | None

    @property
    def brings_fen(self) -> int:
        return max(1, self.order.amount_fen * self.script.brings_pct // ALL_PCT)


class SandboxBank:
    """The provider. `secret` signs its callbacks, `rule` draws fates, `path` is where its books are."""

    def __init__(self, name: str, secret: bytes, rule: Rule, path: Path = MEMORY) -> None:
        self.name = name
        self._secret = secret
        self._rule = rule
        if path != MEMORY:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self._readable():
            self._books = sqlite3.connect(path, timeout=BUSY_MS / 1_000, isolation_level=None)
            try:
                self._books.executescript(_DDL)
            except sqlite3.Error:
                self._books.close()
                raise

    def close(self) -> None:
        """Close its books."""
        self._books.close()

    # ------------------------------------------------------------------------------------------ the port

    async def initiate(self, order: Order) -> Answer:
        """Start an attempt, or give the answer of now to one that was started."""
        known = self._find(order.request)
        if known is None:
            self._take(order, self._rule(order))
            known = self._find(order.request)
        assert known is not None, "it was taken a moment ago"
        if msgspec.structs.replace(known.order, on=order.on) != order:
            raise ProviderError(f"request {order.request}: expected the order of before, got another one")
        if known.script.answer_lost:
            return Answer(status=Status.UNKNOWN, code="timeout")
        return self._told(known, order.on)

    async def query(self, request: str, on: date) -> Answer:
        """What really became of an attempt, as of a business date."""
        known = self._find(request)
        return Answer(status=Status.FAILED, code="not_received") if known is None else self._told(known, on)

    async def refund(self, request: str, amount_fen: int, key: str, on: date) -> Answer:
        """Pay back a part; a key that was seen changes nothing."""
        known = self._find(request)
        if known is None or known.script.code is not None or on < known.settled:
            return Answer(status=Status.FAILED, code="not_collected")
        row = (request, key, amount_fen, str(on), self._refund_code(known, amount_fen, key, on))
        first = self._books.execute("INSERT OR IGNORE INTO refunds VALUES (?, ?, ?, ?, ?)", row).rowcount == 1
        if first and known.script.refund_lost:
            return Answer(status=Status.UNKNOWN, code="timeout")
        fen, day, code = self._books.execute(
            "SELECT amount_fen, day, code FROM refunds WHERE request = ? AND key = ?", (request, key)
        ).fetchone()
        if code is not None:
            return Answer(status=Status.FAILED, code=code)
        ref = self._digest(f"{request}|{key}")
        return Answer(status=Status.SUCCEEDED, ref=ref, amount_fen=fen, value_date=date.fromisoformat(day))

    def verify_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        """The callback in signed bytes. Raises `CallbackForged` or `CallbackMalformed`."""
        return verify(self._secret, headers, body)

    async def statement(self, day: date) -> bytes | None:
        """Everything that moved with this value date, kind by kind in the order of the requests."""
        with self._readable():
            return write_statement(day, [*self._collected(day), *self._paid_back(day), *self._taken_back(day)])

    # --------------------------------------------------------------------------------------- its callbacks

    def deliveries(self, day: date) -> list[Delivery]:
        """The callbacks that arrive on a day, true and forged, in the order in which they were made."""
        with self._readable():
            rows = self._books.execute(
                "SELECT number, request, status, forged FROM calls WHERE day = ? ORDER BY number", (str(day),)
            ).fetchall()
            return [self._delivery(day, *row) for row in rows]

    def _delivery(self, day: date, number: int, request: str, status: str | None, forged: int) -> Delivery:
        known = self._find(request)
        assert known is not None, "nothing calls back before it was ordered"
        told = self._told(known, day)
        if status is not None:
            told = msgspec.structs.replace(told, status=Status(status), value_date=day, code="disputed")
        body = callback_body(request, told)
        secret = self._secret[::-1] + b"?" if forged else self._secret
        return Delivery(number, day, sign(secret, day.toordinal() * DAY_S, body), body)

    # -------------------------------------------------------------------------------------------- its books

    def balance_fen(self, on: date) -> int:
        """What is on the account on a day: collected, less what was paid back and what the payers' banks took back."""
        paid = "SELECT coalesce(sum(amount_fen), 0) FROM refunds WHERE code IS NULL AND day <= ?"
        balance_fen = -int(self._books.execute(paid, (str(on),)).fetchone()[0])
        for known in self._all("WHERE settled <= ?", str(on)):
            taken = known.charged_back is not None and known.charged_back <= on
            if known.script.code is None and not taken:
                balance_fen += known.brings_fen
        return balance_fen

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Name the file where its books cannot be used."""
        try:
            yield
        except sqlite3.Error as error:
            raise BooksUnusable(f"{self._path}: expected the books of a sandbox bank, got {error}") from error

    def _take(self, order: Order, script: Script) -> None:
        settled = order.on + timedelta(days=script.settles_after_days)
        back = script.charged_back_after_days
        taken = None if back is None or script.code is not None else settled + timedelta(days=back)
        calls: list[tuple[date, str | None, bool]] = [
            (order.on + timedelta(days=days), None, forged)
            for forged, after in ((False, script.callbacks_after_days), (True, script.forged_after_days))
            for days in after
        ]
        if taken is not None:
            calls.append((taken, Status.CHARGED_BACK.value, False))
        self._books.execute("BEGIN IMMEDIATE")
        with self._books:
            inserted = self._books.execute(
                "INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (order.request, order.amount_fen, order.channel, order.mandate, str(order.on),
                 canonical_json(script).decode(), str(settled), None if taken is None else str(taken)),
            ).rowcount  # fmt: skip
            if inserted == 1:
                self._books.executemany(
                    "INSERT INTO calls (day, request, status, forged) VALUES (?, ?, ?, ?)",
                    [(str(day), order.request, status, forged) for day, status, forged in calls],
                )

    def _find(self, request: str) -> _Known | None:
        return next(self._all("WHERE request = ?", request), None)

    def _all(self, where: str, *values: Any) -> Iterator[_Known]:
        for row in self._books.execute(f"{_ORDER} {where} ORDER BY request", values):
            request, amount_fen, channel, mandate, day, script, settled, taken = row
            on = date.fromisoformat(day)
            order = Order(request=request, amount_fen=amount_fen, channel=channel, on=on, mandate=mandate)
            back = None if taken is None else date.fromisoformat(taken)
            yield _Known(order, _script(script), date.fromisoformat(settled), back)

    def _told(self, known: _Known, on: date) -> Answer:
        ref = self._digest(known.order.request)
        if on < known.settled:
            return Answer(status=Status.ACCEPTED, ref=ref)
        if known.script.code is not None:
            return Answer(status=Status.FAILED, ref=ref, code=known.script.code)
        return Answer(status=Status.SUCCEEDED, ref=ref, amount_fen=known.brings_fen, value_date=known.settled)

    def _refund_code(self, known: _Known, amount_fen: int, key: str, on: date) -> str | None:
        if known.charged_back is not None and known.charged_back <= on:
            return "charged_back"
        (before,) = self._books.execute(
            "SELECT coalesce(sum(amount_fen), 0) FROM refunds WHERE request = ? AND key <> ? AND code IS NULL",
            (known.order.request, key),
        ).fetchone()
        return "refund_exceeds" if before + amount_fen > known.brings_fen else known.script.refund_code

    def _collected(self, day: date) -> Iterator[StatementRow]:
        for known in self._all("WHERE settled = ?", str(day)):
            script, request = known.script, known.order.request
            if script.code is not None or script.unlisted:
                continue
            row = StatementRow(Movement.COLLECTION, request, self._digest(request), known.brings_fen - script.short_fen)
            yield row
            if script.listed_twice:
                yield row

    def _paid_back(self, day: date) -> Iterator[StatementRow]:
        paid = "SELECT request, key, amount_fen FROM refunds WHERE day = ? AND code IS NULL ORDER BY request, key"
        for request, key, fen in self._books.execute(paid, (str(day),)):
            yield StatementRow(Movement.REFUND, request, self._digest(f"{request}|{key}"), fen)

    def _taken_back(self, day: date) -> Iterator[StatementRow]:
        for known in self._all("WHERE charged_back = ?", str(day)):
            request = known.order.request
            yield StatementRow(Movement.CHARGEBACK, request, self._digest(request), known.brings_fen)

    def _digest(self, text: str) -> str:
        return hmac.new(self._secret, f"{self.name}|{text}".encode(), sha256).hexdigest()
