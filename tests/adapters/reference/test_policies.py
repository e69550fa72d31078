"""Cost policies: a tenant's own row, the shipped loan prime rates with dates, and no guess for a day nobody knows."""

from __future__ import annotations

import json
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adapters.reference import policies
from adapters.reference.policies import PolicyError, default_policy, policies_of, policy_of, shipped_lpr
from domain.kernel.refusal import Refusal
from domain.pricing.guards import LPR_STALE, LPR_UNKNOWN, Cap, Lessor, cap_on

TENANT, OTHER = UUID(int=7), UUID(int=8)


def write(data: Path, body: Any) -> None:
    (data / policies.FILE).write_text(body if isinstance(body, str) else json.dumps(body), "utf-8")


def test_shipped_rates_are_dated_and_rise_in_time() -> None:
    table = shipped_lpr()
    days = [change.published_on for change in table.changes]
    assert days == sorted(set(days))
    assert days[0] == date(2019, 8, 20), "the first publication in this form"
    assert days[-1] <= table.known_until
    rates = [change.one_year for change in table.changes]
    assert all(before != after for before, after in pairwise(rates)), "only changes are listed"


@pytest.mark.parametrize(
    ("on", "lpr", "cap"),
    [
        (date(2019, 8, 20), "0.0425", "0.17"),
        (date(2020, 8, 20), "0.0385", "0.154"),
        (date(2022, 1, 19), "0.038", "0.152"),
        (date(2024, 10, 21), "0.031", "0.124"),
        (date(2025, 6, 19), "0.03", "0.12"),
    ],
)
def test_cap_of_a_day_says_which_publication_it_is_from(on: date, lpr: str, cap: str) -> None:
    found = cap_on(default_policy(), on)
    assert isinstance(found, Cap)
    assert found.lpr is not None
    assert float(found.rate) == float(cap)
    assert (found.lpr.one_year, found.lpr.source) == (lpr, shipped_lpr().source)
    assert found.lpr.published_on <= on


@pytest.mark.parametrize(("on", "kind"), [(date(2019, 8, 19), LPR_UNKNOWN), (date(2025, 6, 20), LPR_STALE)])
def test_no_cap_is_guessed(on: date, kind: Any) -> None:
    found = cap_on(default_policy(), on)
    assert isinstance(found, Refusal)
    assert found.kind is kind


def test_tenant_without_a_row_has_the_default(tmp_path: Path) -> None:
    assert policy_of(tmp_path, TENANT) == default_policy()
    write(tmp_path, {str(OTHER): {"version": 4, "lessor": "licensed_finance", "own_cap": "0.2"}})
    assert policy_of(tmp_path, TENANT) == default_policy()
    own = policy_of(tmp_path, OTHER)
    assert (own.version, own.lessor, cap_on(own, date(2030, 1, 1))) == (4, Lessor.LICENSED_FINANCE, Cap("0.2"))


def test_somebody_looked_and_nothing_had_changed(tmp_path: Path) -> None:
    write(tmp_path, {str(TENANT): {"version": 2, "lessor": "unlicensed", "lpr_known_until": "2026-03-19"}})
    policy = policy_of(tmp_path, TENANT)
    assert len(policy.lpr) == len(shipped_lpr().changes)
    assert isinstance(cap_on(policy, date(2026, 3, 19)), Cap)
    assert isinstance(cap_on(policy, date(2026, 3, 20)), Refusal)


def test_own_rates_take_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    rate = {"published_on": "2026-02-20", "one_year": "0.029", "source": "looked up"}
    write(tmp_path, {str(TENANT): {"version": 2, "lessor": "unlicensed", "lpr": [rate], "lpr_multiple": "3"}})
    found = cap_on(policy_of(tmp_path, TENANT), date(2026, 3, 1))
    assert isinstance(found, Cap)
    assert (found.rate, found.lpr and found.lpr.source) == ("0.087", "looked up")
    assert isinstance(cap_on(policy_of(tmp_path, TENANT), date(2026, 2, 19)), Refusal)


DAY = {"published_on": "2026-02-20", "one_year": "0.03"}
ROW = {"version": 1, "lessor": "unlicensed"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("[]", "Expected `object`"),
        ("{", "truncated"),
        ({"nobody": ROW}, "Invalid UUID"),
        ({str(TENANT): ROW | {"cap": "0.1"}}, "unknown field `cap`"),
        ({str(TENANT): ROW | {"lpr": [DAY | {"one_year": "3 %"}]}}, r"lpr\[0\].one_year"),
        ({str(TENANT): ROW | {"lpr": [DAY, DAY | {"one_year": "0.031"}]}}, "one rate for each day of publication"),
        ({str(TENANT): ROW | {"lpr": [DAY], "lpr_known_until": "2026-02-19"}}, "2026-02-20 or later, got 2026-02-19"),
        ({str(TENANT): ROW | {"lpr_known_until": "2024-01-01"}}, "2025-05-20 or later, got 2024-01-01"),
        ({str(TENANT): {"version": 0, "lessor": "unlicensed"}}, "version"),
    ],
)
def test_mistakes_are_named_and_no_row_is_used(tmp_path: Path, body: Any, said: str) -> None:
    write(tmp_path, body)
    with pytest.raises(PolicyError, match=rf"pricing\.json: .*{said}"):
        policy_of(tmp_path, OTHER)


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / policies.FILE).mkdir()
    with pytest.raises(PolicyError, match=r"pricing\.json: Is a directory"):
        policies_of(tmp_path)


def test_shipped_table_of_another_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped_lpr.cache_clear()
    monkeypatch.setattr(policies, "FORMAT", "leaseledger.lpr/2")
    with pytest.raises(PolicyError, match=r"expected leaseledger\.lpr/2"):
        shipped_lpr()
