"""Clause (条款): one entry of the clause library and its versions.

    (version n)   Drafted ─▶ Published(effective from) ─▶ Withdrawn(from)

A version's text never changes; another text is the next version. What binds is the SHA-256 over its exact bytes. On
any business date the version that took effect last and was not withdrawn is the one to assemble.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID, uuid5

from msgspec import Meta, Struct
from msgspec.structs import replace

from domain.contracts.texts import json_bytes, text_digest
from domain.kernel.command import Command, Context
from domain.kernel.decider import ABSENT, PRESENT, Answer, Decider, Rule, State
from domain.kernel.event import Event, event_type
from domain.kernel.fields import MandatoryField, ReasonField
from domain.kernel.ids import looks_personal
from domain.kernel.refusal import Refusal, refusal
from domain.kernel.values import CLAUSE_VERSIONS_MAX, ClauseRef, ClauseVersionNumber, Code, Digest, is_exact, is_line
from domain.pricing.parts import Form

# -------------------------------------------------------------------------------------------------------------- values

TEXT_JSON_BYTES_MAX = 12 * 1024
"""Largest text that an event carries, as JSON; an entry of the ledger has 16 KiB, the rest is for its frame."""

TEXT_BYTES_MAX = 1 << 20
"""Largest text that enters by its digest alone."""

TITLE_MAX_CHARS = 80
FORMS_MAX = 8

Title = Annotated[str, Meta(min_length=1, max_length=TITLE_MAX_CHARS)]


Forms = Annotated[tuple[Form, ...], Meta(min_length=1, max_length=FORMS_MAX)]
"""The forms of lease that a clause version is written for."""

Size = Annotated[int, Meta(ge=1, le=TEXT_BYTES_MAX)]


# -------------------------------------------------------------------------------------------------------------- events


@event_type("clause.drafted.v1")
class ClauseDrafted(Event, frozen=True):
    """A version was written.

    `digest` is SHA-256 over the exact UTF-8 bytes of the text, `size_bytes` counts them. `text` is the text itself, or
    null where it is longer than an entry holds and is kept by its digest. `gloss` says in English what it is about.
    """

    clause: Code
    version: ClauseVersionNumber
    title: Title
    gloss: Title
    forms: Forms
    mandatory: bool
    digest: Digest
    size_bytes: Size
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_JSON_BYTES_MAX)] | None = None


@event_type("clause.published.v1")
class ClausePublished(Event, frozen=True):
    """A version may be assembled into contracts from this business date on; the digest says which bytes were read."""

    version: ClauseVersionNumber
    digest: Digest
    effective_from: date


@event_type("clause.withdrawn.v1")
class ClauseWithdrawn(Event, frozen=True):
    """A version may not be assembled any more, from this business date on; contracts that hold it keep it."""

    version: ClauseVersionNumber
    withdrawn_from: date
    reason: Code


# --------------------------------------------------------------------------------------------------------------- state


class ClauseVersion(Struct, frozen=True, kw_only=True):
    """One version, with the days from which it may and may no longer be assembled; its text stays in its event."""

    number: int
    title: str
    digest: str
    forms: tuple[Form, ...]
    mandatory: bool
    effective_from: date | None = None
    withdrawn_from: date | None = None


class Dated(Protocol):
    """What is known of a version: its number, and the days from which it may and may no longer be assembled."""

    @property
    def number(self) -> int:
        """Its number, from 1."""

    @property
    def effective_from(self) -> date | None:
        """The first business date; `None` while it is a draft."""

    @property
    def withdrawn_from(self) -> date | None:
        """The first business date on which it is withdrawn, if it is."""


V = TypeVar("V", bound=Dated)


def effective(versions: Iterable[V], on: date) -> V | None:
    """The version to assemble on a business date: the one that took effect last, the higher number on a tie.

    `None` where none has taken effect, or all that have are withdrawn.
    """
    usable = [
        (one.effective_from, one.number, one)
        for one in versions
        if one.effective_from is not None
        and one.effective_from <= on
        and (one.withdrawn_from is None or on < one.withdrawn_from)
    ]
    return max(usable, key=lambda found: found[:2])[2] if usable else None


class ClauseState(State, frozen=True, kw_only=True):
    """One clause: its code and its versions, number n at place n - 1."""

    clause: str = ""
    versions: tuple[ClauseVersion, ...] = ()

    def numbered(self, number: int) -> ClauseVersion | None:
        """The version with this number."""
        return self.versions[number - 1] if 1 <= number <= len(self.versions) else None

    def effective(self, on: date) -> ClauseVersion | None:
        """The version to assemble on this business date."""
        return effective(self.versions, on)

    def reference(self, number: int) -> ClauseRef:
        """What a contract says to name this version. Raises `IndexError` for a version there is not."""
        version = self.versions[number - 1]
        return ClauseRef(clause=self.clause, version=version.number, digest=version.digest)


# ------------------------------------------------------------------------------------------------------------ commands

VersionField = Annotated[ClauseVersionNumber, Meta(description="Number of the clause's version, from 1.")]


class DraftClause(Command, frozen=True):
    """Write the next version of a clause.

    Either `text`, or the `digest` and `size_bytes` of a longer one that is kept outside the ledger.
    """

    clause: Annotated[Code, Meta(description="The clause: its code, or code, version and digest.")]
    title: Annotated[Title, Meta(description="Title in Chinese.")]
    gloss: Annotated[Title, Meta(description="In English, what the clause is about.")]
    forms: Annotated[Forms, Meta(description="Forms of lease that it is written for.")]
    mandatory: MandatoryField
    text: Annotated[
        Annotated[str, Meta(max_length=TEXT_BYTES_MAX)] | None,
        Meta(description="The exact text, in Unicode Normalization Form C; line feeds are kept."),
    ] = None
    digest: Annotated[Digest | None, Meta(description="SHA-256 of the file or text; a file stays outside.")] = None
    size_bytes: Annotated[Size | None, Meta(description="Size of the file or text in bytes.")] = None


class PublishClause(Command, frozen=True):
    """Release a version from a business date on; `digest` is what the publisher read and stands for."""

    version: VersionField
    digest: Annotated[Digest, Meta(description="SHA-256 of the file or text; a file stays outside.")]
    effective_from: Annotated[date, Meta(description="First business date on which contracts may hold it.")]


class WithdrawClause(Command, frozen=True):
    """Take a version out of the library from a business date on."""

    version: VersionField
    withdrawn_from: Annotated[
        date, Meta(description="First business date on which contracts may not hold it any more.")
    ]
    reason: ReasonField


# ------------------------------------------------------------------------------------------------------------ refusals

UNKNOWN = refusal("clause.unknown", "There is no such clause", "条款不存在")
EXISTS = refusal("clause.exists", "The clause exists already; write its next version", "条款已存在，请在其下起草新版本")
OTHER_CLAUSE = refusal("clause.other_clause", "This is another clause's history", "条款编号与既有记录不符")
VERSIONS_FULL = refusal("clause.versions_full", "The clause has as many versions as it may", "条款版本数量已达上限")
FORM_TWICE = refusal("clause.form_twice", "A form of lease is named twice", "适用业务形式重复")
TEXT_OR_DIGEST = refusal(
    "clause.text_or_digest",
    "A draft has either its text or the digest and size of one kept elsewhere",
    "草稿须提供条款正文，或提供另存正文的摘要与长度，二者择一",
)
TEXT_NOT_EXACT = refusal(
    "clause.text_not_exact",
    "The text is blank, not in Unicode Normalization Form C, or holds invisible characters",
    "条款正文为空、未按 NFC 规范化或含有不可见字符",
    "UAX #15",
)
HEADING_NOT_EXACT = refusal(
    "clause.heading_not_exact",
    "Title or gloss is blank, more than a line, not in Unicode Normalization Form C, or holds invisible characters",
    "条款标题或英文说明为空、不止一行、未按 NFC 规范化或含有不可见字符",
    "UAX #15",
)
TEXT_TOO_LONG = refusal(
    "clause.text_too_long",
    "The text does not fit into an entry; keep it by its digest",
    "条款正文超出单条记录上限，须以摘要方式另存",
)
TEXT_PERSONAL = refusal(
    "clause.text_personal",
    "The text holds what looks like an identity or mobile number; personal data never enters the ledger",
    "条款正文疑似含有身份证号或手机号；个人信息不得进入账本",
)
UNCHANGED = refusal(
    "clause.unchanged", "The latest version says exactly this already", "与最新版本完全相同，无须新版本"
)
VERSION_UNKNOWN = refusal("clause.version_unknown", "There is no such version", "条款版本不存在")
PUBLISHED_ALREADY = refusal("clause.published_already", "The version was published already", "该版本已发布")
DIGEST_DIFFERS = refusal(
    "clause.digest_differs",
    "What the publisher read is not what was drafted",
    "发布人审阅的文本与草稿不一致",
)
EFFECTIVE_PASSED = refusal(
    "clause.effective_passed", "A clause takes effect today or later", "生效日不得早于当前营业日"
)
NOT_PUBLISHED = refusal("clause.not_published", "Only a published version can be withdrawn", "只有已发布的版本可以停用")
WITHDRAWN_ALREADY = refusal("clause.withdrawn_already", "The version was withdrawn already", "该版本已停用")
WITHDRAWAL_PASSED = refusal(
    "clause.withdrawal_passed", "A clause is withdrawn from today or later", "停用日不得早于当前营业日"
)


# --------------------------------------------------------------------------------------------------------------- rules


def _draft(command: DraftClause, state: ClauseState, context: Context) -> Answer:
    if state.versions and command.clause != state.clause:
        return OTHER_CLAUSE(expected=state.clause, got=command.clause)
    if len(state.versions) >= CLAUSE_VERSIONS_MAX:
        return VERSIONS_FULL(limit=CLAUSE_VERSIONS_MAX)
    if len(set(command.forms)) < len(command.forms):
        return FORM_TWICE()
    if (wrong := _wrong_heading(command) or _wrong_text(command)) is not None:
        return wrong
    digest = command.digest if command.text is None else text_digest(command.text)
    size_bytes = command.size_bytes if command.text is None else len(command.text.encode())
    assert digest is not None
    assert size_bytes is not None
    drafted = ClauseDrafted(
        clause=command.clause,
        version=len(state.versions) + 1,
        title=command.title,
        gloss=command.gloss,
        forms=command.forms,
        mandatory=command.mandatory,
        digest=digest,
        size_bytes=size_bytes,
        text=command.text,
    )
    return UNCHANGED(version=len(state.versions)) if _same(drafted, state) else (drafted,)


def _wrong_heading(command: DraftClause) -> Refusal | None:
    wrong = [field for field in ("title", "gloss") if not is_line(getattr(command, field))]
    return HEADING_NOT_EXACT(field=wrong[0]) if wrong else None


def _wrong_text(command: DraftClause) -> Refusal | None:
    """Exactly one of text and digest; a text is exact, fits into an entry and is about nobody.

    One with too many characters is looked at no further: each costs time that everybody else waits for.
    """
    if command.text is None:
        complete = command.digest is not None and command.size_bytes is not None
        return None if complete else TEXT_OR_DIGEST()
    if command.digest is not None or command.size_bytes is not None:
        return TEXT_OR_DIGEST()
    if len(command.text) <= TEXT_JSON_BYTES_MAX and not is_exact(command.text):
        return TEXT_NOT_EXACT()
    if (size := json_bytes(command.text)) > TEXT_JSON_BYTES_MAX:
        return TEXT_TOO_LONG(limit_bytes=TEXT_JSON_BYTES_MAX, got_bytes=size)
    return TEXT_PERSONAL() if looks_personal(command.text) else None


def _same(drafted: ClauseDrafted, state: ClauseState) -> bool:
    if not state.versions:
        return False
    latest = state.versions[-1]
    return (latest.digest, latest.title, latest.forms, latest.mandatory) == (
        drafted.digest,
        drafted.title,
        drafted.forms,
        drafted.mandatory,
    )


def _publish(command: PublishClause, state: ClauseState, context: Context) -> Answer:
    version = state.numbered(command.version)
    if version is None:
        return VERSION_UNKNOWN(version=command.version)
    if version.effective_from is not None:
        return PUBLISHED_ALREADY(version=version.number, effective_from=version.effective_from)
    if command.digest != version.digest:
        return DIGEST_DIFFERS(expected=version.digest, got=command.digest)
    if command.effective_from < context.business_date:
        return EFFECTIVE_PASSED(effective_from=command.effective_from, business_date=context.business_date)
    return (ClausePublished(version=version.number, digest=version.digest, effective_from=command.effective_from),)


def _withdraw(command: WithdrawClause, state: ClauseState, context: Context) -> Answer:
    version: ClauseVersion | None = state.numbered(command.version)
    if version is None:
        return VERSION_UNKNOWN(version=command.version)
    if version.effective_from is None:
        return NOT_PUBLISHED(version=version.number)
    if version.withdrawn_from is not None:
        return WITHDRAWN_ALREADY(version=version.number, withdrawn_from=version.withdrawn_from)
    if command.withdrawn_from < context.business_date:
        return WITHDRAWAL_PASSED(withdrawn_from=command.withdrawn_from, business_date=context.business_date)
    return (ClauseWithdrawn(version=version.number, withdrawn_from=command.withdrawn_from, reason=command.reason),)


# -------------------------------------------------------------------------------------------------------------- evolve


def _drafted(state: ClauseState, event: ClauseDrafted) -> ClauseState:
    drafted = ClauseVersion(
        number=event.version,
        title=event.title,
        digest=event.digest,
        forms=event.forms,
        mandatory=event.mandatory,
    )
    return replace(state, clause=event.clause, versions=(*state.versions, drafted))


def _published(state: ClauseState, event: ClausePublished) -> ClauseState:
    return _changed(state, event.version, effective_from=event.effective_from)


def _withdrawn(state: ClauseState, event: ClauseWithdrawn) -> ClauseState:
    return _changed(state, event.version, withdrawn_from=event.withdrawn_from)


def _changed(state: ClauseState, number: int, **changes: Any) -> ClauseState:
    """The state with one version changed; a version it does not have changes nothing but the count of events."""
    versions = tuple(replace(known, **changes) if known.number == number else known for known in state.versions)
    return replace(state, versions=versions)


# ------------------------------------------------------------------------------------------------------------- decider

CLAUSE = Decider(
    name="clause",
    initial=ClauseState(),
    unknown=UNKNOWN,
    rules={
        DraftClause: Rule(ABSENT | PRESENT, UNKNOWN, _draft),
        PublishClause: Rule(PRESENT, UNKNOWN, _publish),
        WithdrawClause: Rule(PRESENT, UNKNOWN, _withdraw),
    },
    evolve={
        ClauseDrafted: _drafted,
        ClausePublished: _published,
        ClauseWithdrawn: _withdrawn,
    },
)


def clause_stream(tenant: UUID, code: str) -> UUID:
    """The stream of a tenant's clause: derived from its code, so that there is one and everyone finds it."""
    return uuid5(tenant, f"{CLAUSE.name}:{code}")
