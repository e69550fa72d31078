"""Loading plans: JSON to checked `Plan` values, or a named error that says which file, which plan and what is wrong.

    the 36 shipped ones + DATA/plans.json + DATA/plans/*.json ──each file, then all together──▶ one catalogue

A tenant's own files have the schema of the shipped one: a JSON list of plans. They add plans, and later versions of
plans that are there, also of shipped ones. A catalogue is loaded as a whole or not at all.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from domain.pricing.plans import Plan, PlanError, check_catalogue

SHIPPED = "plans.json"
OWN_FILE = "plans.json"
OWN_FOLDER = "plans"
CATALOGUE_BYTES_MAX = 4 << 20
"""A tenant's catalogue may have thousands of plans; a file beyond this is not a catalogue."""

CATALOGUES_CACHED = 4

_DECODER = msgspec.json.Decoder(tuple[Plan, ...])


class CatalogueError(ValueError):
    """A catalogue that cannot be used; says where, what was expected and what came."""


def parse_plans(body: bytes, source: str) -> tuple[Plan, ...]:
    """The plans of a JSON list, checked one by one and against each other; `source` names the file in errors.

    Raises `CatalogueError` for what is not JSON of that form, for a member that is unknown or stands twice, and for a
    plan that contradicts itself or another one.
    """
    if len(body) > CATALOGUE_BYTES_MAX:
        raise CatalogueError(f"{source}: expected at most {CATALOGUE_BYTES_MAX} bytes, got {len(body)}")
    try:
        plans = _DECODER.decode(body)
        json.loads(body, object_pairs_hook=_unique)
        check_catalogue(plans)
    except (msgspec.DecodeError, PlanError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{source}: {error}") from error
    except _Twice as error:
        raise CatalogueError(f"{source}: expected each member of an object once, got {error} again") from None
    return plans


class _Twice(Exception):
    """A member that stands twice: two readers would read two different plans."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(name)
        found[name] = value
    return found


@cache
def shipped_plans() -> tuple[Plan, ...]:
    """The 36 plans that come with the program."""
    return parse_plans((resources.files(__package__) / SHIPPED).read_bytes(), SHIPPED)


def own_files(data: Path) -> tuple[Path, ...]:
    """The tenant's own files in a data directory, in the order in which they are read."""
    single, folder = data / OWN_FILE, data / OWN_FOLDER
    several = sorted(folder.glob("*.json")) if folder.is_dir() else []
    return (*([single] if single.exists() else []), *several)


def plans_of(data: Path) -> tuple[Plan, ...]:
    """The whole catalogue of a data directory as its files are now: the shipped plans and the tenant's own.

    Raises `CatalogueError` when any file cannot be used, or when two files contradict each other.
    """
    return _catalogue(tuple((str(path), _bytes(path)) for path in own_files(data)))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CatalogueError(f"{path}: {error.strerror}") from error


@lru_cache(CATALOGUES_CACHED)
def _catalogue(files: tuple[tuple[str, bytes], ...]) -> tuple[Plan, ...]:
    """The catalogue of these bytes; what did not change is not read again."""
    parts = [("the shipped catalogue", shipped_plans()), *((name, parse_plans(body, name)) for name, body in files)]
    plans = tuple(plan for _, part in parts for plan in part)
    try:
        check_catalogue(plans)
    except PlanError as error:
        places = [name for name, part in parts if any(plan.id == error.plan for plan in part)]
        raise CatalogueError(f"{' and '.join(places)}: {error}") from error
    return plans
