"""The file with a tenant's balance sheet, groups and related parties."""

from __future__ import annotations

import json
import re
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.reference.prudential import FILE, NOTHING, PrudentialDataError, prudential_data


def test_prudential_data(tmp_path: Path) -> None:
    tenant, lessee, group = uuid4(), uuid4(), uuid4()
    assert prudential_data(tmp_path, tenant) == NOTHING
    row = {"net_assets_fen": -1, "total_assets_fen": 2, "groups": {str(lessee): str(group)}, "related": [str(lessee)]}
    (tmp_path / FILE).write_text(json.dumps({str(tenant): row}))
    assert prudential_data(tmp_path, uuid4()) == NOTHING
    found = prudential_data(tmp_path, tenant)
    assert (found.net_assets_fen, found.total_assets_fen, found.group_of, found.related) == (
        -1, 2, {lessee: group}, frozenset({lessee}),
    )  # fmt: skip
    for text, place in (
        ("{", "Input data was truncated"),
        ("[]", "Expected `object`, got `array`"),
        ('{"x":1}', "Invalid UUID - at `key` in `$`"),
        (json.dumps({str(tenant): row | {"surprise": 1}}), "unknown field `surprise` - at `$[...]`"),
        (
            json.dumps({str(tenant): row | {"net_assets_fen": "much"}}),
            "Expected `int`, got `str` - at `$[...].net",
        ),
    ):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(PrudentialDataError, match=re.escape(place)) as caught:
            prudential_data(tmp_path, tenant)
        assert str(caught.value).startswith(f"{tmp_path / FILE}: ")
        assert "much" not in str(caught.value)
