"""The table that people read and the file that programs read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from tests.bench.model import Result

FILE = "bench.json"


def write(data: Path, results: Sequence[Result]) -> Path:
    """Put the rows into `<data>/bench.json`; rows of other measurements that are there already stay."""
    path = data / FILE
    rows = {row.name: row for row in _read(path)}
    rows.update((row.name, row) for row in results)
    text = msgspec.json.format(msgspec.json.encode(list(rows.values())), indent=2)
    path.write_bytes(text + b"\n")
    return path


def _read(path: Path) -> list[Result]:
    """The rows of an earlier run; none when there are none, or another version of this program wrote them."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Result])
    except (FileNotFoundError, msgspec.MsgspecError):
        return []


def show(console: Console, results: Sequence[Result]) -> None:
    """Print one row for each result, then what was measured, against what, and how far the rounds lie apart."""
    table = Table(title="Measured by turns, medians of all rounds", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("what", "ours", "peer", "ratio", "bar", ""):
        table.add_column(heading, justify="left" if heading in {"what", ""} else "right", no_wrap=True)
    for row in results:
        table.add_row(*_cells(row))
    console.print(table)
    for row in results:
        console.print(f"[bold]{row.name}[/] ({row.rounds} rounds, {row.measured})", highlight=False)
        for line in filter(None, (row.against and f"against {row.against}", _spread(row), row.note)):
            console.print(Padding(line, (0, 0, 0, 2)), highlight=False)


def _cells(row: Result) -> tuple[str, ...]:
    verdict = "[green]reached[/]" if row.met else "[red]missed[/]"
    if row.peer is None or row.ratio is None:
        return (row.name, f"{row.ours:,.0f}", "–", "–", f"≥ {row.bar:,.0f}", verdict)
    return (row.name, f"{row.ours:,.0f}", f"{row.peer:,.0f}", f"{row.ratio:.2f}", f"≥ {row.bar:g}", verdict)


def _spread(row: Result) -> str:
    ours = f"ours {row.ours_min:,.0f} … {row.ours_max:,.0f}"
    if row.peer_min is None or row.peer_max is None:
        return f"{ours} {row.unit}"
    return f"{ours}, peer {row.peer_min:,.0f} … {row.peer_max:,.0f} {row.unit}"
