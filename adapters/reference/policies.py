"""Cost policies: what a tenant may charge at most, from a file, and the loan prime rates that come with the program.

`DATA/pricing.json` is an object by tenant id, each with the members of `CostPolicy`:

    {"0190…": {"version": 3, "lessor": "unlicensed", "lpr_known_until": "2026-03-19", "rent_share_max": "1.2",
               "lpr": [{"published_on": "2025-05-20", "one_year": "0.03", "source": "https://…"}]}}

A row without `lpr` has the shipped rates: the days on which the one-year rate changed, as far as they were looked up.
For later days there is no cap and no offer, until somebody looks again and says so in the file: with the changes since
then, or with `lpr_known_until` alone when there were none. A tenant without a row is an unlicensed lessor with the
shipped rates.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from domain.pricing.guards import CostPolicy, Lessor, LprQuote

FILE = "pricing.json"
SHIPPED = "lpr.json"
FORMAT = "leaseledger.lpr/1"


class PolicyError(ValueError):
    """A file of policies that cannot be used; says where, what was expected and what came."""


class LprTable(Struct, frozen=True, forbid_unknown_fields=True):
    """The days on which the one-year loan prime rate changed, the last day that was looked up, and the source."""

    v: str
    source: str
    known_until: date
    changes: tuple[LprQuote, ...]


_DECODER = msgspec.json.Decoder(dict[UUID, CostPolicy])


@cache
def shipped_lpr() -> LprTable:
    """The rates that come with the program."""
    table = msgspec.json.decode((resources.files(__package__) / SHIPPED).read_bytes(), type=LprTable)
    if table.v != FORMAT:
        raise PolicyError(f"{SHIPPED}: expected {FORMAT}, got {table.v}")
    return table


def default_policy() -> CostPolicy:
    """The policy of a tenant that has none of its own."""
    return _with_shipped_rates(CostPolicy(version=1, lessor=Lessor.UNLICENSED))


def policies_of(data: Path) -> dict[UUID, CostPolicy]:
    """The policies of a data directory by tenant, as its file is now. Raises `PolicyError`."""
    path = data / FILE
    try:
        found = _DECODER.decode(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise PolicyError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path}: {error}") from error
    for tenant, policy in found.items():
        _check(policy, f"{path}: {tenant}")
    return {tenant: policy if policy.lpr else _with_shipped_rates(policy) for tenant, policy in found.items()}


def policy_of(data: Path, tenant: UUID) -> CostPolicy:
    """A tenant's policy as the file is now. Raises `PolicyError` when any row of the file cannot be used."""
    return policies_of(data).get(tenant) or default_policy()


def _check(policy: CostPolicy, where: str) -> None:
    days = [quote.published_on for quote in policy.lpr or shipped_lpr().changes]
    if len(set(days)) != len(days):
        raise PolicyError(f"{where}: expected one rate for each day of publication, got a day twice")
    if policy.lpr_known_until is not None and max(days) > policy.lpr_known_until:
        raise PolicyError(f"{where}: expected lpr_known_until on {max(days)} or later, got {policy.lpr_known_until}")


def _with_shipped_rates(policy: CostPolicy) -> CostPolicy:
    table = shipped_lpr()
    rates = tuple(replace(quote, source=table.source) for quote in table.changes)
    return replace(policy, lpr=rates, lpr_known_until=policy.lpr_known_until or table.known_until)
