"""Typesetting: the same contract gives the same bytes, everything agreed is on paper, nothing is read as markup."""

from __future__ import annotations

import re
from datetime import date
from hashlib import sha256
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.documents import fonts
from adapters.documents.document import DocumentError, check_document
from adapters.documents.fonts import NoChineseFont, chinese_fonts
from adapters.documents.typeset import PAGE_HEIGHT_PT, percent, signature_box, typeset, yuan
from adapters.reference.clauses import shipped_clauses
from domain.contracts.contract.values import PARTIES_MAX
from domain.pricing.parts import Form
from tests.adapters.documents import papers
from tests.sampling import examples


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page as another program reads it, without white space."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [re.sub(r"\s", "", page.get_textpage().get_text_bounded()) for page in document]
    finally:
        document.close()


def test_same_contract_same_bytes(unsigned: bytes) -> None:
    assert typeset(papers.paper()) == unsigned


def test_another_day_is_another_file(unsigned: bytes) -> None:
    assert typeset(replace(papers.paper(), made_on=date(2026, 3, 3))) != unsigned


def test_every_clause_is_on_paper_in_order_and_numbered(unsigned: bytes) -> None:
    text = "".join(
        re.sub(r"合同编号HT-2026-000173第\d+页，共\d+页合同根值SHA-256[0-9a-f]{64}", "", page)
        for page in pages_of(unsigned)
    )
    place = -1
    for clause in papers.paper().clauses:
        found = text.index(f"条{clause.title}", place + 1)
        assert found > place
        place = found
        for paragraph in clause.text.split("\n"):
            assert re.sub(r"\s", "", paragraph) in text
    assert "第一条电子数据存证约定" in text
    assert "第二十二条争议解决" in text


def test_every_page_names_contract_and_root(unsigned: bytes) -> None:
    pages = pages_of(unsigned)
    for number, page in enumerate(pages, start=1):
        assert f"合同编号{papers.REFERENCE}" in page
        assert f"第{number}页，共{len(pages)}页" in page
        assert f"合同根值SHA-256{papers.paper().root}" in page


def test_key_terms_are_on_the_first_page(unsigned: bytes) -> None:
    first = pages_of(unsigned)[0]
    for words in (
        "主要条款（请逐项阅读并确认）",
        f"全部费用总额{yuan(papers.KEY_TERMS.total_cost_fen)}元",
        "综合年化成本13.77%",
        "内部收益率14.671%",
        "期满支付200.00元后取得所有权",
        "有，见第11条",
        "见第1条",
        "宽限3日，其后每日按欠付金额的0.03%计收",
        "违约金、费用、利息或租费、本金",
        "提前结清补偿不收取",
        "华东仲裁委员会仲裁",
        "王小明",
    ):
        assert words in first


def test_terms_that_are_otherwise() -> None:
    terms = replace(
        papers.KEY_TERMS, forum=None, early_settlement_rate="0.015", deposit_fen=100_000, lock=False, buyout_fen=None
    )
    first = pages_of(typeset(replace(papers.paper(), key_terms=terms)))[0]
    for words in ("剩余本金的1.50%", "承租人住所地人民法院管辖", "押金1,000.00元", "设备锁定无", "期满取得租赁物无"):
        assert words in first


def test_schedule_is_there_with_its_sums(unsigned: bytes) -> None:
    page = pages_of(unsigned)[-2]
    assert papers.KEY_TERMS.schedule_digest in page
    for line in papers.SCHEDULE:
        assert f"{line.due_on}{yuan(line.principal_fen)}{yuan(line.interest_fen)}0.00{yuan(line.total_fen)}" in page
    assert yuan(sum(line.total_fen for line in papers.SCHEDULE)) in page


@pytest.mark.parametrize("form", Form)
def test_every_form_of_contract_can_be_set(form: Form) -> None:
    optional = tuple(clause.clause for clause in shipped_clauses() if form in clause.forms and not clause.mandatory)
    pages = pages_of(typeset(papers.paper(form, optional)))
    assert len(pages) >= 4
    assert "签署页" in pages[-1]


def test_party_without_a_name_is_set_by_its_id() -> None:
    nameless = tuple(replace(party, name=None) for party in papers.PARTIES)
    first = pages_of(typeset(replace(papers.paper(), parties=nameless)))[0]
    assert "王小明" not in first
    assert str(papers.PARTIES[0].id) in first


