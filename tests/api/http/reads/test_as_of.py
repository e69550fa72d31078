"""The past over HTTP: every read that is asked for an earlier moment answers as the ledger did that ended there.

A random history is lived through; after some of its commands every route is asked, and what it says is written down. At
the end every route is asked again for those moments. A read route that is in neither of the two tables fails the test.
"""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.routing import APIRoute

from adapters.system import now
from api.queries.engine.parameters import Parameter, parameters_of
from api.queries.engine.read import Past, Read
from api.queries.registry import READS
from domain.calendar.calendar import CloseDay, OpenCalendar, RecordStep, StartEndOfDay
from domain.kernel.times import utc_text
from tests.api.http import cases, contract
from tests.api.http.driver import DRAFT, Http
from tests.api.http.reads.test_contract_reads import calendar
from tests.sampling import examples, seeds


def queries(read: Read) -> Iterator[str]:
    """The queries that a read is asked with: with what it needs alone, and once with each further parameter."""
    parameters = parameters_of(read.filters)
    needed = [f"{one.name}={one.examples[0]}" for one in parameters if one.required]
    if read.name == "list_events":
        needed = ["limit=100", "starting_after={first}"]
    yield "&".join(needed)
    for one in parameters:
        if not one.required and (value := _value(one)):
            yield "&".join([*needed, f"{one.name}={value}"])
    if read.cursor is not None and read.name != "list_events":
        yield "&".join([*needed, "limit=1"])


