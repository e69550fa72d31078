"""Loading plans: JSON to checked `Plan` values, or a named error that says which plan and what is wrong."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

import msgspec

from domain.contracting.plans import Plan, PlanError, check_catalogue

SHIPPED = "plans.json"
CATALOGUE_BYTES_MAX = 4 << 20
"""A tenant's catalogue may have thousands of plans; a file beyond this is not a catalogue."""

_DECODER = msgspec.json.Decoder(tuple[Plan, ...])


class CatalogueError(ValueError):
    """A catalogue that cannot be used; says where, what was expected and what came."""


def parse_plans(body: bytes, source: str) -> tuple[Plan, ...]:
    """The plans of a JSON list, checked one by one and against each other; `source` names the file in errors.

    Raises `CatalogueError` for what is not JSON of that form and for a plan that contradicts itself.
    """
    if len(body) > CATALOGUE_BYTES_MAX:
        raise CatalogueError(f"{source}: expected at most {CATALOGUE_BYTES_MAX} bytes, got {len(body)}")
    try:
        plans = _DECODER.decode(body)
        check_catalogue(plans)
    except (msgspec.DecodeError, PlanError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{source}: {error}") from error
    return plans


def load_plans(path: Path) -> tuple[Plan, ...]:
    """The plans of a tenant's own file. Raises `CatalogueError`, also when it cannot be read."""
    try:
        return parse_plans(path.read_bytes(), str(path))
    except OSError as error:
        raise CatalogueError(f"{path}: {error.strerror}") from error


@cache
def shipped_plans() -> tuple[Plan, ...]:
    """The 36 plans that come with the program."""
    return parse_plans((resources.files(__package__) / SHIPPED).read_bytes(), SHIPPED)
