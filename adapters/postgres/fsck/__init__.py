"""fsck: does the ledger still say what it said? `whole` is the pass over everything, the others its parts."""

from __future__ import annotations

from adapters.postgres.fsck.findings import MAX_FINDINGS, Finding
from adapters.postgres.fsck.whole import Progress, Report, fsck

__all__ = ["MAX_FINDINGS", "Finding", "Progress", "Report", "fsck"]
