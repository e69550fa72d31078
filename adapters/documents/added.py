"""What stands behind the contract's file in a file that came back: signatures, and nothing else that counts.

contract's file ─┬─ update ─┬─ update ─ …      each against the contract's file, as pyHanko compares revisions
                 └──────────┴── the first is signed by whoever made it, so no signature before it guards the pages

Other readers take other ways through a file that is spelled loosely, and search all of its bytes where they stumble.
So an update is spelled in one way: each object in it is named by one row of its table, and nothing else looks like one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.pdf_utils.xref import (
    ObjStreamRef,
    XRefEntry,
    XRefSectionType,
    XRefType,
    parse_xref_stream,
    parse_xref_table,
    read_object_header,
)
from pyhanko.sign.diff_analysis import (
    DEFAULT_DIFF_POLICY,
    CatalogModificationRule,
    FormUpdatingRule,
    ModificationLevel,
    StandardDiffPolicy,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.constants import ACROFORM_EXEMPT_STRICT_COMPARISON, ROOT_EXEMPT_STRICT_COMPARISON
from pyhanko.sign.fields import FieldMDPAction, MDPPerm, enumerate_sig_fields
from pyhanko.sign.validation import EmbeddedPdfSignature

_CERTIFIED = "/Perms"
"""Where the catalog names a first signature that certifies (ISO 32000-1 §12.8.4)."""

_SAID_OF_A_FORM = frozenset({"/SigFlags", "/Type"})
"""What a signer's program says of the form itself: that there is a signature (§12.7.2), and that it is a form."""

_ACTIONS = ("/A", "/AA")
"""What an annotation or a field makes a reader do (§12.6.3), scripts among it."""

_LINE = rb"(?:\r\n|\n|\r)"
_TABLE = re.compile(
    rb"xref ?" + _LINE + rb"(?:\d+ \d+ ?" + _LINE + rb"(?:\d{10} \d{5} [nf](?: \r| \n|\r\n))*)+trailer\s*"
)
"""A table of cross-references (ISO 32000-1 §7.5.4)."""

_END = re.compile(rb"startxref" + _LINE + rb"\d+" + _LINE + rb"%%EOF" + _LINE + rb"?")
"""The end of an update (§7.5.5)."""

_OPEN = re.compile(rb"[(%]|<<|<[^>]*>|[\s>\])](?:endobj|stream)")
_CLOSE = re.compile(rb"[\s>\])](?:endobj|stream)")
_QUOTED = re.compile(rb"\\[\s\S]|[()]")
_DIGITS = re.compile(rb"<[0-9A-Fa-f\s]*>")
"""How strings are spelled (§7.3.4): in parentheses, or in hexadecimal digits and nothing but those."""

_BLANK = b"\x00\t\n\f\r "
_OBJECT = re.compile(rb"\d[" + _BLANK + rb"]*obj|[" + _BLANK + rb"]obj(?![A-Za-z])")
"""What a reader that searches a file may take for the beginning of an object (§7.3.10)."""

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
    if tables[0] != tables[1] or not _accounted(pdf, end, reader, range(count, reader.xrefs.total_revisions)):
        return False
    try:
        return _new_fields_only_sign(before, reader) and all(
            _adds_signatures(reader, count - 1, n) for n in range(count, reader.xrefs.total_revisions)
        )
    except SuspiciousModification:
        return False


def _new_fields_only_sign(before: PdfFileReader, reader: PdfFileReader) -> bool:
    own = {name for name, _, _ in enumerate_sig_fields(before)}
    return all(_only_signs(field.get_object()) for name, _, field in enumerate_sig_fields(reader) if name not in own)


def _adds_signatures(reader: PdfFileReader, before: int, update: int) -> bool:
    """Whether an update leaves the file before as it was; one that comes before the form has none to compare."""
    new = reader.get_historical_resolver(update)
    old, forms = reader.get_historical_resolver(before), _FORM in new.root
    if not forms and _FORM in old.root:
        return False
    found = _policy(forms=forms).apply(_WithForm(reader, before) if forms else old, new)
    return bool(found.modification_level <= ModificationLevel.FORM_FILLING)


def room_behind(signature: EmbeddedPdfSignature, signed: Collection[str]) -> int | None:
    """How many signatures may follow those in fields `signed`, by what this one forbids; `None` where it sets no limit.

    A permission of 1, of a certification or of its field's lock, forbids every change (ISO 32000-1 §12.8.2.2); a lock
    of fields forbids signing in them, and in all but those that it excludes (§12.8.2.4).
    """
    lock = signature.fieldmdp
    if signature.docmdp_level is MDPPerm.NO_CHANGES or (lock is not None and lock.action is FieldMDPAction.ALL):
        return 0
    if lock is None or lock.action is FieldMDPAction.INCLUDE:
        return None
    return len({str(name) for name in lock.fields or ()}.difference(signed))


# ----------------------------------------------------------------------------------------------- how it is spelled


def _accounted(pdf: bytes, end: int, reader: PdfFileReader, updates: range) -> bool:
    """Whether all that a reader may find behind `end` is in a table of these updates, once, where the table says."""
    ends = [match.end() for match in _END.finditer(pdf, end)]
    if len(ends) != len(updates) or pdf.count(b"startxref", end) != len(updates) or ends[-1] != len(pdf):
        return False
    named = [header for update in updates for header in _headers(pdf, end, reader, update)]
    found = [match.end() for match in _OBJECT.finditer(pdf, end)]
    tables = sum(reader.xrefs.get_xref_container_info(update).stream_ref is None for update in updates)
    return pdf.count(b"trailer", end) == tables and Counter(found) == Counter(named)


