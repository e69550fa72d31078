"""Parts of the OpenAPI document that operations and schemas share, under names that generators make classes of.

    parameter of two operations ─▶ components/parameters, once    values of a text ─▶ components/schemas, an enumeration
    answer of two operations    ─▶ components/responses, once     one value only   ─▶ `const`, which tells unions apart

A document that says everything where it is used is twice as long, and a client made of it has a class for each use.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

Part = dict[str, Any]

_PARAMETERS, _RESPONSES, _SCHEMAS = (f"#/components/{kind}/" for kind in ("parameters", "responses", "schemas"))
_JSON_SCHEMA = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
"""Bounds that the framework leaves in its own words where it checks them itself."""

_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_METHODS = frozenset({"get", "post"})


def shared(document: Part) -> Part:
    """The same document, every part that is used twice said once."""
    found: Part = _plain(document)
    schemas = found["components"]["schemas"]
    for name in sorted(schemas):
        _without_titles(schemas[name])
    _name_enumerations(schemas)
    named = Counter(_values(one) for one in schemas.values() if "enum" in one)
    known = {_values(one): name for name, one in schemas.items() if "enum" in one and named[_values(one)] == 1}
    _share_parameters(found, known)
    _share_answers(found)
    found["components"]["schemas"] = dict(sorted(schemas.items()))
    return found


def _operations(document: Part) -> Iterator[Part]:
    return (one for methods in document["paths"].values() for name, one in methods.items() if name in _METHODS)


def _plain(part: Any) -> Any:
    """The same in the words of JSON Schema alone, the text of descriptions without the margin that code has."""
    if isinstance(part, list):
        return [_plain(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {name: _word(name, _plain(one)) for name, one in _renamed(part).items()}


def _renamed(part: Part) -> Part:
    named = {_JSON_SCHEMA.get(name, name) if not isinstance(one, dict) else name: one for name, one in part.items()}
    if "discriminator" in named and "anyOf" in named:
        named["oneOf"] = named.pop("anyOf")
    values = named.get("enum")
    if isinstance(values, list) and len(values) == 1:
        del named["enum"]
        named |= {"type": "string", "const": values[0]}
    elif isinstance(values, list) and all(isinstance(one, str) for one in values):
        named.setdefault("type", "string")
    if named.get("type") == "object" and "properties" not in named:
        # Members that nobody listed are members all the same; some generators take silence for "none".
        named.setdefault("additionalProperties", True)
    return named


def _word(name: str, one: Any) -> Any:
    if name in _BOUNDS and isinstance(one, float) and one.is_integer():
        return int(one)
    if name == "description" and isinstance(one, str):
        return cleandoc(one)
    if name == "pattern" and isinstance(one, str):
        # `$` is the end of the text in JSON Schema; the guard is for one language's engine and unknown to others.
        return one.replace(r"$(?!\n)", "$")
    return one


def _without_titles(schema: Part) -> None:
    """Drop titles of members: they are the members' names once more, and generators make names of classes of them."""
    for one in schema.get("properties", {}).values():
        if isinstance(one.get("title"), str):
            del one["title"]


# ------------------------------------------------------------------------------------------------- enumerations


def _values(schema: Part) -> tuple[str, ...]:
    return tuple(map(str, schema["enum"]))


def _name_enumerations(schemas: dict[str, Part]) -> None:
    """Give every enumeration of a member a name of its own; members with the same values under one name share it."""
    before = {name: _values(one) for name, one in sorted(schemas.items()) if "enum" in one}
    for owner in sorted(schemas):
        for member, one in schemas[owner].get("properties", {}).items():
            for place in (one, one.get("items"), *one.get("anyOf", ())):
                if isinstance(place, dict) and "enum" in place:
                    _refer(place, _name_of(owner, member, before, _values(place)), schemas)


def _name_of(owner: str, member: str, before: dict[str, tuple[str, ...]], values: tuple[str, ...]) -> str:
    """A name that the domain has for these values: `role` is a `UserRole`; else the owner's own."""
    for name, known in before.items():
        if {*known} == {*values} and name.endswith(pascal(member)):
            return name
    return owner + pascal(member)


