"""Words of names: in English where the name itself does not read well, of who acted, of codes that data names."""

from __future__ import annotations

import pytest

from api.console.views import words
from api.language import Language, speaking
from tests.api import spoken


def test_every_english_wording_is_of_a_word_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {message for _, message in spoken.texts_of_console(monkeypatch)}
    assert {one.removesuffix(" share").removesuffix(" number") for one in words.ENGLISH} - said == set()


@pytest.mark.parametrize(
    ("role", "actor", "english", "chinese"),
    [
        ("system", "timer:late_fee", "system · timer: late fee", "系统 · 定时：逾期违约金"),
        ("system", "process:payments", "system · process: payments", "系统 · 流程：收款"),
        ("system", "process:collector:0000", "system · process: collector", "系统 · 流程：代扣"),
        ("merchant_operator", "operator_1", "merchant operator · operator_1", "商户业务员 · operator_1"),
    ],
)
def test_who_acted(role: str, actor: str, english: str, chinese: str) -> None:
    assert words.actor(role, actor) == english
    with speaking(Language.ZH):
        assert words.actor(role, actor) == chinese


def test_accounts_are_known_by_number_and_clauses_by_title() -> None:
    assert words.choice("1002", "EntryFilter", "account") == "1002 Cash at bank"
    assert words.code("cost_cap", "", "clause") == "Cap on the total cost"
    assert words.code("our_own_clause", "", "clause") == "our_own_clause"


def test_one_name_for_two_fields_is_told_apart() -> None:
    assert [words.label(one, "LimitRow") for one in ("limit_fen", "limit_ppm")] == ["Limit", "Limit ratio"]
    with speaking(Language.ZH):
        assert [words.label(one, "LimitRow") for one in ("limit_fen", "limit_ppm")] == ["限额", "限额比例"]


def test_a_number_of_movements_is_no_amount() -> None:
    """What a run matched names both sides' counts and sums."""
    for tongue in Language:
        with speaking(tongue):
            assert words.label("ours", "StatementMatched") != words.label("ours_fen", "StatementMatched")
