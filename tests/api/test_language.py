"""Languages: which one is spoken, what it says, and that every text that a person can meet is translated."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from api import language
from api.console.views import words
from api.language import Language, language_of, speaking, tagged, text, text_in, translated
from api.queries.engine.columns import columns_of
from tests.api import spoken

CATALOGUE = Path(language.__file__).parent / "locale" / "zh_CN.po"
SAME = re.compile(r"B-B|B-T|[0-9]+")
"""What is written the same in both languages: levels of PAdES signatures, codes of accounts."""

PLACEHOLDER = re.compile(r"{[a-z_]*(?::[^}]*)?}")


def untranslated(texts: set[spoken.Text]) -> list[str]:
    return sorted(
        message for contexts, message in texts if not SAME.fullmatch(message) and not translated(message, contexts)
    )


def kept() -> list[tuple[str, str]]:
    """The texts of the catalogue with their translations."""
    with CATALOGUE.open("rb") as file:
        return [(str(one.id), str(one.string or "")) for one in read_po(file, locale="zh_CN") if one.id]


def test_every_word_of_the_declarations_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    found = spoken.texts_of_console(monkeypatch)
    assert len(found) > 700
    assert untranslated(found) == []


def test_every_text_of_the_templates_is_translated() -> None:
    assert untranslated(spoken.texts_of_templates()) == []


def test_every_text_of_the_code_is_translated() -> None:
    assert untranslated(spoken.texts_of_code()) == []


def test_every_help_is_translated() -> None:
    assert untranslated(spoken.texts_of_help()) == []


def test_every_kind_of_error_is_translated() -> None:
    assert untranslated(spoken.texts_of_errors()) == []


def test_the_rule_sees_what_is_not_translated() -> None:
    assert list(spoken.counted('count(n, "event"); other(1, "row")')) == ["event"]
    assert list(spoken.constants('text("a" if x else "b", n=1); message("c"); other("d")')) == ["a", "b", "c"]
    assert untranslated({((), "lease"), ((), "no such text"), (("field",), "neither")}) == ["neither", "no such text"]


def test_translations_keep_the_facts() -> None:
    entries = kept()
    wrong = [
        english
        for english, said in entries
        if Counter(PLACEHOLDER.findall(english)) != Counter(PLACEHOLDER.findall(said))
    ]
    assert (wrong, [english for english, said in entries if not said]) == ([], [])


def test_the_catalogue_says_what_it_is() -> None:
    """The header that the tools of translators ask for."""
    head = CATALOGUE.read_text("utf-8").partition("\n\n")[0]
    header = dict(re.findall(r'^"([A-Za-z-]+): ([^\\]*)\\n"$', head, re.MULTILINE))
    assert header["Project-Id-Version"] == "leaseledger"
    assert (header["MIME-Version"], header["Language"]) == ("1.0", "zh_CN")
    assert header["Content-Type"] == "text/plain; charset=UTF-8"
    assert header["Plural-Forms"] == "nplurals=1; plural=0;"
    assert {"PO-Revision-Date", "Last-Translator", "Language-Team", "Content-Transfer-Encoding"} <= header.keys()


def test_translations_are_of_texts_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody says any more is deleted."""
    told = spoken.texts_of_code() | spoken.texts_of_templates() | spoken.texts_of_console(monkeypatch)
    told |= spoken.texts_of_help() | spoken.texts_of_errors() | spoken.texts_of_library()
    messages = {message for _, message in told}
    assert [english for english, _ in kept() if english not in messages] == []


def test_a_context_has_its_own_translation() -> None:
    with speaking(Language.ZH):
        assert [
            text_in(one, "credit") for one in (("field of JournalLine", "field"), ("field of Lease", "field"), ())
        ] == [
            "贷方",
            "承租人余额",
            "余额抵扣",
        ]
    assert text_in(("field of JournalLine",), "credit") == "credit"


ALIKE = {
    "absent", "active", "answer", "apr", "buyout", "cash", "charged back", "completed", "day", "dealer", "declined",
    "duplicate", "evidence clause", "failed", "fee", "granted", "interest", "irr", "late fee", "lessee", "lessor",
    "matched", "month", "open", "pending", "phone", "preauthorised", "principal", "received", "succeeded", "supplier",
    "waiting",
}  # fmt: skip
"""Words of several lists or fields that one translation fits in all of them, or that have one in each other one."""


def test_a_word_for_several_things_is_translated_once_for_each() -> None:
    """A word of two closed lists, or of one and of a field's name, has contexts, or was read and is alike."""
    uses: dict[str, set[str]] = {}
    for name, values in spoken.enumerations():
        for one in values:
            uses.setdefault(one.replace("_", " "), set()).add(name)
    for struct in spoken.structs():
        for column in columns_of(struct):
            uses.setdefault(column.name.replace("_", " "), set()).add("a field")
    several = {word for word, places in uses.items() if len(places) > 1}
    assert len(several) > 30
    with CATALOGUE.open("rb") as file:
        told_apart = {str(one.id) for one in read_po(file, locale="zh_CN") if one.context}
    assert several - ALIKE - told_apart == set()
    assert several >= ALIKE


@pytest.mark.parametrize(
    ("code", "owner", "field", "chinese"),
    [
        ("changed", "TamperAlarm", "tampering", "文字被改动"),
        ("changed", "TamperAlarmRaised", "tampering", "文字被改动"),
        ("changed", "Application", "finding", "变更原决定"),
        ("decision", "WantedScore", "source", "内部评分"),
        ("lessee", "MandateSuspended", "reason", "承租人要求"),
        ("lessee", "Party", "role", "承租人"),
    ],
)
def test_a_code_is_said_as_its_field_means_it(code: str, owner: str, field: str, chinese: str) -> None:
    with speaking(Language.ZH):
        assert words.code(code, owner, field) == chinese


def test_a_number_of_months_is_no_table_by_months() -> None:
    with speaking(Language.ZH):
        assert [words.label("months", one) for one in ("Terms", "LeaseRenewed", "Income")] == ["月数", "月数", "按月"]


def test_facts_stand_where_the_language_wants_them() -> None:
    with speaking(Language.ZH):
        assert text("as of event {position}", position="#7") == "截至事件 #7"
    assert text("as of event {position}", position="#7") == "as of event #7"


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], {}, Language.EN),
        ([], {"LANG": "zh_CN.UTF-8"}, Language.ZH),
        ([], {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, Language.EN),
        ([], {"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, Language.ZH),
        (["doctor", "--lang", "zh"], {"LANG": "en_GB.UTF-8"}, Language.ZH),
        (["--lang=en", "doctor"], {"LC_ALL": "zh_CN.UTF-8"}, Language.EN),
    ],
)
def test_the_command_line_speaks_before_the_environment(
    arguments: list[str], environment: dict[str, str], expected: Language
) -> None:
    assert language_of(arguments, environment) is expected


@pytest.mark.parametrize("tag", ["zh", "zh-Hans-CN", "zh_CN.UTF-8", "ZH-cn"])
def test_tags_of_chinese(tag: str) -> None:
    assert (tagged(tag), tagged("de")) == (Language.ZH, Language.EN)
