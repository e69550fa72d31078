"""The plan catalogue and quotes over HTTP: what is offered, and what an inquiry comes to.

    GET /v1/plans, /v1/plans/{plan} ─▶ catalogue of the data directory
    POST /v1/quotes ─▶ inquiry ─▶ `api.queries.pricing.quotes` ─▶ offers, or 409 with the rule that says no

A quote is a POST although it changes nothing: an inquiry is a document whose scores have no place in an address
that is logged. Because nothing is written there is nothing that could happen twice, so that no Idempotency-Key is
needed; the same inquiry on the same day gives the same answer.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from adapters.reference.plans import plans_of
from api.http.authentication import Needs, caller, principal_of, require
from api.http.commands.endpoint import no_query, read_body, read_headers
from api.http.commands.models import CommandReader
from api.http.description import LINK, DescribedRoute, Description, add
from api.http.problems import kinds
from api.http.problems.faults import fault
from api.http.problems.problem import Problem, refused
from api.http.reads.answers import DIGITS, JSON, PRIVATE, encode, next_link
from api.http.reads.routes import STRICT, Limit, Of, fitting
from api.http.services import Services
from api.identity.authentication import Principal
from api.permissions import Permission
from api.queries.engine.parameters import day_of
from api.queries.engine.read import PAGE_DEFAULT
from api.queries.pricing.answers import CataloguedPlan, PlanPage, QuoteAnswer, QuoteInquiry, catalogued
from api.queries.pricing.quotes import answer, desk_of
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date
from domain.kernel.values import Business
from domain.pricing.matching import in_force, plan_in_force
from domain.pricing.parts import AssetKind, CustomerClass
from domain.pricing.plans import Plan

_CODE = "^[a-z][a-z0-9_.]*$"
PlanReader = Annotated[Principal, Depends(Needs(Permission.READ_PLANS))]
PlanPath = Annotated[str, Path(description="A plan's id.", examples=["phone_return"])]
AfterPlan = Annotated[str | None, Query(description="Continue behind this plan.", pattern=_CODE, max_length=64)]
OnDate = Annotated[
    str | None, Query(description="The business date; today by default.", json_schema_extra={"format": "date"})
]
Version = Annotated[
    int | None,
    DIGITS,
    Query(ge=1, le=1_000_000, description="This version, in force or not; by default the one in force."),
]
OfBusiness = Annotated[Business | None, Query(description="Only of this business.")]
OfAsset = Annotated[AssetKind | None, Query(description="Only for this kind of asset.")]
OfCustomer = Annotated[CustomerClass | None, Query(description="Only for this class of customer.")]


class Wanted:
    """Which plans are wanted: a dependency of the list."""

    def __init__(self, business: OfBusiness = None, asset: OfAsset = None, customer: OfCustomer = None) -> None:
        self._business, self._asset, self._customer = business, asset, customer

    def of(self, plans: Sequence[Plan]) -> list[Plan]:
        """Those of them."""
        return [
            plan
            for plan in plans
            if self._business in (None, plan.business)
            and (self._asset is None or self._asset in plan.asset_kinds)
            and (self._customer is None or self._customer in plan.customer_classes)
        ]


def _answered(resource: object, headers: dict[str, str] | None = None) -> Response:
    known = {"Cache-Control": PRIVATE, "Vary": "Authorization"}
    return Response(encode(resource), headers=known | (headers or {}), media_type=JSON)


def _day(of: Services, on: str | None) -> date:
    """The day that is asked for; today by default. Raises `query.invalid`."""
    return business_date(of.now()) if on is None else fitting(lambda: day_of("on", on))


async def list_plans(
    request: Request,
    _: PlanReader,
    of: Of,
    wanted: Annotated[Wanted, Depends()],
    on: OnDate = None,
    limit: Limit = PAGE_DEFAULT,
    starting_after: AfterPlan = None,
) -> Response:
    """The plans in force on a business date, in the order of their ids: shipped ones and the tenant's own."""
    day = _day(of, on)
    found = wanted.of(in_force(plans_of(of.running.settings.data), day))
    rest = [plan for plan in found if starting_after is None or plan.id > starting_after]
    following = rest[limit - 1].id if len(rest) > limit else None
    page = PlanPage(day, tuple(map(catalogued, rest[:limit])), following is not None, following)
    return _answered(page, next_link(request, following))


