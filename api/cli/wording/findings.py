"""Findings of fsck in the reader's language: fsck itself speaks English, and calls things of the database by name.

position, what, expected, got ─▶ one sentence
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.cli.wording.retelling import matched
from api.language import Language, current, message, text

if TYPE_CHECKING:
    from adapters.postgres.fsck.findings import Finding

FORMS = (
    message("leaf hash of the stored entry"),
    message("columns beside the entry"),
    message("events at the position"),
    message("command of the events from here on"),
    message("cause of the events of command {key}"),
    message("event before those of command {key}"),
    message("key, digest, system and tenant of command {key}"),
    message("number of the digest's key of command {key}"),
    message("version that command {key} left its stream at"),
    message("events of command {key}"),
    message("tenant of command {key}"),
    message("digest of command {key}"),
    message("system of command {key}"),
    message("place of command {key}"),
    message("key of command {key}"),
    message("sequence number in stream {id}"),
    message("sequence number in case {id}"),
    message("head of case {id} of tenant {tenant}"),
    message("head of stream {id}"),
    message("tenant of stream {id}"),
    message("rows of vault value {path}"),
    message("digest of vault value {path}"),
    message("tenant and subject of vault value {path}"),
    message("nonce and ciphertext of vault value {path}"),
    message("vault value {path}"),
    message("vault values of the event"),
    message("path of a vault value"),
    message("key of the subject"),
    message("keys of subject {id} of tenant {tenant}"),
    message("key of subject {id} of tenant {tenant}"),
    message("key of subject {id}"),
    message("mark of subject {id} of tenant {tenant}"),
    message("destroyed_at of subject {id} of tenant {tenant}"),
    message("events about subject {id} of tenant {tenant}"),
    message("head rows of shard {number}"),
    message("size in the head row"),
    message("root in the head row (tree of {size})"),
    message("frontier in the head row"),
    message("recorded_at in the head row"),
    message("room in the head row"),
    message("events under the checkpoint kept elsewhere"),
    message("events under the checkpoint signed last here"),
    message("events under the published checkpoint"),
    message("root of the tree of {size} under the checkpoint kept elsewhere"),
    message("root of the tree of {size} under the checkpoint signed last here"),
    message("root of the tree of {size} under its published checkpoint"),
    message("origin of the checkpoint kept elsewhere"),
    message("origin of the checkpoint signed last here"),
    message("size in the published checkpoint of {size}"),
    message("size of a published checkpoint"),
    message("published checkpoints of {size}"),
    message("published checkpoint of {size}"),
    message("published_at of the checkpoint of {size}"),
    message("key of the log after a newer one"),
    message("key of the log"),
    message("size from which {key} signs"),
    message("hash {slot} of tile {place}"),
    message("bytes in tile {place} under the newest published checkpoint ({size})"),
    message("rows of tile {place}"),
    message("rows of {table} that readers see"),
    message("shard of rows of {table}"),
    message("created_at of API key {id}"),
    message("revoked_at of API key {id}"),
    message("API key {id}"),
    message("reading of the events"),
    message("reading of the schema"),
    message("reading of the read models"),
    message("reading of the rows that readers see"),
    message("reading of the rows of other shards"),
    message("reading of the times, marks and API keys"),
    message("live copies of read model {name}"),
    message("catalogue rows of {table}"),
    message("read model {name}"),
    message("entry"),
    message("body"),
    message("event"),
    message("version"),
    message("schema version"),
)
"""What fsck finds, in the order in which its words are compared with it; names of objects of the schema stay."""

VALUES = (
    message("the key that this ledger was opened with"),
    message("the key that this ledger's persons were sealed with"),
    message("{name}, which signed this ledger last, or a key that it was rotated to"),
    message("another one"),
    message("all of it"),
    message("as schema.sql makes it"),
    message("a stored event"),
    message("a canonical entry of a registered type"),
    message("a note signed by the log"),
    message("one of the key files"),
    message("a verifier key"),
    message("a key or the mark of its destruction"),
    message("one of another cause"),
    message("that of a published checkpoint"),
    message("a time in UTC with six digits of a second"),
    message("at least {size}"),
    message("none up to position {place}"),
    message("0 or more"),
    message("one or more"),
    message("not shared"),
    message("shared"),
    message("neither of them"),
    message("both of them"),
    message("more"),
    message("none"),
)
"""What is expected and got, where it is said in words."""


def told(finding: Finding) -> str:
    """The sentence of a finding: in English its own."""
    if current() is Language.EN:
        return finding.sentence()
    expected, got = (_told(value, VALUES) for value in (finding.expected, finding.got))
    said = text("{what}: expected {expected}, got {got}", what=_told(finding.what, FORMS), expected=expected, got=got)
    return text("position {place}: {said}", place=finding.position, said=said) if finding.position else said


def _told(words: str, forms: tuple[str, ...]) -> str:
    found = matched(words, forms)
    return words if found is None else text(found[0], **found[1])
