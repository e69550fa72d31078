"""What clients of the interface rely on, one line for each operation and each schema, and what would break them.

GET /v1/leases  {"answers": {"200": "LeasePage", …}, "parameters": {"limit": "integer", …}}
Lease           {"accrued_fen": "integer", "state": "active|closed|…"}          needed members end in `!`
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

Shape = dict[str, Any]
NULL = "null"


def lines(document: Shape) -> dict[str, Shape]:
    """The whole document in short: by `METHOD path` and by the name of a schema."""
    operations = {
        f"{method.upper()} {path}": _operation(whole(document, operation))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    schemas = {name: _schema(schema) for name, schema in document["components"]["schemas"].items()}
    return dict(sorted(operations.items())) | dict(sorted(schemas.items()))


def whole(document: Shape, operation: Shape) -> Shape:
    """An operation with its shared parameters and answers in their places; problems stay names."""
    parameters = [_resolved(document, one) for one in operation.get("parameters", [])]
    answers = {
        status: one if "Problem" in one.get("$ref", "") else _resolved(document, one)
        for status, one in operation["responses"].items()
    }
    return {**operation, "parameters": parameters, "responses": answers}


def _resolved(document: Shape, part: Shape) -> Shape:
    found: Any = document
    for name in part["$ref"].removeprefix("#/").split("/") if "$ref" in part else ():
        found = found[name]
    return part if found is document else found


def written(known: dict[str, Shape]) -> str:
    """The lines as they are kept."""
    return "".join(f"{name}\t{json.dumps(one, ensure_ascii=False, sort_keys=True)}\n" for name, one in known.items())


def read(text: str) -> dict[str, Shape]:
    """Kept lines."""
    return {name: json.loads(shape) for name, _, shape in (line.partition("\t") for line in text.splitlines())}


def _operation(operation: Shape) -> Shape:
    parameters = {
        one["name"] + "!" * bool(one.get("required")): _type(one["schema"]) for one in operation.get("parameters", [])
    }
    answers = {status: _content(answer) for status, answer in operation["responses"].items()}
    found: Shape = {"operation": operation["operationId"], "parameters": parameters, "answers": answers}
    if "requestBody" in operation:
        body = operation["requestBody"]
        found["body" + "!" * bool(body.get("required"))] = _content(body)
    return found


def _content(part: Shape) -> str:
    if "$ref" in part:
        return str(part["$ref"].rpartition("/")[2])
    return ", ".join(f"{kind} {_type(one['schema'])}".replace("application/json ", "")
                     for kind, one in part.get("content", {}).items())  # fmt: skip


def _schema(schema: Shape) -> Shape:
    if "properties" not in schema:
        return {"": _type(schema)}
    needed = schema.get("required", ())
    return {name + "!" * (name in needed): _type(one) for name, one in schema["properties"].items()}


def _type(schema: Shape) -> str:
    """A type in a word: alternatives are joined by `|`."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    alternatives = [_type(one) for word in ("anyOf", "oneOf", "allOf") for one in schema.get(word, ())]
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if values:
        return "|".join([*map(str, values), *([NULL] if NULL in alternatives else [])])
    return "|".join(dict.fromkeys(alternatives)) or _plain(schema)


def _plain(schema: Shape) -> str:
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        return "|".join(kind)
    if kind == "array":
        return f"[{_type(schema.get('items', {}))}]"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"{{{_type(schema['additionalProperties'])}}}"
    return str(schema.get("format", kind))


# ------------------------------------------------------------------------------------------------------- breaks


def breaks(old: dict[str, Shape], new: dict[str, Shape]) -> list[str]:
    """Every way in which a client of the old interface could fail at the new one."""
    operations = [name for name in old if " " in name]
    found = [f"{name}: gone" for name in operations if name not in new]
    for names, rule in (
        (operations, _operation_breaks),
        (sorted(reachable(old, [*_bodies(old), *_parameters(old)])), _given_breaks),
        (sorted(reachable(old, _answers(old))), _answer_breaks),
    ):
        found += [f"{name}: {one}" for name in names if name in new for one in rule(old[name], new[name])]
    return found


def _operation_breaks(old: Shape, new: Shape) -> Iterator[str]:
    yield from _given_breaks(old["parameters"], new["parameters"])
    for status, answer in old["answers"].items():
        if status.startswith("2") and new["answers"].get(status) != answer:
            yield f"answer {status} was {answer}, is {new['answers'].get(status)}"
    before, after = (one.get("body!", one.get("body")) for one in (old, new))
    if before != after:
        yield f"body was {before}, is {after}"
    elif "body!" in new and "body!" not in old:
        yield "body is needed"


def _given_breaks(old: Shape, new: Shape) -> Iterator[str]:
    """What a client gives: nothing may be refused that was taken."""
    kinds = {name.rstrip("!"): kind for name, kind in new.items()}
    for name, kind in old.items():
        bare = name.rstrip("!")
        if bare not in kinds:
            yield f"{bare} is not taken any more"
        elif missing := set(kind.split("|")) - set(kinds[bare].split("|")):
            yield f"{bare} does not take {'|'.join(sorted(missing))}"
    for name in new.keys() - old.keys():
        if name.endswith("!"):
            yield f"{name.rstrip('!')} is needed"


def _answer_breaks(old: Shape, new: Shape) -> Iterator[str]:
    """What a client gets: everything that was there is there, of a type that it knows; states may be added."""
    kinds = {name.rstrip("!"): (kind, name.endswith("!")) for name, kind in new.items()}
    for name, kind in old.items():
        bare = name.rstrip("!")
        if bare not in kinds:
            yield f"{bare} is gone"
            continue
        now, always = kinds[bare]
        if name.endswith("!") and not always:
            yield f"{bare} may be absent"
        if _has_null(now) and not _has_null(kind):
            yield f"{bare} may be null"
        if _shape_of(now) != _shape_of(kind):
            yield f"{bare} was {kind}, is {now}"


_NAMED = frozenset({"integer", "number", "boolean", "object", "date", "date-time", "string", "any", "binary"})


def _has_null(kind: str) -> bool:
    return NULL in kind.split("|")


def _shape_of(kind: str) -> set[str]:
    """The kinds of an answer: values of an enumeration are texts."""
    rest = {one for one in kind.split("|") if one != NULL}
    return {one if one in _NAMED or one[:1].isupper() or one[:1] in "[{" else "string" for one in rest}


def _bodies(known: dict[str, Shape]) -> Iterable[str]:
    return [one[name] for one in known.values() for name in ("body", "body!") if isinstance(one.get(name), str)]


def _parameters(known: dict[str, Shape]) -> Iterable[str]:
    return [kind for one in known.values() if "operation" in one for kind in one["parameters"].values()]


def _answers(known: dict[str, Shape]) -> Iterable[str]:
    return [kind for name, one in known.items() if " " in name for kind in one["answers"].values()]


def reachable(known: dict[str, Shape], kinds: Iterable[str]) -> set[str]:
    """The schemas that are part of some types."""
    found: set[str] = set()
    waiting = list(kinds)
    while waiting:
        for name in waiting.pop().replace("|", " ").replace(",", " ").split():
            bare = name.strip("[]{}")
            if bare in known and bare not in found:
                found.add(bare)
                waiting += [one for one in known[bare].values() if isinstance(one, str)]
    return found