def _value(one: Parameter) -> str:
    """A value of a parameter: its example, an id that the history made, a state in the middle of a life."""
    if one.examples:
        return str(one.examples[0])
    if one.said.kind is UUID:
        return f"{{{one.noun}}}"
    return one.choices[len(one.choices) // 3] if one.choices else ""


PAST = tuple(read for read in READS if read.past is not Past.NONE)
ASKED = {read.name: tuple(f"?{query}" if query else "" for query in queries(read)) for read in PAST}
"""Every declared read by the name of its operation, with the queries that it is asked with."""

PATHS = {read.name: f"/v1{read.path}" for read in PAST}

TIMELESS = {
    "read_document": "the paper of a version: see test_papers, where typesetting every moment would take minutes",
    "list_parked": "is of now: that something is parked is no event",
    "stream_events": "is live, and goes on behind the position that the reader names",
    "read_receipt": "one event and its proof, which never change; the checkpoint is the newest",
    "list_plans": "the catalogue is data, not events; `on` asks it for a business date",
    "read_plan": "the catalogue is data, not events; `version` asks it for an earlier one",
    "read_openapi": "this program, not the ledger",
}
"""Read routes that no moment is asked of, and why."""

Answer = tuple[int, Any, str | None]
Known = dict[str, str]


class Recorder(Http):
    """Lives through a history; at its `moments`, by the number of commands, writes down what every route says."""

    moments: set[int]
    lived: int
    seen: list[tuple[int, str, dict[str, Answer]]]
    known: Known

    async def post(self, path: str, body: Any = None, *rest: Any, **more: Any) -> Any:
        """As ever; whatever was made is known by its id from then on."""
        answer = await super().post(path, body, *rest, **more)
        if answer.status_code == 201:
            identifier = answer.json()["id"]
            self.known.setdefault(identifier.rpartition("_")[0], identifier)
        if answer.status_code in (200, 201):
            await self.live_on()
        return answer

    async def live_on(self) -> None:
        """One command more is lived through."""
        self.lived += 1
        if self.lived in self.moments:
            await self.write_down()

    async def write_down(self) -> None:
        """What every route says now."""
        self.project()
        position, instant = await self.size(), utc_text(now())
        self.seen.append((position, instant, {path: await self.ask(path) for path in self.addresses()}))

    def addresses(self) -> list[str]:
        """The addresses of all routes as far as their ids are known."""
        found = []
        for name, queries in ASKED.items():
            path = routes(self)[name].path_format
            for query in queries:
                try:
                    found.append(f"{path}{query}".format(**self.known))
                except KeyError:
                    continue
        return found

    async def ask(self, path: str) -> Answer:
        """Status, body and position of an answer; a "no" is only its status."""
        answer = await self.get(path)
        assert answer.status_code in (200, 404), (path, answer.text)
        found = answer.status_code == 200
        return answer.status_code, answer.json() if found else None, answer.headers.get("ledger-position")


def routes(http: Http) -> dict[str, APIRoute]:
    """Every GET route that needs a key, by the name of its operation."""
    found = [one for one in http.app.routes if isinstance(one, APIRoute) and one.methods == {"GET"}]
    return {one.name: one for one in found if one.path.startswith("/v1/")}


def test_every_read_route_is_in_one_of_the_tables(http: Http) -> None:
    names = set(routes(http))
    assert names == ASKED.keys() | TIMELESS.keys()
    assert not ASKED.keys() & TIMELESS.keys()


def test_every_route_takes_a_moment(http: Http) -> None:
    document = http.app.openapi()
    for name in [*ASKED, "read_document"]:
        operation = contract.whole(document, document["paths"][routes(http)[name].path_format]["get"])
        taken = {one["name"] for one in operation["parameters"]}
        assert {"as_of_position", "as_of", "at_least"} <= taken, name


# ------------------------------------------------------------------------------------------------- histories

Move = Callable[[Recorder, random.Random], Awaitable[Any]]


async def _application(http: Recorder, chance: random.Random) -> None:
    address = (await http.post("/v1/applications", DRAFT)).headers["location"]
    for segment in ("submit", "start_verification", "withdraw")[: chance.randint(0, 3)]:
        await http.post(f"{address}/{segment}", {"reason": "changed_mind"} if segment == "withdraw" else None)


async def _clause(http: Recorder, chance: random.Random) -> None:
    text = f"第{chance.randint(1, 9_999)}版。"
    if "clause" not in http.known:
        await http.post("/v1/clauses", cases.CLAUSE | {"text": text})
        return
    address = f"/v1/clauses/{http.known['clause']}"
    await http.post(f"{address}/draft", cases.CLAUSE | {"text": text})
    newest = (await http.get(address)).json()["versions"][-1]
    publish = {"version": newest["number"], "digest": newest["digest"], "effective_from": "2099-01-01"}
    await http.post(f"{address}/publish", publish)


async def _consent(http: Recorder, chance: random.Random) -> None:
    address = await cases.consented(http, cases.person(), chance.choice(cases.PURPOSES))
    if chance.random() < 0.5:
        await http.post(f"{address}/withdraw", {"channel": "app"})


async def _access(http: Recorder, chance: random.Random) -> None:
    """A colleague with a key and a role more, a list of what needs two, a proposal that is taken back."""
    for make in (cases.keyed, cases.proposed, cases.registered):
        address = await make(http)
        http.known[address.rpartition("/")[2].rpartition("_")[0]] = address.rpartition("/")[2]
    await http.post(f"/v1/users/{http.known['user']}/grant_role", {"role": "risk_officer"})
    await http.post(f"/v1/proposals/{http.known['proposal']}/withdraw", {"reason": "mind"})
    await http.post("/v1/approvals", cases.LISTED)


async def _contract(http: Recorder, chance: random.Random) -> None:
    address = (await http.post("/v1/contracts", cases.contract(cases.person()))).headers["location"]
    if chance.random() < 0.5:
        await http.post(f"{address}/void", {"reason": "mind"})
    await http.post(f"/v1/contracts/{http.known['contract']}/check_texts", {"texts": []})


async def _money(http: Recorder, chance: random.Random) -> None:
    """Bills, payments and a collection on the one lease; some are refused, which leaves nothing."""
    address, on = f"/v1/leases/{http.known['lease']}", cases.today()
    number = (await http.get(address)).json()["issued"] + 1
    payment = {"payment": f"payment_{cases.person().hex}", "amount_fen": chance.randint(1, 90_000), "value_date": on}
    await http.post(f"{address}/issue_bill", {"number": number})
    await http.post(f"{address}/post_payment", payment)
    await http.post("/v1/payments", cases.COLLECT | {"lease": http.known["lease"]})


async def _reconciliation(http: Recorder, chance: random.Random) -> None:
    """A mandate, and a statement with a break that is resolved, after which the run is closed."""
    await http.post("/v1/mandates", cases.GRANT | {"lease": http.known["lease"]})
    address = await cases.reconciled(http)
    http.known["reconciliation"] = address.rpartition("/")[2]
    await http.live_on()
    await http.post(f"{address}/resolve_break", {"number": 1, "how": "corrected"})
    await http.post(f"{address}/close", {})


async def _day(http: Recorder, chance: random.Random) -> None:
    """The calendar: opened, or one step further through an end of day."""
    day = (await http.get("/v1/calendar")).json()
    if day["state"] == "absent":
        await calendar(http, OpenCalendar(business_date=date(2027, 1, 30)))
    else:
        on = date.fromisoformat(day["business_date"])
        for command in (
            StartEndOfDay(day=on, steps=("timers",)), RecordStep(day=on, step="timers", processed=1), CloseDay(day=on)
        ):  # fmt: skip
            await calendar(http, command)
            await http.live_on()


LIVED_AT_LEAST = 30
"""Commands that every history has."""

MOVES: tuple[Move, ...] = (_application, _clause, _consent, _contract, _money, _money, _day)


async def lived(http: Http, seed: int) -> Recorder:
    """A lease with everything it needs, and random moves around it."""
    chance = random.Random(seed)
    first = await http.size()
    recorder = Recorder(http.on, http.running, http.app, http.client, http.principals, http.tenant, http.keys)
    recorder.seen, recorder.known, recorder.lived = [], {"first": str(first)}, 0
    recorder.moments = set(chance.sample(range(1, LIVED_AT_LEAST), min(examples(3), LIVED_AT_LEAST - 1)))
    before = [_application, *chance.sample(MOVES[1:4], 2)]
    for move in before:
        await move(recorder, chance)
    lease, lessee = await cases.leased(recorder)
    recorder.known["subject"] = f"subject_{lessee.hex}"
    for segment, body in (
        ("waive_deposit", {}), ("record_delivery", {"on": cases.today()}), ("activate", {"on": cases.today()})
    ):  # fmt: skip
        await recorder.post(f"{lease}/{segment}", body)
    others = [move for move in MOVES[:4] if move not in before]
    for move in [*others, *chance.choices(MOVES, k=2), _money, _access, _reconciliation]:
        await move(recorder, chance)
    assert recorder.lived > LIVED_AT_LEAST
    await recorder.write_down()
    return recorder


def _is_of(name: str, path: str) -> bool:
    """Whether a path is the address of a read."""
    return re.fullmatch(re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(PATHS[name])), path) is not None


