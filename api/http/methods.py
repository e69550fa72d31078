"""Methods that every address takes without saying so: HEAD where there is GET, OPTIONS everywhere (RFC 9110 §9.3).

What of the log is public may be read by pages of any origin (Fetch §3.2), so that a browser can verify it; nothing
that needs a key may.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.edge.watching import HEAD
from api.http.authentication import counted
from api.http.problems import kinds
from api.http.problems.problem import Problem

PUBLIC_LOG = re.compile(r"/tlog/(?:checkpoint|vkeys|tile/[0-9].*)")
"""Addresses that pages of other origins may read: checkpoints, verifier keys and hashes, no entries."""

ANY_ORIGIN: Mapping[str, str] = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, X-Request-Id",
}
_PREFLIGHT: Mapping[str, str] = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "If-None-Match",
    "Access-Control-Max-Age": "86400",
}


def as_get(scope: Scope) -> Scope:
    """The request as it is handled: HEAD as GET, whose body is left out on its way to the caller."""
    return {**scope, "method": "GET"} if scope["method"] == HEAD else scope


async def answer_options(scope: Scope, receive: Receive, send: Send) -> None:
    """What an address takes, and whether pages of other origins may read it.

    Raises `route.not_found`, and `rate.limited`.
    """
    await counted(scope)
    allowed = allow(scope)
    if not allowed:
        raise Problem(kinds.NO_ROUTE)
    headers = {"Allow": allowed, "Cache-Control": "no-store"}
    if PUBLIC_LOG.fullmatch(scope["path"]):
        headers |= {**ANY_ORIGIN, **_PREFLIGHT}
    await Response(status_code=204, headers=headers)(scope, receive, send)


def allow(scope: Scope) -> str:
    """All methods of an address, as `Allow` lists them; the framework names those of the first route only."""
    routes = scope["app"].routes
    fitting = (route for route in routes if hasattr(route, "path_regex") and route.path_regex.match(scope["path"]))
    found = {method for route in fitting for method in route.methods or ()}
    if "GET" in found:
        found.add(HEAD)
    return ", ".join(sorted(found | {"OPTIONS"})) if found else ""
