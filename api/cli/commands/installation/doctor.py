"""`leaseledger doctor`: versions, places, sizes, and what is wrong with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from api.cli.failures import REFUSED, sentence
from api.cli.frame import Session, command
from api.cli.wording.retelling import retold
from api.cli.wording.words import number, padded, size
from api.language import text

if TYPE_CHECKING:
    from rich.console import Console

    from api.cli.commands.installation.findings import Health

LABEL_CHARACTERS = 18


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    command(app, "doctor")(doctor)


def doctor(session: Session) -> None:
    """Say what is there, what is wrong, and what to do.

    Works on an empty, a healthy and a broken data directory; exit status 1 when there are problems.
    """
    health = _look(session)
    data = {"ok": not health.problems, **health.facts, "problems": health.problems, "notes": health.notes}
    session.emit(data, lambda out: _show(out, health))
    if health.problems:
        raise typer.Exit(REFUSED)


def _look(session: Session) -> Health:
    from pydantic import ValidationError

    from api.cli.commands.installation.findings import Health
    from api.cli.commands.installation.health import look

    try:
        return look(session.settings, {"data"} if session.data_given else set())
    except ValidationError as error:
        health = Health()
        health.problem(sentence(error), text("mend or unset that variable"))
        return health


def _show(out: Console, health: Health) -> None:
    for label, fact in [*_lines(health.facts), *((text("note"), note) for note in health.notes)]:
        out.print(f"{padded(label, LABEL_CHARACTERS)}{fact}".rstrip(), soft_wrap=True)
    out.print()
    if not health.problems:
        out.print(text("No problems."))
    for number_, problem in enumerate(health.problems, start=1):
        title = text("Problem {number}: {problem}", number=number_, problem=problem["problem"])
        out.print(title, soft_wrap=True, style="bold")
        out.print("  " + text("do: {remedy}", remedy=problem["do"]), soft_wrap=True)


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for topic, show in _TOPICS.items():
        if facts.get(topic):
            lines += show(facts[topic])
    return lines


def _versions(facts: dict[str, str | None]) -> list[tuple[str, str]]:
    first = ("leaseledger", "python", "postgresql")
    rest = text(", ").join(f"{name} {found or text('missing')}" for name, found in facts.items() if name not in first)
    return [(name, facts[name] or text("missing")) for name in first if name in facts] + [(text("packages"), rest)]


def _settings(facts: dict[str, dict[str, str | None]]) -> list[tuple[str, str]]:
    sources = {"command line": text("command line"), "default": text("default"), "ledger": text("ledger")}
    lines = [
        (name, f"{one['value'] or '–'}   ({sources.get(str(one['from']), one['from'])})") for name, one in facts.items()
    ]
    return [("", ""), (text("setting"), text("value   (where it comes from)")), *lines, ("", "")]


def _data(facts: dict[str, Any]) -> list[tuple[str, str]]:
    if "bytes" not in facts:
        return [(text("data"), text("{path}, not there yet", path=facts["path"]))]
    sizes = {"used": size(facts["bytes"]), "free": size(facts["free_bytes"])}
    return [(text("data"), text("{path}, {used}, {free} free on its disk", path=facts["path"], **sizes))]


def _catalogue(facts: dict[str, Any]) -> list[tuple[str, str]]:
    from api.console.views.words import code

    lines = [(text("plans file"), path) for path in facts["files"]]
    if "plans" in facts:
        counts = {"plans": facts["plans"], "own": facts["own"]}
        lines.append((text("plans"), text("{plans}, of them {own} of your own", **counts)))
    if "policy" in facts:
        policy = facts["policy"]
        capped = policy["lessor"] == "unlicensed" and policy["lpr_known_until"] is not None
        known = text(", loan prime rates known until {day}", day=policy["lpr_known_until"]) if capped else ""
        version = text("version {version}, {lessor}", version=policy["version"], lessor=code(policy["lessor"]))
        lines.append((text("cost policy"), f"{version}{known}"))
    return lines


def _keys(facts: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(text("key file"), f"{one['file']}   {one['mode']}") for one in facts]


def _port(facts: dict[str, Any]) -> list[tuple[str, str]]:
    state = text("free") if facts["free"] else retold(facts["why"])
    address = f"{facts['host']}:{facts['port']}"
    return [(text("listens on"), text("{what}, {state}", what=address, state=state))]


def _database(facts: dict[str, Any]) -> list[tuple[str, str]]:
    kind = text("embedded") if facts["embedded"] else text("by LEASELEDGER_DATABASE_URL")
    state = facts.get("version", text("not reachable") if "url" in facts else text("not made yet"))
    url = [("", facts["url"])] if "url" in facts else []
    return [(text("database"), text("{what}, {state}", what=state, state=kind)), *url]


def _ledger(facts: dict[str, Any]) -> list[tuple[str, str]]:
    newest = facts["newest_checkpoint"]
    signed = text("none yet")
    if newest:
        told = {"size": number(newest["size"]), "instant": newest["published_at"], "kept": number(newest["kept"])}
        signed = text("{size} events at {instant}, {kept} kept", **told)
    told = {"origin": facts["origin"], "size": number(facts["size"]), "bytes": size(facts["bytes"])}
    return [
        (text("ledger"), text("{origin}, {size} events, {bytes}", **told)),
        (text("root"), facts["root"]),
        (text("checkpoint"), signed),
    ]


def _read_models(facts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(text("read model"), _read_model(one)) for one in facts]


def _read_model(one: dict[str, Any]) -> str:
    counts = {name: number(one[name]) for name in ("position", "behind", "dead_letters")}
    what = {"table": one["table"], "status": text(one["status"])}
    return text(
        "{table}, {status}, position {position}, {behind} behind, {dead_letters} dead letters", **what, **counts
    )


def _roles(facts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    works = [one["name"] for one in facts if one["works"]]
    return [
        (text("roles"), text("{names} at work", names=text(", ").join(works)) if works else text("none is at work"))
    ]


def _process_managers(facts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(text("process manager"), _process_manager(one)) for one in facts]


def _process_manager(one: dict[str, Any]) -> str:
    counts = {"position": number(one["position"]), "behind": number(one["behind"])}
    return text("{name}, position {position}, {behind} behind", name=one["name"], **counts)


_TOPICS: dict[str, Callable[[Any], list[tuple[str, str]]]] = {
    "versions": _versions,
    "settings": _settings,
    "data_directory": _data,
    "catalogue": _catalogue,
    "keys": _keys,
    "port": _port,
    "database": _database,
    "ledger": _ledger,
    "read_models": _read_models,
    "roles": _roles,
    "process_managers": _process_managers,
}
