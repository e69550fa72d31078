"""What can be wished of a clause: one command per wish."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from domain.contracts.clause.events import Size
from domain.contracts.clause.values import TEXT_BYTES_MAX, Forms, Title, VersionNumber
from domain.intake.application.values import Code, Digest
from domain.kernel.command import Command


class DraftClause(Command, frozen=True):
    """Write the next version of a clause.

    Either `text`, or the `digest` and `size_bytes` of a longer one that is kept outside the ledger.
    """

    clause: Code
    title: Title
    gloss: Title
    forms: Forms
    mandatory: bool
    text: Annotated[str, Meta(max_length=TEXT_BYTES_MAX)] | None = None
    digest: Digest | None = None
    size_bytes: Size | None = None


class PublishClause(Command, frozen=True):
    """Release a version from a business date on; `digest` is what the publisher read and stands for."""

    version: VersionNumber
    digest: Digest
    effective_from: date


class WithdrawClause(Command, frozen=True):
    """Take a version out of the library from a business date on."""

    version: VersionNumber
    withdrawn_from: date
    reason: Code
