"""Parse recorded answers with the models that datamodel-codegen made; runs in the generators' own environment.

python parse.py FOLDER RECORDED …    FOLDER has `models.py` and `openapi.json`; prints how many answers, of how many
                                     schemas; every answer that does not parse is a line on stderr
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[1])
DOCUMENT: dict[str, Any] = json.loads((FOLDER / "openapi.json").read_text("utf-8"))

sys.path.insert(0, str(FOLDER))


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to."""
    found: Any = DOCUMENT
    for name in part["$ref"].removeprefix("#/").split("/") if "$ref" in part else ():
        found = found[name]
    return part if found is DOCUMENT else found


def operations() -> Iterator[tuple[str, re.Pattern[str], dict[str, Any]]]:
    """Method, form of the address and answers, addresses without gaps first."""
    for path, methods in sorted(DOCUMENT["paths"].items(), key=lambda one: one[0].count("{")):
        form = re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(path)))
        for method, operation in methods.items():
            yield method.upper(), form, operation["responses"]


OPERATIONS = list(operations())


def schema_of(line: dict[str, Any]) -> str | None:
    """The name of an answer's schema; nothing for what is no JSON, `?` for what is in no operation."""
    kind = line["type"].partition(";")[0]
    if not kind.endswith("json"):
        return None
    for method, form, answers in OPERATIONS:
        if method == line["method"] and form.fullmatch(line["path"]):
            schema = resolved(answers.get(str(line["status"]), {})).get("content", {}).get(kind, {}).get("schema")
            return "?" if schema is None else schema.get("$ref", "").rpartition("/")[2] or None
    # Who asks for an address that is no operation gets a problem all the same.
    return "Problem"


def main() -> int:
    """Parse everything."""
    models = import_module("models")
    parsed, wrong = Counter[str](), 0
    for place in sys.argv[2:]:
        for text in Path(place).read_text("utf-8").splitlines():
            line = json.loads(text)
            name = schema_of(line)
            if name is None:
                continue
            try:
                getattr(models, name).model_validate_json(line["body"])
                parsed[name] += 1
            except (AttributeError, ValueError) as error:
                wrong += 1
                sys.stderr.write(f"{line['method']} {line['path']} {line['status']} {name}: {error}\n")
    json.dump({"answers": parsed.total(), "schemas": len(parsed), "wrong": wrong}, sys.stdout)
    return 1 if wrong else 0


sys.exit(main())
