"""Running fsck and saying what it found: the ledger in one pass, then every read model against its events."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.cli.failures import Unusable
from api.cli.frame import Session
from api.cli.given_files import CHECKPOINT_MAX_BYTES, content
from api.cli.wording.findings import told
from api.cli.wording.words import count, number, seconds
from api.language import text

if TYPE_CHECKING:
    from rich.console import Console

    from adapters.postgres.fsck.findings import Finding
    from adapters.postgres.fsck.whole import Report
    from api.compose import Base
    from chain.checkpoint import Checkpoint
    from chain.note import VerifierKey

SHOWN_FINDINGS = 20
POSITION_MAX = 2**63 - 1


class Checked:
    """What was checked and found: seconds of the pass over the events, of the read models, and of everything."""

    def __init__(self, report: Report, read_models: dict[str, int], more: Sequence[Finding], ledger_s: float) -> None:
        self.report = report
        self.read_models = read_models
        # Where the ledger begins to differ comes first, then what is about no position; read models only follow.
        self.findings = [*sorted(report.findings, key=lambda one: one.position or POSITION_MAX), *more]
        self.ledger_s = self.seconds = ledger_s
        self.read_models_s = 0.0

    @property
    def ok(self) -> bool:
        """Nothing differs."""
        return not self.findings

    @property
    def events_per_s(self) -> int:
        """Events verified in a second of the pass over them."""
        return round(self.report.events / self.ledger_s) if self.report.events else 0

    def as_data(self) -> dict[str, Any]:
        """For `--json`."""
        import msgspec

        counts = msgspec.structs.asdict(self.report)
        found = [{**msgspec.structs.asdict(one), "sentence": one.sentence()} for one in self.findings]
        return {
            "ok": self.ok,
            "events": counts.pop("events"),
            "events_per_s": self.events_per_s,
            "seconds": round(self.seconds, 3),
            "ledger_s": round(self.ledger_s, 3),
            "read_models_s": round(self.read_models_s, 3),
            **counts,
            "read_models": self.read_models,
            "findings": found,
        }

    def sentence(self) -> str:
        """One line about what was checked, for a ledger in order."""
        report = self.report
        events, streams = count(report.events, "event"), count(report.streams, "stream")
        parts = [
            text("{events} of {streams}", events=events, streams=streams),
            count(report.checkpoints, "checkpoint"),
            count(report.personal_values, "personal value"),
            *(text("{rows} of {table}", rows=count(n, "row"), table=name) for name, n in self.read_models.items()),
        ]
        speed = {"seconds": seconds(self.seconds), "rate": number(self.events_per_s)}
        return text("{what}; {seconds}, {rate} events/s", what=text(", ").join(parts), **speed)


def check(session: Session, on: Base, since: Path | None) -> Checked:
    """Verify the whole ledger; `since` is a file with a checkpoint kept elsewhere.

    Raises `Unusable`, or `chain.errors.ChainError` for a checkpoint that none of this log's keys signed.
    """
    from adapters.postgres.connections import connect
    from adapters.postgres.fsck.whole import fsck
    from adapters.postgres.vault import Vault
    from adapters.system import random_bytes
    from chain.note import Ed25519Signer

    vkeys = [Ed25519Signer(on.settings.origin, seed).vkey for seed in on.keys.log_seeds()]
    kept = None if since is None else _opened(since, vkeys, on.settings.origin)
    signed, seed = on.signer.signed(), int.from_bytes(random_bytes(8), signed=True)
    with connect(on.url) as connection:
        began = time.monotonic()
        with session.progress(text("Verifying"), text("events")) as report:
            vault = Vault(on.keys, random_bytes)
            ledger = fsck(connection, vault, vkeys=vkeys, since=kept, signed=signed, seed=seed, progress=report)
        ledger_s = time.monotonic() - began
        rows, more = _read_models(session, connection)
        done = Checked(ledger, rows, [*_strangers(connection, on), *more], ledger_s)
        done.read_models_s = time.monotonic() - began - ledger_s
        done.seconds = time.monotonic() - began
    return done


def _strangers(connection: Any, on: Base) -> list[Finding]:
    """Key files that are not this ledger's.

    Where the ledger itself cannot be read, or does not hold what its log has signed, the pass over it says so.
    """
    import psycopg

    from adapters.keys import WrongKey
    from adapters.postgres.fsck.findings import Finding
    from adapters.postgres.identity import SIGNED_TREE, wrong

    try:
        found = [error for code, error in wrong(connection, on.keys) if code != SIGNED_TREE]
    except (psycopg.Error, ValueError, TypeError, RecursionError):
        if connection.closed:
            raise
        return []
    return [Finding(0, str(one.path), one.expected, one.got) for one in found if isinstance(one, WrongKey)]


def show(out: Console, done: Checked) -> None:
    """The report for people."""
    if done.ok:
        out.print(text("In order: {what}", what=done.sentence()), soft_wrap=True)
        return
    for finding in done.findings[:SHOWN_FINDINGS]:
        out.print(told(finding), soft_wrap=True)
    if len(done.findings) > SHOWN_FINDINGS:
        out.print(text("… and {more} more; --json has them", more=number(len(done.findings) - SHOWN_FINDINGS)))
    findings = count(len(done.findings), "finding")
    out.print(text("NOT in order, {findings}: {what}", findings=findings, what=done.sentence()), soft_wrap=True)


def _opened(since: Path, vkeys: Sequence[VerifierKey], origin: str) -> Checkpoint:
    from chain.checkpoint import open_checkpoint
    from chain.note import Ed25519Verifier

    if not since.exists():
        raise Unusable(lambda: text("--since {path}: expected a checkpoint file, got nothing there", path=since))
    return open_checkpoint(content(since, CHECKPOINT_MAX_BYTES), [Ed25519Verifier(vkey) for vkey in vkeys], origin)


def _read_models(session: Session, connection: Any) -> tuple[dict[str, int], list[Finding]]:
    """Rows that each live read model should have, and what differs; those that were never made say nothing.

    What cannot be read or compared is a finding: whoever changed it may have left anything there.
    """
    import psycopg

    from adapters.postgres.fsck.findings import Finding

    try:
        return _compared(session, connection)
    except (psycopg.Error, ValueError, TypeError, RecursionError) as error:
        if connection.closed:
            raise
        return {}, [Finding(0, "reading of the read models", "all of it", " ".join(str(error).split())[:300])]


def _compared(session: Session, connection: Any) -> tuple[dict[str, int], list[Finding]]:
    from adapters.postgres.fsck.findings import Finding
    from adapters.postgres.schema import SHARD
    from projections.engine import copies
    from projections.engine.comparing import Compared, compare_all
    from projections.registry import PROJECTIONS

    rows: dict[str, int] = {}
    found: list[Finding] = []
    if not copies.prepared(connection):
        return rows, found
    rows_of_catalog = copies.copies(connection, SHARD)
    made = {copy.name for copy in rows_of_catalog}
    found += _more_than_one(rows_of_catalog)
    chosen = [projection for projection in PROJECTIONS if projection.name in made]
    with session.progress(text("Comparing read models"), text("events")) as report:
        outcomes = compare_all(connection, chosen, shard=SHARD, progress=report)
    found += _without_row_security(
        connection, [one for one, got in zip(chosen, outcomes, strict=True) if isinstance(got, Compared)]
    )
    for projection, compared in zip(chosen, outcomes, strict=True):
        if not isinstance(compared, Compared):
            found.append(Finding(0, f"read model {projection.name}", "a live copy", str(compared)))
            continue
        rows[projection.name] = compared.rows
        if compared.first is not None:
            first = compared.first
            what = f"read.{first.table}, key {first.key} ({number(compared.differences)} rows differ)"
            found.append(Finding(first.position, what, *_sides(first)))
    return rows, found


def _without_row_security(connection: Any, live: Sequence[Any]) -> list[Finding]:
    """Read models whose rows a reader of another tenant could see."""
    from adapters.postgres.fsck.findings import Finding
    from projections.engine.tables import without_row_security

    expected, got = text("rows shown to their tenant only (policy of_tenant)"), text("another policy")
    return [Finding(0, f"read.{name}", expected, got) for name in without_row_security(connection, live)]


def _more_than_one(copies_of_models: Sequence[Any]) -> list[Finding]:
    """Catalogue rows of one table, and live copies of one read model, of which there is more than one."""
    from adapters.postgres.fsck.findings import Finding

    tables = Counter(f"catalogue rows of read.{copy.table}" for copy in copies_of_models)
    live = Counter(f"live copies of read model {copy.name}" for copy in copies_of_models if copy.status == "live")
    return [Finding(0, what, "1", str(times)) for what, times in (tables + live).items() if times > 1]


def _sides(first: Any) -> tuple[str, str]:
    names = first.fields()
    if not names:
        return tuple("no row" if side is None else "a row" for side in (first.expected, first.got))  # type: ignore[return-value]
    return tuple(  # type: ignore[return-value]
        text(", ").join(f"{name}={getattr(side, name)}" for name in names) for side in (first.expected, first.got)
    )
