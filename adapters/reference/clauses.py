"""Loading the clause library: JSON to checked clause texts, and the commands that put them into the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from functools import cache
from importlib import resources
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from domain.contracts.clause import TEXT_JSON_BYTES_MAX, DraftClause, Forms, PublishClause, Title
from domain.contracts.contract.values import LibraryClause
from domain.contracts.texts import json_bytes, text_digest
from domain.kernel.ids import looks_personal
from domain.kernel.values import ClauseRef, ClauseVersionNumber, Code, is_exact, is_line
from domain.pricing.parts import Form

SHIPPED = "clauses.json"
FORMAT = "leaseledger.clauses/1"
LIBRARY_BYTES_MAX = 4 << 20


class ClauseLibraryError(ValueError):
    """A clause library that cannot be used; says where, what was expected and what came."""


class ShippedClause(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One reviewed clause: the text that binds, in Chinese, and in English what it is about."""

    clause: Code
    version: ClauseVersionNumber
    title: Title
    gloss: Title
    forms: Forms
    mandatory: bool
    effective_from: date
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_JSON_BYTES_MAX)]

    @property
    def reference(self) -> ClauseRef:
        """What a contract says to name it."""
        return ClauseRef(clause=self.clause, version=self.version, digest=text_digest(self.text))

    @property
    def entry(self) -> LibraryClause:
        """What the clause's stream says once it is published as shipped."""
        return LibraryClause(
            clause=self.clause,
            version=self.version,
            digest=text_digest(self.text),
            title=self.title,
            forms=self.forms,
            mandatory=self.mandatory,
            effective_from=self.effective_from,
        )

    def draft(self) -> DraftClause:
        """The command that writes it into the ledger."""
        return DraftClause(
            clause=self.clause,
            title=self.title,
            gloss=self.gloss,
            forms=self.forms,
            mandatory=self.mandatory,
            text=self.text,
        )

    def publish(self, effective_from: date) -> PublishClause:
        """The command that releases it from a business date on."""
        return PublishClause(version=self.version, digest=text_digest(self.text), effective_from=effective_from)


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    v: str
    clauses: tuple[ShippedClause, ...]


_DECODER = msgspec.json.Decoder(_File)


def parse_clauses(body: bytes, source: str) -> tuple[ShippedClause, ...]:
    """The clauses of a library file, in the order in which contracts have them; `source` names the file in errors.

    Raises `ClauseLibraryError` for what is not of that form, for a text that is not exact or is about a person, and for
    a clause that stands twice.
    """
    if len(body) > LIBRARY_BYTES_MAX:
        raise ClauseLibraryError(f"{source}: expected at most {LIBRARY_BYTES_MAX} bytes, got {len(body)}")
    try:
        file = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ClauseLibraryError(f"{source}: {error}") from error
    if file.v != FORMAT:
        raise ClauseLibraryError(f"{source}: expected {FORMAT}, got {file.v}")
    seen: set[str] = set()
    for clause in file.clauses:
        _check(clause, source)
        if clause.clause in seen:
            raise ClauseLibraryError(f"{source}: expected {clause.clause} once, got it again")
        seen.add(clause.clause)
    return file.clauses


def _check(clause: ShippedClause, source: str) -> None:
    where = f"{source}: {clause.clause} version {clause.version}"
    if not (is_exact(clause.text) and is_line(clause.title) and is_line(clause.gloss)):
        raise ClauseLibraryError(f"{where}: expected visible text in Normalization Form C")
    if (size := json_bytes(clause.text)) > TEXT_JSON_BYTES_MAX:
        raise ClauseLibraryError(f"{where}: expected at most {TEXT_JSON_BYTES_MAX} bytes of JSON, got {size}")
    if looks_personal(clause.text):
        raise ClauseLibraryError(f"{where}: expected no number of a person, got what looks like one")


@cache
def shipped_clauses() -> tuple[ShippedClause, ...]:
    """The clause library that comes with the program."""
    return parse_clauses((resources.files(__package__) / SHIPPED).read_bytes(), SHIPPED)


@cache
def shipped_entries() -> tuple[LibraryClause, ...]:
    """What a library without any clause of the tenant's own says of them."""
    return tuple(clause.entry for clause in shipped_clauses())


def choose(library: Iterable[ShippedClause], form: Form, options: Collection[str] = ()) -> tuple[ShippedClause, ...]:
    """The clauses of a contract of this form, in order: all mandatory ones, and of the others those in `options`.

    Raises `ClauseLibraryError` for an option that the form does not have.
    """
    fitting = [clause for clause in library if form in clause.forms]
    if unknown := sorted({*options} - {clause.clause for clause in fitting}):
        raise ClauseLibraryError(f"expected options of the form {form}, got {' '.join(unknown)}")
    return tuple(clause for clause in fitting if clause.mandatory or clause.clause in options)
