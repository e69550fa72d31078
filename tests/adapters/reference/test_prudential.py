"""The file with a tenant's balance sheet, groups and related parties."""

from __future__ import annotations

import json
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
    for text in ("{", "[]", '{"x":1}', json.dumps({str(tenant): row | {"surprise": 1}})):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(PrudentialDataError, match="expected an object by tenant id"):
            prudential_data(tmp_path, tenant)
