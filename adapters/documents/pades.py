"""The local signer: PAdES baseline signatures (ETSI EN 319 142-1 §6.2) made by pyHanko with the local authority's keys.

Level B-B; B-T where a time-stamping authority is configured. Each party's signature is an incremental update with a
field of its own, so that the signatures before it stay valid. The time in the signature is what the caller's clock
says. Behind a signature that certifies, the field is invisible: a visible one is none of the changes that a strict
reader takes for permitted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from io import BytesIO

from cryptography import x509
from pyhanko.keys.internal import translate_pyca_cryptography_cert_to_asn1, translate_pyca_cryptography_key_to_asn1
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import AxisAlignment, InnerScaling, Margins, SimpleBoxLayoutRule
from pyhanko.pdf_utils.misc import FormFillingError, PdfError
from pyhanko.pdf_utils.text import TextBoxStyle
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.stamp import TextStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from adapters.documents.authority import Credential, LocalAuthority
from adapters.documents.port import Signatory, SignedDocument, SigningError, digest_of
from adapters.documents.typeset import signature_box
from domain.contracts.contract.values import SignatureLevel

BYTES_RESERVED = 16 * 1024
"""Room for the signature with its certificates and a time stamp; fixed, so that the layout depends on nothing."""

_STAMP = TextStampStyle(
    border_width=0,
    background=None,
    timestamp_format="%Y-%m-%d %H:%M:%S UTC",
    stamp_text="PAdES %(level)s\nparty  %(party)s\nsigned %(ts)s\ncert   %(certificate)s",
    text_box_style=TextBoxStyle(font_size=7, border_width=0),
    inner_content_layout=SimpleBoxLayoutRule(
        x_align=AxisAlignment.ALIGN_MIN,
        y_align=AxisAlignment.ALIGN_MID,
        margins=Margins(5, 5, 5, 5),
        inner_content_scaling=InnerScaling.NO_SCALING,
    ),
)
_LAST_PAGE = -1


class LocalSigner:
    """Signs with keys that this installation made itself; see `Signer`."""

    def __init__(
        self, authority: LocalAuthority, now: Callable[[], datetime], timestamper: TimeStamper | None = None
    ) -> None:
        self._authority = authority
        self._now = now
        self._timestamper = timestamper

    @property
    def level(self) -> SignatureLevel:
        """B-T with a time-stamping authority, else B-B."""
        return SignatureLevel.B_B if self._timestamper is None else SignatureLevel.B_T

    def sign(self, document: bytes, signatory: Signatory) -> SignedDocument:
        """See `Signer.sign`; not to be called inside a running event loop."""
        credential = self._authority.credential(signatory.id)
        signed_at = self._now()
        try:
            pdf = asyncio.run(self._signed(document, signatory, credential, signed_at))
        except (PdfError, FormFillingError, NotImplementedError) as error:
            raise SigningError(f"{signatory.field}: expected a PDF that can still be signed, got: {error}") from error
        return SignedDocument(
            pdf=pdf,
            before=digest_of(document),
            digest=digest_of(pdf),
            certificate=credential.certificate_digest,
            level=self.level,
            signatory=signatory.id,
            signed_at=signed_at,
        )

    async def _signed(
        self, document: bytes, signatory: Signatory, credential: Credential, signed_at: datetime
    ) -> bytes:
        """The steps of pyHanko's own `async_sign_pdf`, with a clock that is handed in."""
        writer = IncrementalPdfFileWriter(BytesIO(document))
        certified = any(one.docmdp_level is not None for one in writer.prev.embedded_signatures)
        signer = PdfSigner(
            PdfSignatureMetadata(
                field_name=signatory.field,
                md_algorithm="sha256",
                subfilter=SigSeedSubFilter.PADES,
                reason="合同签署",
            ),
            signer=_pyhanko_signer(credential, self._authority.root),
            timestamper=self._timestamper,
            stamp_style=_STAMP,
            new_field_spec=SigFieldSpec(
                signatory.field,
                on_page=_LAST_PAGE,
                box=None if certified else signature_box(signatory.place),
                empty_field_appearance=False,
            ),
        )
        session = signer.init_signing_session(writer)
        session.system_time = signed_at
        prepared = session.prepare_tbs_document(
            validation_info=None,
            bytes_reserved=BYTES_RESERVED,
            appearance_text_params={
                "level": self.level.value,
                "party": str(signatory.id),
                "certificate": credential.certificate_digest[:32],
            },
        )
        output = BytesIO()
        to_sign, _ = prepared.digest_tbs_document(output=output)
        await prepared.perform_signature(
            document_digest=to_sign.document_digest,
            pdf_cms_signed_attrs=PdfCMSSignedAttributes(signing_time=signed_at),
        )
        return output.getvalue()


def _pyhanko_signer(credential: Credential, root: x509.Certificate) -> SimpleSigner:
    return SimpleSigner(
        signing_cert=translate_pyca_cryptography_cert_to_asn1(credential.certificate),
        signing_key=translate_pyca_cryptography_key_to_asn1(credential.key),
        cert_registry=_registry(root),
    )


def _registry(root: x509.Certificate) -> SimpleCertificateStore:
    """What a signature carries beside the signer's certificate."""
    registry: SimpleCertificateStore = SimpleCertificateStore.from_certs(  # type: ignore[no-untyped-call]
        [translate_pyca_cryptography_cert_to_asn1(root)]
    )
    return registry
