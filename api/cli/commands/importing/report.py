"""What every import says in the end: lines beside a label, and the ledger that it left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from api.cli.commands.ledger.evidence import claims
from api.cli.wording.words import number, padded, seconds
from api.language import text

if TYPE_CHECKING:
    from rich.console import Console

    from adapters.postgres.log import Published

LABEL_CHARACTERS = 13


def nothing_new(taken: float) -> str:
    """What is said of an import that changed nothing."""
    return text("nothing appended: everything in it had been imported before ({seconds})", seconds=seconds(taken))


def show_lines(out: Console, label: str, lines: Iterable[str]) -> None:
    """Lines beside the label of the first of them."""
    for at, line in enumerate(lines):
        out.print(f"{padded('' if at else label, LABEL_CHARACTERS)}{line}")


def show_tree(out: Console, published: Published) -> None:
    """Size and root."""
    told = {"size": number(published.size), "root": claims(published).root.hex()}
    show_lines(out, text("Ledger"), [text("{size} events, root {root}", **told)])
