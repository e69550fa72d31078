"""The frame around every command: the options all share, the session it works in, errors as sentences.

    leaseledger [--data DIR] [--json] COMMAND … [--data DIR] [--json]

`@command` adds the shared options to a function's own and hands it a `Session` first. What the function raises ends
as one sentence on stderr (and one object on stdout with `--json`) and an exit status.
"""

from __future__ import annotations

import errno
import inspect
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from api.cli.failures import Unusable, as_data, sentence, status_of
from api.cli.wording.retelling import retold
from api.cli.wording.usage import Command, Group
from api.language import OPTION, Language, current, speaking, tagged, text

if TYPE_CHECKING:
    from rich.console import Console

    from api.compose import Base
    from api.settings import Settings

PIPE_WIDTH = 110
"""Columns of tables that do not go to a terminal."""

INTERRUPTED = 130
DEBUG = "LEASELEDGER_DEBUG"
"""Set it to see the trace of an error beside its sentence."""

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Data directory (LEASELEDGER_DATA; default ./var).", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Data as JSON on stdout.", show_default=False)]
Lang = Annotated[
    str | None,
    typer.Option(OPTION, metavar="TAG", help="Language, en or zh (LC_ALL, LANG).", show_default=False),
]

Report = Callable[[int, int], None]
"""Called with (done, to do) while something long goes on; 0 to do means that nobody knows."""


@dataclass
class Shared:
    """What was given before the command's name."""

    data: Path | None = None
    json: bool = False


class Session:
    """One run of one command: its settings, and the two streams it speaks through."""

    def __init__(self, data: Path | None, as_json: bool) -> None:
        self._data = data
        self.json = as_json
        self.data_given = data is not None

    @cached_property
    def settings(self) -> Settings:
        """Settings from the command line and the environment; raises `pydantic.ValidationError`."""
        from api.settings import Settings

        # Built from what is given, so that the environment speaks for everything else.
        return Settings.model_validate({} if self._data is None else {"data": self._data})

    @cached_property
    def out(self) -> Console:
        """Where data goes."""
        return _console(sys.stdout)

    @cached_property
    def err(self) -> Console:
        """Where words go."""
        return _console(sys.stderr)

    def say(self, text: str) -> None:
        """Words for the person at the terminal."""
        self.err.print(text, markup=False, highlight=False, soft_wrap=True)

    def emit(self, data: object, show: Callable[[Console], None]) -> None:
        """The command's result: `data` as one JSON object with `--json`, else what `show` prints."""
        if self.json:
            self.write(as_json(data))
        else:
            show(self.out)

    def write(self, data: bytes) -> None:
        """Exact bytes on stdout."""
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    @contextmanager
    def base(self, *, judged: bool = True) -> Iterator[Base]:
        """The database with its schema and the keys, started or joined; a note on the terminal while it starts.

        Not `judged`: keys of the log that are not this ledger's are for the command to say.
        """
        import structlog

        from api.compose import base

        # What our parts log is words.
        structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
        with ExitStack() as stack:
            with self.waiting(text("Opening the ledger …")):
                on = stack.enter_context(base(self.settings, judged=judged))
            yield on

    @contextmanager
    def progress(self, what: str, unit: str) -> Iterator[Report]:
        """A bar on the terminal for something with countable steps; silent where nobody watches."""
        if not self.err.is_terminal:
            yield lambda *_: None
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        counted = TextColumn("{task.completed:,.0f}{task.fields[of]} " + unit)
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=36), counted, TimeElapsedColumn())
        with Progress(*columns, console=self.err, transient=True) as bar:
            task = bar.add_task(what, total=None, of="")

            def report(done: int, total: int) -> None:
                of = text(" of {total}", total=f"{total:,}") if total else ""
                bar.update(task, completed=done, total=total or None, of=of)

            yield report

    def waiting(self, text: str) -> AbstractContextManager[Any]:
        """A note on the terminal while something goes on; silent where nobody watches."""
        return self.err.status(text) if self.err.is_terminal else ExitStack()


def program_name() -> str:
    """What a person types to start this program from here: `leaseledger`, or its path where it is not on PATH."""
    here = Path(sys.argv[0])
    if shutil.which(here.name) is not None or not here.exists():
        return here.name
    try:
        return str(here.relative_to(Path.cwd()))
    except ValueError:
        return str(here)


