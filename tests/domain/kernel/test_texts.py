"""Texts that people read (`domain.kernel.values`): one spelling for what looks the same, and nothing unseen."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from domain.kernel.values import is_exact, is_line

UNSEEN = (
    *("\x00", "\x1b", "\x7f", "\x85", "\x9b", "\t", "\r"),
    *("\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad"),
    *("\u202a", "\u202e", "\u2066", "\u2069", "\u200e", "\u061c"),
    *("\u2028", "\u2029", "\ue000", "\u0378", "\ud800"),
    *("\u034f", "\u115f", "\u1160", "\u17b4", "\u180e", "\u2800", "\u3164", "\ufe0f", "\uffa0", "\U000e0100"),
    *("\ufffc", "\U0001d159"),
    *("\u00a0", "\u1680", "\u2002", "\u2009", "\u202f", "\u205f", "\u3000"),
)
"""Controls of C0 and C1, zero-width, bidirectional, separators, nobody's, fillers, stand-ins, and other spaces."""


@pytest.mark.parametrize("char", UNSEEN, ids=ascii)
def test_nothing_unseen_is_read(char: str) -> None:
    for text in (char, f"租{char}金", f"Rent{char}"):
        assert not is_exact(text)
        assert not is_line(text)


@pytest.mark.parametrize("text", ["租金", "Rent (monthly)", "租 赁 物", "第1条：费用 100 元", "𠮷野", "é"])
def test_ordinary_words_are_taken(text: str) -> None:
    assert is_exact(text)
    assert is_line(text)


@pytest.mark.parametrize("text", ["", " ", "\u3000", "\n", " \n "])
def test_blank_is_no_text(text: str) -> None:
    assert not is_exact(text)


def test_a_heading_is_one_line() -> None:
    assert is_exact("租金\n押金")
    assert not is_line("租金\n押金")


@forall(st.text(min_size=1, max_size=30))
def test_what_is_taken_is_normal_and_visible(text: str) -> None:
    if is_exact(text):
        assert unicodedata.normalize("NFC", text) == text
        assert text.strip()
        assert not any(unicodedata.category(char).startswith("C") for char in text if char != "\n")
