"""Problems: every "no" of the HTTP interface as an RFC 9457 document, in English and Chinese.

    ProblemKind (code, status, words) ──Problem(kind, facts, errors)──▶ application/problem+json
    domain.kernel.Refusal ─────────────refused()──────────────────────▶ 409 with the rule's code, facts and statute

Nothing that a caller sent is ever repeated in a problem: what is wrong with a payload may be personal data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from domain.kernel.refusal import Refusal

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = "1"
"""When to ask again for what passes by itself."""

TYPE_PREFIX = "/problems/"
"""Where the types of problems are described, served by the program itself."""

REFUSAL_STATUS = 409
ENGLISH, CHINESE = "en", "zh-CN"

_HIDDEN_FACTS = frozenset({"lane"})
"""Facts that repeat free text of the caller."""


class ProblemKind(Struct, frozen=True):
    """One kind of problem: its code, its HTTP status, its sentence in both languages and what to do about it."""

    code: str
    status: int
    en: str
    zh: str
    help_en: str = ""
    help_zh: str = ""

    def __call__(self, **facts: object) -> Problem:
        """A problem of this kind; facts come from us, never from the payload."""
        return Problem(self, facts={name: str(value) for name, value in facts.items()})


class Fault(Struct, frozen=True):
    """What is wrong with one member of a payload: a JSON pointer (RFC 6901), a code, a sentence in both languages."""

    pointer: str
    code: str
    en: str
    zh: str


class Problem(Exception):
    """A problem on its way to the caller. `headers` go with the response."""

    def __init__(
        self,
        kind: ProblemKind,
        *,
        facts: Mapping[str, str] | None = None,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        source: str = "",
    ) -> None:
        super().__init__(kind.code)
        self.kind, self.facts, self.faults = kind, dict(facts or {}), tuple(faults)
        self.headers, self.source = dict(headers or {}), source

    def with_headers(self, **headers: str) -> Problem:
        """The same problem with more response headers (underscores stand for hyphens)."""
        self.headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self


class FaultBody(Struct, frozen=True):
    """One member that is wrong."""

    pointer: Annotated[str, Meta(description="JSON pointer to the member, or to the parameter by its name.")]
    code: Annotated[str, Meta(description="What is wrong with it, in a word that stays.")]
    detail: Annotated[str, Meta(description="The same as a sentence, in the language of the answer.")]


class ProblemBody(Struct, frozen=True, rename={"kind": "type"}):
    """A problem document (RFC 9457). `code` is stable, `facts` are what made a rule apply, `source` its statute."""

    kind: Annotated[str, Meta(description="Address of the problem's description.")]
    title: Annotated[str, Meta(description="The problem in a sentence, in the language of the answer.")]
    status: Annotated[int, Meta(description="The HTTP status.")]
    detail: Annotated[str, Meta(description="The sentence with the facts of this case.")]
    code: Annotated[str, Meta(description="The problem's code, which stays.")]
    request_id: Annotated[str, Meta(description="The request's id, as in X-Request-Id and in the service's log.")]
    errors: Annotated[tuple[FaultBody, ...], Meta(description="Every member that is wrong.")] | UnsetType = UNSET
    facts: Annotated[dict[str, str], Meta(description="What made the rule apply, by name.")] | UnsetType = UNSET
    source: Annotated[str, Meta(description="The article of law that the rule follows.")] | UnsetType = UNSET


def refused(refusal: Refusal) -> Problem:
    """The problem that a rule's refusal becomes: 409, the rule's own code, its facts and its legal source."""
    kind = refusal.kind
    facts = {name: value for name, value in refusal.facts if name not in _HIDDEN_FACTS}
    return Problem(ProblemKind(kind.code, REFUSAL_STATUS, kind.en, kind.zh), facts=facts, source=kind.source)


def body_of(problem: Problem, language: str, request_id: str) -> bytes:
    """The document's bytes in one language."""
    kind, chinese = problem.kind, language == CHINESE
    faults = tuple(FaultBody(f.pointer, f.code, f.zh if chinese else f.en) for f in problem.faults)
    return msgspec.json.encode(
        ProblemBody(
            kind=TYPE_PREFIX + kind.code,
            title=kind.zh if chinese else kind.en,
            status=kind.status,
            detail=_detail(problem, chinese=chinese),
            code=kind.code,
            request_id=request_id,
            errors=faults or UNSET,
            facts=problem.facts or UNSET,
            source=problem.source or UNSET,
        )
    )


def _detail(problem: Problem, *, chinese: bool) -> str:
    """The sentence with its facts, and what to do about it."""
    kind = problem.kind
    sentence, remedy, stop = (kind.zh, kind.help_zh, "。") if chinese else (kind.en, kind.help_en, ". ")
    if problem.facts:
        sentence += f" ({', '.join(f'{name}={value}' for name, value in problem.facts.items())})"
    return f"{sentence}{stop}{remedy}" if remedy else sentence


def language_of(accept_language: str) -> str:
    """`zh-CN` or `en` by an Accept-Language header (RFC 9110 §12.5.4); English when it says nothing we speak."""
    best, chosen = 0.0, ENGLISH
    for part in accept_language[:_ACCEPT_MAX_CHARS].split(","):
        tag, _, weight = part.strip().lower().partition(";")
        spoken = {"zh": CHINESE, "en": ENGLISH, "*": ENGLISH}.get(tag.strip().partition("-")[0])
        quality = _quality(weight)
        if spoken and quality > best:
            best, chosen = quality, spoken
    return chosen


_ACCEPT_MAX_CHARS = 500


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
