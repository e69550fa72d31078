"""Leases, bills and books over HTTP: as of positions, instants and business dates, page by page, tenant by tenant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from adapters.system import new_id, now
from chain.entry import draft
from domain.kernel import Actor, Context, utc_text
from tests.api.http.driver import Http
from tests.domain.leasing import cases
from tests.projections.lease_stories import lived, noon

CLERK = Actor("merchant_operator", "key_1")
STORY = (*cases.RUNNING, cases.bill(1), cases.pay(1, 106_000, 30), cases.bill(2), cases.pay(2, 50_000, 65))
DAY = cases.day


async def tell(http: Http, *steps: cases.Step) -> str:
    """Append the events of one lease, each on its business date, and project them; the lease's id outside."""
    of = new_id()
    for place, (_, when, event) in enumerate(lived(*steps)):
        await _append(http, of, place, when, event)
    http.project()
    return f"lease_{of.hex}"
