"""Findings of fsck in Chinese: every one that its source can make has words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from adapters.postgres.fsck import whole
from adapters.postgres.fsck.findings import Finding
from api.cli.wording.findings import told
from api.language import Language, speaking
from tests.api.cli.wording.sources import literal

FOLDER = Path(whole.__file__).parent
NAMES = {"7", "7: 7", "prev", "prev_case", "recorded_at"}
"""Objects of the schema and members of entries, which have names and no words."""

COMPOSED = {
    "7 of command 7": "digest of command 'k'",
    "events under the 7": "events under the checkpoint signed last here",
    "origin of the 7": "origin of the checkpoint kept elsewhere",
    "reading of the 7": "reading of the rows of other shards",
    "root of the tree of 7 under the 7": "root of the tree of 3 under the checkpoint signed last here",
}
"""Words with others inside them, and one such sentence."""


def sayings() -> Iterator[str]:
    """What the source of fsck says that a finding is about, where it says so in place or in the name `what`."""
    for path in sorted(FOLDER.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add":
                told_here = literal(node.args[1]) if len(node.args) == 4 else None
                yield from [] if told_here is None else [told_here]
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "what":
                yield from [] if (said := literal(node.value)) is None else [said]


def test_every_finding_is_told_in_chinese() -> None:
    found = {COMPOSED.get(what, what) for what in set(sayings()) - NAMES}
    assert len(found) > 40
    with speaking(Language.ZH):
        english = [what for what in found if what in told(Finding(0, what, "1", "2"))]
    assert english == []


def test_a_finding_has_its_place_in_both_languages() -> None:
    finding = Finding(17, "command of the events from here on", "one or more", "none")
    assert told(finding) == finding.sentence()
    with speaking(Language.ZH):
        assert told(finding) == "账本位置 17：自此起各事件所属的命令：应为 一个或以上，实为 无"
