"""Fates: the same order meets the same one for ever, in the shares that were asked for."""

from __future__ import annotations

from collections import Counter
from datetime import date

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from adapters.connectors.payments.port import Order
from adapters.connectors.payments.scenarios import FAILURE_CODES, Rule, Script, always, by_seed

ORDERS = [
    Order(request=f"{n:032x}-1", amount_fen=500, channel="bank_a", on=date(2005, 5, 4), mandate="M-1")
    for n in range(2_000)
]


def share(rule: Rule, what: str) -> int:
    """Of how many orders in a thousand a field of the fate is set."""
    plain = getattr(Script(), what)
    return len([order for order in ORDERS if getattr(rule(order), what) != plain]) // 2


def test_always_is_always() -> None:
    script = Script(code="limit_exceeded")
    assert {always(script)(order).code for order in ORDERS} == {"limit_exceeded"}


@pytest.mark.parametrize(
    ("what", "option"),
    [
        ("code", "failures_pct"),
        ("settles_after_days", "pending_pct"),
        ("answer_lost", "lost_pct"),
        ("brings_pct", "partial_pct"),
        ("charged_back_after_days", "charged_back_pct"),
        ("refund_code", "refund_failures_pct"),
    ],
)
def test_shares_are_those_that_were_asked_for(what: str, option: str) -> None:
    """None, about a third, and all."""
    assert share(by_seed("s", **{option: 0}), what) == 0
    assert 280 < share(by_seed("s", **{option: 33}), what) < 380
    assert share(by_seed("s", **{option: 100}), what) == 1_000


def test_an_order_keeps_its_fate_and_another_seed_is_another_world() -> None:
    scripts = [by_seed("s")(order) for order in ORDERS]
    assert scripts == [by_seed("s")(order) for order in ORDERS]
    assert scripts != [by_seed("t")(order) for order in ORDERS]
    codes = Counter(script.code for script in scripts)
    assert set(codes) == {None, *FAILURE_CODES}


def test_the_amount_does_not_change_the_fate() -> None:
    """Only seed and request do: an attempt that asks for another amount would be another attempt."""
    more = [msgspec.structs.replace(order, amount_fen=7, mandate=None) for order in ORDERS]
    assert [by_seed("s")(order) for order in ORDERS] == [by_seed("s")(order) for order in more]


@for_all(st.text(max_size=20), st.integers(0, 2**64))
def test_fates_make_sense(seed: str, number: int) -> None:
    """Callbacks come after the order is settled, and a fate can be written down and read back."""
    order = Order(request=f"{number:032x}-1", amount_fen=500, channel="bank_a", on=date(2005, 5, 4))
    script = by_seed(seed, failures_pct=50, pending_pct=50, lost_pct=50)(order)
    assert all(days >= script.settles_after_days for days in script.callbacks_after_days)
    assert 0 < script.brings_pct <= 100
    assert msgspec.json.decode(msgspec.json.encode(script), type=Script) == script