def _refer(place: Part, name: str, schemas: dict[str, Part]) -> None:
    """Put a reference where an enumeration stood; what describes the member stays there."""
    schemas.setdefault(name, {"title": name, "type": "string", "enum": place.pop("enum")})
    for word in ("enum", "type"):
        place.pop(word, None)
    place["$ref"] = _SCHEMAS + name


def pascal(name: str) -> str:
    """A name as a class has it: `as_of_position` is `AsOfPosition`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))


# --------------------------------------------------------------------------------------------------- parameters


def _share_parameters(document: Part, known: dict[tuple[str, ...], str]) -> None:
    """Say a parameter once that two operations have."""
    having = _having_parameters(document)
    for operation in having:
        operation["parameters"] = [{**one, "schema": _given(one["schema"], known)} for one in operation["parameters"]]
    times = Counter(_text(one) for operation in having for one in operation["parameters"])
    names = _parameter_names(times, set(document["components"]["schemas"]))
    for operation in having:
        operation["parameters"] = [_referred(one, names) for one in operation["parameters"]]
    document["components"]["parameters"] = {name: json.loads(text) for text, name in sorted(names.items(), key=_second)}


def _having_parameters(document: Part) -> list[Part]:
    return [one for one in _operations(document) if one.get("parameters")]


def _parameter_names(times: Counter[str], taken: set[str]) -> dict[str, str]:
    """The name of each parameter that is there twice; of two with one name the more frequent has it alone.

    Some generators make a class of a parameter, too, so that it is no namesake of a schema.
    """
    names: dict[str, str] = {}
    for text, _ in sorted((one for one in times.items() if one[1] > 1), key=lambda one: (-one[1], one[0])):
        said = json.loads(text)
        name = pascal(said["name"]) + "Id" * (said["in"] == "path")
        if name in taken:
            name += f"In{pascal(said['in'])}"
        assert name not in taken, f"two shared parameters are named {name}"
        taken.add(name)
        names[text] = name
    return names


def _referred(parameter: Part, names: dict[str, str]) -> Part:
    name = names.get(_text(parameter))
    return parameter if name is None else {"$ref": _PARAMETERS + name}


def _second(pair: tuple[str, str]) -> str:
    return pair[1]


def _given(schema: Part, known: dict[tuple[str, ...], str]) -> Part:
    """What is given of a parameter: a text in an address is there or absent, never null."""
    rest = {name: one for name, one in schema.items() if name not in ("title", "description")}
    chosen = [one for one in rest.get("anyOf", ()) if one.get("type") != "null"]
    if len(chosen) == 1:
        del rest["anyOf"]
        rest = chosen[0] | rest
    if "enum" in rest and _values(rest) in known:
        return {"$ref": _SCHEMAS + known[_values(rest)]}
    return rest


# ------------------------------------------------------------------------------------------------------ answers


def _share_answers(document: Part) -> None:
    """Say an answer once that two operations give: that a command is done, or a list of events."""
    times = Counter(
        _text(one) for each in _operations(document) for one in each["responses"].values() if "$ref" not in one
    )
    responses = document["components"]["responses"]
    for operation in _operations(document):
        for status, one in operation["responses"].items():
            if times[_text(one)] < 2 or "$ref" in one:
                continue
            operation["responses"][status] = {"$ref": _RESPONSES + _answer_name(one, status, responses)}


def _answer_name(one: Part, status: str, responses: Part) -> str:
    schema = one.get("content", {}).get("application/json", {}).get("schema", {})
    name = {"201": "Created", "304": "NotModified"}.get(status) or schema.get("$ref", "Plain").rpartition("/")[
        2
    ] + "Answer"
    for tried in (name, *(f"{name}{number}" for number in range(2, len(responses) + 3))):
        if responses.setdefault(tried, one) == one:
            return str(tried)
    raise AssertionError("one more name than there are answers")


def _text(one: Part) -> str:
    return json.dumps(one, sort_keys=True)
