"""Sentences of others, told again in the reader's language."""

from __future__ import annotations

import pytest

from api.cli.failures import sentence
from api.cli.wording.retelling import retold
from api.language import Language, speaking
from chain.errors import ProofMismatch


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("No such command 'x'.", "没有命令 'x'。"),
        ("No such command 'x'. Did you mean 'y'?", "没有命令 'x'。是否要用 'y'？"),
        (
            "Error: Invalid value for '--to': Input should be less than or equal to 7",
            "错误：'--to' 的值无效：不得大于 7",
        ),
        (
            "var/k: expected mode 0600, got 0644; run chmod 600 on it",
            "var/k：应为 权限 0600，实为 0644；请对其执行 chmod 600",
        ),
        ("a sentence of no known form", "a sentence of no known form"),
    ],
)
def test_known_forms_are_told_again(english: str, chinese: str) -> None:
    assert retold(english) == english
    with speaking(Language.ZH):
        assert retold(english) == chinese


def test_an_error_has_its_kind_and_its_sentence_in_chinese() -> None:
    """A class without a name of its own is called as the nearest in its ancestry."""
    with speaking(Language.ZH):
        assert sentence(ProofMismatch("root", "a", "b")) == "不一致：根哈希：应为 a，实为 b"
        assert sentence(FileNotFoundError(2, "No such file or directory", "x")) == "x：没有这个文件或目录"
        assert sentence(RuntimeError("unforeseen")).startswith("这是 leaseledger 自身的缺陷")
