"""Files beside the ledger that contracts need: schedules by their digest, and the certificates that are trusted.

<directory>/<SHA-256 of the canonical JSON>.json    one schedule; the name is checked whenever it is read
<directory>/*.pem                                   trusted certificates; *.crl, revocation lists (DER)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
from cryptography import x509

from adapters.documents.port import SigningError
from adapters.files import write_private
from adapters.system import random_bytes
from domain.contracts.roots import schedule_digest
from domain.kernel.values import canonical_json
from domain.pricing.schedules import Instalment

_DIGEST = re.compile(r"[0-9a-f]{64}")
_DECODER = msgspec.json.Decoder(tuple[Instalment, ...])


class KeptSchedules:
    """Schedules in one directory, each under its digest; what is there never changes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, schedule: Sequence[Instalment]) -> str:
        """Keep a schedule; gives its digest. Keeping it again changes nothing."""
        digest = schedule_digest(schedule)
        path = self._directory / f"{digest}.json"
        if not path.exists():
            draft = path.with_name(f".{path.name}.{random_bytes(8).hex()}")
            write_private(draft, canonical_json(list(schedule)))
            draft.replace(path)
        return digest

    def find(self, digest: str) -> tuple[Instalment, ...] | None:
        """The schedule with this digest; `None` when it is not there, or is not what its name says."""
        if not _DIGEST.fullmatch(digest):
            return None
        try:
            schedule = _DECODER.decode((self._directory / f"{digest}.json").read_bytes())
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        return schedule if schedule_digest(schedule) == digest else None


def trusted_roots(directory: Path) -> tuple[tuple[x509.Certificate, ...], tuple[bytes, ...]]:
    """The trusted certificates and the revocation lists of a directory; nothing when it is not there.

    Raises `SigningError` for a file that holds no certificate.
    """
    roots: list[x509.Certificate] = []
    for path in sorted(directory.glob("*.pem")):
        try:
            roots += x509.load_pem_x509_certificates(path.read_bytes())
        except ValueError as error:
            raise SigningError(f"{path}: expected certificates in PEM, got: {error}") from None
    return tuple(roots), tuple(path.read_bytes() for path in sorted(directory.glob("*.crl")))
