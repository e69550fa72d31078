"""Identity: the keys beside a ledger are its own, and it holds what they have signed.

    log-*.seed        the keys that signed the published checkpoints, or rotated from them
    log.signed        a tree that the ledger begins with
    payload-0002.key  the digest of the command that opened the ledger
    vault.kek         the keys of some persons open

A well-formed file of another ledger looks like the right one until something is made with it, and what is made with two
keys can be read or verified with neither. So this is asked before; `doctor` and `fsck` ask the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from uuid import UUID

from adapters.keys import SIGNED, FileKeys, KeyFileError, WrongKey
from adapters.postgres.connections import Connection
from adapters.postgres.ledger import payload_of
from adapters.postgres.log import Log
from adapters.postgres.reading import browse
from adapters.postgres.schema import SHARD
from chain.entry import PAYLOAD_KEY_BEFORE, Entry, EntryError, command_id, parse
from chain.errors import ChainError
from domain.access.ledger import (
    LedgerOpened,
    LedgerOpenedForDemonstration,
    OpenLedger,
    OpenLedgerForDemonstration,
    ledger_stream,
)
from domain.kernel.command import Command
from domain.kernel.event import UnknownEventType

OPENING_KEY = "ledger:opened"
"""The idempotency key of a ledger's opening, of either kind."""

PERSONS_TRIED = 5
_KEK = "vault.kek"
_COMMITS_TO_ALL = 8
"""Version of the ids of commands that key, digest and tenant are in."""


def check_log_keys(connection: Connection, keys: FileKeys) -> None:
    """Raise `WrongKey` unless the seeds are those of the keys that signed this ledger.

    Raises `KeyFileError`, too, where checkpoints are published and the keys that signed them are gone.
    """
    log = Log(connection)
    try:
        known = [vkey for _, vkey in log.vkeys()]
    except ChainError as error:
        raise KeyFileError(f"ledger.log_keys: expected verifier keys, got {error}; run fsck") from error
    if not known and (published := log.newest()) is not None and published.size:
        what = f"the key that signed the checkpoint of {published.size} events"
        raise KeyFileError(f"ledger.log_keys: expected {what}, got none; run fsck")
    keys.log_signer(browse.origin(connection)).expect(known)


def check_signed(connection: Connection, keys: FileKeys) -> None:
    """Raise `WrongKey` unless the ledger begins with the tree that was signed last with these keys."""
    path, origin = keys.directory / SIGNED, browse.origin(connection)
    # The file is read first: it is written before what it says is published, so that the ledger is never behind it.
    signed = keys.log_signer(origin).signed()
    if signed is None:
        return
    do = "restore a newer backup, or remove the file and answer for the fork to whoever kept a checkpoint"
    size = browse.head_size(connection)
    if signed.origin != origin:
        raise WrongKey(path, f"what the log {origin} has signed", signed.origin, "restore the file of this log")
    if signed.size > size:
        raise WrongKey(path, f"a ledger of at least {signed.size} events, which its log has signed", f"{size}", do)
    try:
        root = Log(connection).root_at(signed.size).hex()
    except ChainError as error:
        root = str(error)
    if root != signed.root.hex():
        expected = f"the root {signed.root.hex()} at {signed.size} events, which its log has signed"
        raise WrongKey(path, expected, root, do)


def check_payload_key(connection: Connection, keys: FileKeys) -> None:
    """Raise `WrongKey` for a payload key that is not the one which the ledger was opened with.

    The opening's payload is known, and its digest is stored: under another key every repeated command would be called
    another one. A stored digest that was changed is fsck's to say.
    """
    stream = ledger_stream(browse.origin(connection))
    stored = browse.first_entry(connection, stream)
    entry = None if stored is None else _parsed(stored)
    asked = None if entry is None else _asked(entry)
    if entry is None or asked is None:
        return
    row = connection.execute(_OPENING, (SHARD, entry.tenant, OPENING_KEY)).fetchone()
    if row is None or _changed(entry, digest := bytes(row[0])):
        return
    if keys.digest(payload_of(stream, type(asked), asked), row[1]) != digest:
        path = keys.directory / (_KEK if row[1] == PAYLOAD_KEY_BEFORE else f"payload-{row[1]:04d}.key")
        raise WrongKey(path, "the key that this ledger was opened with", "another one", "restore it")


def _parsed(stored: bytes) -> Entry | None:
    try:
        return parse(stored)
    except EntryError:
        return None


def _asked(entry: Entry) -> Command | None:
    """The command that opened a ledger, from its event."""
    try:
        event = entry.event()
    except (EntryError, UnknownEventType, ValueError):
        return None
    if isinstance(event, LedgerOpened):
        return OpenLedger(origin=event.origin)
    if isinstance(event, LedgerOpenedForDemonstration):
        return OpenLedgerForDemonstration(origin=event.origin, scenario=event.scenario, seed=event.seed)
    return None


def _changed(entry: Entry, digest: bytes) -> bool:
    """Whether a stored digest is not the one that the event says it was caused by."""
    made = command_id(entry.tenant, OPENING_KEY, digest, system=True)
    return entry.cause.version == _COMMITS_TO_ALL and entry.cause != made


def check_vault_key(connection: Connection, keys: FileKeys) -> None:
    """Raise `WrongKey` for a well-formed key of another ledger: what is sealed under two keys opens under none.

    One key of a person may be damaged, which is fsck's to say; a key that opens none of some is another one.
    """
    wrapped = connection.execute(_SUBJECT_KEYS, (SHARD, PERSONS_TRIED)).fetchall()
    if wrapped and not any(_opens(keys, *one) for one in wrapped):
        path = keys.directory / _KEK
        raise WrongKey(path, "the key that this ledger's persons were sealed with", "another one", "restore it")


def _opens(keys: FileKeys, tenant: UUID, subject: UUID, wrapped: bytes) -> bool:
    try:
        keys.unwrap(tenant, subject, bytes(wrapped))
    except KeyFileError:
        return False
    return True


SIGNED_TREE = "signed_tree"
CHECKS: Mapping[str, Callable[[Connection, FileKeys], None]] = {
    "log_keys": check_log_keys,
    SIGNED_TREE: check_signed,
    "payload_key": check_payload_key,
    "vault_key": check_vault_key,
}
"""Every check by the code that it is told by where nobody may see more."""


def check_all(connection: Connection, keys: FileKeys) -> None:
    """Raise `KeyFileError` for the first that is wrong."""
    for check in CHECKS.values():
        check(connection, keys)


def wrong(connection: Connection, keys: FileKeys) -> Iterator[tuple[str, KeyFileError]]:
    """Everything that is wrong, with its code."""
    for code, check in CHECKS.items():
        try:
            check(connection, keys)
        except KeyFileError as error:
            yield code, error


_OPENING = """
SELECT digest, digest_key FROM ledger.commands
WHERE shard = %s AND tenant = %s AND system AND key = %s AND digest IS NOT NULL AND digest_key IS NOT NULL"""
_SUBJECT_KEYS = """
SELECT tenant, subject, wrapped FROM ledger.subject_keys WHERE shard = %s AND wrapped IS NOT NULL LIMIT %s"""
