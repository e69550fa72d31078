"""The sandbox bank: same order, same fate, also in another process; its statement is what moved."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from adapters.connectors.payments.port import CallbackForged, Order, PaymentProvider, ProviderError, Status
from adapters.connectors.payments.sandbox import MEMORY, BooksUnusable, SandboxBank
from adapters.connectors.payments.scenarios import FAILURE_CODES, Rule, Script, always, by_seed
from adapters.connectors.payments.statement import StatementRow, read_statement
from domain.payments.matching import Movement

DAY = date(2005, 5, 4)
NEXT = DAY + timedelta(days=1)
ORDER = Order(request="0f" * 16 + "-1", amount_fen=500, channel="bank_a", on=DAY, mandate="M-1")


def bank(rule: Rule, path: Path = MEMORY) -> SandboxBank:
    return SandboxBank("bank_a", b"secret", rule, path)


async def listed(of: SandboxBank, day: date = DAY) -> tuple[StatementRow, ...]:
    """The rows of a day's statement."""
    content = await of.statement(day)
    assert content is not None
    return read_statement("x", content, day).rows


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
    rows = await listed(provider)
    assert [row.amount_fen for row in rows] == [500]
    with pytest.raises(ProviderError, match="expected the order of before"):
        await provider.initiate(replace(ORDER, amount_fen=501))


async def test_failure_is_on_no_statement() -> None:
    provider = bank(always(Script(code="limit_exceeded")))
    answer = await provider.initiate(ORDER)
    assert (answer.status, answer.code) == (Status.FAILED, "limit_exceeded")
    assert await listed(provider) == ()


async def test_pending_settles_on_its_day_and_calls_back() -> None:
    provider = bank(always(Script(settles_after_days=1, callbacks_after_days=(1, 1, 2), forged_after_days=(1,))))
    assert (await provider.initiate(ORDER)).status is Status.ACCEPTED
    assert provider.deliveries(DAY) == []
    true, again, forged = provider.deliveries(NEXT)
    assert (true.headers, true.body) == (again.headers, again.body)
    assert true.number != again.number
    callback = provider.verify_callback(true.headers, true.body)
    assert (callback.request, callback.answer.status) == (ORDER.request, Status.SUCCEEDED)
    with pytest.raises(CallbackForged):
        provider.verify_callback(forged.headers, forged.body)
    assert len(provider.deliveries(NEXT + timedelta(days=1))) == 1
    assert await listed(provider) == ()
    assert len(await listed(provider, NEXT)) == 1


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
    rows = await listed(provider)
    assert [row.amount_fen for row in rows] == amounts


async def test_refunds_in_parts_and_once_for_each_key() -> None:
    provider = bank(always(Script()))
    await provider.initiate(ORDER)
    first = await provider.refund(ORDER.request, 300, "k1", DAY)
    assert first.status is Status.SUCCEEDED
    assert await provider.refund(ORDER.request, 300, "k1", DAY) == first
    assert (await provider.refund(ORDER.request, 201, "k2", DAY)).code == "refund_exceeds"
    assert (await provider.refund(ORDER.request, 200, "k2", DAY)).code == "refund_exceeds", "what failed has failed"
    assert (await provider.refund(ORDER.request, 200, "k3", DAY)).status is Status.SUCCEEDED
    assert (await provider.refund("0e" * 16 + "-1", 1, "k1", DAY)).code == "not_collected"


async def test_a_part_of_what_was_asked_for() -> None:
    """At least one fen, and the same on the statement as in the answer."""
    provider = bank(always(Script(brings_pct=30)))
    assert (await provider.initiate(ORDER)).amount_fen == 150
    assert [row.amount_fen for row in await listed(provider)] == [150]
    assert (await provider.initiate(replace(ORDER, request="0e" * 16 + "-1", amount_fen=1))).amount_fen == 1


async def test_money_is_taken_back_on_its_day() -> None:
    """The bank says so by a callback and on the statement, under the reference of the collection."""
    provider = bank(always(Script(charged_back_after_days=1)))
    answer = await provider.initiate(ORDER)
    (call,) = provider.deliveries(NEXT)
    told = provider.verify_callback(call.headers, call.body).answer
    assert (told.status, told.value_date, told.code, told.ref) == (Status.CHARGED_BACK, NEXT, "disputed", answer.ref)
    assert [(row.movement, row.ref) for row in await listed(provider, NEXT)] == [(Movement.CHARGEBACK, answer.ref)]
    assert (provider.balance_fen(DAY), provider.balance_fen(NEXT)) == (500, 0)
    assert (await provider.refund(ORDER.request, 1, "k1", NEXT)).code == "charged_back"


async def test_refunds_are_on_the_statement_of_their_day() -> None:
    provider = bank(always(Script()))
    await provider.initiate(ORDER)
    answer = await provider.refund(ORDER.request, 200, "k1", NEXT)
    assert answer.value_date == NEXT
    assert await listed(provider, NEXT) == (StatementRow(Movement.REFUND, ORDER.request, answer.ref or "", 200),)
    assert provider.balance_fen(NEXT) == 300


async def test_refunds_fail_or_lose_their_first_answer() -> None:
    failing = bank(always(Script(refund_code="payee_account_closed")))
    await failing.initiate(ORDER)
    assert (await failing.refund(ORDER.request, 1, "k1", DAY)).code == "payee_account_closed"
    assert len(await listed(failing)) == 1
    losing = bank(always(Script(refund_lost=True)))
    await losing.initiate(ORDER)
    assert (await losing.refund(ORDER.request, 1, "k1", DAY)).status is Status.UNKNOWN
    assert (await losing.refund(ORDER.request, 1, "k1", NEXT)).value_date == DAY


async def test_another_process_meets_the_same_bank(tmp_path: Path) -> None:
    """Orders, refunds and callbacks are in its file; a fate that was drawn does not change with the rule."""
    path = tmp_path / "banks" / "bank_a.sqlite"
    script = Script(settles_after_days=1, callbacks_after_days=(1,), charged_back_after_days=2)
    first = bank(always(script), path)
    await first.initiate(ORDER)
    first.close()
    second = bank(always(Script(code="limit_exceeded")), path)
    assert (await second.initiate(ORDER)).status is Status.ACCEPTED
    assert (await second.query(ORDER.request, NEXT)).status is Status.SUCCEEDED
    assert len(second.deliveries(NEXT)) == 1
    await second.refund(ORDER.request, 100, "k1", NEXT)
    second.close()
    third = bank(always(Script()), path)
    assert (await third.refund(ORDER.request, 100, "k1", DAY + timedelta(days=9))).value_date == NEXT
    assert [row.movement for row in await listed(third, NEXT)] == [Movement.COLLECTION, Movement.REFUND]
    third.close()


async def test_books_that_are_damaged_are_named(tmp_path: Path) -> None:
    """When the bank is opened, and while it is asked."""
    path = tmp_path / "bank_a.sqlite"
    path.write_bytes(b"no database" * 500)
    with pytest.raises(BooksUnusable, match="expected the books of a sandbox bank, got file is not"):
        bank(always(Script()), path)
    path.unlink()
    opened = bank(always(Script()), path)
    with closing(sqlite3.connect(path)) as other:
        other.executescript("DROP TABLE calls; DROP TABLE orders")
    with pytest.raises(BooksUnusable, match="no such table: calls"):
        opened.deliveries(DAY)
    with pytest.raises(BooksUnusable, match="no such table: orders"):
        await opened.statement(DAY)
    opened.close()


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
