"""What a clause answers to a command: events, or the first rule that says no, in the order written here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain.contracts.clause import commands as c
from domain.contracts.clause import events as e
from domain.contracts.clause import refusals as r
from domain.contracts.clause.state import ClauseState, ClauseVersion
from domain.contracts.clause.values import TEXT_JSON_BYTES_MAX, VERSIONS_MAX, is_exact, json_bytes, text_digest
from domain.intake.application.numbers import looks_personal
from domain.kernel.command import Command, Context
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal

State = ClauseState
Answer = tuple[Event, ...] | Refusal
Handler = Callable[[Any, State, Context], Answer]


def _draft(command: c.DraftClause, state: State, context: Context) -> Answer:
    if state.versions and command.clause != state.clause:
        return r.OTHER_CLAUSE(expected=state.clause, got=command.clause)
    if len(state.versions) >= VERSIONS_MAX:
        return r.VERSIONS_FULL(limit=VERSIONS_MAX)
    if len(set(command.forms)) < len(command.forms):
        return r.FORM_TWICE()
    if (wrong := _wrong_text(command)) is not None:
        return wrong
    digest = command.digest if command.text is None else text_digest(command.text)
    size_bytes = command.size_bytes if command.text is None else len(command.text.encode())
    assert digest is not None
    assert size_bytes is not None
    drafted = e.ClauseDrafted(
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
    return r.UNCHANGED(version=len(state.versions)) if _same(drafted, state) else (drafted,)


def _wrong_text(command: c.DraftClause) -> Refusal | None:
    """Exactly one of text and digest; a text is exact, fits into an entry and is about nobody."""
    if command.text is None:
        complete = command.digest is not None and command.size_bytes is not None
        return None if complete else r.TEXT_OR_DIGEST()
    if command.digest is not None or command.size_bytes is not None:
        return r.TEXT_OR_DIGEST()
    if not is_exact(command.text):
        return r.TEXT_NOT_EXACT()
    if (size := json_bytes(command.text)) > TEXT_JSON_BYTES_MAX:
        return r.TEXT_TOO_LONG(limit_bytes=TEXT_JSON_BYTES_MAX, got_bytes=size)
    return r.TEXT_PERSONAL() if looks_personal(command.text) else None


def _same(drafted: e.ClauseDrafted, state: State) -> bool:
    if not state.versions:
        return False
    latest = state.versions[-1]
    return (latest.digest, latest.title, latest.forms, latest.mandatory) == (
        drafted.digest,
        drafted.title,
        drafted.forms,
        drafted.mandatory,
    )


def _publish(command: c.PublishClause, state: State, context: Context) -> Answer:
    version = state.numbered(command.version)
    if version is None:
        return r.VERSION_UNKNOWN(version=command.version)
    if version.effective_from is not None:
        return r.PUBLISHED_ALREADY(version=version.number, effective_from=version.effective_from)
    if command.digest != version.digest:
        return r.DIGEST_DIFFERS(expected=version.digest, got=command.digest)
    if command.effective_from < context.business_date:
        return r.EFFECTIVE_PASSED(effective_from=command.effective_from, business_date=context.business_date)
    return (e.ClausePublished(version=version.number, digest=version.digest, effective_from=command.effective_from),)


def _withdraw(command: c.WithdrawClause, state: State, context: Context) -> Answer:
    version: ClauseVersion | None = state.numbered(command.version)
    if version is None:
        return r.VERSION_UNKNOWN(version=command.version)
    if version.effective_from is None:
        return r.NOT_PUBLISHED(version=version.number)
    if version.withdrawn_from is not None:
        return r.WITHDRAWN_ALREADY(version=version.number, withdrawn_from=version.withdrawn_from)
    if command.withdrawn_from < context.business_date:
        return r.WITHDRAWAL_PASSED(withdrawn_from=command.withdrawn_from, business_date=context.business_date)
    return (e.ClauseWithdrawn(version=version.number, withdrawn_from=command.withdrawn_from, reason=command.reason),)


_RULES: dict[type[Command], Handler] = {
    c.DraftClause: _draft,
    c.PublishClause: _publish,
    c.WithdrawClause: _withdraw,
}

COMMANDS: tuple[type[Command], ...] = tuple(_RULES)
"""Every command of the aggregate, in the order of a clause's life."""


def decide(command: Command, state: ClauseState, context: Context) -> tuple[Event, ...] | Refusal:
    """The events a command leads to, or the first refusal. Raises `TypeError` for a command of another aggregate."""
    handler = _RULES.get(type(command))
    if handler is None:
        raise TypeError(f"expected a command to a clause, got {type(command).__name__}")
    if not state.versions and handler is not _draft:
        return r.UNKNOWN()
    return handler(command, state, context)
