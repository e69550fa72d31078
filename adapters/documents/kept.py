"""Files beside the ledger that contracts need: schedules by their digest, which papers were set, trusted certificates.

<directory>/<SHA-256 of the canonical JSON>.json    one schedule; the name is checked whenever it is read
<directory>/<contract>-<root>/<SHA-256 of the PDF>  a paper that was set of this version; the file is empty
<directory>/*.pem                                   trusted certificates; *.crl, revocation lists (DER)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec
from cryptography import x509

from adapters.documents.port import TrustUnusable
from adapters.files import private_file, write_private
from domain.contracts.roots import schedule_digest
from domain.kernel.values import canonical_json
from domain.pricing.schedules import Instalment

PAPERS = "papers"
"""Where it is kept which papers were set, under the data directory."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_DECODER = msgspec.json.Decoder(tuple[Instalment, ...])

TRUST_MAX_BYTES = 16 << 20
"""All authorities of a browser together have a tenth; lists of revoked certificates may be longer."""


class KeptSchedules:
    """Schedules in one directory, each under its digest; what is there never changes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, schedule: Sequence[Instalment]) -> str:
        """Keep a schedule; gives its digest. Keeping it again changes nothing."""
        digest = schedule_digest(schedule)
        path = self._directory / f"{digest}.json"
        if not path.exists():
            write_private(path, canonical_json(list(schedule)))
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


class KeptPapers:
    """Digests of the papers that were set of a version of a contract.

    One, as long as program and fonts stay the same; what was set once may be shown.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, contract: UUID, root: str, digest: str) -> None:
        """Remember that a paper was set. Doing it again changes nothing."""
        place = self._place(contract, root)
        private_file(place / digest)

    def find(self, contract: UUID, root: str) -> frozenset[str]:
        """The digests of the papers of this version; none when none was set here."""
        place = self._place(contract, root)
        if not _DIGEST.fullmatch(root) or not place.is_dir():
            return frozenset()
        return frozenset(path.name for path in place.iterdir() if _DIGEST.fullmatch(path.name))

    def _place(self, contract: UUID, root: str) -> Path:
        return self._directory / f"{contract.hex}-{root}"


def set_papers(data: Path) -> KeptPapers:
    """Which papers were set, under the data directory."""
    return KeptPapers(data / PAPERS)


def _content(path: Path) -> bytes:
    """What a regular file of trust holds, at most `TRUST_MAX_BYTES`. Raises `ValueError`, `OSError`."""
    if not path.is_file():
        raise ValueError(f"{path}: expected a regular file")
    with path.open("rb") as file:
        data = file.read(TRUST_MAX_BYTES + 1)
    if len(data) > TRUST_MAX_BYTES:
        raise ValueError(f"{path}: expected at most {TRUST_MAX_BYTES} bytes")
    return data


def trusted_roots(directory: Path) -> tuple[tuple[x509.Certificate, ...], tuple[bytes, ...]]:
    """The trusted certificates and the revocation lists of a directory; nothing when it is not there.

    Raises `TrustUnusable` for a file that holds something else.
    """
    roots: list[x509.Certificate] = []
    crls: list[bytes] = []
    for path in sorted(directory.glob("*.pem")):
        try:
            roots += x509.load_pem_x509_certificates(_content(path))
        except (ValueError, OSError):
            raise TrustUnusable(f"{path}: expected certificates in PEM") from None
    for path in sorted(directory.glob("*.crl")):
        try:
            crls.append(_content(path))
            x509.load_der_x509_crl(crls[-1])
        except (ValueError, OSError):
            raise TrustUnusable(f"{path}: expected a list of revoked certificates in DER") from None
    return tuple(roots), tuple(crls)
