"""Labels of fields, values and events: English words from names, translated by the catalogue.

principal_fen ─▶ "principal"    offer_accepted ─▶ "offer accepted"    lease.activated.v1 ─▶ "lease activated"

Where the words of a name do not read well in English, `ENGLISH` says what does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from api.language import Language, current, text, text_in, translated
from api.queries.engine.columns import Column
from api.queries.engine.names import Name, named
from api.queries.engine.read import Read
from domain.kernel.event import EVENT_TYPES

_SHARE = "_ppm"
_UNITS = ("_fen", _SHARE, "_ms", "_s", "_bytes")
_NAMES = frozenset({"channel", "code", "gloss", "plan", "product", "provider", "reference", "text", "title"})
"""Fields whose texts are names that somebody gave: they may look like a code and are none."""

ENGLISH: Mapping[str, str] = {
    "api key": "API key",
    "api keys": "API keys",
    "apr": "APR (annual cost)",
    "irr": "IRR (annual)",
    "id": "ID",
    "current": "not late",
    "d1 30": "1–30 days late",
    "d31 60": "31–60 days late",
    "d61 90": "61–90 days late",
    "d91 plus": "91 or more days late",
    "p50": "median",
    "p90": "90 % within",
    "p99": "99 % within",
    "max": "longest",
    "limit share": "limit ratio",
    "buyout credit share": "buy-out credit",
    "ref": "provider's reference",
    "of": "concerns",
    "data": "limits",
    "ours": "our books",
    "ours number": "movements in our books",
    "sum": "sum of balances",
}
"""English wording of fields and codes by the words of their names; of shares with `share` behind, of what has no unit
with `number` where that is another wording.
"""

_CODE = re.compile(r"[a-z][a-z0-9_]*")
_USER = re.compile(r"(?:person|machine)_([0-9a-f]{32})")
_ID_SHOWN = 8


def label(name: str, owner: str = "") -> str:
    """The label of a field; `owner` is the answer that it stands in."""
    what = "share" if name.endswith(_SHARE) else "" if name.endswith(_UNITS) else "number"
    contexts = (f"field of {owner}", *((what,) if what else ()), "field")
    for unit in _UNITS:
        name = name.removesuffix(unit)
    name = name.removesuffix("_zh")
    said = text_in(contexts, _words("amount" if name == "fen" else name))
    return capital(ENGLISH.get(f"{said} {what}", ENGLISH.get(said, said)) if current() is Language.EN else said)


def value(name: str, owner: str = "", field: str = "") -> str:
    """A state, kind or code of a closed list in words; `owner` is the answer that it stands in, in which `field`."""
    said = text_in(_contexts(owner, field), _words(name))
    return ENGLISH.get(said, said) if current() is Language.EN else said


def choice(code: str, owner: str, field: str) -> str:
    """A value that a filter offers: in words, behind the code where that is a number."""
    known = named(field, code)
    return value(code, owner, field) if known is None else numbered(code, known)


def code(given: str, owner: str = "", field: str = "") -> str:
    """A text as it is, or in words where it is an event type, has a name, or is a code of a closed list."""
    if given in EVENT_TYPES:
        return event(given)
    if (known := named(field, given)) is not None:
        return numbered(given, known)
    known_word = field not in _NAMES and _CODE.fullmatch(given) and translated(_words(given), _contexts(owner, field))
    return value(given, owner, field) if known_word else given


def numbered(code: str, name: Name) -> str:
    """A name in the reader's language, behind its code where that is a number that people know it by."""
    said = name.zh if current() is Language.ZH else name.en
    return f"{code} {said}" if code.isdigit() else said


def step(name: str, field: str) -> str:
    """The key of a mapping in words."""
    return capital(code(name, field=field) if named(field, name) else value(name, field=field))


def actor(role: str, given: str) -> str:
    """Who acted: the role, and the account or the part of the program."""
    kind, _, rest = given.partition(":")
    what = value(rest.partition(":")[0], kind)
    if kind == "timer":
        by = text("timer: {what}", what=what)
    elif kind == "process":
        by = text("process: {what}", what=what)
    else:
        by = code(given) if (user := user_of(given)) is None else short_id(user)
    return f"{value(role)} · {by}"


def user_of(actor_id: str) -> str | None:
    """The id of the user that somebody acted as, where it is a user: `person_…`, `machine_…`."""
    found = _USER.fullmatch(actor_id)
    return None if found is None else f"user_{found[1]}"


def short_id(identifier: str) -> str:
    """The noun of an id and its last digits."""
    noun, _, digits = identifier.rpartition("_")
    return f"{value(noun)} …{digits[-_ID_SHOWN:]}"


def event(event_type: str, instead: str = "") -> str:
    """An event type in words, without its version; `instead` says what happened by this event."""
    noun = event_type.partition(".")[0]
    said = text(instead) if instead else _happened(event_type)
    return capital(text("{thing} {happened}", thing=value(noun), happened=said))


def happened(event_type: str, instead: str = "") -> str:
    """An event type in words beside the thing that it happened to, without naming that again."""
    return capital(text(instead) if instead else _happened(event_type))


def _happened(event_type: str) -> str:
    noun, past_tense, _ = event_type.split(".")
    return text_in((f"{_words(noun)} event",), _words(past_tense))


def title(read: Read) -> str:
    """The title of a page: the last words of its path."""
    parts = [one for one in read.path.strip("/").split("/") if not one.startswith("{")]
    said = text(_words(" ".join(parts if not read.nouns else parts[-1:]).replace("-", " ")))
    return capital(ENGLISH.get(said, said) if current() is Language.EN else said)


def meaning(column: Column) -> str:
    """What a column means, in the reader's language where it is translated."""
    return text(column.description)


def capital(words: str) -> str:
    """Words that begin a line."""
    return words[:1].upper() + words[1:]


def _contexts(owner: str, field: str) -> tuple[str, ...]:
    """Where a word of a closed list is looked for: in the answer, else in any field of this name."""
    return tuple(one for one in (owner, f"value of {field}" if field else "") if one)


def _words(name: str) -> str:
    return name.removesuffix("_").replace("_", " ").replace(".", " ").strip()
