"""A provider inside the process: deterministic, scripted by a rule or by a seed, for tests, demonstrations and imports.

    Order ─▶ rule(order) → Script ─▶ what it answers now, what really happens, when and how often it calls back

Nothing is drawn by chance: `by_seed` reads its lots from SHA-256 of the seed and the request, so that an order always
meets the same fate, also after a restart. The provider remembers only what it was told; its own books are made of it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from adapters.payments.port import Answer, Callback, Order, ProviderError, Status
from adapters.payments.signature import callback_body, sign, verify
from adapters.payments.statement import StatementRow, write_statement

FAILURE_CODES = ("insufficient_funds", "limit_exceeded", "bank_unavailable", "account_closed")
DAY_S = 86_400


class Script(Struct, frozen=True, kw_only=True):
    """The fate of one order.

    `code` is that of a failure, `None` a success. `settles_after_days` is when it is decided (0: at once, told in the
    answer). `answer_lost`: the answer is unknown, whatever happens. Callbacks come the given days after the order.
    `short_fen` is missing from the statement's amount, `unlisted` keeps it off, `listed_twice` puts it there again.
    """

    code: str | None = None
    settles_after_days: int = 0
    answer_lost: bool = False
    callbacks_after_days: tuple[int, ...] = ()
    forged_after_days: tuple[int, ...] = ()
    short_fen: int = 0
    unlisted: bool = False
    listed_twice: bool = False


Rule = Callable[[Order], Script]


class Delivery(Struct, frozen=True):
    """One callback on its way: headers and body, as they arrive on a day."""

    on: date
    headers: dict[str, str]
    body: bytes


class _Transaction(Struct, frozen=True):
    order: Order
    script: Script

    @property
    def settled_on(self) -> date:
        return self.order.on + timedelta(days=self.script.settles_after_days)


def always(script: Script) -> Rule:
    """Every order meets the same fate."""
    return lambda _order: script


def by_seed(seed: str, *, failures_pct: int = 10, pending_pct: int = 20, lost_pct: int = 3) -> Rule:
    """Fates in these shares, drawn from SHA-256 of seed and request; pending and lost ones call back, some twice."""

    def rule(order: Order) -> Script:
        lots = sha256(f"{seed}|{order.request}".encode()).digest()
        code = FAILURE_CODES[lots[1] % len(FAILURE_CODES)] if lots[0] % 100 < failures_pct else None
        lost, later = lots[2] % 100 < lost_pct, lots[3] % 100 < pending_pct
        days = 1 + lots[4] % 2 if later else 0
        callbacks = (days, days + 1)[: 1 + lots[5] % 2] if later or lost else ()
        return Script(code=code, settles_after_days=days, answer_lost=lost, callbacks_after_days=callbacks)

    return rule


class InProcessProvider:
    """The provider. `secret` signs its callbacks; orders are remembered for as long as the object lives."""

    def __init__(self, name: str, secret: bytes, rule: Rule) -> None:
        self.name = name
        self._secret = secret
        self._rule = rule
        self._transactions: dict[str, _Transaction] = {}
        self._refunds: dict[tuple[str, str], int] = {}

    async def initiate(self, order: Order) -> Answer:
        """Start an attempt, or give the answer of now to one that was started."""
        known = self._transactions.setdefault(order.request, _Transaction(order, self._rule(order)))
        if replace(known.order, on=order.on) != order:
            raise ProviderError(f"request {order.request}: expected the order of before, got another one")
        if known.script.answer_lost:
            return Answer(status=Status.UNKNOWN, code="timeout")
        return self._told(known, order.on)

    async def query(self, request: str, on: date) -> Answer:
        """What really became of an attempt, as of a business date."""
        known = self._transactions.get(request)
        if known is None:
            return Answer(status=Status.FAILED, code="not_received")
        return self._told(known, on)

    async def refund(self, request: str, amount_fen: int, key: str) -> Answer:
        """Pay back a part; a key that was seen changes nothing."""
        known = self._transactions.get(request)
        if known is None or known.script.code is not None:
            return Answer(status=Status.FAILED, code="not_collected")
        before = sum(fen for (of, other), fen in self._refunds.items() if of == request and other != key)
        if before + amount_fen > known.order.amount_fen:
            return Answer(status=Status.FAILED, code="refund_exceeds")
        self._refunds[request, key] = amount_fen
        return Answer(status=Status.SUCCEEDED, ref=self._digest(f"{request}|{key}"), amount_fen=amount_fen)

    def verify_callback(self, headers: Mapping[str, str], body: bytes) -> Callback:
        """The callback in signed bytes. Raises `CallbackForged` or `CallbackMalformed`."""
        return verify(self._secret, headers, body)

    async def statement(self, day: date) -> bytes:
        """Everything collected with this value date, in the order of the requests."""
        rows: list[StatementRow] = []
        for request, known in sorted(self._transactions.items()):
            script = known.script
            if known.settled_on != day or script.code is not None or script.unlisted:
                continue
            row = StatementRow(request, self._digest(request), known.order.amount_fen - script.short_fen)
            rows += [row, row] if script.listed_twice else [row]
        return write_statement(day, rows)

    def deliveries(self, day: date) -> list[Delivery]:
        """The callbacks that arrive on a day, true and forged, in the order of the requests."""
        found: list[Delivery] = []
        for _, known in sorted(self._transactions.items()):
            found += self._callbacks(known, day, known.script.callbacks_after_days, self._secret)
            found += self._callbacks(known, day, known.script.forged_after_days, self._secret[::-1] + b"?")
        return found

    def _callbacks(self, known: _Transaction, day: date, after_days: tuple[int, ...], secret: bytes) -> list[Delivery]:
        body = callback_body(known.order.request, self._told(known, day))
        timestamp_s = day.toordinal() * DAY_S
        due = [days for days in after_days if known.order.on + timedelta(days=days) == day]
        return [Delivery(day, sign(secret, timestamp_s, body), body) for _ in due]

    def _told(self, known: _Transaction, on: date) -> Answer:
        ref = self._digest(known.order.request)
        if on < known.settled_on:
            return Answer(status=Status.ACCEPTED, ref=ref)
        if known.script.code is not None:
            return Answer(status=Status.FAILED, ref=ref, code=known.script.code)
        return Answer(status=Status.SUCCEEDED, ref=ref, amount_fen=known.order.amount_fen, value_date=known.settled_on)

    def _digest(self, text: str) -> str:
        return hmac.new(self._secret, f"{self.name}|{text}".encode(), sha256).hexdigest()
