"""What stands behind the contract's file in a file that came back: signatures, and nothing else that counts.

contract's file ─┬─ update ─┬─ update ─ …      each against the contract's file, as pyHanko compares revisions
                 └──────────┴── the first is signed by whoever made it, so no signature before it guards the pages

How an update is spelled is `spelling`; what it leaves to the parties who have still to sign is here too.
"""

from __future__ import annotations

from io import BytesIO
from itertools import islice
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.diff_analysis import (
    DEFAULT_DIFF_POLICY,
    CatalogModificationRule,
    FormUpdatingRule,
    ModificationLevel,
    StandardDiffPolicy,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.constants import ACROFORM_EXEMPT_STRICT_COMPARISON, ROOT_EXEMPT_STRICT_COMPARISON
from pyhanko.sign.fields import MDPPerm, enumerate_sig_fields
from pyhanko.sign.validation import EmbeddedPdfSignature

from adapters.documents.port import FILE_MAX_BYTES, Flaw, SignatureInvalid
from adapters.documents.spelling import accounted

_CERTIFIED = "/Perms"
"""Where the catalog names a first signature that certifies (ISO 32000-1 §12.8.4)."""

_SAID_OF_A_FORM = frozenset({"/SigFlags", "/Type"})
"""What a signer's program says of the form itself: that there is a signature (§12.7.2), and that it is a form."""

_ACTIONS = ("/A", "/AA")
"""What an annotation or a field makes a reader do (§12.6.3), scripts among it."""

FIELDS_MAX = 24
"""Signature fields of a file; a contract has at most twelve parties."""

PAGES_MAX, OBJECTS_MAX, REVISIONS_MAX = 500, 20_000, 100
"""A contract of eighty clauses with a dozen signatures has a twentieth of each."""

_FORM, _FIELDS = generic.NameObject("/AcroForm"), generic.NameObject("/Fields")


class _WithForm(HistoricalResolver):
    """A revision as if it had had a form without fields: who signs first must be able to add one."""

    def get_object(self, ref: generic.Reference, *more: Any, **named: Any) -> generic.PdfObject:
        """What was there, and a form in the catalog that had none."""
        found: generic.PdfObject = super().get_object(ref, *more, **named)
        if ref == self.reader.root_ref and isinstance(found, generic.DictionaryObject) and _FORM not in found:
            found[_FORM] = generic.DictionaryObject({_FIELDS: generic.ArrayObject()})  # type: ignore[no-untyped-call]
        return found


def _policy(*, forms: bool) -> StandardDiffPolicy:
    """pyHanko's own rules, and what a first signature says of itself in the catalog and in the form."""
    kept = [rule for rule in DEFAULT_DIFF_POLICY.global_rules if not isinstance(rule, CatalogModificationRule)]
    catalog = CatalogModificationRule(  # type: ignore[no-untyped-call]
        ignored_keys=ROOT_EXEMPT_STRICT_COMPARISON | {_CERTIFIED}
    )
    assert DEFAULT_DIFF_POLICY.form_rule is not None, "pyHanko's own policy reads forms"
    fields = DEFAULT_DIFF_POLICY.form_rule.field_rules
    form = FormUpdatingRule(fields, ignored_acroform_keys=ACROFORM_EXEMPT_STRICT_COMPARISON | _SAID_OF_A_FORM)
    rules = [catalog, *kept]
    return StandardDiffPolicy(global_rules=rules, form_rule=form if forms else None, ignore_orphaned_objects=False)


def _only_signs(field: Any) -> bool:
    """Whether a signature field, with whatever shows it, is one and does nothing else."""
    parts = [field, *(one.get_object() for one in field.get("/Kids", ()))]
    return not any(
        part.get("/Subtype", "/Widget") != "/Widget" or any(action in part for action in _ACTIONS) for part in parts
    )


def stands_under(pdf: bytes, before: bytes) -> bool:
    """Whether a file is another one with nothing but signatures behind it."""
    try:
        return pdf.startswith(before) and only_signatures(pdf, len(before))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - whatever a file from outside makes a reader raise
        return False


def followed_by_signatures(pdf: bytes, signature: EmbeddedPdfSignature) -> bool:
    """Whether nothing but signatures stands behind one of a file."""
    _, _, resume, rest = signature.byte_range
    end = resume + rest
    return end == len(pdf) or stands_under(pdf, pdf[:end])


def only_signatures(pdf: bytes, end: int) -> bool:
    """Whether a PDF is its first `end` bytes, as a reader shows them, with signatures.

    Raises whatever pyHanko stumbles over in a file from outside.
    """
    reader, before = PdfFileReader(BytesIO(pdf)), PdfFileReader(BytesIO(pdf[:end]))
    count = before.xrefs.total_revisions
    if count > reader.xrefs.total_revisions:
        return False
    # Bytes that no table of the whole file refers to are shown by nobody.
    tables = [[one.xrefs.get_startxref_for_revision(n) for n in range(count)] for one in (before, reader)]
    if tables[0] != tables[1] or not accounted(pdf, end, reader, range(count, reader.xrefs.total_revisions)):
        return False
    try:
        return _new_fields_only_sign(before, reader) and all(
            _adds_signatures(reader, count - 1, n) for n in range(count, reader.xrefs.total_revisions)
        )
    except SuspiciousModification:
        return False


def _new_fields_only_sign(before: PdfFileReader, reader: PdfFileReader) -> bool:
    """Whether each field that was added is signed and does nothing else.

    An empty one would say how somebody else has to sign, by a lock or a seed value, or take a place in the limit.
    """
    own = {name for name, _, _ in enumerate_sig_fields(before)}
    return all(
        value is not None and _only_signs(field.get_object())
        for name, value, field in enumerate_sig_fields(reader)
        if name not in own
    )


def _adds_signatures(reader: PdfFileReader, before: int, update: int) -> bool:
    """Whether an update leaves the file before as it was; one that comes before the form has none to compare."""
    new = reader.get_historical_resolver(update)
    old, forms = reader.get_historical_resolver(before), _FORM in new.root
    if not forms and _FORM in old.root:
        return False
    found = _policy(forms=forms).apply(_WithForm(reader, before) if forms else old, new)
    return bool(found.modification_level <= ModificationLevel.FORM_FILLING)


# ------------------------------------------------------------------------------------------ what it leaves to others


def room_behind(signature: EmbeddedPdfSignature) -> int | None:
    """How many signatures may follow, by what this one forbids: none, or `None` where it sets no limit.

    A permission of 1, of a certification or of its field's lock, forbids every change (ISO 32000-1 §12.8.2.2); a lock
    of fields forbids signing in those that it means (§12.8.2.4), whichever the parties to come will sign in.
    """
    forbids = signature.docmdp_level is MDPPerm.NO_CHANGES or signature.fieldmdp is not None
    return 0 if forbids else None


def check_sizes(pdf: bytes, reader: PdfFileReader, waiting: int = 0) -> None:
    """Refuse what no contract is, before anything is computed of it; each party `waiting` to sign keeps its share.

    Bytes are limited by whoever takes a file, and counted here for those who have to hand in a larger one.
    """
    revisions = reader.total_revisions
    objects = sum(map(len, map(reader.xrefs.explicit_refs_in_revision, range(revisions))))
    fields = sum(1 for _ in islice(enumerate_sig_fields(reader), FIELDS_MAX + 1))
    counted = (
        (REVISIONS_MAX, "revisions", revisions),
        (OBJECTS_MAX, "objects", max(objects, int(reader.trailer["/Size"]) - 1)),
        (FIELDS_MAX, "signature fields", fields),
        (FILE_MAX_BYTES, "bytes", len(pdf) if waiting else 0),
    )
    shared = [(most - waiting * (most // FIELDS_MAX), what, got) for most, what, got in counted]
    for most, what, got in (*shared, (PAGES_MAX, "pages", int(reader.root["/Pages"].get("/Count", 0)))):
        if got > most:
            raise SignatureInvalid(Flaw.TOO_COSTLY, "(file)", f"{most} {what}", got)
