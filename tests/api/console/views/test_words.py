"""Words of names: in English where the name itself does not read well, of who acted, of codes that data names."""

from __future__ import annotations

import pytest

from api.console.views import words
from api.language import Language, speaking
from api.queries.engine.columns import columns_of
from api.queries.registry import READS
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
        ("operator", f"person_{'0' * 24}a902a975", "operator · user …a902a975", "平台操作员 · 用户 …a902a975"),
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


MEAN_THE_SAME = frozenset({"approved", "suspended", "revoked", "declined", "granted"})
"""States of several aggregates that one Chinese word says."""
ELSEWHERE = frozenset({"Lease", "Payment", "Contract", "ClauseLibrary"})
"""Answers that show one aggregate's states in several fields, and those whose words came first."""


def test_no_state_is_said_in_the_words_of_another_aggregate() -> None:
    """A user who is active performs no contract, and an open proposal is not open for business."""
    owners: dict[str, set[str]] = {}
    for column in (one for read in READS for one in columns_of(read.answer) if one.name == "state"):
        for choice in column.choices:
            owners.setdefault(choice, set()).add(column.owner)
    with speaking(Language.ZH):
        plain = {choice: words.value(choice) for choice in owners}
        shared = {
            (owner, choice)
            for choice, several in owners.items()
            if len(several) > 1 and choice not in MEAN_THE_SAME
            for owner in several - ELSEWHERE
            if words.value(choice, owner, "state") == plain[choice]
        }
    assert shared <= {("Application", "withdrawn"), ("Consent", "withdrawn"), ("Proposal", "withdrawn"),
                      ("Application", "expired")}  # fmt: skip


@pytest.mark.parametrize(
    ("owner", "field", "code", "chinese"),
    [
        ("User", "state", "active", "正常"),
        ("User", "kind", "person", "人员"),
        ("Tenant", "state", "active", "正常"),
        ("Proposal", "state", "open", "待复核"),
    ],
)
def test_words_of_access_are_not_those_of_leases_and_days(owner: str, field: str, code: str, chinese: str) -> None:
    with speaking(Language.ZH):
        assert words.value(code, owner, field) == chinese


def test_what_needs_two_is_set_and_not_provisioned_for() -> None:
    with speaking(Language.ZH):
        assert words.event("approval.required.v1") == "复核要求：已设定"


def test_names_of_keys_are_words() -> None:
    assert words.event("api_key.made.v1") == "API key made"
    assert "API keys" in {words.title(read) for read in READS}


def test_one_name_for_two_fields_is_told_apart() -> None:
    assert [words.label(one, "LimitRow") for one in ("limit_fen", "limit_ppm")] == ["Limit", "Limit ratio"]
    with speaking(Language.ZH):
        assert [words.label(one, "LimitRow") for one in ("limit_fen", "limit_ppm")] == ["限额", "限额比例"]


def test_a_number_of_movements_is_no_amount() -> None:
    """What a run matched names both sides' counts and sums."""
    for tongue in Language:
        with speaking(tongue):
            assert words.label("ours", "StatementMatched") != words.label("ours_fen", "StatementMatched")
