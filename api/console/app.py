"""The console's application: log in by key; lists, one of an aggregate, figures, events. A page is a declared read.

GET /console/…  ─▶ session ─▶ permission ─▶ Read.run on a thread ─▶ view ─▶ template        nothing is written

Pages work without scripts; the headers forbid any.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from psycopg import OperationalError
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from adapters.postgres.connections import Connection
from adapters.system import now, random_bytes
from api.compose import Running
from api.console import queries
from api.console.admission import Admission, Stranger, principal_of, refuse_crowded, too_often
from api.console.edge import Edge, name_route
from api.console.headers import Headers
from api.console.requests import (
    LANG,
    LANGUAGE_COOKIE,
    ROOT,
    Refused,
    form,
    language_of,
    other_language,
    within,
)
from api.console.session import COOKIE, LIFE, Sessions, from_our_pages
from api.console.views import pages, words
from api.console.views.events import event_page
from api.console.views.filters import AS_OF, DAY, check_names, errors_of, filters_of, misfit, sentence
from api.edge.log import GONE, about, log_failure
from api.edge.rates import Rates, crowded
from api.identity.authentication import Authentication, Principal
from api.language import current, speaking, text
from api.permissions import ROLES, Permission
from api.queries.contracts import TextMissing
from api.queries.engine.parameters import (
    STARTING_AFTER,
    ParameterInvalid,
    day_of,
    parameters_of,
    position_of,
    read_parameters,
)
from api.queries.engine.read import PositionAhead, Read, ReadRequest
from api.queries.engine.threads import Queries
from api.queries.ledger import receipt_of
from domain.kernel.ids import IdError
from projections.engine.copies import NotLive
from projections.engine.pages import NotProjectedYet

HERE = Path(__file__).parent
_YEAR_S = 31_536_000
_OWN = frozenset({LANG, AS_OF, DAY, STARTING_AFTER})


class Console:
    """The pages around one running ledger. What it asks, who may and how often is shared with the interface."""

    def __init__(self, running: Running, database: Queries, access: Authentication, rates: Rates) -> None:
        self._running = running
        self._database = database
        self._made_up: bool | None = None
        self._sessions = Sessions(running.keys.console_secret(), random_bytes, now)
        self._admission = Admission(access, rates, self._sessions)
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        style = sha256((HERE / "static" / "console.css").read_bytes()).hexdigest()[:16]
        self._templates.globals.update(_=text, value=words.value, root=ROOT, style=style)

    def app(self) -> ASGIApp:
        """The ASGI application, to be mounted at `ROOT`."""
        routes = [
            self._route("/login", self.log_in, "GET", "POST"),
            self._route("/logout", self.log_out, "POST"),
            self._route("/find", self.find),
            self._route("/events/{position}", self.event),
            Mount("/static", self._admission.counted(StaticFiles(directory=HERE / "static"))),
            self._route("/", self.home),
            self._route("/{path:path}", self.read),
        ]
        return Edge(Headers(Starlette(routes=routes, exception_handlers={405: self._admission.wrong_method})))

    def _route(self, path: str, handler: Callable[[Request], Awaitable[Response]], *methods: str) -> Route:
        """The route of a handler in the reader's language, whose refusals are pages."""

        async def handle(request: Request) -> Response:
            name_route(request, path)
            many = crowded(request.scope["query_string"])
            if many:
                # Nothing reads it, not even for the language of the refusal.
                request.scope["query_string"] = b""
            with speaking(language_of(request)):
                response = await self._answer(request, refuse_crowded if many else handler)
                if LANG in request.query_params:
                    response.set_cookie(
                        LANGUAGE_COOKIE, current().value, max_age=_YEAR_S, path=ROOT, httponly=True, samesite="lax"
                    )
                return response

        return Route(path, handle, methods=methods or None)

    async def _answer(self, request: Request, handler: Callable[[Request], Awaitable[Response]]) -> Response:
        """The page of a handler, once it is known who asks; whatever is raised becomes one."""
        request.state.principal = None
        try:
            await self._admission.admit(request)
            await self._know_the_ledger()
            return await handler(request)
        except HTTPException:
            raise
        except ClientDisconnect:
            # Nobody reads this; the log is told, and nothing went wrong.
            return Response(status_code=GONE)
        except Stranger:
            return too_often()
        except Refused as refused:
            return self._refusal(request, refused)
        except Exception as error:  # noqa: BLE001 - whatever it is becomes a page, and a line of the log
            return self._refusal(request, _failed(request, error))

    async def _know_the_ledger(self) -> None:
        """Find out whether this is a demonstration; what the first event says never changes."""
        if self._made_up is None:
            self._made_up = await self._database.run(queries.made_up)

    # ---------------------------------------------------------------------------------------------- sessions

    async def log_in(self, request: Request) -> Response:
        """The login page, and what its form sends: an API key."""
        target = within(request.query_params.get("next", ""))
        if request.method != "POST":
            return self._render(request, "login.html", None, next=target, error="")
        if not from_our_pages(request):
            raise Refused(403, text("Not allowed"), text("The form was sent from another site."))
        fields = await form(request)
        key = fields.get("key", "").strip()
        if request.state.principal is not None:
            # Whoever tries keys is counted as one who has none.
            self._admission.stranger(request.scope)
        if not await self._admission.known(key):
            error = text(
                "There is no living key like this. Keys begin with llk_ and are shown once, when they are made."
            )
            return self._render(request, "login.html", None, status=401, next=target, error=error)
        response = RedirectResponse(f"{ROOT}{within(fields.get('next', ''))}", 303)
        response.set_cookie(
            COOKIE,
            self._sessions.seal(key),
            max_age=int(LIFE.total_seconds()),
            path=ROOT,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    async def log_out(self, request: Request) -> Response:
        """End the session."""
        if not from_our_pages(request):
            raise Refused(403, text("Not allowed"), text("The form was sent from another site."))
        response = RedirectResponse(f"{ROOT}/login", 303)
        response.delete_cookie(COOKIE, path=ROOT)
        return response

    # ------------------------------------------------------------------------------------------------- pages

    async def home(self, request: Request) -> Response:
        """What there is to see, and how the ledger stands."""
        principal = principal_of(request)
        size, newest = await self._database.run(queries.newest, *_readable(principal))
        known = size if principal.may(Permission.READ_LOG_ENTRIES) else None
        origin = self._running.settings.origin
        return self._render(request, "home.html", principal, size=known, newest=newest, origin=origin)

    async def find(self, request: Request) -> Response:
        """The page of what was typed: an identifier, a ledger position, or a business number."""
        principal = principal_of(request)
        typed = request.query_params.get("q", "")
        found = pages.find(typed) or await self._by_reference(principal, typed.strip())
        if found is None:
            expected = text(
                "an identifier such as lease_… with its 32 digits, the position of an event, or the business number of "
                "a contract or lease"
            )
            sentence = misfit(typed, expected)
            raise Refused(404, text("Nothing found"), sentence)
        return RedirectResponse(f"{ROOT}{found}", 303)

    async def _by_reference(self, principal: Principal, typed: str) -> str | None:
        """The first list that has something under a business number, asked for it."""
        for read in pages.with_reference(ROLES.get(principal.role, frozenset())) if typed else ():
            given = {pages.REFERENCE: typed}
            try:
                asked = self._asked(read, principal, given)
            except ParameterInvalid:
                continue
            answered = await self._database.run(queries.answered, read, asked)
            if answered is not None and answered.value:
                return f"{read.path}?{urlencode(given)}"
        return None

    async def read(self, request: Request) -> Response:
        """The page of a declared read."""
        path = f"/{request.path_params['path'].strip('/')}"
        principal = principal_of(request)
        found = pages.read_at(path)
        if found is None:
            raise _not_found()
        read, names = found
        name_route(request, read.path)
        _require(principal, read.permission)
        check_names(read, [name for name, _ in request.query_params.multi_items()])
        given = await self._suggested(principal, read, _given(request.query_params, read))
        try:
            asked = self._asked(read, principal, given) | {"ids": read.about_ids(names)}
            template, page = await self._page_of(read, asked, path, given)
        except IdError:
            raise _not_found() from None
        except ParameterInvalid as error:
            return self._invalid(request, principal, read, given, error)
        except PositionAhead as error:
            ends = text("The ledger ends with event #{size}.", size=f"{error.size:,}")
            raise Refused(400, text("Not reached yet"), ends) from None
        except TextMissing as error:
            kept = text("The text of clause {code} is kept elsewhere; the ledger has its digest.", code=error.clause)
            raise Refused(409, text("Not here"), kept) from None
        if page is None:
            raise _not_found()
        return self._render(request, template, principal, page=page)

    async def _suggested(self, principal: Principal, read: Read, given: dict[str, str]) -> dict[str, str]:
        """What was given, and for what has to be given and was not, what a page opens with."""
        missing = [one for one in parameters_of(read.filters) if one.required and not given.get(one.name)]
        if not missing:
            return given
        day = await self._database.run(queries.business_day, principal.tenant)
        return given | {one.name: one.suggestion(day) for one in missing}

    async def _page_of(self, read: Read, asked: dict[str, Any], path: str, given: Mapping[str, str]) -> tuple[str, Any]:
        """A read's template and what it shows; nothing when what is asked about is not there."""
        if pages.is_one(read):
            return "one.html", await self._database.run(_one, read, asked, path, given)
        answered = await self._database.run(queries.answered, read, asked)
        if answered is None:
            return "", None
        filters = filters_of(read, given)
        if read.many:
            return "list.html", pages.list_page(read, answered, path, given, filters)
        return "figure.html", pages.figure_page(read, answered, path, given, filters)

    async def event(self, request: Request) -> Response:
        """One event: the exact entry, what it changed, and its proof."""
        principal = principal_of(request)
        try:
            position = position_of("position", request.path_params["position"])
        except ParameterInvalid:
            raise _not_found() from None
        item = await self._database.run(queries.event, *_readable(principal), position)
        if item is None:
            raise _not_found()
        near = await self._database.run(queries.neighbours, *_readable(principal), position)
        receipt = None
        if principal.may(Permission.READ_RECEIPTS):
            receipt = await self._database.run(
                receipt_of, position, principal.tenant, signer=self._running.signer, now=now()
            )
        origin = await self._database.run(queries.origin, item)
        return self._render(request, "event.html", principal, page=event_page(item, origin, receipt), near=near)

    # ------------------------------------------------------------------------------------------------ answers

    def _asked(self, read: Read, principal: Principal, given: Mapping[str, str]) -> dict[str, Any]:
        """The parameters of a read. Raises `ParameterInvalid`."""
        known = {name: value for name, value in given.items() if name not in _OWN and value}
        return {
            "tenant": principal.tenant,
            "data": self._running.settings.data,
            "filters": read_parameters(read.filters, known),
            "position": position_of(AS_OF, given[AS_OF]) if given.get(AS_OF) else None,
            "day": day_of(DAY, given[DAY]) if given.get(DAY) else None,
            "after": _after(read, given.get(STARTING_AFTER, "")),
        }

    def _invalid(
        self, request: Request, principal: Principal, read: Read, given: Mapping[str, str], error: ParameterInvalid
    ) -> Response:
        """The form of a read without an answer, with what was given and why that does not fit."""
        fields = filters_of(read, given, error)
        page = {
            "title": words.title(read),
            "about": text(read.words),
            "filters": fields,
            "errors": errors_of(fields),
            "other": "" if errors_of(fields) else sentence(read, given, error),
        }
        return self._render(request, "invalid.html", principal, status=400, page=page)

    def _refusal(self, request: Request, refused: Refused) -> Response:
        principal = getattr(request.state, "principal", None)
        return self._render(request, "refused.html", principal, status=refused.status, refused=refused)

    def _render(
        self, request: Request, template: str, principal: Principal | None, *, status: int = 200, **values: Any
    ) -> Response:
        may = frozenset() if principal is None else ROLES.get(principal.role, frozenset())
        html = self._templates.get_template(template).render(
            principal=principal,
            made_up=bool(self._made_up),
            sections=pages.sections(may, request.url.path.removeprefix(ROOT)),
            sought=request.query_params.get("q", "") if request.url.path == f"{ROOT}/find" else "",
            page_of=partial(pages.page_of, may),
            here=request.url.path,
            lang=current().value,
            other=other_language(request),
            **values,
        )
        return HTMLResponse(html, status, {"Content-Language": current().value})


# ------------------------------------------------------------------------------------------------------ requests


def _readable(principal: Principal) -> tuple[UUID, queries.Nouns]:
    """Whose events a principal may open, and of which nouns."""
    return principal.tenant, pages.readable(ROLES.get(principal.role, frozenset()))


def _one(
    connection: Connection, read: Read, asked: dict[str, Any], path: str, given: Mapping[str, str]
) -> pages.OnePage | None:
    """The page of one of an aggregate; blocking, on a thread."""
    return pages.one_page(read, ReadRequest(connection=connection, **asked), path, given)


def _given(query: QueryParams, read: Read) -> dict[str, str]:
    known = _OWN | set(read.filters.__struct_encode_fields__)
    given = {name: value.strip() for name, value in query.items() if name in known and name != LANG}
    if AS_OF in given:
        given[AS_OF] = pages.plain(given[AS_OF])
    return given


def _after(read: Read, text: str) -> Any:
    """The cursor of a list, or of the events of one of an aggregate. Raises `ParameterInvalid`."""
    if not text:
        return None
    if pages.is_one(read):
        return position_of(STARTING_AFTER, text)
    return None if read.cursor is None else read.cursor.read(text)


def _failed(request: Request, error: Exception) -> Refused:
    """What is said of something that is not there yet, does not answer, or was not foreseen; the last is logged."""
    if isinstance(error, NotLive | NotProjectedYet):
        sentence = text("The read models are being brought up to date; try again in a moment.")
        return Refused(503, text("Not there yet"), sentence)
    if isinstance(error, OperationalError | PoolTimeout):
        return Refused(503, text("Not available"), text("The database does not answer; try again in a moment."))
    log_failure(error, request.scope)
    sentence = text(
        "It is in the log of the program under {request}, without anything that was sent.",
        request=about(request.scope).request_id,
    )
    return Refused(500, text("Something went wrong on our side"), sentence)


def _require(principal: Principal, permission: Permission) -> None:
    if not principal.may(permission):
        raise Refused(403, text("Not allowed"), text("This key's role may not see this page."))


def _not_found() -> Refused:
    return Refused(404, text("Not found"), text("There is no such page, or nothing of this tenant under that name."))
