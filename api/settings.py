"""Settings: one place, read from the environment (`LEASELEDGER_…`) and the command line, checked at the start."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_ORIGIN = "localhost/leaseledger/shard-0"
DEFAULT_TENANT = UUID("00000000-0000-7000-8000-000000000001")


class Settings(BaseSettings):
    """Every setting with its meaning; `leaseledger doctor` prints the values in force and where they come from."""

    model_config = SettingsConfigDict(env_prefix="LEASELEDGER_", extra="forbid", frozen=True)

    data: Path = Field(Path("./var"), description="Data directory: embedded database, keys, reports.")
    database_url: str | None = Field(
        None, description="libpq URL of a PostgreSQL 15+ server to use instead of the embedded one."
    )
    keys: Path | None = Field(None, description="Directory of the key files; default: DATA/keys.")
    trust: Path | None = Field(
        None, description="Directory of certificates (PEM) whose signatures under contracts count; default: DATA/trust."
    )
    origin: str = Field(
        DEFAULT_ORIGIN,
        min_length=1,
        max_length=200,
        pattern="^[!-*,-~]+$",
        description="The log's name in checkpoints, printable ASCII without space and plus; never changes. Without "
        "it a ledger keeps the one it has.",
    )
    tenant: UUID = Field(DEFAULT_TENANT, description="Tenant that imports and the first operator key belong to.")
    sandbox_banks: str = Field(
        "",
        pattern=r"^([a-z][a-z0-9_]{0,39}(,[a-z][a-z0-9_]{0,39}){0,9})?$",
        description="Payment channels, separated by commas, that sandbox banks stand behind; never in production.",
    )
    sandbox_seed: str = Field(
        "leaseledger", max_length=100, description="The fates of sandbox orders are drawn from this text."
    )
    host: str = Field("127.0.0.1", description="Address that the HTTP interface listens on.")
    port: int = Field(8080, ge=0, le=65535, description="Port of the HTTP interface; 0 takes a free one.")

    connections: int = Field(
        10_000,
        ge=16,
        le=1_000_000,
        description="Connections at a time; fewer where the limit of file descriptors (`ulimit -n`) says so.",
    )
    trusted_proxies: str = Field(
        "",
        pattern=r"^([0-9A-Fa-f.:]+(/[0-9]{1,3})?(,[0-9A-Fa-f.:]+(/[0-9]{1,3})?)*)?$",
        description="Addresses or networks, separated by commas, of proxies whose X-Forwarded-For is believed.",
    )
    rate_per_key: int = Field(5_000, ge=1, description="Requests a second for one key; twice as many at once.")
    rate_per_tenant: int = Field(
        10_000, ge=1, description="Requests a second for all keys of a tenant; twice as many at once."
    )
    rate_per_address: int = Field(
        100, ge=1, description="Requests a second from one address without a valid key; twice as many at once."
    )
    metrics: str = Field(
        "key",
        pattern="^(key|loopback)$",
        description="Who may read /metrics: `key`, an operator's key of the log's own tenant; `loopback`, programs on "
        "this machine, too.",
    )

    @property
    def sandbox_bank_names(self) -> tuple[str, ...]:
        """The sandbox banks, in order; none unless they are asked for."""
        return tuple(name for name in self.sandbox_banks.split(",") if name)

    @property
    def tenants_with_banks(self) -> tuple[UUID, ...]:
        """The tenants whose attempts are taken to banks."""
        return (self.tenant,) if self.sandbox_bank_names else ()

    def banks_directory(self, tenant: UUID) -> Path:
        """Where the sandbox banks keep a tenant's accounts."""
        return self.data / "banks" / str(tenant)

    def statements_directory(self, tenant: UUID) -> Path:
        """Where banks drop the statements of a tenant's accounts, `<provider>-<date>.csv`."""
        return self.data / "statements" / str(tenant)

    @property
    def keys_directory(self) -> Path:
        """Where the key files are."""
        return self.keys or self.data / "keys"

    @property
    def trust_directory(self) -> Path:
        """Where the certificates are that signatures must lead to."""
        return self.trust or self.data / "trust"
