"""Registry of the domain: importing it imports every aggregate, and so registers event types, refusals and rules.

An aggregate is found where it is declared, and so are its timers; nobody lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import domain
from domain.kernel.decider import DECIDERS, Decider
from domain.kernel.timer import TimerKind

for _module in walk_packages(domain.__path__, "domain."):
    import_module(_module.name)

AGGREGATES: tuple[Decider[Any], ...] = tuple(DECIDERS.values())
"""In the order of their modules."""

WAITING: Mapping[str, Decider[Any]] = {kind.name: decider for decider in AGGREGATES for kind in decider.timers}
"""Which aggregate waits for each kind of timer."""

TIMER_KINDS: Mapping[str, TimerKind] = {
    kind.name: kind
    for kind in sorted((kind for decider in AGGREGATES for kind in decider.timers), key=lambda kind: kind.order)
}
"""Every kind of timer, in the order in which those of a day are fired."""
