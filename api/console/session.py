"""Sessions: who logged in with an API key. The cookie holds the key, encrypted; nothing is kept on the server.

    key ──AES-256-GCM under DATA/keys/console.key──▶ cookie ──▶ key ──▶ Principal, asked for again on every request

A key that is revoked ends its sessions with it, and so does a new `console.key`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.requests import Request

COOKIE = "leaseledger_session"
LIFE = timedelta(hours=12)
_NONCE_BYTES, _TIME_BYTES = 12, 8
_ABOUT = b"leaseledger.console.session/1"


class Sessions:
    """Seals API keys into cookies and opens them again; `secret` is 32 bytes."""

    def __init__(self, secret: bytes, random_bytes: Callable[[int], bytes], now: Callable[[], datetime]) -> None:
        self._cipher = AESGCM(secret)
        self._random_bytes = random_bytes
        self._now = now

    def seal(self, key: str) -> str:
        """The cookie of a session that begins now."""
        ends = int((self._now() + LIFE).timestamp())
        nonce = self._random_bytes(_NONCE_BYTES)
        return (nonce + self._cipher.encrypt(nonce, ends.to_bytes(_TIME_BYTES) + key.encode(), _ABOUT)).hex()

    def open(self, cookie: str) -> str | None:
        """The key in a cookie; `None` for a session that is over, and for anything that was not sealed here."""
        try:
            sealed = bytes.fromhex(cookie)
            opened = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _ABOUT)
        except (InvalidTag, ValueError):
            return None
        ends, key = int.from_bytes(opened[:_TIME_BYTES]), opened[_TIME_BYTES:]
        return key.decode() if self._now().timestamp() < ends else None


def from_our_pages(request: Request) -> bool:
    """Whether a form was sent from a page of this console (Fetch Metadata; the Origin header where it is missing)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")
