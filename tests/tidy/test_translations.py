"""The Chinese that people read: the words of the trade, and pages that say as much as their English originals."""

from __future__ import annotations

from collections.abc import Mapping

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
