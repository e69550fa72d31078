"""Scenarios of a sandbox bank: the outcome of each order, drawn by a rule and never by chance.

    Order ─▶ rule(order) → Script ─▶ what the bank answers now, what really happens, when and how often it calls back

`by_seed` reads its lots from SHA-256 of the seed and the request, so that an order always meets the same fate.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from msgspec import Struct

from adapters.connectors.payments.port import Order

FAILURE_CODES = ("insufficient_funds", "limit_exceeded", "bank_unavailable", "account_closed")
ALL_PCT = 100
BYTE_VALUES = 256


class Script(Struct, frozen=True, kw_only=True):
    """The fate of one order.

    `code` is that of a failure, `None` a success, which brings `brings_pct` of what was asked for, at least one fen.
    `settles_after_days` is when it is decided (0: at once, told in the answer). `answer_lost`: the answer is unknown,
    whatever happens. Callbacks come the given days after the order. `charged_back_after_days` counts from the day of
    the money; that calls back, too. `refund_code` lets refunds fail, `refund_lost` loses the first answer to each.
    On statements, `short_fen` is missing from the amount, `unlisted` keeps it off, `listed_twice` puts it there again.
    """

    code: str | None = None
    brings_pct: int = ALL_PCT
    settles_after_days: int = 0
    answer_lost: bool = False
    callbacks_after_days: tuple[int, ...] = ()
    forged_after_days: tuple[int, ...] = ()
    charged_back_after_days: int | None = None
    refund_code: str | None = None
    refund_lost: bool = False
    short_fen: int = 0
    unlisted: bool = False
    listed_twice: bool = False


Rule = Callable[[Order], Script]


def always(script: Script) -> Rule:
    """Every order meets the same fate."""
    return lambda _order: script


def by_seed(
    seed: str,
    *,
    failures_pct: int = 10,
    pending_pct: int = 20,
    lost_pct: int = 3,
    partial_pct: int = 3,
    charged_back_pct: int = 1,
    refund_failures_pct: int = 5,
) -> Rule:
    """Fates in these shares, drawn from SHA-256 of seed and request; pending and lost ones call back, some twice."""

    def rule(order: Order) -> Script:
        lots = sha256(f"{seed}|{order.request}".encode()).digest()
        drawn = [lot * ALL_PCT // BYTE_VALUES for lot in lots]
        code = FAILURE_CODES[lots[1] % len(FAILURE_CODES)] if drawn[0] < failures_pct else None
        lost, later = drawn[2] < lost_pct, drawn[3] < pending_pct
        days = 1 + lots[4] % 2 if later else 0
        callbacks = (days, days + 1)[: 1 + lots[5] % 2] if later or lost else ()
        return Script(
            code=code,
            brings_pct=50 if drawn[6] < partial_pct else ALL_PCT,
            settles_after_days=days,
            answer_lost=lost,
            callbacks_after_days=callbacks,
            charged_back_after_days=1 + lots[8] % 5 if drawn[7] < charged_back_pct else None,
            refund_code="payee_account_closed" if drawn[9] < refund_failures_pct else None,
            refund_lost=lost,
        )

    return rule
