"""`contract paper` and `contract check`: as JSON, as tables, as bytes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from adapters.documents.authority import LocalAuthority
from adapters.documents.pades import LocalSigner
from adapters.documents.port import Signatory
from adapters.reference.clauses import choose, shipped_clauses
from adapters.reference.plans import shipped_plans
from adapters.system import now
from api import papers
from api.cli.failures import REFUSED, UNUSABLE
from api.compose import Base, base, running
from api.settings import Settings
from domain.contracts.clause import clause_stream
from domain.contracts.contract.commands import AssembleContract
from domain.contracts.contract.rules import CONTRACT
from domain.contracts.contract.values import Party
from domain.kernel.command import Command
from domain.kernel.decider import Decider
from domain.pricing.parts import Form
from domain.pricing.plans import digest_of
from tests.adapters.documents import papers as samples
from tests.adapters.documents.test_first_signer import painted
from tests.api.cli.program import Program
from tests.domain.contracts import clauses
from tests.given import when
from tests.ledger import ORIGIN

CHOSEN = choose(shipped_clauses(), Form.OPERATING, ("device_lock", "buyout"))
PLAN = next(plan for plan in shipped_plans() if plan.id == "phone_return")
ASSEMBLE = AssembleContract(
    reference=samples.REFERENCE,
    form=Form.OPERATING,
    plan=PLAN.id,
    plan_digest=digest_of(PLAN),
    parties=tuple(Party(role=party.role, id=party.id) for party in samples.PARTIES),
    key_terms=samples.KEY_TERMS,
    clauses=tuple(clause.reference for clause in CHOSEN),
    library=tuple(clause.entry for clause in shipped_clauses() if clause.mandatory or clause in CHOSEN),
)
STREAM = UUID(int=173)
IDENTIFIER = f"contract_{STREAM.hex}"


def do(program: Program, *steps: tuple[Decider[Any], UUID | None, Command]) -> None:
    """Commands of some aggregates; without a stream, that of the tenant's clause of the samples."""
    settings = Settings.model_validate({"data": program.data, "database_url": program.url, "origin": ORIGIN})

    async def work(prepared: Base) -> None:
        tenant = prepared.settings.tenant
        async with running(prepared) as ledger:
            for decider, given, command in steps:
                stream = given or clause_stream(tenant, clauses.DRAFT.clause)
                change: dict[str, Any] = {"tenant": tenant, "business_date": samples.MADE_ON}
                (await when(ledger, decider, stream, command, **change)).granted()

    with base(settings) as prepared:
        asyncio.run(work(prepared))


@pytest.fixture
def agreed(program: Program) -> Program:
    """A ledger with one contract whose schedule is kept."""
    do(program, (CONTRACT, STREAM, ASSEMBLE))
    papers.kept(program.data).keep(samples.SCHEDULE)
    return program


def signed(directory: Path, pdf: bytes) -> tuple[bytes, Path]:
    """The file with a signature, and a directory with the certificate to trust."""
    authority = LocalAuthority(directory / "keys", samples.KEY_BITS)
    trust = directory / "trust"
    trust.mkdir()
    (trust / "root.pem").write_bytes(authority.root.public_bytes(Encoding.PEM))
    return LocalSigner(authority, now).sign(pdf, samples.SIGNATORIES[0]).pdf, trust


def test_the_paper_goes_to_stdout(agreed: Program) -> None:
    first = agreed("contract", "paper", IDENTIFIER).then(0).out
    assert first.startswith(b"%PDF-1.7")
    assert agreed("contract", "paper", IDENTIFIER).then(0).out == first
    told = agreed("contract", "paper", IDENTIFIER, "--json").then(0).json
    assert told == {
        "contract": IDENTIFIER, "version": 1, "sha256": sha256(first).hexdigest(), "bytes": len(first),
    }  # fmt: skip


def test_papers_that_are_not_there(agreed: Program) -> None:
    nobody = f"contract_{'0' * 32}"
    assert "expected a contract of this tenant" in agreed("contract", "paper", nobody).then(UNUSABLE).err
    assert "got none" in agreed("contract", "paper", IDENTIFIER, "--as-of-position", "0").then(UNUSABLE).err
    agreed("contract", "paper", "lease_1").then(UNUSABLE)
    for path in (agreed.data / papers.SCHEDULES).iterdir():
        path.unlink()
    assert "expected the schedule, got its digest only" in agreed("contract", "paper", IDENTIFIER).then(REFUSED).err


