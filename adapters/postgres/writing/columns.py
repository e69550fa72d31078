"""Columns of many rows as PostgreSQL's binary arrays (array_send), packed at once instead of element by element.

A column has its own class for each element type, by which psycopg knows its OID: `Uuids([...])` is a parameter for
`%b::uuid[]`. Elements are never NULL.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import ClassVar, Self
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_LENGTH = struct.Struct("!i").pack
_HEADER = struct.Struct("!iiiii").pack  # dimensions, has NULLs, OID of the elements, length, lower bound
_EMPTY = struct.Struct("!iii").pack
_UUID, _BIGINT, _INTEGER = _LENGTH(16), struct.Struct("!iq").pack, struct.Struct("!ii").pack
_BOOLEAN = (b"\x00\x00\x00\x01\x00", b"\x00\x00\x00\x01\x01")


class Column(bytes):
    """A column as its bytes on the wire."""

    element: ClassVar[int]
    array: ClassVar[int]

    @classmethod
    def _of(cls, length: int, elements: Iterable[bytes]) -> Self:
        if not length:
            return cls(_EMPTY(0, 0, cls.element))
        return cls(b"".join((_HEADER(1, 0, cls.element, length, 1), *elements)))


class Uuids(Column):
    """A `uuid[]`."""

    element, array = 2950, 2951

    @classmethod
    def of(cls, values: Sequence[UUID]) -> Self:
        """Pack UUIDs."""
        return cls._of(len(values), [_UUID + value.bytes for value in values])


class Texts(Column):
    """A `text[]`, in UTF-8 as every connection has it."""

    element, array = 25, 1009

    @classmethod
    def of(cls, values: Sequence[str]) -> Self:
        """Pack texts."""
        return cls._of(len(values), [_LENGTH(len(raw)) + raw for raw in map(str.encode, values)])


class Byteas(Column):
    """A `bytea[]`."""

    element, array = 17, 1001

    @classmethod
    def of(cls, values: Sequence[bytes]) -> Self:
        """Pack byte strings."""
        return cls._of(len(values), [_LENGTH(len(value)) + value for value in values])


class Bigints(Column):
    """A `bigint[]`."""

    element, array = 20, 1016

    @classmethod
    def of(cls, values: Sequence[int]) -> Self:
        """Pack integers of 64 bits."""
        return cls._of(len(values), [_BIGINT(8, value) for value in values])


class Integers(Column):
    """An `integer[]`."""

    element, array = 23, 1007

    @classmethod
    def of(cls, values: Sequence[int]) -> Self:
        """Pack integers of 32 bits."""
        return cls._of(len(values), [_INTEGER(4, value) for value in values])


class Booleans(Column):
    """A `boolean[]`."""

    element, array = 16, 1000

    @classmethod
    def of(cls, values: Sequence[bool]) -> Self:
        """Pack booleans."""
        return cls._of(len(values), [_BOOLEAN[value] for value in values])


class _ColumnDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: bytes) -> bytes:
        return obj


def register(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
    """Let a connection take columns as parameters."""
    for column in (Uuids, Texts, Byteas, Bigints, Integers, Booleans):
        dumper = type(f"{column.__name__}Dumper", (_ColumnDumper,), {"oid": column.array})
        connection.adapters.register_dumper(column, dumper)
