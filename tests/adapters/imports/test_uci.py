"""The UCI data set: reading rows, the meaning of its columns, and every way a file can be wrong."""

from __future__ import annotations

import os
import tempfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.imports.errors import LogError
from adapters.imports.uci import BALANCES, LIMIT, MONTHS, PAYMENTS, BadClient, BadHeader, bills, clients, payments
from adapters.imports.uci_history import decide_opening, lease_stream, opening, opening_key
from adapters.processes.dispatch import context
from chain.entry import import_cause
from domain.kernel.ids import uuid7
from domain.leasing.lease.rules.decider import LEASE

HEADER = ["ID", *(f"X{column}" for column in range(1, 24)), "Y"]
TENANT = uuid7(1, 1)


def write(path: Path, *rows: dict[str, object]) -> Path:
    """A file of this data set with the given columns; the others are 0."""
    lines = [",".join(HEADER)]
    lines += [",".join(str(row.get(name, 0)) for name in HEADER) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def row(name: str, balances: list[int], paid: list[int]) -> dict[str, object]:
    """One client by its statement balances and payments, April first."""
    return {
        "ID": name,
        LIMIT: 50_000,
        **dict(zip(BALANCES, balances, strict=True)),
        **dict(zip(PAYMENTS, paid, strict=True)),
    }


def test_charges_follow_from_balances_and_payments(tmp_path: Path) -> None:
    path = write(tmp_path / "u.csv", row("7", [100, 150, 150, 0, 30, 30], [40, 50, 0, 150, 0, 10]))
    (client,) = clients(path)
    assert client.charged_fen == (140_00, 100_00, 0, 0, 30_00, 10_00)
    assert bills(client) == [
        (date(2005, 5, 20), 140_00),
        (date(2005, 6, 20), 100_00),
        (date(2005, 9, 20), 30_00),
        (date(2005, 10, 20), 10_00),
    ]
    assert [(day, amount) for day, _, amount in payments(client)] == [
        (date(2005, 4, 15), 40_00),
        (date(2005, 5, 15), 50_00),
        (date(2005, 7, 15), 150_00),
        (date(2005, 9, 15), 10_00),
    ]


def test_what_the_merchant_gives_back_is_a_payment_at_the_end_of_the_month(tmp_path: Path) -> None:
    (client,) = clients(write(tmp_path / "u.csv", row("7", [100, 20, 20, 20, 20, 20], [0] * 6)))
    assert client.charged_fen[1] == -80_00
    assert payments(client) == [(date(2005, 5, 31), "2005-05/given-back", 80_00)]


amounts = st.integers(-5_000, 500_000)


@given(st.lists(amounts, min_size=6, max_size=6), st.lists(st.integers(0, 90_000), min_size=6, max_size=6))
def test_the_debt_at_each_month_end_is_the_statement(balances: list[int], paid: list[int]) -> None:
    """Bills of a month and before, less what came in until its end, give the balance of the file."""
    with tempfile.TemporaryDirectory() as folder:
        (client,) = clients(write(Path(folder) / "u.csv", row("7", balances, paid)))
    for number, balance in enumerate(balances):
        charged = sum(fen for fen in client.charged_fen[: number + 1] if fen > 0)
        came = sum(fen for day, _, fen in payments(client) if (day.year, day.month) <= (2005, MONTHS[number].month))
        assert charged - came == balance * 100


def test_an_opening_is_decided_into_a_running_lease(tmp_path: Path) -> None:
    (client,) = clients(write(tmp_path / "u.csv", row("7", [100] * 6, [0, 10, 10, 10, 10, 10])))
    at = context(TENANT, MONTHS[0], "import", lease_stream(client))
    cause = import_cause(TENANT, opening_key(client))
    decided = decide_opening(client, at, cause)
    state = LEASE.initial
    for one in decided:
        state = LEASE.evolve(state, one.event)
    assert len(state.unbilled) == 6
    assert [type(one.event).__name__ for one in decided] == ["LeaseCreated", "AssetDelivered", "LeaseActivated"]
    assert decided == decide_opening(client, at, cause)


def test_a_client_who_was_never_charged_has_no_lease(tmp_path: Path) -> None:
    (client,) = clients(write(tmp_path / "u.csv", row("7", [0] * 6, [0] * 6)))
    assert opening(client) == ()


def test_a_changed_row_has_another_key(tmp_path: Path) -> None:
    (one,) = clients(write(tmp_path / "a.csv", row("7", [100] * 6, [0] * 6)))
    (two,) = clients(write(tmp_path / "b.csv", row("7", [101] * 6, [0] * 6)))
    assert lease_stream(one) == lease_stream(two)
    assert opening_key(one) != opening_key(two)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("", BadHeader, "columns"),
        ("ID,X1\n1,2\n", BadHeader, "columns"),
        ("rubbish \x00\xff", BadHeader, "columns"),
    ],
)
def test_a_file_without_the_columns_is_refused(tmp_path: Path, text: str, kind: type[LogError], words: str) -> None:
    path = tmp_path / "u.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(kind, match=words):
        list(clients(path))


@pytest.mark.parametrize("value", ["", "x", "1.5", "1e999", "--1", "１", "nan", "9" * 40])
def test_a_value_that_is_no_whole_number_is_named(tmp_path: Path, value: str) -> None:
    path = write(tmp_path / "u.csv", row("7", [1] * 6, [1] * 6), row("8", [1] * 6, [1] * 6) | {"X14": value})
    with pytest.raises(BadClient, match=r"u\.csv, case '8': expected a whole number in X14"):
        list(clients(path))


@pytest.mark.parametrize(("value", "cents"), [("5.00E+05", 50_000_000), ("-12", -1200), ("7.0", 700), ("0", 0)])
def test_whole_numbers_in_every_notation_of_the_file(tmp_path: Path, value: str, cents: int) -> None:
    (client,) = clients(write(tmp_path / "u.csv", row("7", [0] * 6, [0] * 6) | {LIMIT: value}))
    assert client.limit_fen == cents


def test_a_client_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "u.csv", row("7", [1] * 6, [1] * 6), row("7", [1] * 6, [1] * 6))
    with pytest.raises(BadClient, match="each client once"):
        list(clients(path))


def test_the_real_file() -> None:
    shared = Path(os.environ.get("LEASELEDGER_SHARED", Path(__file__).parents[4] / "shared"))
    path = shared / "data" / "uci_credit_card.csv"
    if not path.exists():
        pytest.skip(f"needs the data set at {path.name} in LEASELEDGER_SHARED/data")
    known = list(clients(path))
    assert len(known) == 30_000
    given_back = sum(fen < 0 for client in known for fen in client.charged_fen[1:])
    assert given_back == 619
