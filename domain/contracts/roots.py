"""The contract root: one hash that binds parties, key terms and every clause in its order.

    leaf 0       the head: {"amends", "contract", "form", "parties", "plan", "plan_digest"}
    leaf 1       the key terms
    leaf 2 …     one clause each, in order: {"clause", "digest", "version"}

Each leaf is the canonical JSON (RFC 8785) of its object; leaves are joined as RFC 6962 §2.1 does, with SHA-256.
`amends` is null for a contract and the root before for an amendment, so that amendments form a chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from msgspec import Struct

from domain.contracts.contract.values import KeyTerms, Party
from domain.kernel.values import ClauseRef, Code, Digest, Reference, canonical_json
from domain.pricing.parts import Form
from domain.pricing.schedules import Instalment

_LEAF = b"\x00"
_NODE = b"\x01"


class Head(Struct, frozen=True, kw_only=True):
    """Head of a contract, above its clauses: its id, its plan and its parties."""

    contract: Reference
    form: Form
    plan: Code
    plan_digest: Digest
    parties: tuple[Party, ...]
    amends: Digest | None = None


def schedule_digest(schedule: Sequence[Instalment]) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of the instalments, 64 lower-case hex digits."""
    return sha256(canonical_json(list(schedule))).hexdigest()


def contract_root(head: Head, key_terms: KeyTerms, clauses: Sequence[ClauseRef]) -> str:
    """The root over head, key terms and clauses in their order; 64 lower-case hex digits."""
    return merkle_root([canonical_json(part) for part in (head, key_terms, *clauses)]).hex()


def merkle_root(entries: Sequence[bytes]) -> bytes:
    """Merkle Tree Hash of RFC 6962 §2.1 over the entries in their order; 32 bytes."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(_LEAF + entries[0]).digest()
    split = 1 << (len(entries) - 1).bit_length() - 1
    return sha256(_NODE + merkle_root(entries[:split]) + merkle_root(entries[split:])).digest()
