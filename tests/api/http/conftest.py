"""One application for the tests of a session, on a ledger that it keeps; every test has a tenant of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.documents.authority import LocalAuthority
from adapters.system import new_id
from api.compose import Base
from api.roles.opening import ensure_opened
from tests.adapters.documents import papers as samples
from tests.api.http.driver import Http, opened
from tests.ledger import Server, composed_on


@pytest.fixture(scope="session")
def on(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    """A ledger, the keys and the settings, the tenant that runs the log among them."""
    data = tmp_path_factory.mktemp("http")
    with server.ledger() as url, composed_on(url, data, tenant=new_id()) as prepared:
        yield prepared


@pytest.fixture(scope="module")
def authority(on: Base) -> Iterator[LocalAuthority]:
    """An authority whose root the ledger trusts."""
    authority = LocalAuthority(on.settings.data / "signers", samples.KEY_BITS)
    trust = on.settings.trust_directory
    trust.mkdir(exist_ok=True)
    (trust / "root.pem").write_bytes(authority.root.public_bytes(Encoding.PEM))
    yield authority
    (trust / "root.pem").unlink()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def application(on: Base) -> AsyncIterator[Http]:
    """The application over that ledger; making one takes longer than most tests."""
    async with opened(on) as driver:
        await ensure_opened(driver.running)
        yield driver


@pytest.fixture
def http(application: Http) -> Http:
    """The interface, with a fresh tenant."""
    return application.another_tenant()


@pytest_asyncio.fixture(loop_scope="session")
async def fresh(tmp_path: Path, server: Server) -> AsyncIterator[Http]:
    """The interface over a ledger in which nothing ran yet."""
    with server.ledger() as url, composed_on(url, tmp_path) as prepared:
        async with opened(prepared) as driver:
            yield driver
