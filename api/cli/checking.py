"""Running fsck and saying what it found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.cli.failures import Unusable
from api.cli.frame import Session
from api.cli.words import number, seconds

if TYPE_CHECKING:
    from rich.console import Console

    from adapters.postgres.fsck import FsckReport
    from api.compose import Base


def check(session: Session, on: Base, since: Path | None) -> FsckReport:
    """Verify the whole ledger with a progress bar; `since` is a file with a checkpoint kept elsewhere."""
    from adapters.postgres.fsck import fsck

    kept = None
    if since is not None:
        if not since.is_file():
            raise Unusable(f"--since {since}: expected a checkpoint file, got nothing there")
        kept = since.read_bytes()
    with session.progress("Verifying", "events") as report:
        return fsck(on.url, on.keys, origin=on.settings.origin, since=kept, progress=report)


def report_data(report: FsckReport) -> dict[str, Any]:
    """The report for `--json`."""
    import msgspec

    data: dict[str, Any] = msgspec.to_builtins(report)
    data["findings"] = [
        {**one, "sentence": f"position {one['position']}: {one['what']}: expected {one['expected']}, got {one['got']}"}
        for one in data["findings"]
    ]
    return {"ok": report.ok, **data}


def show(out: Console, report: FsckReport) -> None:
    """The report for people."""
    rate = f"{seconds(report.seconds)}, {number(round(report.events_per_s))} events/s"
    if report.ok:
        out.print(f"{number(report.events)} events: every hash, the tree, the head, read models and vault agree ({rate})")
        return
    for finding in report_data(report)["findings"]:
        out.print(finding["sentence"], soft_wrap=True)
    out.print(f"NOT in order: {number(len(report.findings))} findings in {number(report.events)} events ({rate})")
