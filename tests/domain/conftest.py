"""Registries that a test may write to, put back afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from domain.kernel import decider
from domain.kernel import event as events
from domain.kernel import refusal as refusals

_REGISTRIES: tuple[dict[Any, Any], ...] = (
    events.EVENT_TYPES,
    events._TYPE_OF,
    events._UPCASTERS,
    events._DECODERS,
    refusals.REFUSALS,
    decider.DECIDERS,
)


@pytest.fixture
def registries() -> Iterator[None]:
    """Whatever a test registers is forgotten when it ends."""
    before = [dict(registry) for registry in _REGISTRIES]
    yield
    for registry, kept in zip(_REGISTRIES, before, strict=True):
        registry.clear()
        registry.update(kept)
