"""Prudential data of a tenant, which no ledger holds: balance sheet, groups and related parties, from a file.

`DATA/portfolio.json` is an object by tenant id:

    {"0190…": {"net_assets_fen": 1, "total_assets_fen": 1, "groups": {"<lessee>": "<group>"}, "related": ["<lessee>"]}}

Ids are UUIDs. A tenant that is not in it has no net assets, and without net assets no finance lease is booked.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.reference.mistakes import mistake
from domain.kernel.money import Fen
from domain.portfolio.limits import PrudentialData

FILE = "portfolio.json"
NOTHING = PrudentialData(net_assets_fen=0, total_assets_fen=0, stated=False)


class _Row(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    net_assets_fen: int
    total_assets_fen: Fen
    groups: dict[UUID, UUID] = {}
    related: frozenset[UUID] = frozenset()


_DECODER = msgspec.json.Decoder(dict[UUID, _Row])


class PrudentialDataError(ValueError):
    """A file that does not say what it should; says where, and never what stands in it."""


def prudential_data(data: Path, tenant: UUID) -> PrudentialData:
    """A tenant's row of the file as it is now. Raises `PrudentialDataError` for a file that cannot be read."""
    path = data / FILE
    try:
        row = _DECODER.decode(path.read_bytes()).get(tenant)
    except FileNotFoundError:
        return NOTHING
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PrudentialDataError(f"{path}: {mistake(error)}") from None
    if row is None:
        return NOTHING
    return PrudentialData(
        net_assets_fen=row.net_assets_fen,
        total_assets_fen=row.total_assets_fen,
        group_of=row.groups,
        related=row.related,
    )