def test_who_signed_a_file(agreed: Program, tmp_path: Path) -> None:
    pdf, trust = signed(tmp_path / "signing", agreed("contract", "paper", IDENTIFIER).then(0).out)
    (tmp_path / "signed.pdf").write_bytes(pdf)
    found = agreed("contract", "check", tmp_path / "signed.pdf", "--trust", trust, "--json").then(0).json
    (one,) = found["signatures"]
    assert (found["intact"], one["holds"], one["party"]) == (True, True, str(samples.PARTIES[0].id))
    assert one["file_sha256"] == found["file"]["sha256"] == sha256(pdf).hexdigest()
    text = agreed("contract", "check", tmp_path / "signed.pdf", "--trust", trust).then(0).text
    assert text.startswith("INTACT\n")
    assert str(samples.PARTIES[0].id) in text


def test_files_that_do_not_hold(agreed: Program, tmp_path: Path) -> None:
    unsigned = agreed("contract", "paper", IDENTIFIER).then(0).out
    pdf, trust = signed(tmp_path / "signing", unsigned)
    changed = bytearray(pdf)
    changed[len(unsigned) // 2] ^= 1
    for name, content, options, words in (
        ("unsigned", unsigned, ("--trust", trust), "NOT SIGNED"),
        ("changed", bytes(changed), ("--trust", trust), "changed"),
        ("untrusted", pdf, (), "unknown_root"),
    ):
        path = tmp_path / f"{name}.pdf"
        path.write_bytes(content)
        done = agreed("contract", "check", path, *options).then(REFUSED)
        assert words in done.text, name
    (tmp_path / "text.pdf").write_bytes(b"text")
    assert "expected a PDF" in agreed("contract", "check", tmp_path / "text.pdf").then(REFUSED).err
    agreed("contract", "check", tmp_path / "nothing.pdf").then(UNUSABLE)


def test_nobody_who_stands_on_a_certificate_is_named_by_a_library(agreed: Program, tmp_path: Path) -> None:
    """Libraries would show a trace with the subject of a certificate that is not trusted: a person's name."""
    pdf, _ = signed(tmp_path / "signing", agreed("contract", "paper", IDENTIFIER).then(0).out)
    (tmp_path / "signed.pdf").write_bytes(pdf)
    program = Path(sys.executable).with_name("leaseledger")
    asked: list[str | Path] = [program, "--data", tmp_path, "contract", "check", tmp_path / "signed.pdf"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert (done.returncode, "unknown_root" in done.stdout) == (REFUSED, True)
    (line,) = done.stderr.splitlines()
    assert line.startswith("No trusted certificate in ")


def test_what_the_first_signer_changed_is_seen_against_the_paper(agreed: Program, tmp_path: Path) -> None:
    """The signature holds: it is of what that signer made of the paper."""
    unsigned = agreed("contract", "paper", IDENTIFIER).then(0).out
    paper, forged = tmp_path / "paper.pdf", BytesIO()
    paper.write_bytes(unsigned)
    writer: Any = IncrementalPdfFileWriter(BytesIO(unsigned))
    painted(writer)
    writer.write(forged)
    for content, words, status in ((unsigned, "INTACT", 0), (forged.getvalue(), "ANOTHER DOCUMENT", REFUSED)):
        pdf, trust = signed(tmp_path / words, content)
        file = tmp_path / "signed.pdf"
        file.write_bytes(pdf)
        asked = ("contract", "check", file, "--trust", trust)
        assert agreed(*asked, "--paper", paper).then(status).text.startswith(words)
        found = agreed(*asked, "--paper", paper, "--json").then(status).json
        assert found["paper"] == {"sha256": sha256(unsigned).hexdigest(), "holds": status == 0}
        assert found["intact"] == (status == 0)
        assert agreed(*asked).then(0).text.startswith("INTACT")


def test_a_signatory_of_the_samples_is_a_party() -> None:
    assert isinstance(samples.SIGNATORIES[0], Signatory)
    assert samples.SIGNATORIES[0].id in {party.id for party in ASSEMBLE.parties}
