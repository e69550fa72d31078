"""`bench`: hands over to the measurements in bench/, which are part of a checkout and not of the package."""

from __future__ import annotations

import importlib.util
import os
import sys

import typer

from api.cli.failures import Unusable
from api.cli.frame import Session, Shared, fail


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    passed_on = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    app.command("bench", context_settings=passed_on, add_help_option=False)(bench)


def bench(context: typer.Context) -> None:
    """Measure against the peers; writes DATA/bench.json."""
    before = context.find_root().obj or Shared()
    session = Session(before.data, before.json)
    try:
        found = importlib.util.find_spec("bench.__main__")
    except ModuleNotFoundError:
        found = None
    if found is None:
        fail(session, Unusable("bench: expected a checkout with the folder bench/, got an installed package alone"))
    data = session.settings.data
    shared = ["--json"] if session.json else []
    sys.stdout.flush()
    environment = {**os.environ, "LEASELEDGER_DATA": str(data)}
    os.execve(sys.executable, [sys.executable, "-m", "bench", *shared, *context.args], environment)  # noqa: S606
