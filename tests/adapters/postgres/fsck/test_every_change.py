"""Every column, row, constraint, privilege and policy of the store, changed by somebody who may do everything."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

from psycopg import Connection

from api.compose import Running
from tests.adapters.postgres.fsck.tampering import Change, findings_after, rows_changed, schema_changed
from tests.sampling import examples
from tests.tidy.checkout import ROOT

NOT_FROM_INSIDE = {
    "commands: key",
    "commands: digest",
    "checkpoints: published_at",
    "vault: nonce",
    "vault: ciphertext",
    "vault: removed row",
    "api_keys: hash",
    "api_keys: tenant",
    "api_keys: role",
    "api_keys: label",
    "api_keys: revoked_at",
    "api_keys: removed row",
}
"""What no entry and no key outside of the database tells; SECURITY.md names each, with what finds it."""


def judged(superuser: Connection[Any], program: Running, changes: Iterable[Change]) -> tuple[int, dict[str, str]]:
    """How many changes could be made, and those of which fsck said nothing, by what they are of."""
    made, unfound = 0, dict[str, str]()
    for change in changes:
        found = findings_after(superuser, program, change)
        made += found is not None
        if found == ():
            unfound[change.of or change.name] = change.name
    return made, unfound


async def test_a_ledger_with_everything_is_in_order(everything: Running, superuser: Connection[Any]) -> None:
    found = findings_after(superuser, everything, Change("nothing", ("SELECT 1",)))
    assert found == ()


async def test_every_changed_row_is_found(everything: Running, superuser: Connection[Any]) -> None:
    changes = list(rows_changed(superuser))
    chosen = random.sample(changes, min(examples(len(changes)), len(changes)))
    made, unfound = judged(superuser, everything, chosen)
    assert unfound.keys() <= NOT_FROM_INSIDE, unfound
    assert len(chosen) < len(changes) or unfound.keys() == NOT_FROM_INSIDE
    assert len(changes) > 400
    assert made > 0.8 * len(chosen)


async def test_every_changed_object_of_the_schema_is_found(everything: Running, superuser: Connection[Any]) -> None:
    changes = list(schema_changed(superuser))
    chosen = random.sample(changes, min(examples(400), len(changes)))
    made, unfound = judged(superuser, everything, chosen)
    assert unfound == {}
    assert made > 0.8 * len(chosen)


def test_what_cannot_be_found_from_inside_is_told() -> None:
    told = (ROOT / "SECURITY.md").read_text("utf-8")
    for what in NOT_FROM_INSIDE:
        table, _, column = what.partition(": ")
        assert f"`{table}`" in told if "row" in column else f"`{table}.{column}`" in told, what
