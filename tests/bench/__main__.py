"""`python -m tests.bench [NAME …]`: run measurements, print a table, write `<data>/bench.json`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from tests.bench import (
    catching_up,
    checking,
    commands,
    growth,
    importing,
    leasing,
    orders,
    proofs,
    report,
    serving,
    uma,
)
from tests.bench.growth import NoRoom
from tests.bench.model import FULL, SHORT, Broken, Result, Sizes
from tests.bench.place import Busy, Place

_TERMINATED = 128 + signal.SIGTERM

MEASUREMENTS: dict[str, Callable[[Place], list[Result]]] = {
    "commands": commands.run,
    "umadb": uma.run,
    "import": importing.run,
    "projections": catching_up.run,
    "fsck": checking.run,
    "proofs": proofs.run,
    "leases": leasing.run,
    "http": serving.run,
    "orders": orders.run,
    "growth": growth.run,
}


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help=f"Of {', '.join(MEASUREMENTS)}; default: all.")
    ] = None,
    *,
    data: Annotated[Path, typer.Option(envvar="LEASELEDGER_DATA", help="Data directory; gets bench.json.")] = Path(
        "./var"
    ),
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds of each measurement.")] = None,
    scale: Annotated[float, typer.Option(min=0.0001, help="Factor for every count of stored things.")] = 1.0,
    stored: Annotated[int | None, typer.Option(min=1, help="Events of the large ledger of `growth`.")] = None,
    file: Annotated[Path | None, typer.Option(help="Event log (.xes, .xes.gz) instead of a generated one.")] = None,
    short: Annotated[bool, typer.Option("--short", help="Everything small, in less than a minute.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON instead of a table.")] = False,
) -> None:
    """Measure against the peers. Works in a throw-away directory below the data directory, never on its ledger."""
    # Whoever ends a run, with Ctrl-C or without, gets its servers stopped and its files removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    chosen = _chosen(names or [])
    sizes = _sizes(SHORT if short else FULL, rounds, scale, stored)
    progress = Console(stderr=True)
    results: list[Result] = []
    try:
        with Place(data, sizes, file) as place:
            for name in chosen:
                with progress.status(f"{name} …"):
                    results += MEASUREMENTS[name](place)
    except (Broken, Busy, NoRoom) as error:
        progress.print(f"[red]bench:[/] {error}")
        raise typer.Exit(1) from error
    finally:
        path = report.write(data, results)
    if json:
        sys.stdout.buffer.write(msgspec.json.encode(results) + b"\n")
        return
    out = Console()
    report.show(out, results)
    out.print(f"Written to {path}")


def _chosen(names: list[str]) -> list[str]:
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        raise typer.BadParameter(f"expected names out of {', '.join(MEASUREMENTS)}, got {', '.join(unknown)}")
    return [name for name in MEASUREMENTS if not names or name in names]


def _sizes(preset: Sizes, rounds: int | None, scale: float, stored: int | None) -> Sizes:
    sizes = preset.times(scale)
    if rounds is not None:
        sizes = msgspec.structs.replace(sizes, rounds=rounds)
    if stored is not None:
        sizes = msgspec.structs.replace(sizes, stored=stored)
    return sizes


if __name__ == "__main__":
    typer.run(bench)
