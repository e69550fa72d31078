"""What a signature leaves to those who have still to sign: whoever locks the file locks the other parties out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from pyhanko.pdf_utils.generic import DictionaryObject, NameObject, NullObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.fields import (
    FieldMDPAction,
    FieldMDPSpec,
    MDPPerm,
    SigFieldSpec,
    SigSeedSubFilter,
    SigSeedValFlags,
    SigSeedValueSpec,
    append_signature_field,
)
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes

from adapters.documents import added
from adapters.documents.added import OBJECTS_MAX, check_sizes
from adapters.documents.authority import LocalAuthority
from adapters.documents.checking import checked_apart
from adapters.documents.pades import BYTES_RESERVED, LocalSigner, _pyhanko_signer
from adapters.documents.port import Flaw, SignatureInvalid, SignedDocument, SigningError, digest_of
from adapters.documents.verify import received
from tests.adapters.documents import papers

LESSEE, GUARANTOR, LESSOR = papers.SIGNATORIES
EVERYBODY = frozenset(one.id for one in papers.SIGNATORIES)
FIRST, SECOND = "First", "Second"
Lock = tuple[FieldMDPAction, list[str]]


def signed_with(
    authority: LocalAuthority,
    before: bytes,
    party: UUID = LESSEE.id,
    field: str = FIRST,
    *,
    certify: MDPPerm | None = None,
    lock: Lock | None = None,
    permits: MDPPerm | None = None,
    visible: bool = True,
    at: datetime = papers.SIGNED_AT,
) -> bytes:
    """The file as a party's own program hands it back that certifies it, or locks fields or the document."""
    about = PdfSignatureMetadata(
        field_name=field,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=certify is not None,
        docmdp_permissions=certify or MDPPerm.FILL_FORMS,
    )
    new = SigFieldSpec(
        field,
        on_page=-1,
        box=(50, 100, 250, 160) if visible else None,
        field_mdp_spec=FieldMDPSpec(lock[0], lock[1]) if lock else None,
        doc_mdp_update_value=permits,
    )
    signer = PdfSigner(about, signer=_pyhanko_signer(authority.credential(party), authority.root), new_field_spec=new)
    session = signer.init_signing_session(IncrementalPdfFileWriter(BytesIO(before)))
    session.system_time = at
    prepared = session.prepare_tbs_document(validation_info=None, bytes_reserved=BYTES_RESERVED)
    out = BytesIO()
    to_sign, _ = prepared.digest_tbs_document(output=out)
    attributes = PdfCMSSignedAttributes(signing_time=at)
    asyncio.run(prepared.perform_signature(document_digest=to_sign.document_digest, pdf_cms_signed_attrs=attributes))
    return out.getvalue()


EVERY = (FieldMDPAction.ALL, list[str]())
FORBIDS: dict[str, Callable[[LocalAuthority, bytes], bytes]] = {
    "certified": lambda by, pdf: signed_with(by, pdf, certify=MDPPerm.NO_CHANGES),
    "certified, unseen": lambda by, pdf: signed_with(by, pdf, certify=MDPPerm.NO_CHANGES, visible=False),
    "fields locked": lambda by, pdf: signed_with(by, pdf, lock=EVERY),
    "all fields but its own": lambda by, pdf: signed_with(by, pdf, lock=(FieldMDPAction.EXCLUDE, [FIRST])),
    "all fields but one": lambda by, pdf: signed_with(by, pdf, lock=(FieldMDPAction.EXCLUDE, [FIRST, SECOND])),
    "document locked": lambda by, pdf: signed_with(by, pdf, lock=EVERY, permits=MDPPerm.NO_CHANGES),
    "own field locked": lambda by, pdf: signed_with(by, pdf, lock=(FieldMDPAction.INCLUDE, [FIRST])),
    "the others' fields locked": lambda by, pdf: signed_with(
        by, pdf, lock=(FieldMDPAction.INCLUDE, [GUARANTOR.field, LESSOR.field])
    ),
    "all fields but the others'": lambda by, pdf: signed_with(
        by, pdf, lock=(FieldMDPAction.EXCLUDE, [GUARANTOR.field, LESSOR.field])
    ),
    "all fields but those of nobody": lambda by, pdf: signed_with(by, pdf, lock=(FieldMDPAction.EXCLUDE, ["x", "y"])),
    "own field and document": lambda by, pdf: signed_with(
        by, pdf, lock=(FieldMDPAction.INCLUDE, [FIRST]), permits=MDPPerm.NO_CHANGES
    ),
}
ALLOWS: dict[str, Callable[[LocalAuthority, bytes], bytes]] = {
    "certified for signing": lambda by, pdf: signed_with(by, pdf, certify=MDPPerm.FILL_FORMS),
    "certified for notes": lambda by, pdf: signed_with(by, pdf, certify=MDPPerm.ANNOTATE),
}


