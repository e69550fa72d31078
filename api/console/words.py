"""Labels of fields, values and events: English words from names, translated by the catalogue.

principal_fen ─▶ "principal"    offer_accepted ─▶ "offer accepted"    lease.activated.v1 ─▶ "lease activated"
"""

from __future__ import annotations

from api.language import text
from api.queries.engine.columns import Column
from api.queries.engine.read import Read

_UNITS = ("_fen", "_ppm")


def label(name: str) -> str:
    """The label of a field."""
    for unit in _UNITS:
        name = name.removesuffix(unit)
    name = name.removesuffix("_zh")
    return capital(text(_words("amount" if name == "fen" else name)))


def value(name: str) -> str:
    """A state, kind or code of a closed list in words."""
    return text(_words(name))


def event(event_type: str) -> str:
    """An event type in words, without its version."""
    aggregate, past_tense, _ = event_type.split(".")
    return capital(text("{thing} {happened}", thing=text(_words(aggregate)), happened=text(_words(past_tense))))


def happened(event_type: str) -> str:
    """An event type in words beside the thing that it happened to, without naming that again."""
    return capital(text(_words(event_type.split(".")[1])))


def title(read: Read) -> str:
    """The title of a page: the last words of its path."""
    parts = [one for one in read.path.strip("/").split("/") if not one.startswith("{")]
    return capital(text(" ".join(parts if not read.nouns else parts[-1:]).replace("-", " ")))


def meaning(column: Column) -> str:
    """What a column means, in the reader's language where it is translated."""
    return text(column.description)


def capital(words: str) -> str:
    """Words that begin a line."""
    return words[:1].upper() + words[1:]


def _words(name: str) -> str:
    return name.removesuffix("_").replace("_", " ").replace(".", " ").strip()
