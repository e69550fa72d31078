"""The provider inside the process: same order, same fate; its statement is what it collected."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from adapters.payments.in_process import FAILURE_CODES, InProcessProvider, Rule, Script, always, by_seed
from adapters.payments.port import CallbackForged, Order, PaymentProvider, ProviderError, Status
from adapters.payments.statement import read_statement

DAY = date(2005, 5, 4)
NEXT = DAY + timedelta(days=1)
ORDER = Order(request="0f" * 16 + "-1", amount_fen=500, channel="bank_a", on=DAY, mandate="M-1")


def bank(rule: Rule) -> InProcessProvider:
    return InProcessProvider("bank_a", b"secret", rule)


def is_provider(provider: PaymentProvider) -> bool:
    """Says it to the type checker, too."""
    return bool(provider.name)


async def test_success_at_once() -> None:
    provider = bank(always(Script()))
    assert is_provider(provider)
    answer = await provider.initiate(ORDER)
    assert (answer.status, answer.amount_fen, answer.value_date) == (Status.SUCCEEDED, 500, DAY)
    assert await provider.query(ORDER.request, DAY) == answer


async def test_an_order_again_is_the_same_transaction() -> None:
    provider = bank(always(Script()))
    assert await provider.initiate(ORDER) == await provider.initiate(ORDER)
    rows = read_statement("x", await provider.statement(DAY), DAY).rows
    assert [row.amount_fen for row in rows] == [500]
    with pytest.raises(ProviderError, match="expected the order of before"):
        await provider.initiate(replace(ORDER, amount_fen=501))


async def test_failure_is_on_no_statement() -> None:
    provider = bank(always(Script(code="limit_exceeded")))
    answer = await provider.initiate(ORDER)
    assert (answer.status, answer.code) == (Status.FAILED, "limit_exceeded")
    assert read_statement("x", await provider.statement(DAY), DAY).rows == ()


async def test_pending_settles_on_its_day_and_calls_back() -> None:
    provider = bank(always(Script(settles_after_days=1, callbacks_after_days=(1, 1, 2), forged_after_days=(1,))))
    assert (await provider.initiate(ORDER)).status is Status.ACCEPTED
    assert provider.deliveries(DAY) == []
    true, again, forged = provider.deliveries(NEXT)
    assert true == again
    callback = provider.verify_callback(true.headers, true.body)
    assert (callback.request, callback.answer.status) == (ORDER.request, Status.SUCCEEDED)
    with pytest.raises(CallbackForged):
        provider.verify_callback(forged.headers, forged.body)
    assert len(provider.deliveries(NEXT + timedelta(days=1))) == 1
    assert read_statement("x", await provider.statement(DAY), DAY).rows == ()
    assert len(read_statement("x", await provider.statement(NEXT), NEXT).rows) == 1


async def test_a_lost_answer_is_known_to_a_query() -> None:
    provider = bank(always(Script(answer_lost=True)))
    assert (await provider.initiate(ORDER)).status is Status.UNKNOWN
    assert (await provider.query(ORDER.request, DAY)).status is Status.SUCCEEDED
    assert (await provider.query("0e" * 16 + "-1", DAY)).code == "not_received"


@pytest.mark.parametrize(
    ("script", "amounts"),
    [(Script(short_fen=1), [499]), (Script(unlisted=True), []), (Script(listed_twice=True), [500, 500])],
)
async def test_statements_can_be_wrong_on_purpose(script: Script, amounts: list[int]) -> None:
    provider = bank(always(script))
    await provider.initiate(ORDER)
    rows = read_statement("x", await provider.statement(DAY), DAY).rows
    assert [row.amount_fen for row in rows] == amounts


async def test_refunds_in_parts_and_once_for_each_key() -> None:
    provider = bank(always(Script()))
    await provider.initiate(ORDER)
    first = await provider.refund(ORDER.request, 300, "k1")
    assert first.status is Status.SUCCEEDED
    assert await provider.refund(ORDER.request, 300, "k1") == first
    assert (await provider.refund(ORDER.request, 201, "k2")).code == "refund_exceeds"
    assert (await provider.refund(ORDER.request, 200, "k2")).status is Status.SUCCEEDED
    assert (await provider.refund("0e" * 16 + "-1", 1, "k1")).code == "not_collected"


def test_a_seed_gives_every_order_its_fate_for_ever() -> None:
    orders = [replace(ORDER, request=f"{n:032x}-1") for n in range(2_000)]
    scripts = [by_seed("s")(order) for order in orders]
    assert scripts == [by_seed("s")(order) for order in orders]
    assert scripts != [by_seed("t")(order) for order in orders]
    codes = Counter(script.code for script in scripts)
    assert set(codes) == {None, *FAILURE_CODES}
    assert 1_700 < codes[None] < 1_900
    assert 300 < sum(script.settles_after_days > 0 for script in scripts) < 500
    assert 20 < sum(script.answer_lost for script in scripts) < 120
