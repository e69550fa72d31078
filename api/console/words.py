"""Labels of fields, values and events: English words from names, translated by the catalogue.

principal_fen ─▶ "principal"    offer_accepted ─▶ "offer accepted"    lease.activated.v1 ─▶ "lease activated"
"""

from __future__ import annotations

import re

from api.language import Language, current, text, text_in, translated
from api.queries.engine.columns import Column
from api.queries.engine.read import Read
from domain.kernel.event import EVENT_TYPES

_SHARE = "_ppm"
_UNITS = ("_fen", _SHARE)
_NAMES = frozenset({"channel", "clause", "code", "plan", "product", "provider", "reference", "text", "title"})
"""Fields whose texts are names that somebody gave: they may look like a code and are none."""

_CODE = re.compile(r"[a-z][a-z0-9_]*")


def label(name: str, owner: str = "") -> str:
    """The label of a field; `owner` is the answer that it stands in."""
    contexts = (f"field of {owner}", *(("share",) if name.endswith(_SHARE) else ()), "field")
    for unit in _UNITS:
        name = name.removesuffix(unit)
    name = name.removesuffix("_zh")
    return capital(text_in(contexts, _words("amount" if name == "fen" else name)))


def value(name: str, owner: str = "") -> str:
    """A state, kind or code of a closed list in words; `owner` is the answer that it stands in."""
    return text_in((owner,) if owner else (), _words(name))


def code(given: str, owner: str = "", field: str = "") -> str:
    """A text as it is, or in words where it is an event type, or a code that has a translation."""
    if given in EVENT_TYPES:
        return event(given)
    known = (
        field not in _NAMES
        and current() is Language.ZH
        and _CODE.fullmatch(given)
        and translated(_words(given), (owner,))
    )
    return value(given, owner) if known else given


def event(event_type: str) -> str:
    """An event type in words, without its version."""
    noun = event_type.partition(".")[0]
    return capital(text("{thing} {happened}", thing=value(noun), happened=_happened(event_type)))


def happened(event_type: str) -> str:
    """An event type in words beside the thing that it happened to, without naming that again."""
    return capital(_happened(event_type))


def _happened(event_type: str) -> str:
    noun, past_tense, _ = event_type.split(".")
    return text_in((f"{_words(noun)} event",), _words(past_tense))


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
