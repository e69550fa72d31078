"""An update is spelled in one way: what other readers could take for the contract is refused, however it is hidden."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from adapters.documents.added import stands_under

FORGED = b"BT 100 500 Td (TOTAL 1.00) Tj ET"
FIELD, SIGNATURE, CONTENT, LOOK, PACKED, OTHER, TABLE = range(901, 908)
SCRIPT = b"<< /S /JavaScript /JS (app.alert(1)) >>"


class Update:
    """A first signer's update of a paper, written by hand: a field, its signature, the catalog, the first page."""

    def __init__(self, paper: bytes, field: bytes = b"") -> None:
        self.paper = paper
        self.bytes = bytearray(paper + b"\n")
        self.rows: list[tuple[int, int]] = []
        self.before = int(re.findall(rb"startxref\s+(\d+)", paper)[-1])
        self.root = int(re.findall(rb"/Root (\d+) 0 R", paper)[-1])
        catalog = self.old(self.root)
        pages = self.old(int(re.search(rb"/Pages (\d+) 0 R", catalog)[1]))  # type: ignore[index]
        self.page = int(re.search(rb"/Kids\s*\[\s*(\d+) 0 R", pages)[1])  # type: ignore[index]
        widget = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(S)/F 132/Rect[0 0 0 0]/V %d 0 R " % SIGNATURE + field + b">>"
        self.put(FIELD, widget)
        self.put(SIGNATURE, b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Contents<00>>>")
        self.catalog = catalog[:-2] + b"/AcroForm<</SigFlags 3/Fields[%d 0 R]>>>>" % FIELD
        self.shown = self.old(self.page)[:-2] + b"/Annots[%d 0 R]>>" % FIELD
        self.forged = re.sub(rb"/Contents \d+ 0 R", b"/Contents %d 0 R" % CONTENT, self.shown)

    def old(self, number: int) -> bytes:
        found = re.search(rb"\n%d 0 obj\n(.*?)\nendobj" % number, self.paper, re.DOTALL)
        assert found is not None
        return found[1]

    def put(self, number: int, value: bytes, header: bytes = b"%d 0 obj\n", *, row: bool = True) -> Update:
        if row:
            self.rows.append((number, len(self.bytes)))
        self.bytes += (header % number if b"%d" in header else header) + value + b"\nendobj\n"
        return self

    def usual(self) -> Update:
        return self.put(self.root, self.catalog).put(self.page, self.shown)

    def closed(
        self, *more: bytes, blanks: bytes = b"", end: bytes = b"", words: bytes = b"", size: bytes = b""
    ) -> bytes:
        """The file with a table of its rows, and with `more` of them; its trailer says a size, and more `words`."""
        place = len(self.bytes)
        rows = [b"%d 1\n%010d 00000 n \n" % one for one in self.rows]
        last = max([size_of(self.paper) - 1, *(one[0] for one in self.rows), *(int(one.split()[0]) for one in more)])
        size = size or b"%d" % (last + 1)
        trailer = b"trailer\n<</Size %s/Root %d 0 R/Prev %d%s>>\n" % (size, self.root, self.before, words)
        self.bytes += blanks + b"xref\n" + b"".join([*more, *rows]) + trailer
        return bytes(self.bytes) + b"startxref\n%d\n%%%%EOF\n" % place + end

    def streamed(
        self,
        *more: tuple[int, int, int, int],
        size: int = 908,
        words: bytes = b"",
        pack: Callable[[bytes], bytes] = bytes,
    ) -> bytes:
        """The same with a stream as table, of rows of four numbers: object, kind, and two of that kind."""
        place = len(self.bytes)
        rows = sorted([*((number, 1, at, 0) for number, at in self.rows), (TABLE, 1, place, 0), *more])
        body = b"".join(bytes([kind]) + a.to_bytes(4, "big") + b.to_bytes(2, "big") for _, kind, a, b in rows)
        index = b" ".join(b"%d 1" % row[0] for row in rows)
        known = b"/Type/XRef/W[1 4 2]/Index[%s]/Size %d/Root %d 0 R/Prev %d" % (index, size, self.root, self.before)
        self.put(TABLE, stream(pack(body), known + words), row=False)
        return bytes(self.bytes) + b"startxref\n%d\n%%%%EOF\n" % place


FLATE = b"/Filter/FlateDecode"
UP = FLATE + b"/DecodeParms<</Predictor 12/Columns %d>>"


def stream(body: bytes, words: bytes = b"/Type/XObject/Subtype/Form/BBox[0 0 1 1]") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (words, len(body), body)


def risen(body: bytes, width: int) -> bytes:
    """Rows of so many bytes, each told by its difference to the one above (PNG's filter Up)."""
    rows = [body[at : at + width].ljust(width) for at in range(0, len(body), width)]
    above = [bytes(width), *rows]
    return b"".join(
        b"\x02" + bytes((one - other) % 256 for one, other in zip(row, before, strict=True))
        for row, before in zip(rows, above, strict=False)
    )


def packed(*objects: tuple[int, bytes], pack: Callable[[bytes], bytes] = zlib.compress, words: bytes = FLATE) -> bytes:
    heads, values = b"", b""
    for number, value in objects:
        heads, values = heads + b"%d %d " % (number, len(values)), values + value + b" "
    kind = b"/Type/ObjStm/N %d/First %d" % (len(objects), len(heads))
    return stream(pack(heads + values), kind + words)


LOOKS = b"/AP<</N %d 0 R>>" % LOOK
HIDDEN = b"<41%%>>/A %s\n42>" % SCRIPT


def in_streams(paper: bytes, *twice: bool, between: bytes = b"", look: bytes = b"<<>>", **how: Any) -> bytes:
    """The catalog and the page packed, the page perhaps twice with another one first or last."""
    made = Update(paper, LOOKS)
    both = [(made.root, made.catalog + between), (made.page, made.shown)]
    for first in twice:
        both.insert(1 if first else 2, (made.page, made.forged))
    both.append((LOOK, look))
    made.put(PACKED, packed(*both, **how))
    at = both.index((made.page, made.shown))
    rows = (made.root, 2, PACKED, 0), (made.page, 2, PACKED, at), (LOOK, 2, PACKED, len(both) - 1)
    return made.streamed(*rows)


def info_of(paper: bytes) -> int:
    return int(re.findall(rb"/Info (\d+) 0 R", paper)[-1])


def size_of(paper: bytes) -> int:
    return int(re.findall(rb"/Size (\d+)", paper)[-1])


def saved(paper: bytes) -> Update:
    """Saved with another title, and not signed."""
    made = Update(paper)
    made.rows, made.bytes = [], bytearray(paper + b"\n")
    return made.put(info_of(paper), b"<</Title(a copy)>>")


def after_another_update(paper: bytes) -> bytes:
    """Saved once, with another title, and then signed."""
    return Update(saved(paper).closed()).usual().closed()


def two_fields(paper: bytes, more: bytes = b"") -> bytes:
    """Another field beside the one that is signed, without a value."""
    made = Update(paper)
    made.put(OTHER, b"<</Type/Annot/Subtype/Widget/FT/Sig/T(T)/F 132/Rect[0 0 0 0]" + more + b">>")
    both = b"[%d 0 R %d 0 R]" % (FIELD, OTHER), b"[%d 0 R]" % FIELD
    made.catalog, made.shown = made.catalog.replace(both[1], both[0]), made.shown.replace(both[1], both[0])
    return made.usual().closed()


HONEST: dict[str, Callable[[bytes], bytes]] = {
    "a table": lambda paper: Update(paper).usual().closed(),
    "a stream as table": lambda paper: Update(paper).usual().streamed(),
    "a table told by rows": lambda paper: (
        Update(paper).usual().streamed(pack=lambda body: zlib.compress(risen(body, 7)), words=UP % 7)
    ),
    "packed objects": in_streams,
    "a look": lambda paper: Update(paper, LOOKS).usual().put(LOOK, stream(b"q Q")).closed(),
    "object 0 is free": lambda paper: Update(paper).usual().closed(b"0 1\n0000000000 65535 f\r\n"),
    "an update before the one that signs": after_another_update,
    "names with what must be escaped": lambda paper: Update(paper, b"/X#20y#2F#23#e7/Z#2c").usual().closed(),
    "all words of a trailer": lambda paper: (
        Update(paper).usual().closed(words=b"/ID[<00><01>]/Info %d 0 R" % info_of(paper))
    ),
    "brackets in a text": lambda paper: Update(paper, b"/TU(a\\)<%)").usual().closed(),
}


def twice_in_a_table(paper: bytes) -> bytes:
    made = Update(paper).usual()
    made.put(made.page, made.forged, row=False).put(CONTENT, stream(FORGED))
    return made.closed(b"%d 1\n%010d 00000 n \n" % (made.page, bytes(made.bytes).rindex(b"\n%d 0 obj" % made.page) + 1))


def with_forged_bytes(header: bytes = b"%d 0 obj\n") -> Callable[[bytes], Update]:
    """A forged page behind the right one, of which no row says anything."""

    def made(paper: bytes) -> Update:
        one = Update(paper)
        one.put(one.root, one.catalog).put(one.page, one.shown, header)
        return one.put(one.page, one.forged, row=False).put(CONTENT, stream(FORGED), row=False)

    return made


def header(spelled: str) -> Callable[[bytes], bytes]:
    return lambda paper: Update(paper).put(Update(paper).root, Update(paper).catalog, spelled.encode()).closed()


REFUSED: dict[str, Callable[[bytes], bytes]] = {
    "a page with two rows": twice_in_a_table,
    "bytes without a row": lambda paper: with_forged_bytes()(paper).closed(),
    "a header that others do not take": lambda paper: with_forged_bytes(b"%d 0 obx\n")(paper).closed(),
    "a row of no kind": lambda paper: Update(paper).usual().streamed((OTHER, 3, 1, 0)),
    "a size too small": lambda paper: Update(paper).usual().streamed(size=500),
    "a row that points nowhere": lambda paper: Update(paper).usual().closed(b"907 1\n9999999999 00000 n \n"),
    "a row that points into the paper": lambda paper: Update(paper).usual().closed(b"907 1\n0000000016 00000 n \n"),
    "object 0 in use": lambda paper: Update(paper).usual().closed(b"0 1\n0000000016 00000 n \n"),
    "blanks before the table": lambda paper: Update(paper).usual().closed(blanks=b" \n"),
    "a second end": lambda paper: Update(paper).usual().closed(end=b"startxref\n16\n%%EOX\n"),
    "a page packed twice, the other one first": lambda paper: in_streams(paper, True),
    "a page packed twice, the other one last": lambda paper: in_streams(paper, False),
    "packed objects told by rows": lambda paper: in_streams(
        paper, pack=lambda body: zlib.compress(risen(body, 5)), words=UP % 5
    ),
    "packed objects packed twice": lambda paper: in_streams(
        paper,
        pack=lambda body: zlib.compress(body).hex().encode() + b">",
        words=b"/Filter[/ASCIIHexDecode/FlateDecode]",
    ),
    "packed objects with more behind": lambda paper: in_streams(paper, pack=lambda body: zlib.compress(body) + b"more"),
    "a comment in packed objects": lambda paper: in_streams(paper, between=b" %c\n"),
    "a comment behind a word that ends one": lambda paper: in_streams(paper, between=b" endobj %c\n"),
    "an object that nothing refers to": lambda paper: Update(paper).usual().put(OTHER, stream(FORGED)).closed(),
    "an object in a look": lambda paper: (
        Update(paper, LOOKS).usual().put(LOOK, stream(b"\n5 0 obj\n<<>>\nendobj\n")).closed()
    ),
    "a trailer in a look": lambda paper: (
        Update(paper, LOOKS).usual().put(LOOK, stream(b"\ntrailer\n<</Root 5 0 R>>\n")).closed()
    ),
    "a look that is packed objects": lambda paper: (
        Update(paper, LOOKS).usual().put(LOOK, packed((5, b"<<>>"))).closed()
    ),
    "a second catalog": lambda paper: (
        Update(paper, b"/AP<</N %d 0 R>>" % OTHER).usual().put(OTHER, b"<</Type/Catalog>>").closed()
    ),
    "an object in a text": lambda paper: Update(paper, b"/TU(\n5 0 obj\n<<>>\nendobj\n)").usual().closed(),
    "a script behind a comment in a string": lambda paper: Update(paper, b"/X " + HIDDEN).usual().closed(),
    "a comment in an object": lambda paper: Update(paper, b"%c\r").usual().closed(),
    "a name with a NUL in an object": lambda paper: Update(paper, b"/A#00 " + SCRIPT).usual().closed(),
    "a name with a NUL in packed objects": lambda paper: in_streams(paper, look=b"<</A#00 1>>"),
    "a name with a NUL in a trailer": lambda paper: Update(paper).usual().closed(words=b"/Root#00 5 0 R"),
    "a name with a NUL in a table": lambda paper: Update(paper).usual().streamed(words=b"/Root#00 5 0 R"),
    "a name that another program cuts": lambda paper: Update(paper, b"/A#0A 1").usual().closed(),
    "a name in a second spelling": lambda paper: Update(paper, b"/#58 1").usual().closed(),
    "an unknown word in a trailer": lambda paper: Update(paper).usual().closed(words=b"/X 1"),
    "tables of both kinds": lambda paper: Update(paper).usual().closed(words=b"/XRefStm 16"),
    "an unknown word in a table": lambda paper: Update(paper).usual().streamed(words=b"/F(x)"),
    "a root in a second spelling": lambda paper: Update(paper).usual().closed(words=b"/R#6fot 5 0 R"),
    "a root twice": lambda paper: Update(paper).usual().closed(words=b"/Root 5 0 R"),
    "a size twice": lambda paper: Update(paper).usual().streamed(words=b"/Size 908"),
    "a size too large": lambda paper: Update(paper).usual().closed(size=b"1000000"),
    "a size too large in a table": lambda paper: Update(paper).usual().streamed(size=909),
    "a size that is no integer": lambda paper: Update(paper).usual().closed(size=b"903.0"),
    "a size elsewhere": lambda paper: Update(paper).usual().closed(size=b"7 0 R"),
    "an empty field": two_fields,
    "an empty field with a lock": lambda paper: two_fields(paper, b"/Lock<</Type/SigFieldLock/Action/All>>"),
    "an empty field with a seed value": lambda paper: two_fields(paper, b"/SV<</Type/SV/Ff 64/DigestMethod[/SHA512]>>"),
    "a field whose value is null": lambda paper: two_fields(paper, b"/V null"),
}


@pytest.mark.parametrize("how", HONEST)
def test_each_usual_way_to_write_an_update_is_one(unsigned: bytes, how: str) -> None:
    assert stands_under(HONEST[how](unsigned), unsigned)


@pytest.mark.parametrize("how", REFUSED)
def test_what_another_reader_could_show_is_no_signature(unsigned: bytes, how: str) -> None:
    assert not stands_under(REFUSED[how](unsigned), unsigned)


@pytest.mark.parametrize(
    "spelled", ["%d  0 obj\n", "%d 00 obj\n", "0%d 0 obj\n", "+%d 0 obj\n", "%d 0\nobj\n", "%d 0 OBJ\n"]
)
def test_a_header_has_one_spelling(unsigned: bytes, spelled: str) -> None:
    assert not stands_under(header(spelled)(unsigned), unsigned)
