"""Long clause texts: kept by their digest, given back byte for byte, and never when they were changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.reference.clause_texts import ClauseTextError, ClauseTextFiles, ClauseTexts
from domain.contracts.clause import TEXT_BYTES_MAX, TEXT_JSON_BYTES_MAX
from domain.contracts.texts import text_digest

LONG = "租金按月支付；逾期计收违约金。\n" * TEXT_JSON_BYTES_MAX


@pytest.fixture
def texts(tmp_path: Path) -> ClauseTexts:
    return ClauseTextFiles(tmp_path / "texts")


def test_text_comes_back_as_it_was(texts: ClauseTexts) -> None:
    digest = texts.keep(LONG)
    assert digest == text_digest(LONG)
    assert texts.text(digest) == LONG
    assert texts.keep(LONG) == digest


def test_nothing_half_written_is_left(texts: ClauseTexts, tmp_path: Path) -> None:
    digest = texts.keep("条款。")
    assert [path.name for path in (tmp_path / "texts").iterdir()] == [digest]


@pytest.mark.parametrize("body", ["租金按月支付，".encode(), b"\xff\xfe"])
def test_changed_file_is_never_given_back(texts: ClauseTexts, tmp_path: Path, body: bytes) -> None:
    digest = texts.keep("租金按月支付。")
    (tmp_path / "texts" / digest).write_bytes(body)
    with pytest.raises(ClauseTextError, match=digest):
        texts.text(digest)


@pytest.mark.parametrize("digest", ["", "../keys/vault.kek", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_a_digest_names_a_text(texts: ClauseTexts, digest: str) -> None:
    with pytest.raises(ClauseTextError, match="expected 64 lower-case hex digits"):
        texts.text(digest)


def test_unknown_text_is_named(texts: ClauseTexts) -> None:
    with pytest.raises(ClauseTextError, match="got none"):
        texts.text("a" * 64)


def test_odd_and_endless_texts_are_refused(texts: ClauseTexts) -> None:
    with pytest.raises(ClauseTextError, match="Normalization Form C"):
        texts.keep("条款\u200b")
    with pytest.raises(ClauseTextError, match=f"at most {TEXT_BYTES_MAX} bytes, got {TEXT_BYTES_MAX + 1}"):
        texts.keep("a" * (TEXT_BYTES_MAX + 1))
