"""Personal values, read back from the vault: of one subject of one tenant, in the order in which they came."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from adapters.postgres.connections import Connection
from adapters.postgres.schema import SHARD
from adapters.postgres.vault import Vault
from adapters.postgres.writing.sequencer import SubjectErased
from chain.personal import Sealed

VALUES_MAX = 1_000
"""Values of one person that are told at once, the newest of them."""


class PersonalValue(Struct, frozen=True):
    """One value: its kind (`application.phone`), the position of the event that brought it, and the text."""

    field: str
    position: int
    value: str


def fields_of(connection: Connection, tenant: UUID, subject: UUID) -> tuple[str, ...]:
    """The kinds of values that are kept of a subject, sorted; empty for one that the tenant does not know."""
    return tuple(field for (field,) in connection.execute(_FIELDS, (SHARD, tenant, subject)))


def values_of(
    connection: Connection, vault: Vault, tenant: UUID, subject: UUID, fields: tuple[str, ...]
) -> tuple[PersonalValue, ...]:
    """The newest values of these kinds, oldest first. Raises `SubjectErased`, `VaultError` or `KeyFileError`."""
    row = connection.execute(_KEY, (SHARD, tenant, subject)).fetchone()
    if row is None or row[0] is None:
        raise SubjectErased(f"subject {subject}: expected a living key, got none")
    wrapped = bytes(row[0])
    rows = connection.execute(_VALUES, (SHARD, tenant, subject, list(fields), VALUES_MAX)).fetchall()
    return tuple(
        PersonalValue(field, position, vault.open(tenant, eid, subject, wrapped, Sealed(path, *sealed)))
        for field, position, eid, path, *sealed in reversed(rows)
    )


_NAMED = """
FROM ledger.vault AS v JOIN ledger.events AS e ON e.shard = v.shard AND e.position = v.position
WHERE v.shard = %s AND v.tenant = %s AND v.subject = %s"""
_FIELD = "split_part(e.type, '.', 1) || '.' || v.path"
_FIELDS = f"SELECT DISTINCT {_FIELD} AS field {_NAMED} ORDER BY field"
_VALUES = f"""
SELECT {_FIELD} AS field, v.position, v.eid, v.path, v.digest, v.nonce, v.ciphertext {_NAMED}
AND {_FIELD} = ANY(%s) ORDER BY v.position DESC, v.path DESC LIMIT %s"""
_KEY = "SELECT wrapped FROM ledger.subject_keys WHERE shard = %s AND tenant = %s AND subject = %s"
