"""What these tests write: applications, and events of no meaning where meaning is beside the point."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from adapters.postgres.ledger import Request
from adapters.postgres.writing.sequencer import Append, Part
from adapters.system import new_id
from chain.entry import Draft, draft_body
from domain.intake.application.commands import DraftApplication, SubmitApplication
from domain.kernel.command import Actor, Command, Context
from domain.kernel.ids import uuid7
from domain.kernel.times import business_date
from domain.kernel.values import AssetClass

TENANT = uuid7(1_700_000_000_000, 1)
CLERK = Actor("merchant_operator", "key_1")
START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)

NAME, IDENTITY_NUMBER, PHONE, ADDRESS = "王小明", "11010519491231002X", "13800138000", "北京市朝阳区建国路八十八号"
PERSONAL = (NAME, IDENTITY_NUMBER, PHONE, ADDRESS)

ANONYMOUS = DraftApplication(
    reference="JJ-2026-000173",
    asset_class=AssetClass.VEHICLE,
    product="auto_retail",
    channel="dealer",
    amount_fen=8_000_000,
    currency="CNY",
)
SUBMIT = SubmitApplication()


def draft_about(subject: UUID, name: str = NAME) -> DraftApplication:
    """A draft with every personal field."""
    return replace(ANONYMOUS, subject=subject, name=name, identity_number=IDENTITY_NUMBER, phone=PHONE, address=ADDRESS)


def nameless(command: DraftApplication) -> DraftApplication:
    """The same draft without personal fields."""
    return replace(command, name=UNSET, identity_number=UNSET, phone=UNSET, address=UNSET)


def context(stream: UUID, now: datetime = START) -> Context:
    """A clerk's context for a command on a stream."""
    return Context(tenant=TENANT, actor=CLERK, correlation=stream, now=now, business_date=business_date(now))


def request(
    stream: UUID, command: Command, *, key: str | None = None, expected: int | None = None, new: bool = False
) -> Request:
    """A command for a stream, under a fresh key unless one is given."""
    return Request(
        stream=stream,
        key=key or new_id().hex,
        command=command,
        context=context(stream),
        expected=expected,
        new=new,
    )


def toy_draft(stream: UUID, text: str = "toy") -> Draft:
    """An event whose type nobody registered; the store does not ask."""
    return draft_body("toy.moved.v1", {"text": text}, context(stream), stream=stream, eid=new_id(), cause=new_id())


def toys(
    stream: UUID | None = None, *, expected: int = 0, events: int = 1, key: str | None = None, says: str = "toy"
) -> Append:
    """An append of so many toy events, under a fresh key unless one is given."""
    of = stream or new_id()
    return Append(
        system=True,
        tenant=TENANT,
        key=key or new_id().hex,
        digest=sha256(f"{of} {expected} {events} {says}".encode()).digest(),
        parts=(Part(of, expected, tuple(toy_draft(of, says) for _ in range(events))),),
    )
