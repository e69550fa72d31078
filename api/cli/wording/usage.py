"""Usage, help and usage errors in the reader's language: commands and groups with a formatter for Chinese."""

from __future__ import annotations

import gettext
import io
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import typer
from typer._click.formatting import HelpFormatter
from typer.core import TyperCommand, TyperGroup

from api.cli.wording.retelling import retold
from api.cli.wording.words import padded, width, wrapped
from api.language import Language, current, text, text_in

SPACING = 2
FIRST_COLUMN_MAX = 30


def show_usage_error(error: Any) -> None:
    """Print what the library has to say of a command line that cannot be used."""
    said = io.StringIO()
    error.show(said)
    sys.stderr.write("\n".join(map(retold, said.getvalue().split("\n"))))


def translate_library() -> None:
    """Let the library take its own words from our catalogue."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "typer" and getattr(module, "_", None) is gettext.gettext:
            vars(module)["_"] = partial(text_in, ("usage",))


class Formatter(HelpFormatter):
    """Help whose lines are as wide as they look: Chinese characters take two columns."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line."""
        super().write_usage(prog, args, prefix or text("Usage: {command}", command=""))

    def write_heading(self, heading: str) -> None:
        """Write the heading of a section."""
        self.write(f"{'':>{self.current_indent}}{heading}：\n")

    def write_text(self, text: str) -> None:
        """Write paragraphs, each broken into lines."""
        indent = " " * self.current_indent
        blocks = [wrapped(" ".join(block.split()), self.width - self.current_indent) for block in text.split("\n\n")]
        self.write("\n\n".join("\n".join(indent + line for line in block) for block in blocks) + "\n")

    def write_dl(
        self, rows: Sequence[tuple[str, str]], col_max: int = FIRST_COLUMN_MAX, col_spacing: int = SPACING
    ) -> None:
        """Write names beside what they mean."""
        first = min(max(width(name) for name, _ in rows), col_max) + col_spacing
        indent = " " * self.current_indent
        for name, meaning in rows:
            lines = wrapped(meaning, max(self.width - first - SPACING, 10))
            beside = name if width(name) <= first - col_spacing else ""
            self.write("" if beside else f"{indent}{name}\n")
            for at, line in enumerate(lines):
                self.write(f"{indent}{padded('' if at else beside, first)}{line}\n")


class Context(typer.Context):
    """The context of a command, whose help is in the reader's language."""

    def make_formatter(self) -> HelpFormatter:
        """The formatter of help."""
        if current() is Language.EN:
            return super().make_formatter()
        return Formatter(width=self.terminal_width, max_width=self.max_content_width)


class Command(TyperCommand):
    """A command whose help is in the reader's language."""

    context_class = Context

    def get_help_option(self, ctx: Any) -> Any:
        """The option `--help`."""
        return _explained(super().get_help_option(ctx))


class Group(TyperGroup):
    """A group of commands whose help is in the reader's language."""

    context_class = Context

    def get_help_option(self, ctx: Any) -> Any:
        """The option `--help`."""
        return _explained(super().get_help_option(ctx))


def _explained(option: Any) -> Any:
    if option is not None:
        option.help = text("Show this message and exit.")
    return option
