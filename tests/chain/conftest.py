"""The stand-alone verifier, run in this process on files about one log."""

from __future__ import annotations

from pathlib import Path

import pytest

from chain import verify
from tests.chain.evidence import LOG, Run, lines_of


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run a command in this process: exit status and the five lines."""

    def run(*arguments: str | Path) -> tuple[int, list[str]]:
        status = verify.main([str(argument) for argument in arguments])
        captured = capsysbinary.readouterr()
        lines = captured.out.decode().splitlines()
        assert captured.err == b""
        assert lines[0] == (
            verify.AGREES_WITH_ITSELF if "--claimed-key" in arguments and not status else verify.VERDICTS[status]
        )
        assert [line.split(" ")[0] for line in lines[1:]] == ["checked", "key", "expected", "got"]
        return status, lines

    return run


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with an entry, its proof, two checkpoints and their consistency."""
    (tmp_path / "entry").write_bytes(LOG.entries[73])
    (tmp_path / "proof").write_bytes(LOG.proof(73, 200))
    (tmp_path / "old").write_bytes(LOG.note(200))
    (tmp_path / "new").write_bytes(LOG.note(600))
    (tmp_path / "hashes").write_text(lines_of(LOG.consistency(200, 600)))
    return tmp_path
