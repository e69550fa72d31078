"""The security headers of every answer of the console: no scripts, nothing from elsewhere, nothing kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from api.console.requests import ROOT

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Headers:
    """Adds them; static files may be kept for an hour."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with the headers added."""
        static = scope["type"] == "http" and scope["path"].startswith(f"{ROOT}/static/")

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = {**HEADERS, **({"Cache-Control": "public, max-age=3600"} if static else {})}
                names = {name.lower().encode() for name in headers}
                kept = [pair for pair in message["headers"] if pair[0].lower() not in names]
                message["headers"] = [*kept, *((name.lower().encode(), one.encode()) for name, one in headers.items())]
            await send(message)

        await self._app(scope, receive, with_headers)
