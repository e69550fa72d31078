"""Admission to the console: session and rate limits, before anything else is done for a request.

cookie ─▶ key ─▶ principal: counted by key and tenant        no session: counted by address
"""

from __future__ import annotations

from collections.abc import Hashable
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.fair_queue import ASKING
from api.console.requests import ROOT, Refused, address, cookie
from api.console.session import COOKIE, Sessions
from api.edge.log import about
from api.edge.rates import QUERY_PARAMETERS_MAX, Buckets, Rates, place_of
from api.identity.authentication import Authentication, Principal
from api.language import text


class Stranger(Exception):
    """Somebody without a session asked too often; he is told so without a page."""


class Admission:
    """The one place where a request of the console gets its principal, and is counted."""

    def __init__(self, access: Authentication, rates: Rates, sessions: Sessions) -> None:
        self._access, self._rates, self._sessions = access, rates, sessions

    async def admit(self, request: Request) -> None:
        """Find out who asks, and count that he does. Raises `Refused` with 429, or `Stranger`."""
        key = self._sessions.open(cookie(request, COOKIE))
        principal = None if key is None else await self._access.find(key)
        request.state.principal = principal
        if principal is None:
            ASKING.set(None)
            self.stranger(request.scope)
            return
        known = about(request.scope)
        known.tenant, known.key = principal.tenant, principal.key
        ASKING.set(principal.tenant)
        _take(self._rates.keys, principal.key)
        _take(self._rates.tenants, principal.tenant)

    def stranger(self, scope: Scope) -> None:
        """Count a request by its address. Raises `Stranger`."""
        if self._rates.addresses.take(place_of(scope.get("client"))).wait_s:
            raise Stranger

    async def known(self, key: str) -> bool:
        """Whether a key is somebody's."""
        return await self._access.find(key) is not None

    def counted(self, app: ASGIApp) -> ASGIApp:
        """The same application, whose requests are counted by address."""

        async def handle(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                self.stranger(scope)
            except Stranger:
                await too_often()(scope, receive, send)
            else:
                await app(scope, receive, send)

        return handle

    async def wrong_method(self, request: Request, error: Exception) -> Response:
        """The answer to a method that no page takes, which is counted as every other."""
        assert isinstance(error, HTTPException), "that is what this handler is for"
        try:
            self.stranger(request.scope)
        except Stranger:
            return too_often()
        return PlainTextResponse(error.detail, error.status_code, error.headers)


def principal_of(request: Request) -> Principal:
    """The principal of the session. Raises a redirect to the login page."""
    found: Principal | None = request.state.principal
    if found is None:
        raise HTTPException(303, headers={"Location": f"{ROOT}/login?{urlencode({'next': address(request)})}"})
    return found


async def refuse_crowded(_: Request) -> Response:
    """Refuse a query with more parameters than any page has, unread."""
    raise Refused(
        400,
        text("Not understood"),
        text("The address has too many parameters: expected at most {most}.", most=QUERY_PARAMETERS_MAX),
    )


def too_often() -> PlainTextResponse:
    """The page for somebody without a session who asked too often."""
    said = f"{text('Too many requests')}: {text('Go on in a moment.')}\n"
    return PlainTextResponse(said, 429, {"Retry-After": "1"})


def _take(buckets: Buckets, whose: Hashable) -> None:
    if buckets.take(whose).wait_s:
        raise Refused(429, text("Too many requests"), text("Go on in a moment."))
