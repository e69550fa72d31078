"""Event logs in XES (IEEE 1849-2016), plain or gzip, read case by case in bounded memory.

    <log> attribute* <trace> attribute* <event> attribute* </event>* </trace>* </log>

The parser is the standard library's expat. Against `lxml.etree.iterparse` on 262,200 events (74 MB of XML) the two
need about the same time, but expat hands over one element at a time, so that an oversized attribute or case is
refused while it arrives and not after a tree of it was built.

What a hostile file could do is closed off: a document type (and with it every entity) is refused, nothing external is
ever fetched, and attributes, tokens, cases, nesting and the number of different names have named limits. The one
thing that grows with the file is the set of case names, which finds duplicates.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NoReturn
from xml.parsers import expat

from msgspec import Struct

from adapters.imports.errors import (
    AttributeTooLarge,
    BadTimestamp,
    BrokenGzip,
    CaseTooLarge,
    CaseWithoutEvents,
    CaseWithoutName,
    DuplicateAttribute,
    DuplicateCase,
    EmptyLog,
    EventWithoutActivity,
    EventWithoutCase,
    EventWithoutTimestamp,
    ForbiddenDoctype,
    LogError,
    MisplacedTrace,
    NotALog,
    NotGzip,
    NotWellFormed,
    Place,
    TimeGoesBack,
    TooComplex,
    TruncatedGzip,
    shorten,
)
from domain.kernel.times import TimeError, parse_utc, utc_text

ATTRIBUTE_MAX_CHARS = 64 * 1024
"""Longest value of an attribute."""
TOKEN_MAX_BYTES = 1024 * 1024
"""Most bytes that may arrive without completing one tag, comment or other token of XML."""
CASE_MAX_BYTES = 64 * 1024 * 1024
"""Most bytes of XML that one case may take."""
DEPTH_MAX = 64
"""Deepest nesting of elements; attributes of attributes are legal in XES and not used here."""
NAMES_MAX = 1_000
"""Most different names of elements and XML attributes in one file; XES defines about 30."""
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Identifiers carry milliseconds since 1970, so nothing older can be imported."""

CONCEPT_NAME = "concept:name"
TIMESTAMP = "time:timestamp"
TRANSITION = "lifecycle:transition"
RESOURCE = "org:resource"
DEFAULT_TRANSITION = "COMPLETE"
"""What an event without `lifecycle:transition` is, as a log without the lifecycle extension means it."""

_CHUNK_BYTES = 1 << 18
_GZIP_MAGIC = b"\x1f\x8b"
_LOG, _LOG_CHILD, _TRACE_CHILD, _EVENT_CHILD = 1, 2, 3, 4


class XesEvent(Struct, frozen=True):
    """One row of a case: what happened, which step of it, when (UTC), who did it if known, and its place from 0."""

    activity: str
    transition: str
    at: datetime
    resource: str | None
    index: int


class Case(Struct, frozen=True):
    """One trace: its `concept:name`, its other attributes as text, its events in file order, never back in time."""

    id: str
    attributes: dict[str, str]
    events: tuple[XesEvent, ...]


def cases(path: Path) -> Iterator[Case]:
    """Every case of the log at `path`, in file order.

    Raises a `LogError` where the file is wrong; the cases handed out before it are complete and valid.
    """
    return _read(_Handler(str(path)), path)


def log_name(path: Path) -> str | None:
    """The log's own `concept:name`, read from what stands before the end of the first case. Raises `LogError`."""
    handler = _Handler(str(path))
    next(_read(handler, path), None)
    return handler.name


def _read(handler: _Handler, path: Path) -> Iterator[Case]:
    """Feed the file to the handler and hand out the cases as they are completed, those before an error included."""
    problem: LogError | None = None
    with path.open("rb") as file:
        chunks = _chunks(file, handler)
        while problem is None and not handler.ended:
            try:
                handler.feed(next(chunks, b""))
            except LogError as error:
                problem = error
            yield from handler.take()
    if problem is not None:
        raise problem


