"""The reader's language: texts stand in the code in English, in Chinese in `locale/zh_CN.po`.

    LC_ALL, LC_MESSAGES, LANG, --lang ─▶ Language ─▶ text("…") in that language

One English word may stand for several things (the `credit` of a lease and of a journal line): a translation can name
the context that it is for, which gettext calls `msgctxt`. A text without a translation stays English;
`tests/api/test_language.py` lists every text that a person can meet and has none.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache
from io import BytesIO
from pathlib import Path

OPTION = "--lang"
_LOCALE = Path(__file__).with_name("locale")
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Environment variables in the order in which they count (POSIX.1-2017, 8.2)."""


class Language(StrEnum):
    """A language that the program speaks, as its BCP 47 tag."""

    EN = "en"
    ZH = "zh-CN"


_CATALOGUES: Mapping[Language, str] = {Language.ZH: "zh_CN.po"}
_current: ContextVar[Language] = ContextVar("language", default=Language.EN)


def language_of(arguments: Sequence[str], environment: Mapping[str, str]) -> Language:
    """The language that a command line and its environment ask for: `--lang`, else the first variable that is set."""
    for at, argument in enumerate(arguments):
        if argument == OPTION and at + 1 < len(arguments):
            return tagged(arguments[at + 1])
        if argument.startswith(f"{OPTION}="):
            return tagged(argument.partition("=")[2])
    return tagged(next((environment[name] for name in _VARIABLES if environment.get(name)), ""))


def tagged(tag: str) -> Language:
    """The language of a tag or POSIX locale name (`zh`, `zh-Hans-CN`, `zh_CN.UTF-8`); English for any other."""
    return Language.ZH if tag.lower().replace("_", "-").partition("-")[0] == "zh" else Language.EN


def current() -> Language:
    """The language that texts are in now."""
    return _current.get()


def speak(language: Language) -> None:
    """Let texts be in a language from now on, in this context."""
    _current.set(language)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Let texts be in a language inside the block."""
    token = _current.set(language)
    try:
        yield
    finally:
        _current.reset(token)


def text(message: str, **facts: object) -> str:
    """A message in the current language; `{names}` in it are replaced by facts."""
    catalogue = _catalogue(_current.get())
    found = catalogue.gettext(message) if message else ""
    return found.format(**facts) if facts else found


def message(english: str) -> str:
    """A text that is said later, by `text`; so marked, it is known to need a translation."""
    return english


def text_in(contexts: Iterable[str], message: str) -> str:
    """A message in the current language as the first of the contexts has it, else as it is without any."""
    return _in(_current.get(), contexts, message)


def _in(language: Language, contexts: Iterable[str], message: str) -> str:
    catalogue = _catalogue(language)
    for context in contexts:
        if (found := catalogue.pgettext(context, message)) != message:
            return found
    return catalogue.gettext(message) if message else ""


def amount(fen: int) -> str:
    """`-12,345.67` of -1234567 in the smallest unit of a currency."""
    whole, cents = divmod(abs(fen), 100)
    return f"{'-' * (fen < 0)}{whole:,}.{cents:02d}"


def translated(message: str, contexts: Iterable[str] = (), language: Language = Language.ZH) -> bool:
    """Whether a language has a translation of a message."""
    return language is Language.EN or _in(language, contexts, message) != message


@cache
def _catalogue(language: Language) -> gettext.NullTranslations:
    if language not in _CATALOGUES:
        return gettext.NullTranslations()
    # Imported here: English-speaking commands start without it.
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    compiled = BytesIO()
    with (_LOCALE / _CATALOGUES[language]).open("rb") as file:
        write_mo(compiled, read_po(file, locale="zh_CN"))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
