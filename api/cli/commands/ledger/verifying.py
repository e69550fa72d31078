"""`verify proof`, `consistency`, `tiles`, `hashes`: the stand-alone verifier's checks, in the reader's language.

files, key ─▶ chain.verify.judge ─▶ report, as five lines or with `--json` as one object ─▶ exit status 0, 1 or 2
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.failures import Unusable
from api.cli.frame import Session, command, group
from api.language import text

if TYPE_CHECKING:
    from collections.abc import Callable

checks = group(
    "Check a proof, a checkpoint or an export, offline.\n\n"
    "The same as running chain/verify.py, one file that needs nothing but Python."
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for check in (proof, consistency, tiles, hashes):
        command(checks, check.__name__)(check)
    app.add_typer(checks, name="verify")


Entry = Annotated[Path, typer.Argument(metavar="ENTRY", show_default=False)]
File = Annotated[Path, typer.Argument(metavar="FILE", show_default=False)]
Old = Annotated[Path, typer.Argument(metavar="OLD", show_default=False)]
New = Annotated[Path, typer.Argument(metavar="NEW", show_default=False)]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", show_default=False)]
Key = Annotated[str, typer.Option("--vkey", metavar="VKEY", help="The log's key, as you know it.", show_default=False)]
FolderKey = Annotated[
    str | None,
    typer.Option("--vkey", metavar="VKEY", help="The log's key, as you know it.", show_default=False),
]
Claimed = Annotated[bool, typer.Option("--claimed-key", help="Take FOLDER's own key: it can only agree with itself.")]
Origin = Annotated[
    str | None,
    typer.Option("--origin", metavar="LOG", help="The log, where it is not named like its key.", show_default=False),
]


def proof(session: Session, entry: Entry, file: File, vkey: Key, origin: Origin = None) -> None:
    """Check that an entry is in the log.

    FILE is a tlog-proof: it shows that the exact bytes of ENTRY are in the log.
    """
    from chain import verify

    _report(session, verify.proof, vkey, entry, file, origin=origin)


def consistency(session: Session, old: Old, new: New, file: File, vkey: Key, origin: Origin = None) -> None:
    """Check that the log only grew.

    The log of the checkpoint NEW begins with that of OLD; FILE has one Base64 hash a line.
    """
    from chain import verify

    _report(session, verify.consistency, vkey, old, new, file, origin=origin)


def tiles(
    session: Session, folder: Folder, vkey: FolderKey = None, claimed: Claimed = False, origin: Origin = None
) -> None:
    """Check an export, entries and all.

    Every tile is the hash of what is below it, down to the entries, and all lead to the signed root.
    """
    from chain import verify

    _report(session, verify.tiles, _known(vkey, claimed), folder, origin=origin)


def hashes(
    session: Session, folder: Folder, vkey: FolderKey = None, claimed: Claimed = False, origin: Origin = None
) -> None:
    """Check an export without its entries.

    Every tile is the hash of the tiles below it, and all lead to the signed root.
    """
    from chain import verify

    _report(session, verify.hashes, _known(vkey, claimed), folder, origin=origin)


def _known(vkey: str | None, claimed: bool) -> str | None:
    """The key to check with; `None` for the one that the folder claims, which must be asked for. Raises `Unusable`."""
    if claimed == (vkey is not None):
        raise Unusable(lambda: text("expected --vkey VKEY, or --claimed-key to check a folder against itself"))
    return vkey


def _report(session: Session, check: Callable[..., Any], vkey: str | None, *files: Path, origin: str | None) -> None:
    from api.cli.wording.verifying import Report
    from chain.verify import judge

    status, checked, key, expected, got = judge(check, vkey, *files, origin=origin)
    report = Report(status=status, checked=checked, key=key, key_given=vkey is not None, expected=expected, got=got)
    session.emit(report.data(), lambda out: out.print("\n".join(report.lines()), soft_wrap=True))
    raise typer.Exit(status)
