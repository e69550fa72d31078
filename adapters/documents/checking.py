"""Checking a signed file in a process of its own, which may take so much time and memory and no more.

    file ─▶ forkserver ─▶ child: limits of the system, nothing said ─▶ `received` ─▶ the signature, or the flaw

A few kilobytes can make a reader of PDF work for minutes and hold gigabytes. Whatever such a file does, it does to a
child that the system ends; the caller is told that it was too costly, and which limit it met. The parent of all
children has read the libraries once, so that a child costs milliseconds.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import signal
from collections.abc import Collection, Sequence
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Any
from uuid import UUID

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct

from adapters.documents.port import Flaw, SignatureInvalid
from adapters.documents.verify import received
from domain.contracts.contract.values import Signature

ALL = "(file)"


class Costs(Struct, frozen=True, kw_only=True):
    """What one file may cost. A contract of eighty clauses with a dozen signatures takes half a second and 200 MB."""

    cpu_s: int = 8
    memory_bytes: int = 1 << 30
    wall_s: float = 40.0


class _Found(Struct, frozen=True):
    """What a child says: a signature, a flaw, or the kind of a fault that nobody foresaw."""

    signature: Signature | None = None
    flaw: Flaw | None = None
    field: str = ""
    expected: str = ""
    got: str = ""
    fault: str = ""


class CheckFailed(RuntimeError):
    """A child ended without a word, or by a fault of ours; says how."""


def checked_apart(
    pdf: bytes,
    roots: Sequence[x509.Certificate],
    known: Collection[str],
    *,
    at: datetime,
    crls: Sequence[bytes] = (),
    waiting: Collection[UUID] = (),
    costs: Costs = Costs(),  # noqa: B008 - a frozen value
) -> Signature:
    """What `received` says of the last signature, or raises; `too_costly` where a limit was met.

    Blocks; runs on any thread. Raises `CheckFailed` for a fault of ours.
    """
    ours, theirs = multiprocessing.Pipe(duplex=False)
    trusted = tuple(root.public_bytes(Encoding.DER) for root in roots)
    given = (theirs, costs, pdf, trusted, frozenset(known), at, tuple(crls), tuple(waiting))
    child = _context().Process(target=_work, args=given, daemon=True)
    with ours:
        child.start()
        theirs.close()
        try:
            return _answer(_heard(ours, costs.wall_s), costs)
        except EOFError:
            child.join()
            raise _ended(child.exitcode or 0, costs) from None
        finally:
            child.kill()
            child.join()
            child.close()


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _heard(line: Connection, wall_s: float) -> _Found:
    if not line.poll(wall_s):
        return _Found(flaw=Flaw.TOO_COSTLY, expected=f"{wall_s:g} seconds")
    return msgspec.msgpack.decode(line.recv_bytes(), type=_Found)


def _answer(found: _Found, costs: Costs) -> Signature:
    if found.signature is not None:
        return found.signature
    if found.flaw is None:
        raise CheckFailed(f"a check of signatures failed with {found.fault}")
    raise SignatureInvalid(found.flaw, found.field or ALL, found.expected or _memory(costs), found.got or "another")


def _ended(status: int, costs: Costs) -> Exception:
    """What an end without a word means: the system ends a child at its limit of processor time."""
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return SignatureInvalid(Flaw.TOO_COSTLY, ALL, f"{costs.cpu_s} seconds of processor time", "more")
    return CheckFailed(f"a check of signatures ended with status {status}")


def _memory(costs: Costs) -> str:
    return f"{costs.memory_bytes >> 20} MiB of memory"


# ----------------------------------------------------------------------------------------------------- the child


def _work(line: Connection, costs: Costs, *given: Any) -> None:
    _be_quiet()
    resource.setrlimit(resource.RLIMIT_CPU, (costs.cpu_s, costs.cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_AS, (costs.memory_bytes, costs.memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    line.send_bytes(msgspec.msgpack.encode(_found(*given)))


def _found(
    pdf: bytes,
    roots: tuple[bytes, ...],
    known: frozenset[str],
    at: datetime,
    crls: tuple[bytes, ...],
    waiting: tuple[UUID, ...],
) -> _Found:
    try:
        trusted = [x509.load_der_x509_certificate(root) for root in roots]
        return _Found(received(pdf, trusted, known, at=at, crls=crls, waiting=waiting)[0])
    except SignatureInvalid as error:
        # But for a number, what was found instead is the file's own text, and stays in the child.
        got = error.got if error.flaw is Flaw.FORBIDS_MORE else ""
        return _Found(flaw=error.flaw, field=error.field, expected=error.expected, got=got)
    except MemoryError:
        return _Found(flaw=Flaw.TOO_COSTLY)
    except Exception as error:  # noqa: BLE001 - said by its kind to the parent, who answers for it
        return _Found(fault=type(error).__name__)


def _be_quiet() -> None:
    """Nothing that a file makes a library say is written anywhere."""
    logging.disable(logging.CRITICAL)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
