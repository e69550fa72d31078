"""One authority and one signed contract for all tests of signing; making keys takes time."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.documents.authority import LocalAuthority
from adapters.documents.pades import LocalSigner
from adapters.documents.port import SignedDocument
from adapters.documents.typeset import typeset
from tests.adapters.documents import papers


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    """An authority with small keys."""
    return LocalAuthority(Path(tmp_path_factory.mktemp("signing")) / "keys", papers.KEY_BITS)


@pytest.fixture(scope="session")
def signer(authority: LocalAuthority) -> LocalSigner:
    """A signer whose clock stands still."""
    return LocalSigner(authority, lambda: papers.SIGNED_AT)


@pytest.fixture(scope="session")
def unsigned() -> bytes:
    """The contract as set."""
    return typeset(papers.paper())


@pytest.fixture(scope="session")
def signed(signer: LocalSigner, unsigned: bytes) -> tuple[SignedDocument, ...]:
    """The contract after each party's signature, in their order."""
    steps: list[SignedDocument] = []
    for signatory in papers.SIGNATORIES:
        steps.append(signer.sign(steps[-1].pdf if steps else unsigned, signatory))
    return tuple(steps)
