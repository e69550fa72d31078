"""What the gate of the write path looks at, for people: consents of persons, limits of the portfolio."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request
from msgspec import Meta, Struct
from starlette.responses import Response

from adapters.reference.prudential import surroundings
from api.http import catalogue
from api.http.answers import PAGE_DEFAULT, Limit, answer, cursor, next_link
from api.http.faults import fault
from api.http.lease_reads import Currency
from api.http.problems import Problem
from api.http.reads import STRICT, ApplicationReader, At, Of, StatisticsReader
from api.http.resources import Position, SubjectId
from domain.kernel.ids import IdError, format_id, parse_id
from domain.parties.consent.state import Phase
from domain.parties.consent.values import Purpose
from domain.portfolio.limits import Measure
from projections.leasing.lease_book import LEASE_BOOK
from projections.parties import consents
from projections.parties.consents import CONSENTS
from projections.portfolio import exposures as portfolio

ConsentId = Annotated[str, Meta(pattern="^consent_[0-9a-f]{32}$")]
GroupId = Annotated[str, Meta(pattern="^group_[0-9a-f]{32}$")]
_STATES = tuple(phase.value for phase in Phase if phase is not Phase.ABSENT)
_PURPOSES = tuple(purpose.value for purpose in Purpose)

AfterConsent = Annotated[
    str | None,
    Query(description="Continue behind this consent.", json_schema_extra={"pattern": "^consent_[0-9a-f]{32}$"}),
]
OfSubject = Annotated[
    str | None, Query(description="Only of this person.", json_schema_extra={"pattern": "^subject_[0-9a-f]{32}$"})
]
OfPurpose = Annotated[
    str | None, Query(description="Only for this purpose.", json_schema_extra={"enum": list(_PURPOSES)})
]
InState = Annotated[str | None, Query(description="Only in this state.", json_schema_extra={"enum": list(_STATES)})]


class ConsentRow(Struct, frozen=True, kw_only=True):
    """One consent. `expires_on` is the last day it was asked or granted until, `withdrawn_on` the first without it."""

    id: ConsentId
    version: int
    subject: SubjectId
    purpose: Purpose
    state: str
    recipients: tuple[str, ...]
    uses: tuple[str, ...]
    clause: str
    clause_version: int
    granted_on: str | None
    expires_on: str
    withdrawn_on: str | None
    first_position: Position
    last_position: Position


class ConsentPage(Struct, frozen=True):
    """Some consents in the order of their ids; `next` is the `starting_after` of the next page."""

    data: tuple[ConsentRow, ...]
    has_more: bool
    next: ConsentId | None


class LimitRow(Struct, frozen=True, kw_only=True):
    """One limit: what is measured, the number it may reach (for lease assets: must), and how far away that is."""

    code: str
    title: str
    title_zh: str
    lessee: SubjectId | None
    group: GroupId | None
    fen: int
    limit_ppm: int
    limit_fen: int
    headroom_fen: int
    breached: bool


class PortfolioLimits(Struct, frozen=True, kw_only=True):
    """The portfolio under one version of its limits. Net and total assets are what the tenant says of itself now."""

    currency: str | None
    other_currencies: tuple[str, ...]
    limits_version: int
    net_assets_fen: int
    total_assets_fen: int
    breached: bool
    data: tuple[LimitRow, ...]


def wanted(subject: OfSubject = None, purpose: OfPurpose = None, state: InState = None) -> consents.Wanted:
    """The dependency of a list of consents: which ones. Raises `query.invalid`."""
    for name, given, known in (("purpose", purpose, _PURPOSES), ("state", state, _STATES)):
        if given is not None and given not in known:
            raise Problem(catalogue.QUERY_INVALID, faults=[fault(f"/{name}", "enum", {"expected": ", ".join(known)})])
    try:
        person = None if subject is None else parse_id("subject", subject)
    except IdError:
        raise Problem(catalogue.QUERY_INVALID, faults=[fault("/subject", "identifier")]) from None
    return consents.Wanted(person, purpose, state)


async def list_consents(
    request: Request,
    principal: ApplicationReader,
    at: At,
    of: Of,
    which: Annotated[consents.Wanted, Depends(wanted)],
    limit: Limit = PAGE_DEFAULT,
    starting_after: AfterConsent = None,
) -> Response:
    """The tenant's consents in the order of their ids: of a person, for a purpose, in a state.

    A page may be short, even empty, and still have more behind it.
    """
    after = cursor("consent", starting_after)
    as_of = await at.in_read_model(of, CONSENTS)
    page = await of.queries.run(
        consents.listing, principal.tenant, which, limit=limit, starting_after=after, as_of_position=as_of
    )
    following = None if page.next_after is None else format_id("consent", page.next_after)
    body = ConsentPage(tuple(map(_consent, page.rows)), following is not None, following)
    return answer(body, page.position, next_link(request, following))


def _consent(row: consents.Consent) -> ConsentRow:
    return ConsentRow(
        id=format_id("consent", row.id),
        version=row.version,
        subject=format_id("subject", row.person),
        purpose=Purpose(row.purpose),
        state=row.state,
        recipients=tuple(row.recipients.split()),
        uses=tuple(row.uses.split()),
        clause=row.clause,
        clause_version=row.clause_version,
        granted_on=None if row.granted_on is None else row.granted_on.isoformat(),
        expires_on=row.expires_on.isoformat(),
        withdrawn_on=None if row.withdrawn_on is None else row.withdrawn_on.isoformat(),
        first_position=row.first_position,
        last_position=row.position,
    )


async def read_portfolio_limits(principal: StatisticsReader, at: At, of: Of, currency: Currency = None) -> Response:
    """Every limit of the portfolio: its amount, the number it may reach, what is left, and whether it is broken.

    Of the limit on one lessee the largest are named, and whoever is over it. Net and total assets, groups and related
    parties are what the tenant says of itself now, whatever moment is asked about.
    """
    as_of = await at.in_read_model(of, LEASE_BOOK)
    around = surroundings(of.running.settings.data, principal.tenant)
    found = await of.queries.run(portfolio.measured, principal.tenant, around, currency=currency, as_of_position=as_of)
    return answer(limits_body(found), found.position)


def limits_body(found: portfolio.Measured) -> PortfolioLimits:
    """The answer to `/v1/portfolio/limits`."""
    held = found.portfolio
    return PortfolioLimits(
        currency=found.currency,
        other_currencies=found.other_currencies,
        limits_version=found.version,
        net_assets_fen=held.net_assets_fen,
        total_assets_fen=held.total_assets_fen,
        breached=any(one.breached for one in found.measures),
        data=tuple(map(_limit, found.measures)),
    )


def _limit(one: Measure) -> LimitRow:
    return LimitRow(
        code=one.kind.code,
        title=one.kind.en,
        title_zh=one.kind.zh,
        lessee=None if one.lessee is None else format_id("subject", one.lessee),
        group=None if one.group is None else format_id("group", one.group),
        fen=one.fen,
        limit_ppm=one.limit_ppm,
        limit_fen=one.limit_fen,
        headroom_fen=one.headroom_fen,
        breached=one.breached,
    )


def register(app: FastAPI) -> None:
    """Add the routes of this file."""
    for path, endpoint, tag in (
        ("/v1/consents", list_consents, "consents"),
        ("/v1/portfolio/limits", read_portfolio_limits, "books"),
    ):
        app.add_api_route(path, endpoint, methods=["GET"], tags=[tag], dependencies=STRICT, response_class=Response)
