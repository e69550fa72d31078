"""Failures as one sentence and an exit status: 1 refused or not verified, 2 usage or unusable input.

The table names classes by their full names, so that saying "no" costs no imports; the nearest class in an error's
ancestry counts. Whatever is not in it is a fault of this program, and is said to be one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from api.cli.wording.retelling import retold
from api.language import Language, current, message, text, translated

REFUSED, UNUSABLE, FAULT = 1, 2, 70
"""Exit statuses; 70 is EX_SOFTWARE of sysexits.h."""

SENTENCE_MAX_CHARS = 600

STATUS: Mapping[str, int] = {
    "api.demonstration.living.BrokenOff": UNUSABLE,
    "api.demonstration.living.LivedNow": UNUSABLE,
    "api.demonstration.living.NotForDemonstration": UNUSABLE,
    "adapters.connectors.payments.port.ProviderError": UNUSABLE,
    "adapters.connectors.payments.statement.StatementError": UNUSABLE,
    "adapters.reference.clauses.ClauseLibraryError": UNUSABLE,
    "adapters.reference.plans.CatalogueError": UNUSABLE,
    "adapters.reference.policies.PolicyError": UNUSABLE,
    "adapters.reference.prudential.PrudentialDataError": UNUSABLE,
    "adapters.reference.tenants.TenantsError": UNUSABLE,
    "adapters.imports.errors.LogError": UNUSABLE,
    "adapters.imports.importer.CaseDiverged": REFUSED,
    "adapters.imports.uci_history.OpeningRefused": REFUSED,
    "adapters.keys.KeyFileError": UNUSABLE,
    "adapters.postgres.connections.DatabaseUnavailable": UNUSABLE,
    "adapters.postgres.connections.MayNotRead": UNUSABLE,
    "adapters.postgres.embedded.EmbeddedPostgresError": UNUSABLE,
    "adapters.postgres.reading.reader.LedgerBroken": REFUSED,
    "adapters.postgres.reading.reader.StreamBroken": REFUSED,
    "adapters.postgres.schema.LedgerInUse": UNUSABLE,
    "adapters.postgres.schema.SchemaMismatch": UNUSABLE,
    "adapters.postgres.writing.sequencer.AppendError": REFUSED,
    "adapters.processes.firing.EndOfDayError": REFUSED,
    "adapters.documents.document.DocumentError": REFUSED,
    "adapters.documents.fonts.NoChineseFont": UNUSABLE,
    "adapters.documents.paper.PaperIncomplete": REFUSED,
    "adapters.documents.port.SignatureInvalid": REFUSED,
    "adapters.documents.port.SigningError": UNUSABLE,
    "adapters.documents.port.TrustUnusable": UNUSABLE,
    "api.queries.engine.read.PositionAhead": UNUSABLE,
    "api.roles.role.RoleLockLost": UNUSABLE,
    "chain.b64.Base64Error": UNUSABLE,
    "chain.entry.EntryError": REFUSED,
    "chain.errors.ChainError": REFUSED,
    "chain.errors.Malformed": UNUSABLE,
    "chain.errors.Mismatch": REFUSED,
    "chain.personal.VaultError": REFUSED,
    "domain.kernel.event.UnknownEventType": REFUSED,
    "domain.kernel.ids.IdError": UNUSABLE,
    "domain.kernel.times.TimeError": UNUSABLE,
    "projections.engine.copies.LostRace": REFUSED,
    "projections.engine.model.ProjectionError": UNUSABLE,
    "projections.engine.comparing.ReadModelDiffers": REFUSED,
    "projections.engine.rebuild.RebuildRunning": REFUSED,
    "domain.pricing.dates.DateError": UNUSABLE,
    "psycopg.Error": UNUSABLE,
    "psycopg_pool.PoolTimeout": UNUSABLE,
    "pydantic_core._pydantic_core.ValidationError": UNUSABLE,
    "builtins.OSError": UNUSABLE,
    "builtins.SystemExit": UNUSABLE,
}


class Failure(Exception):
    """A "no" of the command line itself; `status` is its exit status.

    `said` is called whenever it is told: once in English, as data, and once in the reader's language.
    """

    status = REFUSED

    def __init__(self, said: str | Callable[[], str]) -> None:
        super().__init__(said)
        self._said = said

    def __str__(self) -> str:
        return self._said() if callable(self._said) else self._said


class Unusable(Failure):
    """Something the user gave cannot be used."""

    status = UNUSABLE


def status_of(error: BaseException) -> int:
    """The exit status of an error; `FAULT` for one that nobody foresaw."""
    error = told_of(error)
    if isinstance(error, Failure):
        return error.status
    return next((STATUS[name] for name in _names(type(error)) if name in STATUS), FAULT)


def told_of(error: BaseException) -> BaseException:
    """The error that people are told of: of a group the first inner one that is foreseen, else the group."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    return next((one for one in _inside(error) if status_of(one) != FAULT), error)


