"""Every aggregate there is: importing this imports the whole domain, and so registers event types, refusals and rules.

An aggregate is found where it is declared; nobody lists it.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import domain
from domain.kernel.decider import DECIDERS, Decider

for _module in walk_packages(domain.__path__, "domain."):
    import_module(_module.name)

AGGREGATES: tuple[Decider[Any], ...] = tuple(DECIDERS.values())
"""In the order of their modules."""
