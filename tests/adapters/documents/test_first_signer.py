"""What the first to sign may do to the contract's file: sign it, and nothing else that anybody could see or run."""

from __future__ import annotations

from collections.abc import Callable
from io import SEEK_END, BytesIO
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import NameObject, TextStringObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter, append_signature_field

from adapters.documents.authority import NOT_AFTER as FOREVER
from adapters.documents.authority import LocalAuthority
from adapters.documents.pades import LocalSigner, _pyhanko_signer
from adapters.documents.port import Flaw, SignatureInvalid, SignedDocument, digest_of
from adapters.documents.verify import SignatureFacts, examined, received
from tests.adapters.documents import papers

Steps = tuple[SignedDocument, ...]
Change = Callable[[Any], None]
"""What is done to a file before it is signed, by its writer; much of the library has no types."""

made: Any = generic


def first_page(writer: Any) -> Any:
    return writer.root["/Pages"]["/Kids"][0].get_object()


def painted(writer: Any) -> None:
    """White over the first page, behind what it showed."""
    page = first_page(writer)
    white = writer.add_object(made.StreamObject(stream_data=b"1 1 1 rg 0 0 600 850 re f"))
    before = page.raw_get("/Contents")
    page[NameObject("/Contents")] = made.ArrayObject([before, white])
    writer.update_container(page)


def noted(writer: Any) -> None:
    """A note on the first page."""
    kind = {"/Type": NameObject("/Annot"), "/Subtype": NameObject("/FreeText")}
    place = {"/Rect": made.ArrayObject(map(made.NumberObject, (50, 50, 300, 100)))}
    note = made.DictionaryObject({**kind, **place, "/Contents": TextStringObject("总额一元")})
    page = first_page(writer)
    page[NameObject("/Annots")] = made.ArrayObject([writer.add_object(note)])
    writer.update_container(page)


def shortened(writer: Any) -> None:
    """The last page taken out."""
    pages = writer.root["/Pages"]
    pages["/Kids"].pop()
    pages[NameObject("/Count")] = made.NumberObject(len(pages["/Kids"]))
    writer.update_container(pages)


def programmed(writer: Any) -> None:
    """A script that runs when the file is opened."""
    writer.root[NameObject("/OpenAction")] = SCRIPT
    writer.update_root()


def untouched(writer: Any) -> None:
    """Nothing but the signature."""


class Forgetful(SimpleSigner):
    """Signs as programs do that know CMS and not CAdES: which certificate it is is not signed."""

    async def signed_attrs(self, *given: Any, **named: Any) -> Any:
        attributes = await super().signed_attrs(*given, **named)
        return type(attributes)([one for one in attributes if one["type"].native != "signing_certificate_v2"])


def fielded(**more: Any) -> Change:
    """A field to sign in, with more members than such a field has."""

    def change(writer: Any) -> None:
        append_signature_field(writer, SigFieldSpec("Lessee", on_page=-1, box=(50, 100, 250, 160)))
        field = writer.root["/AcroForm"]["/Fields"][-1]
        field.update({NameObject(f"/{name}"): value for name, value in more.items()})

    return change


def signed_by_lessee(
    authority: LocalAuthority,
    before: bytes,
    change: Change,
    *,
    certify: bool = False,
    signer_of: Callable[..., SimpleSigner] = _pyhanko_signer,
) -> bytes:
    """The file as the lessee's own program hands it back."""
    party = papers.SIGNATORIES[0]
    writer = IncrementalPdfFileWriter(BytesIO(before))
    change(writer)
    about = PdfSignatureMetadata(
        field_name="Lessee", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, certify=certify
    )
    signer = PdfSigner(
        about,
        signer=signer_of(authority.credential(party.id), authority.root),
        new_field_spec=SigFieldSpec("Lessee", on_page=-1, box=(50, 100, 250, 160)),
    )
    out = BytesIO()
    signer.sign_pdf(writer, output=out)
    return out.getvalue()


