"""Row-level security in the database: it restricts rows to a tenant where a query forgets the condition.

    SET LOCAL role = leaseledger_reader, leaseledger.tenant = … ─▶ read.*: rows of this tenant only, none without one

Policies hold for the reader's role alone: whoever folds events into read models owns the tables and sees all of them.
Both settings end with the transaction, so that nobody who gets the connection afterwards inherits a tenant.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from psycopg.errors import InsufficientPrivilege
from psycopg.pq import TransactionStatus

from adapters.postgres.connections import Connection, may_not_read

TENANT_SETTING = "leaseledger.tenant"
_ENTER = "SELECT current_setting('role'), set_config('role', 'leaseledger_reader', true), set_config(%s, %s, true)"
_LEAVE = "SELECT set_config('role', %s, true), set_config(%s, '', true)"


@contextmanager
def as_tenant(connection: Connection, tenant: UUID) -> Iterator[None]:
    """Read as one tenant inside the block, in a transaction. What comes after it is as it was before.

    Raises `MayNotRead` where the account of the connection may not.
    """
    within = connection.info.transaction_status is not TransactionStatus.IDLE
    with connection.transaction():
        try:
            row = connection.execute(_ENTER, (TENANT_SETTING, str(tenant))).fetchone()
        except InsufficientPrivilege as error:
            raise may_not_read(connection) from error
        yield
        if within and row is not None:
            connection.execute(_LEAVE, (row[0], TENANT_SETTING))
