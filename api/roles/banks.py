"""Payment providers, put together from settings: sandbox banks on a laptop, none unless they are asked for.

A connector to a real provider is another implementation of `PaymentProvider` (`adapters.connectors.payments.port`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from uuid import UUID

from adapters.connectors.payments.port import PaymentProvider
from adapters.connectors.payments.sandbox import SandboxBank
from adapters.connectors.payments.scenarios import by_seed
from adapters.files import private_file
from api.compose import Base

Banks = Mapping[str, PaymentProvider]
"""Providers by channel."""


@contextmanager
def banks(on: Base, tenant: UUID) -> Iterator[Banks]:
    """The providers with a tenant's accounts, open for as long as the context."""
    with ExitStack() as stack:
        opened: dict[str, PaymentProvider] = {}
        for name in on.settings.sandbox_bank_names:
            secret = on.keys.provider_secret(name, make=True)
            assert secret is not None, "it was made if it was missing"
            path = private_file(on.settings.banks_directory(tenant) / f"{name}.sqlite")
            bank = SandboxBank(name, secret, by_seed(on.settings.sandbox_seed), path)
            opened[name] = stack.enter_context(closing(bank))
        yield opened
