"""Reads that answer with one thing about the whole tenant: the struct that a query gives, shown field by field."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

from msgspec import Meta, Struct

from api.permissions import Permission
from api.queries.engine.parameters import Nothing
from api.queries.engine.read import Past, Read, ReadRequest, ReadResult
from api.queries.engine.shape import derived
from projections.engine.model import Projection

CURRENCY = "^[A-Z]{3}$"


class InCurrency(Struct, frozen=True, kw_only=True):
    """Amounts of two currencies are never added up, so one has to be chosen."""

    currency: Annotated[
        str | None,
        Meta(description="In this currency, three capital letters; by default that of most leases.", pattern=CURRENCY),
    ] = None


def figure(
    path: str,
    query: Callable[[ReadRequest], Any],
    *models: Projection[Any],
    tag: str,
    filters: type[Struct] = Nothing,
    past: Past = Past.POSITIONS,
    also: tuple[str, ...] = (),
) -> Read:
    """A read whose query gives a struct with a `position`; the answer's type follows from the query's annotation.

    `also` names properties of the struct that are part of the answer.
    """
    answer, make = derived(get_type_hints(query)["return"], also=also)

    def ask(request: ReadRequest) -> ReadResult:
        found = query(request)
        return ReadResult(make(found), found.position)

    return Read(
        path=path, query=ask, answer=answer, models=models, permission=Permission.READ_STATISTICS, tag=tag,
        filters=filters, past=past, about=inspect.getdoc(query) or "",
    )  # fmt: skip
