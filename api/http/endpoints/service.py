"""Service endpoints: liveness, readiness, the problems, the OpenAPI document."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Path, Request
from msgspec import Struct
from starlette.responses import Response

from adapters.keys import FileKeys
from adapters.postgres import role_locks
from adapters.postgres.connections import Connection
from adapters.postgres.identity import wrong
from adapters.postgres.reading import browse
from adapters.postgres.reading.opening import ledger_state
from adapters.postgres.schema import SHARD
from api.followers import Remembered, Watch, followers, late_calendars, roles
from api.http.description import ETAG, NOT_MODIFIED, POSITION, PUBLIC_PROBLEMS, Description, add
from api.http.problems import kinds
from api.http.problems.kinds import ProblemDescription, descriptions
from api.http.problems.problem import Problem
from api.http.reads.answers import JSON, encode
from api.http.reads.routes import CHECKED, PUBLIC, Of
from api.http.repeating import repeating
from api.queries.engine.shape import Position
from domain.kernel.times import business_date
from projections.engine import copies

READY_BEHIND_MAX = 100_000
"""Positions that a live read model may be behind before this instance asks not to be given requests."""

PUBLIC_HOUR = "public, max-age=3600"
CodePath = Annotated[str, Path(description="A problem's code.", examples=["application.closed"])]


class Health(Struct, frozen=True):
    """The process answers."""

    status: str


class ReadModel(Struct, frozen=True):
    """How far one read model is behind the ledger."""

    name: str
    version: int
    status: str
    position: Position
    behind: int
    dead_letters: int


class Role(Struct, frozen=True):
    """A long-running role: whether an instance of it works on this ledger now, and the seconds that things wait for it.

    `late`: the oldest event has waited for more than a minute.
    """

    name: str
    works: bool
    waits_s: float
    late: bool


class ProcessManagerLag(Struct, frozen=True):
    """How far what follows from events is behind the ledger."""

    name: str
    position: Position
    behind: int


class LateCalendar(Struct, frozen=True):
    """A tenant whose leases run and whose open day is two days or more behind the clock, or that has none.

    Nothing is billed or debited there until somebody ends its days.
    """

    tenant: UUID
    business_date: date | None


class Readiness(Struct, frozen=True):
    """Whether requests can be served: the database answers and the read models are near the ledger's head.

    `status`: `ready`, `behind`, or `wrong` where `wrong` names what is not this ledger's: `log_keys`, `payload_key`,
    `vault_key`, or with `signed_tree`, that the ledger does not hold what its log has signed.
    `demonstration`: the ledger was opened for one; its persons and its money are made up.
    Which roles work, what waits for them, how far process managers are behind, and whose days nobody closes stands
    beside it: requests are served without them.
    """

    status: str
    wrong: tuple[str, ...]
    demonstration: bool
    ledger_position: Position
    read_models: tuple[ReadModel, ...]
    roles: tuple[Role, ...]
    process_managers: tuple[ProcessManagerLag, ...]
    late_calendars: tuple[LateCalendar, ...]


async def read_health() -> Response:
    """The process answers; nothing else is looked at."""
    return Response(encode(Health("ok")), media_type=JSON, headers={"Cache-Control": "no-store"})


async def read_readiness(of: Of) -> Response:
    """Whether the database answers, the live read models are near the ledger's head and the keys are the ledger's own;
    503 when not.
    """
    readiness = await of.health.run(
        _readiness, of.now(), of.running.settings.tenants_with_banks, of.watch, of.calendars, of.running.keys
    )
    status = 200 if readiness.status == "ready" else 503
    headers = {"Cache-Control": "no-store", "Ledger-Position": str(readiness.ledger_position)}
    return Response(encode(readiness), status, headers, JSON)


def _readiness(
    connection: Connection,
    now: datetime,
    with_banks: Collection[UUID],
    watch: Watch,
    calendars: Remembered[tuple[LateCalendar, ...]],
    keys: FileKeys,
) -> Readiness:
    lags = copies.lag(connection, SHARD, now)
    models = tuple(
        ReadModel(lag.name, lag.version, lag.status.value, lag.position, lag.behind, lag.dead_letters) for lag in lags
    )
    found = watch.seen(followers(connection, now, with_banks))
    states = tuple(Role(one.name, one.works, one.waits_s, one.late) for one in roles(connection, found))
    managers = tuple(
        ProcessManagerLag(one.name, one.position, one.behind) for one in found if one.role == role_locks.REACT
    )
    not_ours = tuple(code for code, _ in wrong(connection, keys))
    demonstration = ledger_state(connection).demonstration
    # The days of a demonstration are made up, as its leases are.
    late = () if demonstration else calendars.of(lambda: _late_calendars(connection, business_date(now)))
    status = "wrong" if not_ours else _status(models)
    return Readiness(status, not_ours, demonstration, browse.head_size(connection), models, states, managers, late)


def _status(models: Iterable[ReadModel]) -> str:
    live = [model for model in models if model.status == copies.Status.LIVE]
    return "ready" if live and all(model.behind <= READY_BEHIND_MAX for model in live) else "behind"


def _late_calendars(connection: Connection, today: date) -> tuple[LateCalendar, ...]:
    return tuple(LateCalendar(one.tenant, one.business_date) for one in late_calendars(connection, today))


async def list_problems(request: Request) -> Response:
    """Every problem that this interface answers with, in both languages."""
    return _described(request, tuple(descriptions().values()))


async def read_problem(request: Request, code: CodePath) -> Response:
    """What a problem's `type` means, in both languages."""
    found = descriptions().get(code)
    if found is None:
        raise Problem(kinds.NOT_FOUND)
    return _described(request, found)


def _described(request: Request, found: ProblemDescription | tuple[ProblemDescription, ...]) -> Response:
    return repeating(request, encode(found), JSON, {"Cache-Control": PUBLIC_HOUR})


async def read_openapi(request: Request) -> Response:
    """This description (OpenAPI 3.1)."""
    return repeating(request, request.app.openapi_bytes, JSON, {"Cache-Control": PUBLIC_HOUR})


def register(app: FastAPI) -> None:
    """Add the routes of this file."""
    several = {"schema": {"type": "array", "items": {"$ref": f"#/components/schemas/{ProblemDescription.__name__}"}}}
    answers: dict[str, tuple[Any, Description]] = {
        "/healthz": (read_health, Description(answer=Health, problems=PUBLIC_PROBLEMS)),
        "/readyz": (
            read_readiness,
            Description(answer=Readiness, headers=(POSITION,), problems=PUBLIC_PROBLEMS, also={503: "Not ready"}),
        ),
        "/problems": (
            list_problems,
            Description(
                content={"application/json": several}, headers=(ETAG,), problems=PUBLIC_PROBLEMS, also=NOT_MODIFIED
            ),
        ),
        "/problems/{code}": (
            read_problem,
            Description(answer=ProblemDescription, headers=(ETAG,), problems=PUBLIC_PROBLEMS, also=NOT_MODIFIED),
        ),
        "/v1/openapi.json": (
            read_openapi,
            Description(
                content={"application/json": {"schema": {"type": "object"}}},
                headers=(ETAG,),
                problems=PUBLIC_PROBLEMS,
                also=NOT_MODIFIED,
            ),
        ),
    }
    for path, (endpoint, description) in answers.items():
        # Whoever looks after this program by its health is never told to come back later.
        limits = CHECKED if path == "/healthz" else PUBLIC
        add(app, "GET", path, endpoint, "service", description, dependencies=limits)
