"""The part of fsck about what no event tells: times and roles have their form, and a key is there or destroyed."""

from __future__ import annotations

from typing import Any

import psycopg

from adapters.postgres.fsck.findings import Findings
from adapters.postgres.schema import SCHEMA_VERSION, SHARD
from chain.entry import is_time_text

_TIME_WORDS = "a time in UTC with six digits of a second"


def check_forms(connection: psycopg.Connection[tuple[Any, ...]], found: Findings) -> None:
    """Check what stands alone: times of publishing, of destruction, of API keys, and the version of the schema."""
    for size, at in connection.execute(_PUBLISHED_AT, (SHARD,)):
        _time(found, f"published_at of the checkpoint of {size}", at)
    _check_destroyed(connection, found)
    _check_api_keys(connection, found)
    versions = [version for (version,) in connection.execute("SELECT version FROM ledger.schema_version")]
    if versions != [SCHEMA_VERSION]:
        found.add(0, "schema version", SCHEMA_VERSION, ", ".join(map(str, versions)) or "none")


def _check_destroyed(connection: psycopg.Connection[tuple[Any, ...]], found: Findings) -> None:
    for subject, tenant, wrapped, at in connection.execute(_DESTROYED, (SHARD,)):
        if wrapped == (at is not None):
            what, got = f"key of subject {subject} of tenant {tenant}", "both of them" if wrapped else "neither of them"
            found.add(0, what, "a key or the mark of its destruction", got)
        _time(found, f"destroyed_at of subject {subject} of tenant {tenant}", at, may_be_missing=True)


def _check_api_keys(connection: psycopg.Connection[tuple[Any, ...]], found: Findings) -> None:
    for identifier, odd, created_at, revoked_at in connection.execute(_API_KEYS):
        if odd:
            found.add(0, f"API key {identifier}", "hash, tenant, role and label", "one that is missing or of no form")
        _time(found, f"created_at of API key {identifier}", created_at)
        _time(found, f"revoked_at of API key {identifier}", revoked_at, may_be_missing=True)


def _time(found: Findings, what: str, at: str | None, *, may_be_missing: bool = False) -> None:
    if at is None and may_be_missing:
        return
    if at is None or not is_time_text(at):
        found.add(0, what, _TIME_WORDS, repr(at))


_PUBLISHED_AT = "SELECT size, published_at::text FROM ledger.checkpoints WHERE shard = %s ORDER BY size"
_DESTROYED = """
SELECT subject, tenant, wrapped IS NOT NULL, destroyed_at::text FROM ledger.subject_keys
WHERE shard = %s AND (wrapped IS NULL OR destroyed_at IS NOT NULL) ORDER BY subject, tenant"""
_API_KEYS = """
SELECT 'key_' || encode(substr(hash, 1, 8), 'hex'),
       (length(hash) = 32 AND tenant IS NOT NULL AND label IS NOT NULL AND role ~ '^[a-z_]+$' AND role <> 'system')
       IS NOT TRUE OR count(*) OVER (PARTITION BY hash) > 1,
       created_at::text, revoked_at::text
FROM ledger.api_keys ORDER BY hash"""
