"""What stands behind the contract's file in a file that came back: signatures, and nothing else that counts.

contract's file ─┬─ update ─┬─ update ─ …      each against the contract's file, as pyHanko compares revisions
                 └──────────┴── the first is signed by whoever made it, so no signature before it guards the pages
"""

from __future__ import annotations

from io import BytesIO
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
from pyhanko.sign.fields import enumerate_sig_fields

_CERTIFIED = "/Perms"
"""Where the catalog names a first signature that certifies (ISO 32000-1 §12.8.4)."""

_SAID_OF_A_FORM = frozenset({"/SigFlags", "/Type"})
"""What a signer's program says of the form itself: that there is a signature (§12.7.2), and that it is a form."""

_ACTIONS = ("/A", "/AA")
"""What an annotation or a field makes a reader do (§12.6.3), scripts among it."""

_FORM, _FIELDS = generic.NameObject("/AcroForm"), generic.NameObject("/Fields")


class _WithForm(HistoricalResolver):
    """A revision as if it had had a form without fields: who signs first must be able to add one."""

    def get_object(self, ref: generic.Reference, *more: Any, **named: Any) -> generic.PdfObject:
        """What was there, and a form in the catalog that had none."""
        found: generic.PdfObject = super().get_object(ref, *more, **named)
        if ref == self.reader.root_ref and isinstance(found, generic.DictionaryObject) and _FORM not in found:
            found[_FORM] = generic.DictionaryObject({_FIELDS: generic.ArrayObject()})  # type: ignore[no-untyped-call]
        return found


def _policy() -> StandardDiffPolicy:
    """pyHanko's own rules, and what a first signature says of itself in the catalog and in the form."""
    kept = [rule for rule in DEFAULT_DIFF_POLICY.global_rules if not isinstance(rule, CatalogModificationRule)]
    catalog = CatalogModificationRule(  # type: ignore[no-untyped-call]
        ignored_keys=ROOT_EXEMPT_STRICT_COMPARISON | {_CERTIFIED}
    )
    assert DEFAULT_DIFF_POLICY.form_rule is not None, "pyHanko's own policy reads forms"
    fields = DEFAULT_DIFF_POLICY.form_rule.field_rules
    form = FormUpdatingRule(fields, ignored_acroform_keys=ACROFORM_EXEMPT_STRICT_COMPARISON | _SAID_OF_A_FORM)
    return StandardDiffPolicy(global_rules=[catalog, *kept], form_rule=form)


def _only_signs(field: Any) -> bool:
    """Whether a signature field, with whatever shows it, is one and does nothing else."""
    parts = [field, *(one.get_object() for one in field.get("/Kids", ()))]
    return not any(
        part.get("/Subtype", "/Widget") != "/Widget" or any(action in part for action in _ACTIONS) for part in parts
    )


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
    if tables[0] != tables[1]:
        return False
    own = {name for name, _, _ in enumerate_sig_fields(before)}
    if not all(_only_signs(field.get_object()) for name, _, field in enumerate_sig_fields(reader) if name not in own):
        return False
    found = _policy().review_file(reader, _WithForm(reader, count - 1))
    return not isinstance(found, SuspiciousModification) and found.modification_level <= ModificationLevel.FORM_FILLING