def refusal(authority: LocalAuthority, pdf: bytes, before: bytes, waiting: frozenset[UUID]) -> SignatureInvalid:
    with pytest.raises(SignatureInvalid) as raised:
        received(pdf, [authority.root], {digest_of(before)}, at=papers.SIGNED_AT, waiting=waiting)
    return raised.value


@pytest.mark.parametrize("sign", FORBIDS.values(), ids=FORBIDS)
def test_nobody_locks_the_other_parties_out(
    authority: LocalAuthority, unsigned: bytes, sign: Callable[[LocalAuthority, bytes], bytes]
) -> None:
    pdf = sign(authority, unsigned)
    found = refusal(authority, pdf, unsigned, EVERYBODY)
    assert (found.flaw, found.field, found.expected) == (Flaw.FORBIDS_MORE, FIRST, "room for signatures: 2")
    assert found.got == "0"


@pytest.mark.parametrize("sign", FORBIDS.values(), ids=FORBIDS)
def test_the_last_party_may_lock_the_file(
    authority: LocalAuthority, unsigned: bytes, sign: Callable[[LocalAuthority, bytes], bytes]
) -> None:
    pdf = sign(authority, unsigned)
    last = frozenset({LESSEE.id})
    assert (
        received(pdf, [authority.root], {digest_of(unsigned)}, at=papers.SIGNED_AT, waiting=last)[0].party == LESSEE.id
    )


@pytest.mark.parametrize("sign", ALLOWS.values(), ids=ALLOWS)
def test_who_lets_others_sign_is_taken_and_our_own_signer_follows(
    authority: LocalAuthority, signer: LocalSigner, unsigned: bytes, sign: Callable[[LocalAuthority, bytes], bytes]
) -> None:
    """Behind a permission its field is invisible; two of them follow, each under what stood before."""
    pdf, waiting = unsigned, EVERYBODY
    for party, by in ((LESSEE, sign), (GUARANTOR, None), (LESSOR, None)):
        before = pdf
        pdf = by(authority, before) if by else signer.sign(before, party).pdf
        signature, _ = received(pdf, [authority.root], {digest_of(before)}, at=papers.SIGNED_AT, waiting=waiting)
        assert signature.party == party.id
        waiting -= {party.id}


def test_a_visible_signature_behind_a_certification_is_refused_and_an_invisible_one_taken(
    authority: LocalAuthority, unsigned: bytes
) -> None:
    first = signed_with(authority, unsigned, certify=MDPPerm.FILL_FORMS)
    seen = signed_with(authority, first, GUARANTOR.id, SECOND)
    assert refusal(authority, seen, first, EVERYBODY - {LESSEE.id}).flaw is Flaw.CHANGED_AFTER
    unseen = signed_with(authority, first, GUARANTOR.id, SECOND, visible=False)
    assert received(unseen, [authority.root], {digest_of(first)}, at=papers.SIGNED_AT)[0].party == GUARANTOR.id


def numbered(authority: LocalAuthority, before: bytes, number: int) -> bytes:
    """The first party's file, its objects numbered from there."""

    class Far(IncrementalPdfFileWriter):
        """Leaves numbers out."""

        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self._lastobj_id = number - 1

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(f"{__name__}.IncrementalPdfFileWriter", Far)
        return signed_with(authority, before)


LAST = OBJECTS_MAX - 100


