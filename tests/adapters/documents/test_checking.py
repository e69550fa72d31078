"""A signed file is checked apart: the same answers, and files that cost too much are refused by the limit they met."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from adapters.documents.added import FIELDS_MAX, OBJECTS_MAX, PAGES_MAX
from adapters.documents.authority import LocalAuthority
from adapters.documents.checking import CheckFailed, Costs, _ended, checked_apart
from adapters.documents.port import Flaw, SignatureInvalid, SignedDocument, digest_of
from tests.adapters.documents import papers
from tests.forked import ROOT

TIGHT = Costs(cpu_s=2, memory_bytes=512 << 20)
NAMES, DIGITS, FIELDS = 2_000_000, 4_000_000, 1_001


def pdf_of(*objects: bytes, root: bytes = b"/Pages 2 0 R") -> bytes:
    """A PDF with a catalogue, an empty tree of pages and these objects from number 3 on, with a table of places."""
    whole, places = bytearray(b"%PDF-1.7\n"), list[int]()
    for number, one in enumerate((b"<</Type/Catalog %b>>" % root, b"<</Type/Pages/Kids[]/Count 0>>", *objects), 1):
        places.append(len(whole))
        whole += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    start, size = len(whole), len(places) + 1
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    whole += b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, table)
    whole += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(whole)


FORM = b"/Pages 2 0 R/AcroForm 3 0 R"
ONE_FIELD = b"<</FT/Sig/T(a)/V 5 0 R>>"


def an_array_of_names() -> bytes:
    return pdf_of(b"<</Fields[4 0 R]/X[%b]>>" % (b"/a " * NAMES), ONE_FIELD, b"<<>>", root=FORM)


def a_number_of_digits() -> bytes:
    return pdf_of(b"<</Fields[4 0 R]/X %b>>" % (b"7" * DIGITS), ONE_FIELD, b"<<>>", root=FORM)


def a_stream_of_names() -> bytes:
    """The form is in an object stream that says little and holds a million names."""
    inside = b"4 0 <</Fields[]/X[" + b"/a " * (NAMES // 2) + b"]>>"
    packed = zlib.compress(inside, 9)
    stream = b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(packed), packed)
    body = b"%PDF-1.7\n"
    places = list[int]()
    for number, one in enumerate(
        (b"<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>", stream), 1
    ):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, one)
    rows = [(0, 0, 255), *((1, place, 0) for place in places), (2, 3, 0), (1, len(body), 0)]
    table = b"".join(kind.to_bytes(1) + place.to_bytes(4) + last.to_bytes(1) for kind, place, last in rows)
    head = b"<</Type/XRef/Size 6/Root 1 0 R/W[1 4 1]/Length %d>>" % len(table)
    end = b"5 0 obj\n%b stream\n%b\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (head, table, len(body))
    return body + end


def many_fields() -> bytes:
    fields = b" ".join(b"%d 0 R" % number for number in range(5, 5 + FIELDS))
    named = (b"<</FT/Sig/T(a%d)/V 4 0 R>>" % number for number in range(FIELDS))
    return pdf_of(b"<</Fields[%b]>>" % fields, b"<<>>", *named, root=FORM)


def many_objects() -> bytes:
    return pdf_of(*(b"null" for _ in range(OBJECTS_MAX + 1)))


def many_pages() -> bytes:
    return pdf_of(b"<</Type/Pages/Kids[]/Count %d>>" % (PAGES_MAX + 1), root=b"/Pages 3 0 R")


def refused(pdf: bytes, authority: LocalAuthority, costs: Costs = TIGHT) -> SignatureInvalid:
    with pytest.raises(SignatureInvalid) as raised:
        checked_apart(pdf, [authority.root], {digest_of(b"")}, at=papers.SIGNED_AT, costs=costs)
    return raised.value


def test_what_holds_is_said_as_ever(
    authority: LocalAuthority, unsigned: bytes, signed: tuple[SignedDocument, ...]
) -> None:
    last, known = signed[-1], {digest_of(unsigned), *(step.digest for step in signed)}
    assert checked_apart(last.pdf, [authority.root], known, at=papers.SIGNED_AT) == last.signature


@pytest.mark.parametrize(("pdf", "flaw"), [(b"no PDF", Flaw.NOT_A_PDF), (pdf_of(), Flaw.UNSIGNED)])
def test_what_does_not_is_too(authority: LocalAuthority, pdf: bytes, flaw: Flaw) -> None:
    assert refused(pdf, authority).flaw is flaw


@pytest.mark.parametrize(
    ("made", "limits"),
    [
        (an_array_of_names, {"2 seconds of processor time", "512 MiB of memory"}),
        (a_number_of_digits, {"2 seconds of processor time"}),
        (a_stream_of_names, {"2 seconds of processor time", "512 MiB of memory"}),
        (many_fields, {f"{FIELDS_MAX} signature fields"}),
        (many_pages, {f"{PAGES_MAX} pages"}),
        (many_objects, {f"{OBJECTS_MAX} objects"}),
    ],
)
def test_a_file_that_costs_too_much(authority: LocalAuthority, made: Callable[[], bytes], limits: set[str]) -> None:
    error = refused(made(), authority)
    assert error.flaw is Flaw.TOO_COSTLY
    assert error.expected in limits


def test_a_child_that_takes_no_time_but_does_not_end_is_ended(authority: LocalAuthority) -> None:
    error = refused(a_number_of_digits(), authority, Costs(cpu_s=60, wall_s=0.2))
    assert (error.flaw, error.expected) == (Flaw.TOO_COSTLY, "0.2 seconds")


def test_a_child_that_dies_of_something_else_is_a_fault_of_ours() -> None:
    assert isinstance(_ended(1, TIGHT), CheckFailed)


ALONE = """
import sys
from datetime import datetime
from pathlib import Path
from cryptography import x509
from adapters.documents.checking import checked_apart
from adapters.documents.port import SignatureInvalid

root, pdf, at = sys.argv[1:]
trusted = [x509.load_pem_x509_certificate(Path(root).read_bytes())]
try:
    checked_apart(Path(pdf).read_bytes(), trusted, {"0" * 64}, at=datetime.fromisoformat(at))
except SignatureInvalid as error:
    sys.stdout.write(f"{error.flaw} {error.got}")
"""
"""A program that checks one file and says in which way it is not what it should be."""


def test_nothing_that_a_file_holds_leaves_the_child(
    authority: LocalAuthority, signed: tuple[SignedDocument, ...], tmp_path: Path
) -> None:
    """The library's loggers tell whom the certificate names when it leads to no trusted root."""
    stranger = LocalAuthority(tmp_path / "keys", papers.KEY_BITS)
    (tmp_path / "root.pem").write_bytes(stranger.root.public_bytes(Encoding.PEM))
    (tmp_path / "a.pdf").write_bytes(signed[-1].pdf)
    command = [sys.executable, "-c", ALONE, str(tmp_path / "root.pem"), str(tmp_path / "a.pdf"), str(papers.SIGNED_AT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("unknown_root another", "")