def _headers(pdf: bytes, end: int, reader: PdfFileReader, update: int) -> list[int]:
    """Where the headers of an update's objects end; raises `ValueError` for an update of another spelling."""
    info = reader.xrefs.get_xref_container_info(update)
    rows = _rows(pdf, reader, update)
    places = {(row.idnum, row.location) for row in rows if isinstance(row.location, int)}
    spelled = _listed_once(rows, info.size) and _only_known_marks(reader, update, rows)
    if info.stream_ref is not None:
        places.add((info.stream_ref.idnum, info.declared_startxref))
    else:
        close = pdf.rindex(b">>", info.end_location, pdf.index(b"startxref", info.end_location))
        spelled = spelled and _plain(pdf[info.end_location : close])
    headers = [_header(pdf, end, number, place) for number, place in places]
    if not spelled or not all(_plain(pdf, place) for place in headers):
        raise ValueError("an update of another spelling")
    return headers


def _rows(pdf: bytes, reader: PdfFileReader, update: int) -> list[XRefEntry]:
    """The rows of an update's table; raises `ValueError` for a table of another spelling."""
    info = reader.xrefs.get_xref_container_info(update)
    stream = BytesIO(pdf)
    stream.seek(info.declared_startxref)
    if info.xref_section_type is XRefSectionType.STANDARD:
        if _TABLE.fullmatch(pdf, info.declared_startxref, info.end_location) is None:
            raise ValueError("a table of another spelling")
        stream.read(len(b"xref"))
        return list(parse_xref_table(stream, strict=True))
    number, generation = read_object_header(stream, strict=True)  # type: ignore[no-untyped-call]
    table = generic.StreamObject.read_from_stream(stream, generic.Reference(number, generation, reader))
    rows = list(parse_xref_stream(table))
    if len(rows) != sum(list(table.get("/Index", (0, table["/Size"])))[1::2]):
        raise ValueError("a row of a kind that nobody knows")
    return rows


def _listed_once(rows: Iterable[XRefEntry], size: int) -> bool:
    """Whether no object has two rows, none lies beyond the size, and only object 0, which is none, is free."""
    numbers = [row.idnum for row in rows]
    return len(set(numbers)) == len(numbers) and all(
        row.idnum < size and (row.xref_type is XRefType.FREE) == (row.idnum == 0) for row in rows
    )


def _header(pdf: bytes, end: int, number: int, place: int) -> int:
    """Where the header of an object ends; raises `ValueError` where none stands in its one spelling."""
    header = b"%d 0 obj" % number
    behind = place + len(header)
    if place < end or not pdf.startswith(header, place):
        raise ValueError("no object where a row says")
    if (place > end and pdf[place - 1] not in _BLANK) or pdf[behind] not in _BLANK + b"<[(/":
        raise ValueError("a header of another spelling")
    return behind


def _breaks_off(text: bytes) -> bool:
    """Whether packed objects are spelled otherwise, or hold a word behind which nobody would look."""
    return not _plain(text) or _CLOSE.search(text) is not None


def _plain(text: bytes, place: int = 0) -> bool:
    """Whether an object has no comments, and no hexadecimal string with anything but digits, up to its end or stream.

    Readers disagree about where either ends.
    """
    while (match := _OPEN.search(text, place)) is not None:
        token, place = match[0], match.end()
        if token == b"(":
            place = _unquoted(text, place)
        elif token.endswith((b"endobj", b"stream")):
            return True
        elif token != b"<<" and _DIGITS.fullmatch(token) is None:
            return False
    return True


def _unquoted(text: bytes, place: int) -> int:
    """Where the string ends that began before `place`."""
    depth = 1
    while depth and (match := _QUOTED.search(text, place)) is not None:
        place = match.end()
        depth += {b"(": 1, b")": -1}.get(match[0], 0)
    return place


def _only_known_marks(reader: PdfFileReader, update: int, rows: Iterable[XRefEntry]) -> bool:
    """Whether the catalog, tables and packed objects of an update are those that its table leads to."""
    then = reader.get_historical_resolver(update)
    packed = _named_as_packed(rows)
    known: dict[str, set[int | None]] = {
        "/Catalog": {reader.root_ref.idnum},
        "/ObjStm": set(packed),
        "/XRef": {_own_table(reader, update)},
    }
    for row in rows:
        found: Any = then(generic.Reference(row.idnum, 0, reader)) if row.idnum else None
        kind = str(found.get("/Type")) if isinstance(found, generic.DictionaryObject) else ""
        if row.idnum not in known.get(kind, {row.idnum}):
            return False
        if kind == "/ObjStm" and (sorted(_packed(found)) != sorted(packed[row.idnum]) or _breaks_off(found.data)):
            return False
    return packed.keys() <= {row.idnum for row in rows}


def _named_as_packed(rows: Iterable[XRefEntry]) -> dict[int, list[int]]:
    packed: dict[int, list[int]] = {}
    for row in rows:
        if isinstance(row.location, ObjStreamRef):
            packed.setdefault(row.location.obj_stream_id, []).append(row.idnum)
    return packed


def _own_table(reader: PdfFileReader, update: int) -> int | None:
    ref = reader.xrefs.get_xref_container_info(update).stream_ref
    return None if ref is None else ref.idnum


def _packed(stream: Any) -> list[int]:
    """The numbers of the objects in an object stream (§7.5.7)."""
    words = stream.data[: stream["/First"]].split()
    return [int(word) for word in words[::2]]
