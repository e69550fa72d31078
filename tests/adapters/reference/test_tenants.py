"""Terms of business of tenants: the file, its row, what stands there without one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from adapters.reference.clauses import shipped_clauses
from adapters.reference.plans import shipped_plans
from adapters.reference.tenants import FILE, TenantsError, shipped_terms, terms_of_business
from domain.leasing.values import DownPaymentTo
from domain.pricing.parts import AssetKind

TENANT = uuid4()


def written(data: Path, row: Any) -> Path:
    """A file with one tenant."""
    (data / FILE).write_text(json.dumps({str(TENANT): row}))
    return data


def test_without_a_file_or_a_row(tmp_path: Path) -> None:
    assert terms_of_business(tmp_path, TENANT) == shipped_terms()
    assert terms_of_business(written(tmp_path, {}), uuid4()) == shipped_terms()
    shipped = shipped_terms()
    assert (shipped.lessor, shipped.forum, shipped.lock_assets) == (None, None, ())


def test_a_row_says_everything_of_its_tenant(tmp_path: Path) -> None:
    lessor = uuid4()
    row = {
        "lessor": str(lessor), "forum": "示例仲裁委员会", "reference_prefix": "ZL", "lock_assets": ["phone"],
        "clause_of_consent": {"whereabouts": "vehicle_tracker"}, "down_payment_to": "supplier",
    }  # fmt: skip
    found = terms_of_business(written(tmp_path, row), TENANT)
    assert (found.lessor, found.forum, found.reference_prefix) == (lessor, "示例仲裁委员会", "ZL")
    assert (found.lock_assets, found.down_payment_to) == ((AssetKind.PHONE,), DownPaymentTo.SUPPLIER)
    assert found.clause_of_consent == {"whereabouts": "vehicle_tracker"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"surprise": 1}, "unknown field `surprise` - at `$[...]`"),
        ({"lessor": "moon"}, "Invalid UUID - at `$[...].lessor`"),
        ({"reference_prefix": ""}, "Expected `str` matching regex '^[A-Z"),
        ({"reference_prefix": "HT-2026"}, "- at `$[...].reference_prefix`"),
        ({"lock_assets": ["moon"]}, ": Invalid enum value - at `$[...].lock_assets[0]`"),
        ({"down_payment_to": "moon' - at `$`"}, ": Invalid enum value - at `$[...].down_payment_to`"),
        ([], "Expected `object`, got `array` - at `$[...]`"),
        (7, "Expected `object`, got `int` - at `$[...]`"),
    ],
)
def test_a_mistake_is_named_by_its_place_without_what_stands_there(tmp_path: Path, row: Any, said: str) -> None:
    with pytest.raises(TenantsError, match=re.escape(said)) as caught:
        terms_of_business(written(tmp_path, row), uuid4())
    assert "moon" not in str(caught.value)
    assert FILE in str(caught.value)


def test_what_is_shipped_fits_plans_and_clauses() -> None:
    """Every consent that has a clause is one that plans ask for, every clause one of the library that may be chosen."""
    asked = {consent for plan in shipped_plans() for consent in plan.consents}
    optional = {clause.clause for clause in shipped_clauses() if not clause.mandatory}
    assert shipped_terms().clause_of_consent.keys() <= asked
    assert set(shipped_terms().clause_of_consent.values()) <= optional
