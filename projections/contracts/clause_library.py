"""The clause library: one row per clause of a tenant with all its versions, now and at any earlier position.

    clause.drafted ─▶ row ─drafted, published, withdrawn─▶ row (the state with its versions; the newest apart)

    state of a version:  drafted ─▶ published (effective from a day) ─▶ withdrawn (from a day)

Folded by the aggregate's own `evolve`; what no rule needs of a draft (gloss, size, place of the text) is noted of its
event. Against a fold written by hand, 50,000 events of 10,000 clauses, medians of five interleaved rounds on a busy
machine: filled at 10,700 events a second against 8,900, into 13 MB against 10; in windows of 1,000 events at 5,500
both, into 22 MB against 37.

Clauses that come with the program and that a tenant has no version of are no rows: they are data, not events.
The past: rows that have not changed since are taken as they are, all others are folded again from their own streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from domain.contracts.clause import CLAUSE, ClauseDrafted, ClauseState, ClauseVersion
from domain.kernel.fields import INTERNAL, Digest, one_of
from domain.pricing.parts import Form
from projections.engine.model import Recorded, StateRow
from projections.engine.pages import Relation
from projections.engine.states import BY_ID, state_projection

DRAFTED, PUBLISHED, WITHDRAWN = "drafted", "published", "withdrawn"
STATES = (DRAFTED, PUBLISHED, WITHDRAWN)


class ListedVersion(Struct, frozen=True, kw_only=True):
    """One version as it is listed; `text_in_ledger` says whether its text stands in its event.

    `drafted_at` is the ledger position of that event.
    """

    number: int
    title: str
    gloss: str
    digest: Digest
    size_bytes: int
    forms: tuple[Form, ...]
    mandatory: bool
    text_in_ledger: bool
    drafted_at: int
    state: Annotated[str, one_of(STATES)]
    effective_from: date | None
    withdrawn_from: date | None


class Clause(StateRow, frozen=True, kw_only=True):
    """One clause. `state`, `title` and `forms` are those of the newest version; `version` counts its events.

    `drafts` is a JSON array with what only the event of each version says, `forms` has blanks around each form.
    """

    clause: str
    state: Annotated[str, one_of(STATES)]
    title: Annotated[str, INTERNAL]
    forms: Annotated[str, INTERNAL]
    mandatory: Annotated[bool, INTERNAL]
    newest: Annotated[int, INTERNAL]
    drafts: Annotated[str, INTERNAL] = "[]"


class _Draft(Struct, frozen=True, array_like=True):
    """What the state does not keep of a draft."""

    gloss: str
    size_bytes: int
    text_in_ledger: bool
    drafted_at: int


_drafts = msgspec.json.Decoder(tuple[_Draft, ...]).decode
_state = msgspec.json.Decoder(ClauseState).decode


def versions_of(row: Clause) -> tuple[ListedVersion, ...]:
    """The versions of a row, number n at place n - 1."""
    return tuple(map(_listed, _state(row.kept).versions, _drafts(row.drafts)))


def _listed(version: ClauseVersion, draft: _Draft) -> ListedVersion:
    return ListedVersion(
        number=version.number,
        title=version.title,
        gloss=draft.gloss,
        digest=version.digest,
        size_bytes=draft.size_bytes,
        forms=version.forms,
        mandatory=version.mandatory,
        text_in_ledger=draft.text_in_ledger,
        drafted_at=draft.drafted_at,
        state=_state_of(version),
        effective_from=version.effective_from,
        withdrawn_from=version.withdrawn_from,
    )


def _state_of(version: ClauseVersion) -> str:
    if version.withdrawn_from is not None:
        return WITHDRAWN
    return DRAFTED if version.effective_from is None else PUBLISHED


# --------------------------------------------------------------------------------------------------- fold


def _drafted(noted: Mapping[str, Any], event: ClauseDrafted, recorded: Recorded) -> Mapping[str, Any]:
    draft = _Draft(event.gloss, event.size_bytes, event.text is not None, recorded.position)
    return {"drafts": msgspec.json.encode((*_drafts(noted.get("drafts", "[]")), draft)).decode()}


CLAUSE_LIBRARY = state_projection(
    CLAUSE,
    Clause,
    name="clause_library",
    version=3,
    columns={
        "state": lambda state: _state_of(state.versions[-1]),
        "title": lambda state: state.versions[-1].title,
        "forms": lambda state: f" {' '.join(state.versions[-1].forms)} ",
        "mandatory": lambda state: state.versions[-1].mandatory,
        "newest": lambda state: state.versions[-1].number,
    },
    noted={ClauseDrafted: _drafted},
    indexes=(BY_ID, ("tenant", "clause")),
)

OF_TENANT = Relation(CLAUSE_LIBRARY, ClauseDrafted)
"""The streams of a tenant's own clauses."""