SCRIPT = made.DictionaryObject(
    {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
)
CHANGES = {
    "painted": painted,
    "noted": noted,
    "shortened": shortened,
    "programmed": programmed,
    "acting": fielded(A=SCRIPT),
    "entered": fielded(AA=made.DictionaryObject({NameObject("/E"): SCRIPT})),
    "telling": fielded(Subtype=NameObject("/FreeText"), Contents=TextStringObject("总额一元")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_the_first_signer_changed_is_another_document(
    authority: LocalAuthority, signer: LocalSigner, unsigned: bytes, change: Change
) -> None:
    """In the update that it signs, and still when the next party has signed on top of it."""
    first = signed_by_lessee(authority, unsigned, change)
    second = signer.sign(first, papers.SIGNATORIES[1]).pdf
    for pdf in (first, second):
        with pytest.raises(SignatureInvalid) as raised:
            received(pdf, [authority.root], {digest_of(unsigned)}, at=FOREVER)
        assert raised.value.flaw is Flaw.OTHER_DOCUMENT


def test_another_file_behind_the_contracts_is_another_document(authority: LocalAuthority, unsigned: bytes) -> None:
    """The contract's bytes stand first, and nothing of what is shown refers to them."""
    other: Any = IncrementalPdfFileWriter(BytesIO(unsigned))
    painted(other)
    whole, behind = BytesIO(), BytesIO(unsigned)
    other.write(whole)
    behind.seek(0, SEEK_END)
    copied: Any = copy_into_new_writer(PdfFileReader(whole))
    copied.write(behind)
    both = behind.getvalue()
    assert both.startswith(unsigned)
    pdf = signed_by_lessee(authority, both, untouched)
    with pytest.raises(SignatureInvalid) as raised:
        received(pdf, [authority.root], {digest_of(unsigned)}, at=FOREVER)
    assert raised.value.flaw is Flaw.OTHER_DOCUMENT


@pytest.mark.parametrize("certify", [False, True])
def test_other_programs_may_sign_first(authority: LocalAuthority, unsigned: bytes, *, certify: bool) -> None:
    pdf = signed_by_lessee(authority, unsigned, untouched, certify=certify)
    signature, _ = received(pdf, [authority.root], {digest_of(unsigned)}, at=FOREVER)
    assert signature.document == digest_of(unsigned)


def test_a_form_may_say_that_it_is_one(authority: LocalAuthority, unsigned: bytes) -> None:
    """As node-signpdf writes it."""

    def typed(writer: Any) -> None:
        form = {NameObject("/Type"): NameObject("/AcroForm"), NameObject("/Fields"): made.ArrayObject()}
        writer.root[NameObject("/AcroForm")] = writer.add_object(made.DictionaryObject(form))
        writer.update_root()

    pdf = signed_by_lessee(authority, unsigned, typed)
    assert received(pdf, [authority.root], {digest_of(unsigned)}, at=FOREVER)[0].document == digest_of(unsigned)


def test_a_signature_that_does_not_say_by_which_certificate_is_no_pades(
    authority: LocalAuthority, unsigned: bytes
) -> None:
    """The subfilter alone does not make level B-B."""

    def forgetful(*given: Any) -> SimpleSigner:
        whole = _pyhanko_signer(*given)
        return Forgetful(
            signing_cert=whole.signing_cert, signing_key=whole.signing_key, cert_registry=whole.cert_registry
        )

    pdf = signed_by_lessee(authority, unsigned, untouched, signer_of=forgetful)
    with pytest.raises(SignatureInvalid) as raised:
        received(pdf, [authority.root], {digest_of(unsigned)}, at=FOREVER)
    assert raised.value.flaw is Flaw.NOT_PADES


def test_what_nothing_refers_to_is_seen_behind_the_first_signature_too(
    authority: LocalAuthority, signed: Steps
) -> None:
    """Whoever checks a file without the paper is not told that only signatures followed."""

    def left(writer: Any) -> None:
        writer.add_object(made.StreamObject(stream_data=b"1 1 1 rg 0 0 600 850 re f"))

    pdf = signed_by_lessee(authority, signed[0].pdf, left)
    first, *_ = examined(pdf, [authority.root], at=FOREVER)
    assert isinstance(first, SignatureInvalid)
    assert first.flaw is Flaw.CHANGED_AFTER
    assert isinstance(examined(signed[1].pdf, [authority.root], at=FOREVER)[0], SignatureFacts)


def test_a_container_of_a_length_that_is_not_said_is_none_of_pades(
    authority: LocalAuthority, unsigned: bytes, signed: Steps
) -> None:
    """As common libraries write one by themselves (BER); nobody changed it, it is not in DER (EN 319 142-1)."""
    pdf = signed[0].pdf
    place = pdf.rindex(b"/Contents <") + len(b"/Contents <")
    size = 2 * int(pdf[place + 4 : place + 8], 16)
    inner = pdf[place + 8 : place + 8 + size]
    indefinite = b"3080" + inner + b"0000"
    changed = pdf[:place] + indefinite + pdf[place + len(indefinite) :]
    with pytest.raises(SignatureInvalid) as raised:
        received(changed, [authority.root], {digest_of(unsigned)}, at=FOREVER)
    assert raised.value.flaw is Flaw.NOT_PADES


def test_a_file_that_came_with_empty_fields_is_signed_in_them(authority: LocalAuthority, unsigned: bytes) -> None:
    """Such as a contract that somebody else's program made; what its fields do is the contract's."""
    for change in (fielded(), fielded(A=SCRIPT)):
        writer: Any = IncrementalPdfFileWriter(BytesIO(unsigned))
        change(writer)
        out = BytesIO()
        writer.write(out)
        before = out.getvalue()
        pdf = signed_by_lessee(authority, before, untouched)
        assert received(pdf, [authority.root], {digest_of(before)}, at=FOREVER)[0].document == digest_of(before)


def test_the_room_of_a_signature_is_spelled_in_one_way(
    authority: LocalAuthority, unsigned: bytes, signed: Steps
) -> None:
    """A blank for a zero of its padding, one digit in the other case: no signature covers these bytes."""
    good = signed[0].pdf
    (embedded,) = PdfFileReader(BytesIO(good)).embedded_signatures
    _, length, resume, _ = embedded.byte_range
    letter = next(at for at in range(length, resume) if good[at : at + 1].isalpha())
    for at, instead in ((resume - 40, b" "), (resume - 40, b"\n"), (letter, good[letter : letter + 1].swapcase())):
        changed = good[:at] + instead + good[at + 1 :]
        with pytest.raises(SignatureInvalid) as raised:
            received(changed, [authority.root], {digest_of(unsigned)}, at=papers.SIGNED_AT)
        assert raised.value.flaw is Flaw.CHANGED, instead
