"""The Chinese that people read: the words of the trade, and pages that say as much as their English originals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import zip_longest

import pytest

from tests.tidy import checkout

ROOT = checkout.ROOT
CHINESE = ("README.zh-CN.md", "OPERATIONS.zh-CN.md", "api/locale/zh_CN.po")

UNUSUAL: Mapping[str, str] = {
    "投资人": "资金方",
    "所由命令": "触发命令",
    "所属事项": "关联业务",
    "款项已入账": "收款已入账",
    "死信": "搁置事件",
    "假装": "假冒",
}
"""Word-for-word renderings that no native reader uses, each with the word of the trade."""


def unusual(text: str) -> list[str]:
    """The unusual words in a text."""
    return [word for word in UNUSUAL if word in text]


@pytest.mark.parametrize("path", CHINESE)
def test_chinese_uses_the_words_of_the_trade(path: str) -> None:
    assert unusual((ROOT / path).read_text("utf-8")) == []


def test_an_unusual_word_is_found() -> None:
    assert unusual("应付投资人，死信两条") == ["投资人", "死信"]


def test_one_word_stands_for_events_that_wait() -> None:
    """The catalogue and the operator's page call them the same."""
    for path in CHINESE[1:]:
        assert UNUSUAL["死信"] in (ROOT / path).read_text("utf-8")


PAIRS = (("README.md", "README.zh-CN.md"), ("OPERATIONS.md", "OPERATIONS.zh-CN.md"))
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ .*$", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")
SENTENCE = re.compile(r'"title":"[^"]*"')
"""The one member of a quoted answer that is in the reader's language."""


def tokens(page: str) -> list[Counter[str]]:
    """What each section of a page quotes in backticks, and how often, blocks of commands aside."""
    return [
        Counter(" ".join(SENTENCE.sub("", token).split()) for token in QUOTED.findall(section))
        for section in HEADING.split(FENCED.sub("", page))
    ]


def behind(english: str, chinese: str) -> list[tuple[int, list[str], list[str]]]:
    """(section, quoted in English only, quoted in Chinese only) of each section in which two pages differ."""
    sections: Iterable[tuple[Counter[str], Counter[str]]] = zip_longest(
        tokens(english), tokens(chinese), fillvalue=Counter[str]()
    )
    return [
        (at, sorted(ours - theirs), sorted(theirs - ours))
        for at, (ours, theirs) in enumerate(sections)
        if ours != theirs
    ]


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0])
def test_no_translation_falls_behind(pair: tuple[str, str]) -> None:
    """Every command, member, file and address that one page names, the other names in the same section."""
    english, chinese = ((ROOT / name).read_text("utf-8") for name in pair)
    assert sum(map(len, tokens(english))) > 50
    assert len(HEADING.findall(english)) == len(HEADING.findall(chinese))
    assert behind(english, chinese) == []


def test_a_page_that_fell_behind_is_found() -> None:
    english = "## One\nSay `a`, then `b\nc`.\n## Two\n`d`\n```sh\n`e`\n```\n"
    assert behind(english, "## 一\n`b c`、`a`\n## 二\n`d`\n") == []
    assert behind(english, "## 一\n`a`\n## 二\n`d` `b c`\n") == [(1, ["b c"], []), (2, [], ["b c"])]
