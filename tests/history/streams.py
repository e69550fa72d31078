"""Digests of whole imported ledgers: what every stream says, whoever recorded it and when.

A digest is SHA-256 over the streams in the order of their ids, each with the digest of (type, occurred_at, body) of its
events in order. Positions, recorded times, and with them hashes and roots, are not part of it, nor is the stream that
says when the ledger was opened.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

STORED = Path(__file__).with_name("streams.json")
SHARED = Path(os.environ.get("LEASELEDGER_SHARED", Path(__file__).parents[3] / "shared"))
FILES = {
    "bpic2012": SHARED / "data" / "bpic2012.xes.gz",
    "uci_30000": SHARED / "data" / "uci_credit_card.csv",
}


def stored(name: str) -> dict[str, Any]:
    """The digest of a ledger as it was before the house was rebuilt."""
    found: dict[str, dict[str, Any]] = json.loads(STORED.read_text())
    return found[name]


def histories(entries: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Stream → digest over its events' (type, occurred_at, body) in order: what must not depend on faults or code."""
    digests: dict[str, Any] = {}
    for entry in entries:
        if entry["type"] == "ledger.opened.v1":
            continue
        fact = json.dumps([entry["type"], entry["occurred_at"], entry["body"]], sort_keys=True)
        digests.setdefault(entry["stream"], hashlib.sha256()).update(fact.encode() + b"\n")
    return {stream: digest.hexdigest() for stream, digest in digests.items()}


def digest(found: dict[str, str]) -> dict[str, Any]:
    """Number of streams and digest over all of them."""
    whole = hashlib.sha256()
    for stream in sorted(found):
        whole.update(f"{stream} {found[stream]}\n".encode())
    return {"streams": len(found), "sha256": whole.hexdigest()}


def imported(name: str) -> dict[str, Any]:
    """Import one of the files into a ledger of its own, through the program, and digest it."""
    from tests.faults.killing import victim

    with victim() as calm:
        calm.run("import", "xes" if name == "bpic2012" else "uci", str(FILES[name]))
        return digest(histories(calm.entries()))