@settings(max_examples=examples(10))
@given(st.text(st.sampled_from("#[]{}()$*_`\\\"'@<>=-+/~&%！；Ａx1 "), min_size=1, max_size=40))
def test_text_is_never_markup(text: str) -> None:
    """A clause or a name that looks like code of the typesetter is set as it stands."""
    document = papers.paper()
    forged = replace(document.clauses[0], text=f"甲{text}乙")
    assert typeset(replace(document, clauses=(forged,))).startswith(b"%PDF-1.7")


def test_markup_is_set_as_it_stands() -> None:
    document = papers.paper()
    forged = replace(document.clauses[0], text="甲 #panic() $x$ [乙] *丙*")
    assert "甲#panic()$x$[乙]*丙*" in pages_of(typeset(replace(document, clauses=(forged,))))[0]


def test_boxes_stand_on_the_page_side_by_side() -> None:
    boxes = [signature_box(at) for at in range(PARTIES_MAX)]
    for left, bottom, right, top in boxes:
        assert 0 < left < right < 595
        assert 72 < bottom < top < PAGE_HEIGHT_PT
    assert len({(box[0], box[1]) for box in boxes}) == PARTIES_MAX
    for at in (-1, PARTIES_MAX):
        with pytest.raises(ValueError, match=f"got {at}"):
            signature_box(at)


@pytest.mark.parametrize(
    ("amount_fen", "text"), [(0, "0.00"), (5, "0.05"), (123_456_789, "1,234,567.89"), (-1_050, "-10.50")]
)
def test_yuan(amount_fen: int, text: str) -> None:
    assert yuan(amount_fen) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [("0", "0.00%"), ("0.1", "10.00%"), ("0.1377", "13.77%"), ("1.62360", "162.36%"), ("0.14671", "14.671%")],
)
def test_percent(rate: str, text: str) -> None:
    assert percent(rate) == text


# ------------------------------------------------------------------------------------------------------ fonts


def test_fonts_come_from_the_package() -> None:
    chosen = chinese_fonts(system=False)
    assert (chosen.serif, chosen.sans) == ("Noto Serif SC", "Noto Sans SC")


def test_no_font_is_a_named_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(NoChineseFont, match=r"pylopdf-fonts-zh-cn.*fonts-noto-cjk"):
        chinese_fonts([tmp_path], system=False)


def test_missing_package_is_searched_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "PACKAGE", None)
    with pytest.raises(NoChineseFont, match="among 0 font families"):
        chinese_fonts(system=False)


def test_one_family_serves_as_both(tmp_path: Path) -> None:
    assert fonts.PACKAGE is not None
    only = next(path for path in fonts.PACKAGE.iterdir() if path.name.startswith("NotoSans"))
    (tmp_path / only.name).symlink_to(only)
    chosen = chinese_fonts([tmp_path], system=False)
    assert (chosen.serif, chosen.sans) == ("Noto Sans SC", "Noto Sans SC")
    assert typeset(papers.paper(), chosen) != typeset(papers.paper())


# ------------------------------------------------------------------------------------- paper against events


def test_paper_that_says_what_the_events_say() -> None:
    check_document(papers.paper(), papers.state())
    assert papers.paper().root == papers.state().root


def test_paper_with_one_other_mark_is_refused() -> None:
    document = papers.paper()
    forged = replace(document.clauses[3], text=document.clauses[3].text.replace("。", "；", 1))
    assert sha256(forged.text.encode()).hexdigest() != forged.digest
    wrong = replace(document, clauses=(*document.clauses[:3], forged, *document.clauses[4:]))
    with pytest.raises(DocumentError, match="object_rental"):
        check_document(wrong, papers.state())


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("clauses", {"clauses": papers.paper().clauses[:-1]}),
        ("clauses", {"clauses": (*papers.paper().clauses, papers.paper().clauses[0])}),
        ("root", {"root": "0" * 64}),
        ("reference", {"reference": "HT-1"}),
        ("form", {"form": Form.DIRECT}),
        ("key terms", {"key_terms": replace(papers.KEY_TERMS, total_cost_fen=1)}),
        ("parties", {"parties": papers.PARTIES[::-1]}),
        ("schedule", {"schedule": papers.SCHEDULE[1:]}),
    ],
)
def test_paper_that_differs_is_refused(name: str, changes: dict[str, object]) -> None:
    with pytest.raises(DocumentError, match=f"^{name}: expected"):
        check_document(replace(papers.paper(), **changes), papers.state())