def _inside(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The errors of a group, those of groups inside it as well."""
    return [
        one
        for error in group.exceptions
        for one in (_inside(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]


def sentence(error: BaseException) -> str:
    """One line that says what is wrong: the error's own sentence, without credentials and control characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in _said(told_of(error))).split())
    return line if len(line) <= SENTENCE_MAX_CHARS else line[:SENTENCE_MAX_CHARS] + " …"


def as_data(error: BaseException) -> dict[str, Any]:
    """The error for `--json`: its name, its sentence, and for an event log the place."""
    error = told_of(error)
    data: dict[str, Any] = {"name": type(error).__name__, "message": sentence(error)}
    place = getattr(error, "place", None)
    if place is not None:
        data |= {"file": place.file, "case": place.case, "case_number": place.case_number, "event": place.event}
    return data


def _said(error: BaseException) -> str:
    for known, say in _SAY.items():
        if known in _names(type(error)):
            return say(error)
    own = retold(str(error))
    if status_of(error) == FAULT:
        unforeseen = _inside(error) if isinstance(error, BaseExceptionGroup) else [error]
        named = "; ".join(text("{name}: {sentence}", name=type(one).__name__, sentence=one) for one in unforeseen)
        return text("this is a fault of leaseledger, please report it: {error}", error=named)
    kind = _kind(type(error))
    return text("{name}: {sentence}", name=kind, sentence=own) if kind and own else own or type(error).__name__


def _kind(cls: type[BaseException]) -> str:
    """What the nearest class in an error's ancestry is called in Chinese; empty in English, where it is code alone."""
    if current() is Language.EN:
        return ""
    names = [name.rpartition(".")[2] for name in _names(cls) if name in STATUS]
    return text(next((name for name in [cls.__name__, *names] if translated(name)), ""))


def _of_refusal(error: Any) -> str:
    """The rule's own sentence with its facts, and what to type next where it is known."""
    refusal = error.refusal
    said = refusal.kind.zh if current() is Language.ZH else refusal.kind.en
    facts = text(", ").join(f"{text(_FACTS.get(name, name))} {value}" for name, value in refusal.facts)
    told = text("{name} ({facts})", name=said, facts=facts) if facts else said
    return text("{name}; {what}", name=told, what=text(_NEXT[refusal.code])) if refusal.code in _NEXT else told


_FACTS: Mapping[str, str] = {
    "business_date": message("current business day"),
    "day": message("business day"),
    "today": message("today"),
    "expected": message("current business day"),
}
"""Facts of refusals that commands meet, in words."""

_NEXT: Mapping[str, str] = {
    "calendar.unknown": message("begin it once with `--open DATE`"),
    "calendar.exists": message("go on without `--open`"),
    "ledger.ahead_of_clock": message("give `--to` a date that has come"),
}
"""What to type after a refusal, by its code."""


def _of_exit(error: Any) -> str:
    return text("a part of the program ended with exit status {number}", number=error.code)


def _of_file(error: Any) -> str:
    if not error.filename:
        return retold(error.strerror or str(error))
    return text("{name}: {sentence}", name=error.filename, sentence=retold(error.strerror))


def _of_settings(error: Any) -> str:
    return "; ".join(map(_setting, error.errors()))


def _of_database(error: Any) -> str:
    return text("the database said: {error} ({name})", error=error, name=type(error).__name__)


def _setting(problem: Mapping[str, Any]) -> str:
    where = "_".join(str(part) for part in problem["loc"]).upper()
    got = repr(str(problem["input"])[:60])
    return text("LEASELEDGER_{name}: {what}, got {got}", name=where, what=retold(problem["msg"]), got=got)


_STAMP = re.compile(r"^[-0-9]{10} [:.0-9]+ UTC \[[0-9]+\] ")
"""How a line of PostgreSQL's log begins: when, and which process."""


def _of_server(error: Any) -> str:
    """The first line and whatever PostgreSQL complained about, not its whole log."""
    first, *rest = str(error).splitlines() or [""]
    lines = [_STAMP.sub("", line).strip() for line in rest]
    # The log may hold earlier attempts; saying a thing once is enough.
    telling = list(dict.fromkeys(line for line in lines if re.search(r"FATAL|PANIC|HINT|error|could not", line)))
    return " ".join([retold(first.removesuffix(" Last words:")), *telling[-4:]])


_SAY: Mapping[str, Callable[[Any], str]] = {
    "api.cli.failures.Failure": str,
    "adapters.postgres.embedded.EmbeddedPostgresError": _of_server,
    "pydantic_core._pydantic_core.ValidationError": _of_settings,
    "adapters.processes.end_of_day.EndOfDayRefused": _of_refusal,
    "builtins.SystemExit": _of_exit,
    "psycopg.Error": _of_database,
    "builtins.OSError": _of_file,
}
"""Errors whose own words are not yet a sentence for people."""


def _names(cls: type[BaseException]) -> Iterator[str]:
    return (f"{one.__module__}.{one.__qualname__}" for one in cls.__mro__)
