"""The command line `leaseledger`: data on stdout, words on stderr, exit status 0, 1 (refused) or 2 (unusable)."""

from __future__ import annotations

import io
import os
import signal
import sys

from api.language import language_of, speak, text


class Terminated(KeyboardInterrupt):
    """SIGTERM, raised where the program stands, so that what was started is stopped on the way out."""


def _terminate(_number: int, _frame: object) -> None:
    if signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, None):
        raise Terminated
    # An event loop has its own way of taking an interrupt, which lets its tasks finish what they hold.
    signal.raise_signal(signal.SIGINT)


def _hang_up(_number: int, _frame: object) -> None:
    """The terminal was closed: end as by SIGTERM, in whichever way that is taken now."""
    signal.raise_signal(signal.SIGTERM)


def _prepare_streams() -> None:
    """Let every character be written in some way, and a closed stream be one that takes nothing.

    Where no stream is, the next file that is opened, a socket of the database, would be taken for it.
    """
    for number, name, mode in ((1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            closed = os.open(os.devnull, mode)
            if closed != number:
                os.dup2(closed, number)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def main() -> None:
    """Run the command line given to this process; the console script."""
    _prepare_streams()
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # not under nohup
        signal.signal(signal.SIGHUP, _hang_up)
    # First of all: the words of commands and options are made when their modules are imported.
    speak(language_of(sys.argv[1:], os.environ))
    try:
        # Imported here, so that an interrupt during the imports is answered like any other.
        from typer.exceptions import TyperException

        from api.cli.failures import sentence, status_of
        from api.cli.frame import unwritten
        from api.cli.program import app
        from api.cli.wording.usage import show_usage_error

        try:
            status = app(standalone_mode=False)
            sys.stdout.flush()
            sys.exit(status)
        except OSError as error:
            # What the library itself writes, help and version, goes nowhere.
            told = unwritten(error)
            sys.stderr.write(f"leaseledger: {sentence(told)}\n")
            sys.exit(0 if isinstance(error, BrokenPipeError) else status_of(told))
        except TyperException as error:
            show_usage_error(error)
            sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write(text("Interrupted.") + "\n")
        sys.exit(130)
