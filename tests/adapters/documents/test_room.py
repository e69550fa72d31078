"""What a signature leaves to those who have still to sign: whoever locks the file locks the other parties out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from uuid import UUID

import pytest
from pyhanko.pdf_utils.generic import DictionaryObject, NameObject, NullObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes

from adapters.documents.authority import LocalAuthority
from adapters.documents.checking import checked_apart
from adapters.documents.pades import BYTES_RESERVED, LocalSigner, _pyhanko_signer
from adapters.documents.port import Flaw, SignatureInvalid, digest_of
from adapters.documents.verify import received
from tests.adapters.documents import papers

LESSEE, GUARANTOR, LESSOR = papers.SIGNATORIES
EVERYBODY = frozenset(one.id for one in papers.SIGNATORIES)
FIRST, SECOND, THIRD = "First", "Second", "Third"
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
    "own field and document": lambda by, pdf: signed_with(
        by, pdf, lock=(FieldMDPAction.INCLUDE, [FIRST]), permits=MDPPerm.NO_CHANGES
    ),
}
ALLOWS: dict[str, Callable[[LocalAuthority, bytes], bytes]] = {
    "certified for signing": lambda by, pdf: signed_with(by, pdf, certify=MDPPerm.FILL_FORMS),
    "certified for notes": lambda by, pdf: signed_with(by, pdf, certify=MDPPerm.ANNOTATE),
    "own field locked": lambda by, pdf: signed_with(by, pdf, lock=(FieldMDPAction.INCLUDE, [FIRST])),
    "document for signing": lambda by, pdf: signed_with(
        by, pdf, lock=(FieldMDPAction.INCLUDE, [FIRST]), permits=MDPPerm.FILL_FORMS
    ),
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
    room = 1 if SECOND.encode() in pdf else 0
    assert (found.flaw, found.field, found.expected) == (Flaw.FORBIDS_MORE, FIRST, "room for signatures: 2")
    assert found.got == str(room)


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


def test_fields_that_a_lock_leaves_out_are_signed_in(authority: LocalAuthority, unsigned: bytes) -> None:
    pdf, waiting = unsigned, EVERYBODY
    left: Lock = (FieldMDPAction.EXCLUDE, [SECOND, THIRD])
    for party, field, lock in ((LESSEE, FIRST, left), (GUARANTOR, SECOND, None), (LESSOR, THIRD, None)):
        before = pdf
        pdf = signed_with(authority, before, party.id, field, lock=lock)
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