def _chunks(file: BinaryIO, handler: _Handler) -> Iterator[bytes]:
    """The file's bytes, decompressed if they are gzip whatever the name says; a name that says gzip must be right."""
    magic = file.read(len(_GZIP_MAGIC))
    file.seek(0)
    if magic != _GZIP_MAGIC:
        if Path(file.name).suffix == ".gz":
            raise NotGzip(handler.place(), "a gzip file (1f 8b …), as its name says", magic.hex(" ") or "an empty file")
        yield from iter(lambda: file.read(_CHUNK_BYTES), b"")
        return
    try:
        with gzip.GzipFile(fileobj=file) as unzipped:
            # read1 hands over what it has before it stumbles; read would lose the last whole cases of a cut file.
            yield from iter(lambda: unzipped.read1(_CHUNK_BYTES), b"")
    except EOFError:
        raise TruncatedGzip(handler.place(), "the end marker of the gzip stream", "the end of the file") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BrokenGzip(handler.place(), "an undamaged gzip stream", str(error)) from None


class _Handler:
    """Collects elements into cases. `feed` raises the first error; `take` hands out what was completed before it."""

    __slots__ = (
        "_attributes", "_case_start", "_depth", "_event", "_events", "_fed", "_file", "_in_trace", "_last", "_parser",
        "_ready", "_seen", "_traces", "ended", "name",
    )  # fmt: skip

    def __init__(self, file: str) -> None:
        self.name: str | None = None
        self.ended = False
        self._file = file
        self._fed = self._case_start = self._depth = self._traces = 0
        self._in_trace = False
        self._attributes: dict[str, str] = {}
        self._event: dict[str, str] | None = None
        self._events: list[XesEvent] = []
        self._last = EARLIEST
        self._ready: list[Case] = []
        self._seen: set[str] = set()
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype

    def take(self) -> list[Case]:
        """The cases completed since the last call."""
        ready, self._ready = self._ready, []
        return ready

    def feed(self, chunk: bytes) -> None:
        """Parse one chunk; an empty one ends the file."""
        self.ended = not chunk
        self._fed += len(chunk)
        try:
            self._parser.Parse(chunk, self.ended)
        except expat.ExpatError as error:
            raise NotWellFormed(self.place(), "well-formed XML", str(error)) from None
        except (LookupError, UnicodeError) as error:
            raise NotWellFormed(self.place(), "an encoding that can be read", str(error)) from None
        if self.ended and not self._traces:
            raise EmptyLog(self.place(), "at least one trace", "none")
        self._check_limits()

    def _check_limits(self) -> None:
        """Refuse what is still incomplete and already too large, so that memory stays bounded."""
        pending = self._fed - self._parser.CurrentByteIndex
        if pending > TOKEN_MAX_BYTES + _CHUNK_BYTES:
            raise AttributeTooLarge(self.place(), f"no piece of XML over {TOKEN_MAX_BYTES} bytes", f"{pending} bytes")
        if self._in_trace and (size := self._fed - self._case_start) > CASE_MAX_BYTES + _CHUNK_BYTES:
            raise CaseTooLarge(self.place(), f"a case of at most {CASE_MAX_BYTES} bytes", f"{size} bytes")
        if (names := len(self._parser.intern)) > NAMES_MAX:
            raise TooComplex(self.place(), f"at most {NAMES_MAX} different names", f"{names}")

    def place(self) -> Place:
        """Where in the file the parser is."""
        if not self._in_trace:
            return Place(self._file, after_cases=self._traces)
        index = len(self._events) if self._event is not None else None
        return Place(self._file, self._attributes.get(CONCEPT_NAME), self._traces, index)

    def _doctype(self, name: str, *_: object) -> None:
        raise ForbiddenDoctype(self.place(), "no document type", f"<!DOCTYPE {shorten(name)}")

    def _start(self, name: str, attrs: dict[str, str]) -> None:
        depth = self._depth = self._depth + 1
        event = self._event
        if event is not None and depth == _EVENT_CHILD and "value" in attrs:
            # Four of five elements of a log end here, so this path does no more than it must.
            key, value = attrs.get("key", ""), attrs["value"]
            if len(value) > ATTRIBUTE_MAX_CHARS or key in event:
                self._refuse_attribute(key, value)
            event[key] = value
            return
        self._check_sizes(attrs)
        local = name.rpartition(":")[2]
        if depth == _LOG and local != "log":
            raise NotALog(self.place(), "<log>", f"<{shorten(name)}>")
        if local == "trace":
            self._start_trace()
        elif local == "event":
            self._start_event()
        elif "key" in attrs and "value" in attrs:
            self._attribute(attrs["key"], attrs["value"])
        if depth > DEPTH_MAX:
            raise TooComplex(self.place(), f"elements nested at most {DEPTH_MAX} deep", f"{depth}")

    def _check_sizes(self, attrs: dict[str, str]) -> None:
        for key, value in attrs.items():
            if len(value) > ATTRIBUTE_MAX_CHARS:
                self._refuse_attribute(attrs.get("key", key), value)

    def _refuse_attribute(self, key: str, value: str) -> NoReturn:
        if len(value) > ATTRIBUTE_MAX_CHARS:
            limit = f"{shorten(key)} of at most {ATTRIBUTE_MAX_CHARS} characters"
            raise AttributeTooLarge(self.place(), limit, f"{len(value)}")
        raise DuplicateAttribute(self.place(), f"{shorten(key)} once", "it again")

    def _start_trace(self) -> None:
        if self._depth != _LOG_CHILD:
            raise MisplacedTrace(self.place(), "<trace> directly in <log>", f"it {self._depth - 1} elements deep")
        self._traces += 1
        self._in_trace = True
        self._case_start = self._parser.CurrentByteIndex
        self._attributes = {}
        self._events = []
        self._last = EARLIEST

    def _start_event(self) -> None:
        if not self._in_trace or self._depth != _TRACE_CHILD:
            raise EventWithoutCase(self.place(), "<event> directly in <trace>", "it elsewhere")
        self._event = {}

    def _attribute(self, key: str, value: str) -> None:
        """An attribute that is not an event's: of the log, of a trace, or of another attribute (not used here)."""
        if self._depth == _TRACE_CHILD and self._in_trace:
            if key in self._attributes:
                self._refuse_attribute(key, value)
            self._attributes[key] = value
        elif self._depth == _LOG_CHILD and key == CONCEPT_NAME:
            self.name = value

    def _end(self, _name: str) -> None:
        depth = self._depth
        self._depth = depth - 1
        if depth == _TRACE_CHILD:
            if self._event is not None:
                self._end_event(self._event)
        elif depth == _LOG_CHILD and self._in_trace:
            self._end_trace()

    def _end_event(self, event: dict[str, str]) -> None:
        activity = event.get(CONCEPT_NAME)
        if not activity:
            raise EventWithoutActivity(self.place(), f"an event with {CONCEPT_NAME}", "none")
        text = event.get(TIMESTAMP)
        if not text:
            raise EventWithoutTimestamp(self.place(), f"an event with {TIMESTAMP}", "none")
        at = self._instant(text)
        transition = event.get(TRANSITION, DEFAULT_TRANSITION).upper()
        self._events.append(XesEvent(activity, transition, at, event.get(RESOURCE) or None, len(self._events)))
        self._last = at
        self._event = None

    def _instant(self, text: str) -> datetime:
        try:
            at = parse_utc(text)
        except (TimeError, OverflowError):
            raise BadTimestamp(self.place(), "an RFC 3339 date-time with an offset", shorten(text)) from None
        if at < EARLIEST:
            raise BadTimestamp(self.place(), f"an instant from {EARLIEST.year} on", shorten(text))
        if at < self._last:
            raise TimeGoesBack(self.place(), f"{utc_text(self._last)} or later", utc_text(at))
        return at

    def _end_trace(self) -> None:
        name = self._attributes.pop(CONCEPT_NAME, "")
        place = Place(self._file, name or None, self._traces)
        if not name:
            raise CaseWithoutName(place, f"a trace with {CONCEPT_NAME}", "none")
        if not self._events:
            raise CaseWithoutEvents(place, "at least one event", "none")
        if name in self._seen:
            raise DuplicateCase(place, f"{CONCEPT_NAME} once in a log", "it again")
        self._seen.add(name)
        self._ready.append(Case(name, self._attributes, tuple(self._events)))
        self._in_trace = False