def as_json(data: object) -> bytes:
    """Any result as readable JSON with a newline."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n"


def command(app: typer.Typer, name: str, **given: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a command of `app`; its first parameter is the `Session`."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        keyword = inspect.Parameter.KEYWORD_ONLY
        shared = [
            inspect.Parameter("data", keyword, default=None, annotation=Data),
            inspect.Parameter("json", keyword, default=False, annotation=Json),
            inspect.Parameter("lang", keyword, default=None, annotation=Lang),
        ]
        context = inspect.Parameter("context", keyword, annotation=typer.Context)

        @wraps(function)
        def run(*, context: typer.Context, data: Path | None, json: bool, lang: str | None, **values: Any) -> None:
            before = context.find_root().obj or Shared()
            session = Session(data or before.data, json or before.json)
            spoken = current() if lang is None else tagged(lang)
            # Data is the same in every language, sentences in it too.
            with speaking(spoken), _failing(session), speaking(Language.EN if session.json else spoken):
                function(session, **values)

        parameters = [context, *(_worded(one.replace(kind=keyword)) for one in (*own, *shared))]
        run.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": None}
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        app.command(name, **{**help_of(function), **given})(run)
        return function

    return register


def help_of(function: Callable[..., None]) -> dict[str, Any]:
    """What a command's registration says of its help: the docstring in the reader's language."""
    explained = text(inspect.cleandoc(function.__doc__ or ""))
    # The library finds the first sentence of an English text by itself.
    short = {} if current() is Language.EN else {"short_help": explained.partition("。")[0] + "。"}
    return {"help": explained, "cls": Command, **short}


def worded(function: Callable[..., None]) -> Callable[..., None]:
    """Let the help of a function's parameters be in the reader's language."""
    parameters = [_worded(one) for one in inspect.signature(function, eval_str=True).parameters.values()]
    function.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": None}
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return function


def _worded(parameter: inspect.Parameter) -> inspect.Parameter:
    """A parameter whose help is in the reader's language."""
    kind, *more = get_args(parameter.annotation) or (parameter.annotation,)
    words = list(map(copy, more))
    for one in words:
        if getattr(one, "help", None):
            one.help = text(one.help)
    return parameter.replace(annotation=Annotated[(kind, *words)]) if more else parameter


def group(help_text: str) -> typer.Typer:
    """A typer application in our way: plain help, no completion commands, no traces of its own."""
    return typer.Typer(
        help=text(help_text),
        cls=Group,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


@contextmanager
def _failing(session: Session) -> Iterator[None]:
    """Turn what is raised inside into a sentence and an exit status."""
    try:
        yield
        sys.stdout.flush()
    except typer.Exit:
        raise
    except BrokenPipeError:
        # The reader has seen enough.
        give_up(sys.stdout)
        raise typer.Exit(0) from None
    except KeyboardInterrupt:
        session.say(text("Interrupted. What was acknowledged stays; the same command goes on from there."))
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001 - a person gets a sentence, whatever it was
        fail(session, unwritten(error) if isinstance(error, OSError) else error)


def unwritten(error: OSError) -> Exception:
    """The error of a stream of data that takes nothing any more; any other as it is."""
    try:
        sys.stdout.flush()
    except OSError as again:
        give_up(sys.stdout)
        why = again.strerror or str(again)
        return Unusable(lambda: text("standard output takes nothing: {why}", why=retold(why)))
    return error


def give_up(stream: Any) -> None:
    """Let a stream lose what is written to it, lest the interpreter stumble over it again while it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def fail(session: Session, error: Exception) -> None:
    """Say what is wrong and end the command with its status."""
    if os.environ.get(DEBUG):
        session.say("".join(traceback.format_exception(error)))
    if session.json:
        with speaking(Language.EN):
            session.write(as_json({"ok": False, "error": as_data(error)}))
    session.say(f"leaseledger: {sentence(error)}")
    raise typer.Exit(status_of(error)) from None


def _console(file: Any) -> Console:
    from rich.console import Console

    class Ours(Console):
        """One that does not end the program when nobody reads its output: that is for whoever writes."""

        def on_broken_pipe(self) -> None:
            give_up(self.file)
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    width = None if file.isatty() else PIPE_WIDTH
    return Ours(file=file, width=width, highlight=False, markup=False, emoji=False)
