"""Request headers that steer a command, read strictly: Idempotency-Key, If-Match, If-None-Match, Last-Event-ID."""

from __future__ import annotations

import re

from starlette.datastructures import Headers

from api.http.problems import kinds
from api.http.problems.problem import Problem
from domain.kernel.ids import looks_personal
from domain.kernel.money import MAX_SAFE_INTEGER

KEY_MAX_CHARS = 255
_BARE = re.compile(r"[\x21-\x7e]+")
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_ETAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")


def idempotency_key(value: str | None) -> str:
    """The key, the same for its bare and its quoted form (RFC 9651 §3.3.3).

    Raises `idempotency.missing`, `.malformed`, or `.personal` for a key with an identity or mobile number standing
    alone in it: keys are kept for ever and could not be erased.
    """
    if value is None:
        raise Problem(kinds.IDEMPOTENCY_MISSING)
    quoted = _QUOTED.fullmatch(value)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else value
    well_formed = quoted is not None or (_BARE.fullmatch(key) and '"' not in key)
    if not well_formed or not 1 <= len(key) <= KEY_MAX_CHARS:
        raise Problem(kinds.IDEMPOTENCY_MALFORMED)
    if looks_personal(key, alone=True):
        raise Problem(kinds.IDEMPOTENCY_PERSONAL)
    return key


def if_match(value: str | None) -> frozenset[int] | None:
    """The versions that the caller insists on; `None` when it takes any. Raises `precondition.malformed`.

    Weak and foreign tags never match (RFC 9110 §13.1.1), so they leave an empty or smaller set.
    """
    if value is None or value.strip() == "*":
        return None
    return frozenset(int(tag) for weak, tag in _etags(value) if not weak and _NUMBER.fullmatch(tag))


def none_match(value: str | None, version: int) -> bool:
    """Whether If-None-Match names this version, by the weak comparison of RFC 9110 §13.1.2; nonsense names nothing."""
    return names_tag(value, str(version))


def names_tag(value: str | None, tag: str) -> bool:
    """Whether If-None-Match names an opaque tag, by the weak comparison; nonsense names nothing."""
    return value is not None and (value.strip() == "*" or any(one == tag for _, one in _ETAG.findall(value)))


def listed(headers: Headers, name: str) -> str | None:
    """The value of a header; of several lines their list (RFC 9110 §5.3)."""
    return ", ".join(headers.getlist(name)) or None


def _etags(value: str) -> list[tuple[str, str]]:
    parts = [part.strip() for part in value.split(",")]
    matches = [_ETAG.fullmatch(part) for part in parts if part]
    if not matches or None in matches:
        raise Problem(kinds.PRECONDITION_MALFORMED)
    return [(match[1] or "", match[2]) for match in matches if match is not None]


def last_event_id(value: str | None) -> int | None:
    """The position in a Last-Event-ID header. Raises `header.invalid`."""
    if value is None or not value.strip():
        return None
    if not _NUMBER.fullmatch(value.strip()) or int(value) > MAX_SAFE_INTEGER:
        raise kinds.HEADER_INVALID(header="Last-Event-ID", expected="a ledger position")
    return int(value)


def etag(version: int) -> str:
    """A version as a strong entity tag."""
    return f'"{version}"'
