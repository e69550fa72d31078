"""Clauses to test with: one clause, its commands and its versions."""

from __future__ import annotations

from datetime import date, timedelta

from domain.contracts.clause import (
    CLAUSE,
    ClauseDrafted,
    ClausePublished,
    ClauseWithdrawn,
    DraftClause,
    PublishClause,
    WithdrawClause,
)
from domain.contracts.texts import text_digest
from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.pricing.parts import Form
from tests.given import TODAY, scenarios

given = scenarios(CLAUSE)

TEXT = "各方应当先行协商；协商不成的，提交仲裁。"
OTHER_TEXT = "各方应当先行协商，协商不成的，提交仲裁。"
"""One punctuation mark differs."""

DIGEST = text_digest(TEXT)
OTHER_DIGEST = text_digest(OTHER_TEXT)
YESTERDAY = TODAY - timedelta(days=1)
TOMORROW = TODAY + timedelta(days=1)
NEXT_MONTH = date(2026, 4, 1)

DRAFT = DraftClause(
    clause="dispute",
    title="争议解决",
    gloss="Resolution of disputes",
    forms=(Form.OPERATING, Form.DIRECT),
    mandatory=True,
    text=TEXT,
)
PUBLISH = PublishClause(version=1, digest=DIGEST, effective_from=TODAY)
WITHDRAW = WithdrawClause(version=1, withdrawn_from=TOMORROW, reason="law_changed")
SAMPLES: tuple[Command, ...] = (DRAFT, PUBLISH, WITHDRAW)

DRAFTED = ClauseDrafted(
    clause="dispute",
    version=1,
    title="争议解决",
    gloss="Resolution of disputes",
    forms=(Form.OPERATING, Form.DIRECT),
    mandatory=True,
    digest=DIGEST,
    size_bytes=len(TEXT.encode()),
    text=TEXT,
)
SECOND = ClauseDrafted(
    clause="dispute",
    version=2,
    title="争议解决",
    gloss="Resolution of disputes",
    forms=(Form.OPERATING, Form.DIRECT),
    mandatory=True,
    digest=OTHER_DIGEST,
    size_bytes=len(OTHER_TEXT.encode()),
    text=OTHER_TEXT,
)
PUBLISHED = ClausePublished(version=1, digest=DIGEST, effective_from=TODAY)
SECOND_PUBLISHED = ClausePublished(version=2, digest=OTHER_DIGEST, effective_from=NEXT_MONTH)
WITHDRAWN = ClauseWithdrawn(version=1, withdrawn_from=TOMORROW, reason="law_changed")

HISTORIES: dict[str, tuple[Event, ...]] = {
    "absent": (),
    "drafted": (DRAFTED,),
    "published": (DRAFTED, PUBLISHED),
    "withdrawn": (DRAFTED, PUBLISHED, WITHDRAWN),
}