@pytest.mark.parametrize(("number", "waiting"), [(LAST, EVERYBODY), (1 << 31, frozenset({LESSEE.id}))])
def test_nobody_uses_the_limits_up(
    authority: LocalAuthority, unsigned: bytes, number: int, waiting: frozenset[UUID]
) -> None:
    """Each party that waits keeps its share; who signs last may take what is left."""
    pdf = numbered(authority, unsigned, number)
    assert refusal(authority, pdf, unsigned, waiting).flaw is Flaw.TOO_COSTLY


@pytest.mark.parametrize(("number", "waiting"), [(LAST, frozenset({LESSEE.id})), (2_000, EVERYBODY)])
def test_numbers_may_be_left_out(
    authority: LocalAuthority, unsigned: bytes, number: int, waiting: frozenset[UUID]
) -> None:
    pdf = numbered(authority, unsigned, number)
    assert received(pdf, [authority.root], {digest_of(unsigned)}, at=papers.SIGNED_AT, waiting=waiting)


@pytest.mark.parametrize("limit", ["REVISIONS_MAX", "FIELDS_MAX", "FILE_MAX_BYTES"])
def test_every_limit_is_shared(
    unsigned: bytes, signed: tuple[SignedDocument, ...], monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    pdf = signed[-1].pdf
    reader = PdfFileReader(BytesIO(pdf))
    used = {"REVISIONS_MAX": 4, "FIELDS_MAX": 3, "FILE_MAX_BYTES": len(pdf)}[limit]
    monkeypatch.setattr(added, limit, used)
    if limit != "FIELDS_MAX":
        monkeypatch.setattr(added, "FIELDS_MAX", 4)
    check_sizes(pdf, reader)
    with pytest.raises(SignatureInvalid):
        check_sizes(pdf, reader, 1)


def test_a_field_that_asks_for_what_we_do_not_do_is_said(signer: LocalSigner, unsigned: bytes) -> None:
    """In the contract's own file: a signature of another kind."""
    writer: Any = IncrementalPdfFileWriter(BytesIO(unsigned))
    seed = SigSeedValueSpec(flags=SigSeedValFlags.SUBFILTER, subfilters=[SigSeedSubFilter.ADOBE_PKCS7_DETACHED])
    append_signature_field(writer, SigFieldSpec(LESSEE.field, seed_value_dict=seed))
    field = writer.root["/AcroForm"]["/Fields"][-1]
    field["/SV"]["/SubFilter"][0] = NameObject("/adbe.pkcs7.sha1")
    out = BytesIO()
    writer.write(out)
    with pytest.raises(SigningError):
        signer.sign(out.getvalue(), LESSEE)


def test_nobody_signs_in_the_field_of_another_before_his_own(authority: LocalAuthority, unsigned: bytes) -> None:
    """Which our own signer would find taken."""
    pdf = signed_with(authority, signed_with(authority, unsigned, LESSEE.id, GUARANTOR.field), LESSEE.id)
    found = refusal(authority, pdf, unsigned, EVERYBODY)
    assert (found.flaw, found.field) == (Flaw.WRONG_PARTY, GUARANTOR.field)


class _Odd(FieldMDPSpec):
    """A lock that no standard knows."""

    def as_transform_params(self) -> DictionaryObject:
        """Fields that are no names."""
        made = super().as_transform_params()
        made[NameObject("/Fields")] = NullObject()
        return made


def test_a_lock_that_cannot_be_read_is_no_fault_of_ours(
    authority: LocalAuthority, unsigned: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what follows a signature makes a reader look at its lock; the last one has nothing behind it."""
    monkeypatch.setattr("pyhanko.sign.signers.pdf_signer.FieldMDPSpec", _Odd)
    pdf = signed_with(authority, unsigned, lock=(FieldMDPAction.EXCLUDE, [FIRST]))
    assert refusal(authority, pdf, unsigned, EVERYBODY).flaw is Flaw.CHANGED


def test_a_check_apart_says_how_much_room_was_found(authority: LocalAuthority, unsigned: bytes) -> None:
    pdf = signed_with(authority, unsigned, lock=EVERY)
    with pytest.raises(SignatureInvalid) as raised:
        checked_apart(pdf, [authority.root], {digest_of(unsigned)}, at=papers.SIGNED_AT, waiting=EVERYBODY)
    assert (raised.value.flaw, raised.value.got) == (Flaw.FORBIDS_MORE, "0")
