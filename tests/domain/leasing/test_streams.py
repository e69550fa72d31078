"""Ids that follow from other ids: stored in ledgers for ever, so each is pinned, and none may be another's."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from domain.accounting.provision import provision_stream
from domain.calendar.calendar import calendar_stream
from domain.contracts.clause import clause_stream
from domain.contracts.offered import contract_stream
from domain.leasing.admission import lease_stream
from domain.payments.collection import collection_stream
from domain.payments.mandate import mandate_stream
from domain.payments.reconciliation import reconciliation_stream

SOURCE = UUID(int=1)
DAY = date(2026, 3, 2)
STREAMS = {
    "contract": (contract_stream(SOURCE), "cace108f-2ad1-5624-83d5-9263881ffc3b"),
    "lease": (lease_stream(SOURCE), "c6df9184-09fe-5aa8-935b-96b5e1c68ff6"),
    "mandate": (mandate_stream(SOURCE), "63de485a-ae19-50f8-a8c2-bfe36ccb324b"),
    "collection": (collection_stream(SOURCE, DAY), "d0997841-1490-5779-857e-546370b2dca4"),
    "reconciliation": (reconciliation_stream(SOURCE, "bank_a", DAY), "8ef9c060-114d-50ae-ad28-508b9fdd8330"),
    "provision": (provision_stream(SOURCE, "CNY"), "44454b7d-9a10-5ec4-a594-75cdb221332f"),
    "calendar": (calendar_stream(SOURCE), "a57db88e-92ab-5113-bdf4-3e6433207dde"),
    "clause": (clause_stream(SOURCE, "rent"), "91894edb-2ca7-5cb6-be42-862e2b439c76"),
}
"""Each derived from the same id, and what it was when the first ledger was written."""


@pytest.mark.parametrize("name", STREAMS)
def test_a_derived_id_never_changes(name: str) -> None:
    derived, pinned = STREAMS[name]
    assert derived == UUID(pinned)


def test_what_is_derived_from_one_id_is_eight_different_ones() -> None:
    """An application, its contract and the contract's lease could have the same source."""
    assert len({SOURCE, *(derived for derived, _ in STREAMS.values())}) == len(STREAMS) + 1
