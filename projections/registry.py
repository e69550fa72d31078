"""Every read model that there is: what the runner runs, `fsck` compares and the tidy tests look at.

They are found where they are declared, in the modules of the contexts.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from projections.engine.model import Projection, ProjectionError

CONTEXTS = (
    *("intake", "contracts", "parties", "leasing", "accounting", "calendar", "payments", "portfolio", "access"),
)
"""In the order people see them."""


def _declared() -> Iterator[Projection[Any]]:
    for context in CONTEXTS:
        package = import_module(f"projections.{context}")
        for found in iter_modules(package.__path__, f"{package.__name__}."):
            values = vars(import_module(found.name)).values()
            yield from (value for value in values if isinstance(value, Projection))


PROJECTIONS: tuple[Projection[Any], ...] = tuple({projection.table: projection for projection in _declared()}.values())
"""Two versions of one name may be declared while the newer one is built."""


def find(name: str) -> Projection[Any]:
    """The newest version of a read model by its name. Raises `ProjectionError` naming the ones that there are."""
    versions = [projection for projection in PROJECTIONS if projection.name == name]
    if not versions:
        known = ", ".join(sorted({projection.name for projection in PROJECTIONS}))
        raise ProjectionError(f"expected one of {known}, got {name!r}")
    return max(versions, key=lambda projection: projection.version)
