"""The labels of `doctor`: in both languages something stands between a label and its fact."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from api.cli.commands.installation import doctor
from api.cli.wording.words import width
from api.language import Language, speaking, text
from api.settings import Settings
from tests.api import spoken


def labels() -> list[str]:
    """What stands first in every pair of texts that `doctor` lists."""
    source = ast.parse(Path(doctor.__file__).read_text("utf-8"))
    pairs = [one for one in ast.walk(source) if isinstance(one, ast.Tuple) and len(one.elts) == 2]
    return [label for one in pairs for label in spoken.constants(ast.unparse(one.elts[0]))]


def test_no_setting_is_as_wide_as_its_column() -> None:
    assert [one for one in Settings.model_fields if width(one) >= doctor.LABEL_CHARACTERS] == []


@pytest.mark.parametrize("tongue", Language)
def test_no_label_is_as_wide_as_its_column(tongue: Language) -> None:
    found = labels()
    assert "process manager" in found
    with speaking(tongue):
        assert [one for one in found if width(text(one)) >= doctor.LABEL_CHARACTERS] == []
