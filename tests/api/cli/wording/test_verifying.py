"""Reports of `verify`: what the stand-alone verifier says, in Chinese for those who read it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator

import pytest

from api.cli.wording.verifying import CODES, Report, told
from api.language import Language, speaking
from chain import verify
from tests.api.cli.wording.sources import literal

REASONS = {"_need": (1, 2, 3), "_match": (2, 3), "_base64": (1,), "Failed": (0, 1, 2), "Unusable": (0, 1, 2)}
"""Where each call that makes a report has its texts."""

SYMBOLS = {"UTF-8", "Base64", "<name>+<key id>+<Base64>", "— <name> <Base64>", "7", "7 7", "7 bytes"}
"""What is written the same in every language, or is of the reader's own files."""


def report(
    status: int = 0,
    checked: str = "entry 17 of 31 in log (index 16)",
    key: str = "K",
    given: bool = True,
    expected: str = "a",
) -> Report:
    return Report(status=status, checked=checked, key=key, key_given=given, expected=expected, got="b")


def sayings() -> Iterator[str]:
    """Every text that the verifier's source puts into a report."""
    for node in ast.walk(ast.parse(inspect.getsource(verify))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            places = REASONS.get(node.func.id, ())
            yield from (said for at in places if at < len(node.args) and (said := literal(node.args[at])) is not None)
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            yield from (said for one in node.value.elts[:1] if (said := literal(one)) is not None)


def test_everything_that_the_verifier_says_is_told_in_chinese() -> None:
    found = set(sayings()) - SYMBOLS - {"7 of 7, 7 entries"} | {
        f"{covered} of log, 7 entries" for covered in ("entries and tiles", "tiles WITHOUT entries")
    }
    assert len(found) > 30
    with speaking(Language.ZH):
        assert sorted(one for one in found if told(one) == one) == []
        assert told("log") == "log", "names of others are no words"


def test_in_english_a_report_is_the_verifiers() -> None:
    assert report(status=1, given=False).lines() == [
        "NOT VERIFIED 验证未通过",
        "checked   entry 17 of 31 in log (index 16)",
        "key       K (only claimed by the folder itself: compare it with yours)",
        "expected  a",
        "got       b",
    ]


def test_in_chinese_a_report_is_chinese() -> None:
    with speaking(Language.ZH):
        assert report().lines() == [
            "验证通过",
            "核验对象  日志 log 共 31 条，其中第 17 条（索引 16）",
            "公钥      K（由您提供）",
            "应为      a",
            "实为      b",
        ]
        unusable = report(status=2, checked="hashes of the proof", expected="fewer", key="none")
        assert unusable.lines()[0:4:3] == ["输入无法使用", "应为      更少"]


@pytest.mark.parametrize("status", [0, 1, 2])
def test_as_data_a_report_is_the_same_in_every_language(status: int) -> None:
    with speaking(Language.ZH):
        data = report(status=status).data()
    assert data == report(status=status).data()
    assert (data["ok"], data["verdict"], data["key_given"]) == (status == 0, CODES[status], True)
