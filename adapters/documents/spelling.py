"""How an update is spelled: in one way, each object in it named by one row of its table, nothing else looking like one.

Other readers take other ways through a file that is spelled loosely, and search all of its bytes where they stumble.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import (
    ObjStreamRef,
    XRefEntry,
    XRefSectionType,
    XRefType,
    parse_xref_stream,
    parse_xref_table,
    read_object_header,
)

_LINE = rb"(?:\r\n|\n|\r)"
_TABLE = re.compile(
    rb"xref ?" + _LINE + rb"(?:\d+ \d+ ?" + _LINE + rb"(?:\d{10} \d{5} [nf](?: \r| \n|\r\n))*)+trailer\s*"
)
"""A table of cross-references (ISO 32000-1 §7.5.4)."""

_END = re.compile(rb"startxref" + _LINE + rb"\d+" + _LINE + rb"%%EOF" + _LINE + rb"?")
"""The end of an update (§7.5.5)."""

_ESCAPED = rb"(?:2[0-9A-CFa-cf]|3[A-Fa-f]|[46]0|5[B-Eb-e]|7[B-Fb-f]|[89A-Fa-f][0-9A-Fa-f])"
"""What a name may escape (§7.3.5): no control character, at whose NUL some readers end it, and nothing of which known
names are made, which would spell one of them in a second way."""

_OPEN = re.compile(rb"[(%]|<<|<[^>]*>|#(?!" + _ESCAPED + rb")|[\s>\])](?:endobj|stream)")
_CLOSE = re.compile(rb"[\s>\])](?:endobj|stream)")
_QUOTED = re.compile(rb"\\[\s\S]|[()]")
_DIGITS = re.compile(rb"<[0-9A-Fa-f\s]*>")
"""How strings are spelled (§7.3.4): in parentheses, or in hexadecimal digits and nothing but those."""

_TRAILER = frozenset({"/Size", "/Root", "/Info", "/Prev", "/ID"})
_STREAM = _TRAILER | {"/Type", "/W", "/Index", "/Length", "/Filter", "/DecodeParms"}
"""What a trailer says (§7.5.5), and the dictionary of a stream of cross-references (§7.5.8.2)."""

UNPACKED_MAX_BYTES = 8 << 20
"""Of one stream of packed objects, or of a table."""

_BLANK = b"\x00\t\n\f\r "
_OBJECT = re.compile(rb"\d[" + _BLANK + rb"]*obj|[" + _BLANK + rb"]obj(?![A-Za-z])")
"""What a reader that searches a file may take for the beginning of an object (§7.3.10)."""


def accounted(pdf: bytes, end: int, reader: PdfFileReader, updates: range) -> bool:
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
    rows, trailer = _table(pdf, reader, update)
    places = {(row.idnum, row.location) for row in rows if isinstance(row.location, int)}
    spelled = (
        _listed_once(rows, info.size)
        and _only_known_marks(reader, update, rows)
        and _says_what_trailers_say(trailer, reader, update, rows)
    )
    if info.stream_ref is not None:
        places.add((info.stream_ref.idnum, info.declared_startxref))
    else:
        close = pdf.rindex(b">>", info.end_location, pdf.index(b"startxref", info.end_location))
        spelled = spelled and _plain(pdf[info.end_location : close])
    headers = [_header(pdf, end, number, place) for number, place in places]
    if not spelled or not all(_plain(pdf, place) for place in headers):
        raise ValueError("an update of another spelling")
    return headers


def _table(
    pdf: bytes, reader: PdfFileReader, update: int
) -> tuple[list[XRefEntry], generic.DictionaryObject | generic.StreamObject]:
    """The rows of an update's table, and its trailer; raises `ValueError` for a table of another spelling."""
    info = reader.xrefs.get_xref_container_info(update)
    stream = BytesIO(pdf)
    stream.seek(info.declared_startxref)
    if info.xref_section_type is XRefSectionType.STANDARD:
        if _TABLE.fullmatch(pdf, info.declared_startxref, info.end_location) is None:
            raise ValueError("a table of another spelling")
        stream.read(len(b"xref"))
        listed = list(parse_xref_table(stream, strict=True))
        ref = generic.TrailerReference(reader)  # type: ignore[no-untyped-call]
        return listed, generic.DictionaryObject.read_from_stream(stream, ref)
    number, generation = read_object_header(stream, strict=True)  # type: ignore[no-untyped-call]
    table = generic.StreamObject.read_from_stream(stream, generic.Reference(number, generation, reader))
    if not _packed_plainly(table, up=sum(table["/W"])):
        raise ValueError("a table that is packed in another way")
    rows = list(parse_xref_stream(table))
    if len(rows) != sum(list(table.get("/Index", (0, table["/Size"])))[1::2]):
        raise ValueError("a row of a kind that nobody knows")
    return rows, table


def _says_what_trailers_say(
    trailer: generic.DictionaryObject, reader: PdfFileReader, update: int, rows: Iterable[XRefEntry]
) -> bool:
    """Whether a trailer has no other keys, and a size that its own objects, or those before, ask for."""
    table = _own_table(reader, update)
    before = reader.xrefs.get_xref_container_info(update - 1).size
    size = trailer.raw_get("/Size")
    return (
        trailer.keys() <= (_TRAILER if table is None else _STREAM)
        and isinstance(size, generic.NumberObject)
        and size <= max(before, (table or 0) + 1, *(row.idnum + 1 for row in rows))
    )


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
    """Whether an object has no comments, loose hexadecimal strings or loose names, up to its end or stream.

    Readers disagree about where comments, hexadecimal strings and names end.
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
        if kind == "/ObjStm" and not _holds(found, packed[row.idnum]):
            return False
    return packed.keys() <= {row.idnum for row in rows}


def _holds(stream: Any, named: Sequence[int]) -> bool:
    """Whether a stream of packed objects holds those that its table names, as every reader unpacks and reads them."""
    numbers = _packed(stream) if _packed_plainly(stream) else []
    return sorted(numbers) == sorted(named) and stream["/N"] == len(numbers) and not _breaks_off(stream.data)


def _packed_plainly(stream: Any, up: int = 0) -> bool:
    """Whether a stream is packed in the one way that all readers unpack alike: deflated whole, or not at all.

    A table may have its rows of `up` bytes, each told by its difference to the one above (PNG's filter Up, RFC 2083
    §6.4), and by no other: readers, ours among them, undo other filters in ways of their own.
    """
    if not {"/F", "/FFilter", "/FDecodeParms", "/DP"}.isdisjoint(stream.keys()):
        return False
    filters = stream.get("/Filter", [])
    names = [str(one) for one in filters] if isinstance(filters, list) else [str(filters)]
    parameters = stream.get("/DecodeParms")
    if names not in ([], ["/FlateDecode"]):
        return False
    if not names:
        return parameters is None
    unpacking = zlib.decompressobj()
    told = unpacking.decompress(stream.encoded_data, UNPACKED_MAX_BYTES)
    whole = unpacking.eof and not unpacking.unused_data.strip()
    return whole and (parameters is None or _goes_up(parameters, told, up))


def _goes_up(parameters: Any, told: bytes, width: int) -> bool:
    """Whether rows of so many bytes are each told by the one above."""
    if isinstance(parameters, list) and len(parameters) == 1:
        parameters = parameters[0]
    return (
        width > 0
        and isinstance(parameters, dict)
        and dict(parameters) == {"/Predictor": 12, "/Columns": width}
        and len(told) % (width + 1) == 0
        and set(told[:: width + 1]) <= {2}
    )


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
