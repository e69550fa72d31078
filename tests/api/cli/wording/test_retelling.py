"""Sentences of others, told again in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.documents.port import Flaw, SignatureInvalid
from adapters.imports.errors import BadTimestamp, Place
from adapters.imports.xes import cases
from adapters.keys import KeyFileError
from adapters.postgres.embedded import EmbeddedPostgresError
from adapters.postgres.log import NoSuchPosition
from adapters.postgres.schema import SchemaMismatch
from api.cli.failures import sentence
from api.cli.wording.retelling import retold
from api.language import Language, speaking
from chain.errors import ProofMismatch
from chain.note import Note
from domain.kernel.ids import parse_id
from domain.kernel.times import parse_utc
from projections.engine.model import ProjectionError
from projections.registry import find


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("No such command 'x'.", "没有命令 'x'。"),
        (
            "Error: Invalid value for '--to': 'x' is not one of 'a', 'b'.",
            "错误：'--to' 的值无效：'x' 不是 'a', 'b' 之一。",
        ),
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


NAMES = re.compile(
    r"'[^']*'|`[^`]*`|[^：，；（ ]*\.(?:xes|kek|gz)|lease_|RFC|XML|PDF|UTF|gzip|pg_ctl|(?<=应为 )[a-z_, ]*(?= 之一)"
)
"""What is the same in both languages: names, values, formats."""


def _raised(read: Callable[[], object]) -> Exception:
    try:
        read()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        return error
    raise AssertionError("expected an error")


def _broken(folder: Path, name: str, body: bytes) -> Path:
    path = folder / name
    path.write_bytes(body)
    return path


def test_what_errors_of_many_parts_say_is_chinese_to_its_end(tmp_path: Path) -> None:
    """Whatever was expected and came is told again, too; names, values and formats stay."""
    place = Place("f.xes", "'173'", 4, 2)
    said = [
        NoSuchPosition("position", "1 to 2737", 314_159),
        _raised(lambda: parse_id("lease", "junk")),
        _raised(lambda: Note.parse(b"junk")),
        _raised(lambda: Note.parse(b"junk" * 999_999)),
        _raised(lambda: list(cases(_broken(tmp_path, "junk.xes", b"<log")))),
        _raised(lambda: list(cases(_broken(tmp_path, "empty.xes.gz", b"")))),
        _raised(lambda: find("junk")),
        ProjectionError("expected 1 … 400 days, got 2026-12-01 to 2026-11-01"),
        _raised(lambda: parse_utc("junk")),
        BadTimestamp(place, "an RFC 3339 date-time with an offset", "'junk'"),
        EmbeddedPostgresError("pg_ctl: expected exit 0, got 1. Last words:"),
        KeyFileError("vault.kek: expected the key this ledger was made with, got no file; restore it"),
        SchemaMismatch("expected ledger schema version 2, got 1"),
        SignatureInvalid(Flaw.NOT_A_PDF, "(all)", "a PDF", "a file that cannot be read"),
    ]
    for error in said:
        with speaking(Language.ZH):
            told = sentence(error)
        assert not re.search(r"[A-Za-z]{3,}", NAMES.sub("", told)), told


def test_an_error_has_its_kind_and_its_sentence_in_chinese() -> None:
    """A class without a name of its own is called as the nearest in its ancestry."""
    with speaking(Language.ZH):
        assert sentence(ProofMismatch("root", "a", "b")) == "不一致：根哈希：应为 a，实为 b"
        assert sentence(FileNotFoundError(2, "No such file or directory", "x")) == "x：没有这个文件或目录"
        assert sentence(RuntimeError("unforeseen")).startswith("这是 leaseledger 自身的缺陷")
