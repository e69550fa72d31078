"""Terms of business: what a tenant's offers and contracts take from the tenant and not from a plan, as data.

`DATA/tenants.json` is an object by tenant id; who is not in it does business on the row `default` of the shipped file.

    {"0190…": {"lessor": "0190…", "forum": "…", "reference_prefix": "HT", "clause_of_consent": {"…": "…"}}}

What offers may cost is in another file, see `policies`.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from uuid import UUID

import msgspec

from adapters.reference.mistakes import mistake
from domain.leasing.terms_of_business import TenantTerms

FILE = "tenants.json"
SHIPPED = "tenants.json"
DEFAULT = "default"


_BY_TENANT = msgspec.json.Decoder(dict[UUID, TenantTerms])
_BY_NAME = msgspec.json.Decoder(dict[str, TenantTerms])


class TenantsError(ValueError):
    """A file that does not say what it should; says where, and never what stands in it."""


@cache
def shipped_terms() -> TenantTerms:
    """The terms of a tenant that has none of its own: the courts, and a clause for each consent."""
    return _BY_NAME.decode((resources.files(__package__) / SHIPPED).read_bytes())[DEFAULT]


def terms_of_business(data: Path, tenant: UUID) -> TenantTerms:
    """A tenant's row of the file as it is now. Raises `TenantsError` for a file that cannot be read."""
    path = data / FILE
    try:
        return _BY_TENANT.decode(path.read_bytes()).get(tenant, shipped_terms())
    except FileNotFoundError:
        return shipped_terms()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TenantsError(f"{path}: {mistake(error)}") from None