async def same_again(recorder: Recorder, position: int, instant: str, answers: dict[str, Answer]) -> set[str]:
    """Ask every read for a moment in both ways; gives the addresses that were asked."""
    for path, (status, body, at) in answers.items():
        mark = "&" if "?" in path else "?"
        for moment in (f"as_of_position={position}", f"as_of={instant}"):
            assert await recorder.ask(f"{path}{mark}{moment}") == (status, body, at), (path, moment)
    return {path.partition("?")[0] for path in answers}


@pytest.mark.parametrize("seed", seeds(2))
async def test_every_past_is_the_answer_of_a_ledger_that_ended_there(http: Http, seed: int) -> None:
    recorder = await lived(http, seed)
    asked, later = set[str](), set[str]()
    for position, instant, answers in recorder.seen:
        asked |= await same_again(recorder, position, instant, answers)
        for path in recorder.addresses():
            if path not in answers and path.partition("?")[0].count("/") > 2:
                # A thing that was made later: nothing is there yet, neither it nor its events.
                assert (await recorder.get(f"{path.partition('?')[0]}?as_of_position={position}")).status_code == 404
                later.add(path)
    covered = {name for name in ASKED if any(_is_of(name, path) for path in asked)}
    assert covered == ASKED.keys(), "a read that the history never shows is not held: give it a move"
    assert len(later) > 5


async def test_the_end_of_a_business_date_is_a_moment_too(http: Http) -> None:
    """Where a date can be asked: the answer of the ledger that ended with that date, history being in order."""
    from tests.api.http.reads.test_lease_reads import shown, tell
    from tests.domain.leasing import cases as leases

    lease = await tell(http, *leases.RUNNING, leases.bill(1), leases.pay(1, 106_000, 33), leases.bill(2))
    events = (await shown(http, f"/v1/leases/{lease}/events?limit=100"))["data"]
    days = {one["entry"]["business_date"]: one["position"] for one in events}
    for path in ("/v1/ageing", "/v1/trial-balance", "/v1/income"):
        for day, position in days.items():
            at_the_end = await shown(http, f"{path}?as_of={day}&as_of_position={position}")
            assert await shown(http, f"{path}?as_of={day}") == at_the_end, (path, day)
            before = date.fromisoformat(day) - timedelta(days=400)
            assert await shown(http, f"{path}?as_of={before}&as_of_position={position}") == await shown(
                http, f"{path}?as_of={before}"
            )
