"""One formatter for each kind of value: units, words, links, and what is nested."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import pytest
from msgspec import Struct, field

from api.console.views.cells import Cell, cell, duration, facts_of
from api.console.views.pages import page_of
from api.language import Language, speaking
from api.permissions import Permission
from api.queries.engine.columns import columns_of
from api.queries.engine.shape import derived
from domain.intake.checklist import StepState
from domain.kernel.fields import noun
from domain.kernel.values import ClauseRef, Digest, Rate

ONE = UUID(int=1)
DIGEST = "ab" * 32


class Parts(Struct, frozen=True):
    """Amounts whose unit the field says that they stand in."""

    principal: int
    late_fee: int


class Sample(Struct, frozen=True, kw_only=True):
    """A field of each kind."""

    lessee: Annotated[UUID, noun("subject")] = ONE
    lease: UUID = ONE
    open_fen: int = 123_456_789
    limit_ppm: int = 8_000_000
    irr: Rate = "0.1129448457"
    promise_ms: int = 900_000
    wait_s: int = 90_061
    size_bytes: int = 12_345
    drafted_at: int = 1_234
    billed_fen: Parts = Parts(38_340, 0)
    asked_fen: tuple[int, ...] = (20_000, 5)
    parties: Annotated[tuple[UUID, ...], noun("party")] = (ONE,)
    digest: Digest = DIGEST
    told: str = DIGEST
    account: str = "1002"
    clause: str = "cost_cap"
    kind: str = "late_fee"
    plan: str = "late_fee"
    bucket: str = "d1_30"
    steps: dict[str, StepState] = field(
        default_factory=lambda: {"identity_card_read": StepState.PASSED, "income_proof_read": StepState.PENDING}
    )
    reference: ClauseRef = ClauseRef(clause="cost_cap", version=2, digest=DIGEST)
    nobody: str | None = None


def shown(name: str, language: Language = Language.EN) -> Cell:
    answer, make = derived(Sample, without=())
    column = next(one for one in columns_of(answer) if one.name == name)
    value: Any = make(Sample())
    with speaking(language):
        return cell(column, getattr(value, name), value)


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("open_fen", "1,234,567.89", "1,234,567.89"),
        ("limit_ppm", "800 %", "800%"),
        ("irr", "11.2945 %", "11.2945%"),
        ("promise_ms", "15 min", "15 分钟"),
        ("wait_s", "1 d 1 h", "1 天 1 小时"),
        ("drafted_at", "#1,234", "#1,234"),
        ("digest", "abababababab…", "abababababab…"),
        ("told", "abababababab…", "abababababab…"),
        ("account", "1002 Cash at bank", "1002 银行存款"),
        ("clause", "Cap on the total cost", "综合成本上限"),
        ("kind", "late fee", "逾期违约金"),
        ("plan", "late_fee", "late_fee"),
        ("bucket", "1–30 days late", "逾期 1–30 天"),
        ("nobody", "–", "–"),
    ],
)
def test_values_in_both_languages(name: str, english: str, chinese: str) -> None:
    assert (shown(name).text, shown(name, Language.ZH).text) == (english, chinese)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("limit_ppm", "8,000,000 ppm"),
        ("irr", "0.1129448457"),
        ("promise_ms", "900,000 ms"),
        ("digest", DIGEST),
        ("bucket", "d1_30"),
        ("lessee", f"subject_{ONE.hex}"),
    ],
)
def test_what_is_shortened_is_kept(name: str, title: str) -> None:
    assert shown(name).title == shown(name, Language.ZH).title == title


def test_sizes_have_a_unit() -> None:
    assert [(one.text, one.unit) for one in (shown("size_bytes"), shown("size_bytes", Language.ZH))] == [
        ("12,345", "bytes"),
        ("12,345", "字节"),
    ]


def test_several_values_are_cells_each() -> None:
    assert [one.text for one in shown("asked_fen").items] == ["200.00", "0.05"]
    assert [one.title for one in shown("parties").items] == [f"party_{ONE.hex}"]
    assert [(label, one.text) for label, one in shown("billed_fen").parts] == [
        ("Principal", "383.40"),
        ("Late fee", "0.00"),
    ]
    assert [(label, one.text) for label, one in shown("steps", Language.ZH).parts] == [
        ("身份证识别", "通过"),
        ("收入证明识别", "尚未进行"),
    ]
    assert [one.text for _, one in shown("reference").parts] == ["Cap on the total cost", "2", "abababababab…"]


def test_facts_are_nested_and_nothing_is_json() -> None:
    answer, make = derived(Sample, without=())
    facts = {one.label: one for one in facts_of(make(Sample()))}
    assert [one.label for one in facts["Steps"].facts] == ["Identity card read", "Proof of income read"]
    assert [one.cell and one.cell.text for one in facts["Billed"].facts] == ["383.40", "0.00"]
    assert not any(one.code for one in facts.values())
    assert facts["Nobody"].empty
    assert len(facts) == len(answer.__struct_fields__)


@pytest.mark.parametrize(
    ("ms", "said"),
    [(0, "0 ms"), (350, "350 ms"), (1_250, "1 s 250 ms"), (60_000, "1 min"), (3_661_000, "1 h 1 min"),
     (172_800_000, "2 d")],
)  # fmt: skip
def test_durations(ms: int, said: str) -> None:
    assert duration(ms) == said


def test_a_link_is_for_who_may_follow_it() -> None:
    lease = shown("lease")
    assert page_of({Permission.READ_RECORDS}, lease) == f"/leases/lease_{ONE.hex}"
    assert page_of({Permission.READ_RECEIPTS}, lease) == ""
    assert page_of(set(Permission), shown("lessee")) == f"/leases?lessee=subject_{ONE.hex}", "persons have no page"
    assert page_of({Permission.READ_RECEIPTS}, shown("lessee")) == ""
    event = shown("drafted_at")
    assert page_of({Permission.READ_EVENTS}, event) == "/events/1234"
    assert page_of({Permission.READ_RECEIPTS}, event) == ""
