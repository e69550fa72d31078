"""`leaseledger doctor`: versions, places, sizes, and what is wrong with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from api.cli.failures import REFUSED, sentence
from api.cli.frame import Session, command
from api.cli.words import number, size

if TYPE_CHECKING:
    from rich.console import Console

    from api.cli.health import Health

LABEL_CHARACTERS = 15


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

    from api.cli.health import Health, look

    try:
        return look(session.settings, {"data"} if session.data_given else set())
    except ValidationError as error:
        health = Health()
        health.problem(sentence(error), "mend or unset that variable")
        return health


def _show(out: Console, health: Health) -> None:
    for label, text in _lines(health.facts):
        out.print(f"{label:<{LABEL_CHARACTERS}}{text}".rstrip(), soft_wrap=True)
    for note in health.notes:
        out.print(f"{'note':<{LABEL_CHARACTERS}}{note}", soft_wrap=True)
    out.print()
    if not health.problems:
        out.print("No problems.")
    for number_, problem in enumerate(health.problems, start=1):
        out.print(f"Problem {number_}: {problem['problem']}", soft_wrap=True, style="bold")
        out.print(f"  do: {problem['do']}", soft_wrap=True)


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for topic, show in _TOPICS.items():
        if facts.get(topic):
            lines += show(facts[topic])
    return lines


def _versions(facts: dict[str, str | None]) -> list[tuple[str, str]]:
    first = ("leaseledger", "python", "postgresql")
    rest = ", ".join(f"{name} {found or 'missing'}" for name, found in facts.items() if name not in first)
    return [(name, facts[name] or "missing") for name in first if name in facts] + [("packages", rest)]


def _settings(facts: dict[str, dict[str, str | None]]) -> list[tuple[str, str]]:
    lines = [(name, f"{one['value'] or '–'}   ({one['from']})") for name, one in facts.items()]
    return [("", ""), ("setting", "value   (where it comes from)"), *lines, ("", "")]


def _data(facts: dict[str, Any]) -> list[tuple[str, str]]:
    if "bytes" not in facts:
        return [("data", f"{facts['path']}, not there yet")]
    return [("data", f"{facts['path']}, {size(facts['bytes'])}, {size(facts['free_bytes'])} free on its disk")]


def _catalogue(facts: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [("plans file", path) for path in facts["files"]]
    if "plans" in facts:
        lines.append(("plans", f"{facts['plans']}, of them {facts['own']} of your own"))
    if "policy" in facts:
        policy = facts["policy"]
        capped = policy["lessor"] == "unlicensed" and policy["lpr_known_until"] is not None
        known = f", loan prime rates known until {policy['lpr_known_until']}" if capped else ""
        lines.append(("cost policy", f"version {policy['version']}, {policy['lessor']}{known}"))
    return lines


def _keys(facts: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [("key file", f"{one['file']}   {one['mode']}") for one in facts]


def _port(facts: dict[str, Any]) -> list[tuple[str, str]]:
    return [("listens on", f"{facts['host']}:{facts['port']}, {'free' if facts['free'] else facts['why']}")]


def _database(facts: dict[str, Any]) -> list[tuple[str, str]]:
    kind = "embedded" if facts["embedded"] else "by LEASELEDGER_DATABASE_URL"
    state = facts.get("version", "not reachable" if "url" in facts else "not made yet")
    return (
        [("database", f"{state}, {kind}"), ("", facts["url"])] if "url" in facts else [("database", f"{state}, {kind}")]
    )


def _ledger(facts: dict[str, Any]) -> list[tuple[str, str]]:
    newest = facts["newest_checkpoint"]
    signed = f"{number(newest['size'])} events at {newest['published_at']}" if newest else "none yet"
    return [
        ("ledger", f"{facts['origin']}, {number(facts['size'])} events, {size(facts['bytes'])}"),
        ("root", facts["root"]),
        ("checkpoint", signed + (f", {number(newest['kept'])} kept" if newest else "")),
    ]


def _read_models(facts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [("read model", _read_model(one)) for one in facts]


def _read_model(one: dict[str, Any]) -> str:
    position, behind, dead = (number(one[name]) for name in ("position", "behind", "dead_letters"))
    return f"{one['table']}, {one['status']}, position {position}, {behind} behind, {dead} dead letters"


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
}
