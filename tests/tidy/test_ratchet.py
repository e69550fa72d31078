"""Numbers that only tighten, and how the checkout stands against those that no single file can break."""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests.tidy import checkout, ratchet

SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore|mypy:|pragma:|fmt:|ruff:|nosec)")
PATH = "tests/tidy/ratchet.json"
HERE = ratchet.load(ratchet.FILE.read_text("utf-8"))


def test_numbers_never_loosened() -> None:
    """Each version that git knows is as strict as the one before; the working copy is the last."""
    log = _git("log", "--reverse", "--format=%H", "--", PATH)
    if log is None:
        pytest.skip("no git history here")
    texts = [_git("show", f"{commit}:{PATH}") for commit in log.split()]
    versions = [*(ratchet.load(text) for text in texts if text), HERE]
    assert [said for old, new in pairwise(versions) for said in ratchet.loosened(old, new)] == []


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ({"at_most": {"a": 11}, "at_least": {"b": 5}}, ["a was at_most 10 and is 11"]),
        ({"at_most": {"a": 10}, "at_least": {"b": 4}}, ["b was at_least 5 and is 4"]),
        ({"at_most": {}, "at_least": {"b": 5}}, ["a was at_most 10 and is gone"]),
        ({"at_most": {"a": 9, "c": 1}, "at_least": {"b": 6}}, []),
    ],
)
def test_loosening_is_found(after: ratchet.Numbers, says: list[str]) -> None:
    """A higher ceiling, a lower floor, a vanished number; not a tighter or a new one."""
    assert ratchet.loosened({"at_most": {"a": 10}, "at_least": {"b": 5}}, after) == says


@pytest.mark.parametrize("text", ['{"at_most": {}}', '{"at_most": {"a": 1.5}, "at_least": {}}', "{"])
def test_malformed_numbers_are_refused(text: str) -> None:
    """A typing mistake must not switch a limit off."""
    with pytest.raises(ValueError, match=r"expected|Expecting"):
        ratchet.load(text)


def test_few_suppressions() -> None:
    """Switching a checker off for a line is an exception; the count is kept low."""
    lines = [line for path in checkout.python_files() for line in _lines(path)]
    count = sum(bool(SUPPRESSION.search(line)) for line in lines)
    assert count * 10_000 <= len(lines) * ratchet.limit("suppressions_per_10000_lines"), (
        f"{count} in {len(lines)} lines"
    )


def test_suppressions_are_recognised() -> None:
    """Each way to silence a checker counts."""
    ways = ("no" + "qa: E501", "type" + ": ignore[arg-type]", "fmt" + ": off", "pragma" + ": no cover")
    assert all(SUPPRESSION.search(f"x = 1  # {way}") for way in ways)
    assert not SUPPRESSION.search("x = 1  # a type of lease")


def test_more_test_than_code() -> None:
    """Non-blank lines under tests/ against those of the shipped packages."""
    tests, code = (sum(map(_filled, checkout.python_files(*of))) for of in (("tests",), checkout.PACKAGES))
    assert tests * 100 >= code * ratchet.floor("test_lines_per_100_code_lines"), f"{tests} of test, {code} of code"


def _lines(path: Path) -> list[str]:
    return (checkout.text_of(path) or "").splitlines()


def _filled(path: Path) -> int:
    return sum(bool(line.strip()) for line in _lines(path))


def _git(*arguments: str) -> str | None:
    done = subprocess.run(["git", "-C", str(checkout.ROOT), *arguments], capture_output=True, check=False, text=True)
    return done.stdout if done.returncode == 0 else None
