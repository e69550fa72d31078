"""The theorem of the account: in whatever order facts become known, the balances are those of the facts themselves.

Transactions are drawn at random, posted on time (in the order of their days) and in any other order; the account must
end in exactly the same balances. On the way nothing is lost: what is applied and what is credit add up to the money.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.leasing.account import Account, assessed, effect, posted, replay, withdrawn
from domain.leasing.balances import AccountPolicy, Kind, Transaction
from domain.leasing.values import COMPONENTS
from tests.sampling import examples

START = date(2026, 1, 1)
DAYS = 120

days = st.integers(0, DAYS).map(lambda n: START + timedelta(days=n))
amounts = st.integers(1, 4_000)
terms = st.builds(
    AccountPolicy,
    allocation=st.permutations(COMPONENTS).map(tuple),
    late_fee_daily_rate=st.sampled_from(["0", "0.0005", "0.0137", "0.1"]),
    grace_days=st.integers(0, 5),
)
fours = st.tuples(st.integers(0, 3_000), st.integers(0, 400), st.integers(0, 50), st.just(0))


@st.composite
def bills(draw: st.DrawFn) -> list[Transaction]:
    """Up to six bills, issued in the order of their numbers."""
    issued = sorted(draw(st.lists(days, max_size=6)))
    return [
        Transaction(
            on=on,
            kind=Kind.BILL,
            number=number,
            due_on=on + timedelta(days=draw(st.integers(0, 10))),
            parts=draw(fours),
        )
        for number, on in enumerate(issued, start=1)
    ]


@st.composite
def facts(draw: st.DrawFn) -> list[Transaction]:
    """Bills, payments, refunds, waivers and new due dates of one account."""
    found = draw(bills())
    found += [
        Transaction(on=on, kind=Kind.PAYMENT, amount_fen=fen, payment=UUID(int=n))
        for n, (on, fen) in enumerate(draw(st.lists(st.tuples(days, amounts), max_size=8)), start=1)
    ]
    found += [
        Transaction(on=on, kind=Kind.DEBIT, amount_fen=fen)
        for on, fen in draw(st.lists(st.tuples(days, amounts), max_size=2))
    ]
    numbers = st.integers(1, 6)
    waived = st.tuples(st.integers(0, 900), st.integers(0, 200), st.integers(0, 50), st.integers(0, 60))
    found += [
        Transaction(on=on, kind=Kind.WAIVER, number=number, parts=parts)
        for on, number, parts in draw(st.lists(st.tuples(days, numbers, waived), max_size=2))
    ]
    found += [
        Transaction(on=on, kind=Kind.RE_AGE, number=number, due_on=due)
        for on, number, due in draw(st.lists(st.tuples(days, numbers, days), max_size=2))
    ]
    return found


def on_time(transactions: list[Transaction]) -> list[Transaction]:
    """The order in which the facts happened."""
    return sorted(transactions, key=lambda t: (t.on, t.kind, t.number))


def after(account: Account, transactions: list[Transaction]) -> Account:
    for transaction in transactions:
        account = posted(account, transaction)
    return account


def money_of(account: Account) -> int:
    """What came in less what went out."""
    sign = {Kind.PAYMENT: 1, Kind.DEBIT: -1}
    return sum(sign.get(t.kind, 0) * t.amount_fen for t in account.transactions)


def check_sound(account: Account) -> None:
    """Money is conserved and no component is paid beyond its amount."""
    balances = account.balances
    assert balances.paid_fen + balances.credit_fen == money_of(account)
    for bill in balances.bills:
        rows: Any = zip(bill.amount, bill.paid, bill.waived, strict=True)
        assert all(paid >= 0 and waived >= 0 and paid + waived <= amount for amount, paid, waived in rows)
        assert bill.open_fen == sum(bill.amount) - sum(bill.paid) - sum(bill.waived)
    assert balances.credit_fen <= 0 or balances.open_fen == 0, "credit never lies beside an open bill"


@given(terms, facts(), st.data())
def test_order_of_knowledge_does_not_matter(
    policy: AccountPolicy, found: list[Transaction], data: st.DataObject
) -> None:
    late = data.draw(st.permutations(found))
    assess_to = data.draw(days)
    assess_at = data.draw(st.integers(0, len(late)))
    start = Account(terms=policy)
    punctual = assessed(after(start, on_time(found)), assess_to)
    tardy = after(assessed(after(start, late[:assess_at]), assess_to), late[assess_at:])
    assert tardy.balances == punctual.balances
    assert punctual.balances == replay(punctual)
    check_sound(tardy)


@given(terms, facts(), st.data())
def test_each_step_is_what_a_replay_gives(policy: AccountPolicy, found: list[Transaction], data: st.DataObject) -> None:
    """The quick way at the end of the chronology and the long way are one."""
    account = Account(terms=policy)
    for transaction in data.draw(st.permutations(found)):
        if data.draw(st.booleans()):
            account = assessed(account, data.draw(days))
        before = account.balances
        account = posted(account, transaction)
        assert account.balances == replay(account)
        check_sound(account)
        changed = effect(before, account.balances)
        money = {Kind.PAYMENT: transaction.amount_fen, Kind.DEBIT: -transaction.amount_fen}.get(transaction.kind, 0)
        assert sum(a.fen for a in changed.applied) + changed.credit_fen == money
        assert all(a.fen for a in changed.applied)


@given(terms, facts(), st.data())
def test_reversed_payment_never_was(policy: AccountPolicy, found: list[Transaction], data: st.DataObject) -> None:
    payments = [t.payment for t in found if t.payment is not None]
    reversed_ones = set(data.draw(st.lists(st.sampled_from(payments), unique=True))) if payments else set()
    account = after(Account(terms=policy), data.draw(st.permutations(found)))
    for payment in reversed_ones:
        account = withdrawn(account, payment)
    honest = [t for t in found if t.payment not in reversed_ones]
    assert account.balances == after(Account(terms=policy), on_time(honest)).balances
    check_sound(account)


@settings(max_examples=examples(50))
@given(terms, facts(), days)
def test_late_fees_only_grow_with_time(policy: AccountPolicy, found: list[Transaction], later: date) -> None:
    account = after(Account(terms=policy), on_time(found))
    end = START + timedelta(days=DAYS + 200)
    sooner = assessed(account, account.balances.on)
    fees = [sum(bill.amount[3] for bill in a.balances.bills) for a in (sooner, assessed(sooner, end))]
    assert fees == sorted(fees)
