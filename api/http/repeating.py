"""Answers whose bytes repeat: an entity tag of their own, 304 to whoever has them, and compression where it helps.

Only what is public and holds nothing of a caller is compressed: where a secret and a caller's own text share an answer,
its length tells about the secret (BREACH).
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256

from fastapi import Request
from starlette.responses import Response

from api.http.commands.headers import listed, names_tag

COMPRESSED_MIN_BYTES = 1_024
_TAG_DIGITS = 32
_GZIP = "gzip"


def repeating(
    request: Request, data: bytes, media_type: str, headers: Mapping[str, str], *, compress: bool = True
) -> Response:
    """These bytes, or 304 when the caller has them; `headers` go with either."""
    tag = sha256(data).hexdigest()[:_TAG_DIGITS]
    known = {"Vary": "Accept-Encoding"} if compress else {}
    if compress and len(data) >= COMPRESSED_MIN_BYTES and takes_gzip(listed(request.headers, "accept-encoding") or ""):
        smaller = _compressed(data)
        if len(smaller) < len(data):
            # Another representation has another strong tag (RFC 9110 §8.8.3.3).
            data, tag, known = smaller, f"{tag}-{_GZIP}", known | {"Content-Encoding": _GZIP}
    known |= {"ETag": f'"{tag}"', **headers}
    if names_tag(listed(request.headers, "if-none-match"), tag):
        known.pop("Content-Encoding", None)
        return Response(status_code=304, headers=known)
    return Response(data, headers=known, media_type=media_type)


def takes_gzip(accepted: str) -> bool:
    """Whether Accept-Encoding takes gzip, by name or by `*`, and not with the weight 0 (RFC 9110 §12.5.3)."""
    weights: dict[str, bool] = {}
    for part in accepted.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weights[name] = not any(one.removeprefix("q=").strip("0.") == "" for one in parameters if one.startswith("q="))
    return weights.get(_GZIP, weights.get("*", False))


@lru_cache(maxsize=64)
def _compressed(data: bytes) -> bytes:
    """The same bytes for the same bytes."""
    return gzip.compress(data, mtime=0)
