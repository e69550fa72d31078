"""Pages need no script and carry no style of their own; every text that a person can meet is in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.console import app

TEMPLATES = sorted((app.HERE / "templates").glob("*.html"))
FORBIDDEN = re.compile(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:|\|\s*safe\b|https?://")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_script_and_no_style_of_its_own(template: Path) -> None:
    assert FORBIDDEN.findall(template.read_text("utf-8")) == []


def test_the_rule_finds_what_it_forbids() -> None:
    for bad in ("<script>", '<p style="x">', '<a onclick="x">', "{{ x | safe }}", "http://elsewhere"):
        assert FORBIDDEN.search(bad)


def test_tables_and_facts_are_made_by_macros_only() -> None:
    assert [path.name for path in TEMPLATES if "<table" in path.read_text("utf-8")] == ["macros.html"]
