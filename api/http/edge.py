"""The outermost layer: names every request, turns whatever was raised into a problem, and writes the access log."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
import psycopg_pool
from fastapi.exceptions import RequestValidationError
from msgspec import ValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.postgres.connections import DatabaseUnavailable
from adapters.postgres.ledger import StreamBusy
from adapters.postgres.writing.group_commit import NO_ROOM, OutcomeUnknown, WriterClosed
from adapters.postgres.writing.sequencer import KeyReused, StateMoved, SubjectErased
from adapters.reference.plans import CatalogueError
from adapters.reference.policies import PolicyError
from adapters.reference.prudential import PrudentialDataError
from adapters.reference.tenants import TenantsError
from api.edge.log import GONE, about, log_failure
from api.edge.metrics import LIMITED
from api.edge.rates import QUERY_PARAMETERS_MAX, crowded
from api.edge.watching import Watched
from api.http.authentication import counted
from api.http.commands.endpoint import CommandEndpoint
from api.http.commands.headers import listed
from api.http.methods import allow, answer_options, as_get
from api.http.problems import kinds
from api.http.problems.faults import fault, faults_of
from api.http.problems.problem import MEDIA_TYPE, RETRY_AFTER_S, Problem, ProblemKind, body_of, language_of
from api.queries.engine.read import PositionAhead
from chain.entry import EntryError
from projections.engine.copies import NotLive
from projections.engine.pages import NotProjectedYet, TooMuchPast

_PREFIX = "/v1/"
_NO_ROUTE = frozenset({404, 405})

_KINDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], ProblemKind], ...] = (
    (KeyReused, kinds.IDEMPOTENCY_REUSED),
    (SubjectErased, kinds.SUBJECT_ERASED),
    (StreamBusy, kinds.STREAM_BUSY),
    (StateMoved, kinds.STATE_MOVED),
    (OutcomeUnknown, kinds.OUTCOME_UNKNOWN),
    (WriterClosed, kinds.CLOSING),
    ((EntryError, ValidationError), kinds.NOT_STORABLE),
    ((CatalogueError, PolicyError), kinds.PLANS_UNUSABLE),
    (PositionAhead, kinds.POSITION_AHEAD),
    (NotProjectedYet, kinds.POSITION_NOT_REACHED),
    (TooMuchPast, kinds.PAST_TOO_FAR),
    ((NotLive, psycopg.errors.UndefinedTable), kinds.READ_MODEL_ABSENT),
    ((PrudentialDataError, TenantsError), kinds.TENANT_DATA_BROKEN),
    (NO_ROOM, kinds.DATABASE_NO_ROOM),
    ((psycopg.OperationalError, psycopg_pool.PoolTimeout, DatabaseUnavailable), kinds.DATABASE_GONE),
)
"""What the layers below raise and what the caller is told; the first that fits."""


class AnswerBroken(Exception):
    """An answer that ended in the middle; carries the name of what was raised and nothing else."""


class Edge:
    """ASGI application around everything; `commands` are reached by `<plural>/<path segment>`."""

    def __init__(self, app: ASGIApp, commands: Mapping[str, CommandEndpoint]) -> None:
        self._app = app
        self._commands = commands

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        watched = Watched(scope, send)
        watched.about.headers.append((b"x-content-type-options", b"nosniff"))
        asked = as_get(scope)
        try:
            await self._target(asked)(asked, receive, watched.send)
        except ClientDisconnect:
            # Whoever hangs up is told nothing, and nothing went wrong.
            watched.status = watched.status or GONE
        except Exception as error:  # noqa: BLE001 - whatever it is becomes a problem or a broken answer
            if not watched.status:
                await problem_response(asked, error)(asked, receive, watched.send)
            elif not watched.complete:
                # Half an answer cannot be taken back: the server closes the connection, and hears no more than this.
                raise AnswerBroken(type(error).__name__) from None
        finally:
            watched.end(_route(asked))

    def _target(self, scope: Scope) -> ASGIApp:
        """The endpoint of a command, found without asking every route; the framework for everything else."""
        if crowded(scope.get("query_string", b"")):
            return _refuse_crowded
        if scope["method"] == "OPTIONS":
            return answer_options
        if scope["method"] == "POST" and scope["path"].startswith(_PREFIX):
            plural, _, rest = scope["path"][len(_PREFIX) :].partition("/")
            identifier, _, segment = rest.partition("/")
            endpoint = self._commands.get(f"{plural}/{segment}")
            if endpoint is not None and endpoint.fits(scope["path"], identifier):
                scope["path_params"] = {endpoint.noun: identifier}
                scope["route"] = endpoint
                return endpoint
        return self._app


def problem_response(scope: Scope, error: Exception) -> Response:
    """The response for what was raised while a request was handled; the unexpected is logged without its text."""
    problem = problem_of(error, scope)
    request_id = about(scope).request_id
    if problem.kind is kinds.INTERNAL:
        log_failure(error, scope)
    language = language_of(listed(Headers(scope=scope), "accept-language") or "")
    headers = {"Content-Language": language, "Vary": "Accept-Language", "Cache-Control": "no-store", **problem.headers}
    if problem.kind.status == 503:
        headers.setdefault("Retry-After", RETRY_AFTER_S)
    if problem.kind in kinds.LIMITS:
        LIMITED.labels(problem.kind.code).inc()
    return Response(body_of(problem, language, request_id), problem.kind.status, headers, MEDIA_TYPE)


async def _refuse_crowded(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - as ASGI wants it
    """What is asked with more parameters than anything knows is counted, and not read."""
    await counted(scope)
    limit = {"max_length": QUERY_PARAMETERS_MAX}
    raise Problem(kinds.QUERY_INVALID, faults=[fault("", "crowded", limit)])


async def answer_problem(request: Request, error: Exception) -> Response:
    """The same as an exception handler of the framework; whoever hung up is nobody to answer."""
    if isinstance(error, ClientDisconnect):
        raise error
    if isinstance(error, HTTPException) and error.status_code in _NO_ROUTE:
        try:
            await counted(request.scope)
        except Problem as problem:
            error = problem
    return problem_response(request.scope, error)


def problem_of(error: Exception, scope: Scope) -> Problem:
    """What the caller is told about an exception; everything unexpected is `service.internal`."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return _framework(error, scope)
    if isinstance(error, RequestValidationError):
        return Problem(kinds.QUERY_INVALID, faults=faults_of(error.errors(), skip=1))
    for classes, answer in _KINDS:
        if isinstance(error, classes):
            return answer()
    return kinds.INTERNAL()


def _framework(error: HTTPException, scope: Scope) -> Problem:
    if error.status_code == 404:
        return kinds.NO_ROUTE()
    if error.status_code == 405:
        return kinds.WRONG_METHOD().with_headers(Allow=allow(scope))
    kind = ProblemKind(f"http.{error.status_code}", error.status_code, kinds.HTTP_ERROR.en, kinds.HTTP_ERROR.zh)
    return Problem(kind, headers=_copied(error.headers))


def _copied(headers: Mapping[str, str] | None) -> dict[str, str]:
    return dict(headers or {})


def _route(scope: Scope) -> str:
    """The route's pattern; a path itself may hold what a person typed."""
    return getattr(scope.get("route"), "path", "")
