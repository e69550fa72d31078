"""The table that people read and the file that programs read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from bench.model import Result

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
    """Print one row for each result: medians, ratio, bar, and whether it was reached."""
    table = Table(
        title="Measured against peers, by turns, medians of all rounds", title_justify="left", show_lines=True
    )
    for heading in ("what", "ours", "peer", "ratio", "bar", "", "rounds"):
        table.add_column(heading, justify="left" if heading in {"what", ""} else "right")
    table.add_column("note", ratio=1)
    for row in results:
        table.add_row(
            row.name,
            _number(row.ours, row.unit),
            "–" if row.peer is None else _number(row.peer, row.unit),
            "–" if row.ratio is None else f"{row.ratio:.2f}×",
            f"≥ {row.bar:g}×" if row.ratio is not None else f"≥ {row.bar:,.0f}",
            "[green]reached[/]" if row.met else "[red]missed[/]",
            str(row.rounds),
            "\n".join(part for part in (row.against and f"against {row.against}", row.measured, row.note) if part),
        )
    console.print(table)


def _number(value: float, unit: str) -> str:
    return f"{value:,.0f}\n{unit}"