async def read_plan(plan: PlanPath, _: PlanReader, of: Of, on: OnDate = None, version: Version = None) -> Response:
    """One plan: the version that is in force on a business date, or any version by its number."""
    if version is not None and on is not None:
        raise Problem(kinds.QUERY_INVALID, faults=[fault("/version", "conflict")])
    day = _day(of, on)
    plans = plans_of(of.running.settings.data)
    found = (
        plan_in_force(plans, plan, day)
        if version is None
        else next((one for one in plans if (one.id, one.version) == (plan, version)), None)
    )
    if found is None or isinstance(found, Refusal):
        raise Problem(kinds.NOT_FOUND)
    return _answered(catalogued(found))


class QuoteEndpoint:
    """The ASGI application of quotes; reads its body as commands do, so that faults are named in the same way."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.reader = CommandReader(QuoteInquiry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; problems are raised."""
        headers = read_headers(scope)
        principal = await principal_of(self._services, scope, headers.authorization)
        require(principal, Permission.QUOTE)
        no_query(scope)
        inquiry = self.reader.read(await read_body(headers, receive))
        data, today = self._services.running.settings.data, business_date(self._services.now())
        # Solving and proving rates is arithmetic; other requests need not wait for it.
        found = await asyncio.to_thread(lambda: answer(desk_of(data, principal.tenant), inquiry, today))
        if isinstance(found, tuple):
            raise _refused(found)
        response = Response(encode(found), headers={"Cache-Control": "no-store"}, media_type=JSON)
        await response(scope, receive, send)


def _refused(refusals: tuple[Refusal, ...]) -> Problem:
    """The first rule that says no, and the codes of the others."""
    problem = refused(refusals[0])
    if others := [refusal.code for refusal in refusals[1:]]:
        problem.facts["also"] = ", ".join(others)
    return problem


class QuoteRoute(DescribedRoute):
    """A route that describes itself by a signature and is answered by an ASGI application of its own."""

    def __init__(self, services: Services) -> None:
        endpoint = QuoteEndpoint(services)
        super().__init__(
            "/v1/quotes",
            _description(endpoint.reader.model),
            methods=["POST"],
            tags=["plans"],
            summary="Quote",
            response_class=Response,
            generate_unique_id_function=lambda route: route.name,
        )
        self.app = endpoint
        self.description_of = Description(answer=QuoteAnswer, problems=(400, 401, 403, 409, 413, 415, 422, 500, 503))


def _description(model: Any) -> Any:
    """A function that only has the signature and the words of a quote; it is never called."""

    async def quote(**_: object) -> Response:
        """What an inquiry comes to: offers with schedule, costs, proved rates, deposit and what the guards compared.

        With `plan` that plan's offer, or 409 with the rule that says no; without it the offers of all plans that fit,
        lowest rate first, and the reasons against the others. Nothing is written, so no Idempotency-Key is needed.
        Needs the permission `quote`.
        """
        raise AssertionError("quotes are answered by their endpoint")

    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("inquiry", kind, annotation=model),
        inspect.Parameter("principal", kind, annotation=Annotated[Principal, Depends(caller)]),
    ]
    quote.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return quote


def register(app: FastAPI) -> None:
    """Add the routes of this file."""
    listing, alone = Description(answer=PlanPage, headers=(LINK,)), Description(answer=CataloguedPlan)
    add(app, "GET", "/v1/plans", list_plans, "plans", listing, dependencies=STRICT)
    add(app, "GET", "/v1/plans/{plan}", read_plan, "plans", alone, dependencies=STRICT)
    app.router.routes.append(QuoteRoute(app.state.services))
