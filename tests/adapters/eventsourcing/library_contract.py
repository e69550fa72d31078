"""The library's contract tests, imported without the cryptography package that only its mapper cases need.

`eventsourcing.tests.persistence` imports the library's AES cipher over pycryptodome, for mapper cases that we do not
run. The library ships the same cipher over `cryptography`, which is here: it takes the other's place.
"""

from __future__ import annotations

import sys

from eventsourcing import cryptography

sys.modules.setdefault("eventsourcing.cipher", cryptography)

from eventsourcing.tests.persistence import (  # noqa: E402
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
)

__all__ = ["AggregateRecorderTestCase", "ApplicationRecorderTestCase"]
