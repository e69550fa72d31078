"""How much the suite samples: some for every commit (`ci`), little while one works (`quick`), much for `make deep`.

A number in a test is a full sample: `ci` takes half of it, `make deep` 25 times as much. HYPOTHESIS_PROFILE chooses.
"""

from __future__ import annotations

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")
EXAMPLES = 40
"""Examples of a property that says nothing else."""

_PER_MILLE = {"quick": 300, "ci": 500, "deep": 25_000}


def examples(full: int) -> int:
    """The profile's share of a full sample of examples, at least one."""
    return max(1, full * _PER_MILLE[PROFILE] // 1_000)


def seeds(deep: int) -> range:
    """Seeds of a long random story: one of them unless the suite is run deep."""
    return range(1, 1 + (deep if PROFILE == "deep" else 1))
