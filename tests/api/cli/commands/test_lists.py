"""`list …`: every declared list has a command with its filters; as JSON and as tables, now and as of a position."""

from __future__ import annotations

from uuid import UUID

import pytest
from typer.testing import CliRunner

from api.cli.commands.lists import name_of
from api.cli.failures import UNUSABLE
from api.cli.program import app
from api.language import Language, speaking
from api.queries.engine.parameters import parameters_of
from api.queries.engine.read import Past, Read
from api.queries.registry import READS
from domain.contracts.clause import CLAUSE
from domain.contracts.contract.rules import CONTRACT
from tests.adapters.documents import papers as samples
from tests.api.cli.commands.test_accounting import tell
from tests.api.cli.commands.test_contracts import ASSEMBLE, IDENTIFIER, STREAM, do
from tests.api.cli.program import Program
from tests.domain.contracts import clauses
from tests.domain.leasing import cases

OF = UUID(int=7)
LISTS = [pytest.param(read, id=name_of(read)) for read in READS if read.many]


@pytest.mark.parametrize("read", LISTS)
def test_every_list_has_a_command_with_its_filters(read: Read) -> None:
    done = CliRunner().invoke(app, ["list", name_of(read), "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert done.exit_code == 0, done.output
    for one in parameters_of(read.filters):
        assert f"--{one.name.replace('_', '-')} " in done.stdout
    flags = set(done.stdout.replace(",", " ").split())
    assert {"--json", "--limit"} <= flags
    assert ("--as-of-position" in flags) == (read.past is not Past.NONE)
    assert ("--starting-after" in done.stdout) == (read.cursor is not None)
    assert done.stdout.split("\n\n")[1].strip().endswith(".")


def test_contracts(program: Program) -> None:
    do(program, (CONTRACT, STREAM, ASSEMBLE))
    found = program("list", "contracts", "--json").then(0).json
    (row,) = found["data"]
    assert (row["id"], row["reference"], row["state"]) == (IDENTIFIER, samples.REFERENCE, "assembled")
    assert (found["position"], found["has_more"], found["next"]) == (1, False, None)
    assert program("list", "contracts", "--state", "executed", "--json").then(0).json["data"] == []
    text = program("list", "contracts").then(0).text
    assert IDENTIFIER in text
    assert text.split()[:4] == ["id", "reference", "state", "plan"]
    (event,) = program("list", "events-of-contract", IDENTIFIER, "--json").then(0).json["data"]
    assert event["entry"]["type"] == "contract.assembled.v1"
    assert "got none" in program("list", "events-of-contract", f"contract_{'0' * 32}").then(UNUSABLE).err
    assert "expected contract_" in program("list", "events-of-contract", "lease_1").then(UNUSABLE).err


def test_own_clauses(program: Program) -> None:
    do(program, (CLAUSE, None, clauses.DRAFT), (CLAUSE, None, clauses.PUBLISH))
    (clause,) = program("list", "clauses", "--json").then(0).json["data"]
    (version,) = clause["versions"]
    assert (clause["clause"], version["digest"], version["state"]) == ("dispute", clauses.DIGEST, "published")
    assert program("list", "clauses", "--state", "drafted", "--json").then(0).json["data"] == []
    (then,) = program("list", "clauses", "--as-of-position", "1", "--json").then(0).json["data"]
    assert then["versions"][0]["state"] == "drafted"
    assert "dispute" in program("list", "clauses").then(0).text


def test_what_is_due_next(program: Program) -> None:
    tell(program, *cases.RUNNING)
    found = program("list", "timers", "--kind", "bill", "--json").then(0).json
    assert [one["number"] for one in found["data"]] == list(range(1, 13))
    first = program("list", "timers", "--limit", "3", "--json").then(0).json
    assert (len(first["data"]), first["has_more"]) == (3, True)
    (behind,) = (
        program("list", "timers", "--limit", "1", "--starting-after", first["next"], "--json").then(0).json["data"]
    )
    assert behind not in first["data"]
    assert program("list", "timers", "--as-of-position", "1", "--json").then(0).json["data"] == []
    assert "bill" in program("list", "timers").then(0).text


def test_entries_of_the_journal_are_listed_with_their_accounts_and_amounts(program: Program) -> None:
    """An auditor's list without figures would be none."""
    tell(program, *cases.RUNNING, cases.bill(1))
    text = program("list", "journal").then(0).text
    (entry,) = program("list", "journal", "--limit", "1", "--json").then(0).json["data"]
    for line in entry["lines"]:
        assert line["account"] in text
    assert "lines" in text.splitlines()[0]


def test_what_is_parked_says_what_it_lacks(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEASELEDGER_TENANT", str(OF))
    program.filled(1)
    assert program("parked", "retry", "--json").then(0).json == {"parked": []}
    program.behind_the_back(
        "INSERT INTO read.parked (shard, process, position, key, tenant, stream, code, facts, tries)"
        f" VALUES (0, 'originating', 1, 'k', '{OF}', '{OF}', 'consent.missing',"
        """ '{"purpose": "credit_inquiry"}', 1)"""
    )
    assert "purpose=credit_inquiry" in program("list", "parked").then(0).text


@pytest.mark.parametrize(
    ("arguments", "english", "chinese"),
    [
        (("leases", "--state", "nonsense"),
         "--state: “nonsense” does not fit. Expected: awaiting_delivery, active", "“nonsense”"),
        (("bills", "--starting-after", "xyz"),
         "--starting-after: “xyz” does not fit. Expected: the place that an earlier answer names as `next`", "next"),
        (("leases", "--starting-after", "xyz"), "--starting-after: “xyz” does not fit.", "next"),
        (("leases", "--reference", "\udcff\udcfe"), "Expected: Unicode text without the character U+0000", "U+0000"),
        (("contracts", "--application", "12"),
         "--application: “12” does not fit. Expected: an identifier: application_", "application_"),
        (("timers", "--from", "soon"), "--from: “soon” does not fit. Expected: a day", "soon"),
        (("leases", "--limit", "+1"), "expected digits, at least 1, got '+1'", "须为不小于 1 的数字"),
        (("leases", "--limit", "0"), "expected digits, at least 1, got '0'", "须为不小于 1 的数字"),
        (("leases", "--as-of-position", " 1"), "expected digits, at least 0, got ' 1'", "须为不小于 0 的数字"),
        (("leases", "--as-of-position", "1.0"), "expected digits, at least 0, got '1.0'", "须为不小于 0 的数字"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_a_sentence_in_both_languages(
    program: Program, arguments: tuple[str, ...], english: str, chinese: str
) -> None:
    said = program("list", *arguments).then(UNUSABLE).err
    assert english in " ".join(said.split())
    with speaking(Language.ZH):
        said = program("list", *arguments).then(UNUSABLE).err
    assert "xpected" not in said
    assert chinese in said


def test_events_are_listed_as_people_look_for_them(program: Program) -> None:
    do(program, (CONTRACT, STREAM, ASSEMBLE))
    head, row = program("list", "events").then(0).text.splitlines()
    assert head.split() == ["position", "time", "type", "stream", "actor"]
    position, time, kind, stream, *actor = row.split()
    assert (position, kind, stream) == ("1", "contract.assembled.v1", IDENTIFIER)
    assert time.endswith("Z")
    assert len(actor) == 2


@pytest.mark.parametrize("arguments", [("events",), ("leases",), ("contracts",), ("timers",)])
def test_no_list_answers_for_a_position_that_is_not_there(program: Program, arguments: tuple[str, ...]) -> None:
    do(program, (CONTRACT, STREAM, ASSEMBLE))
    said = program("list", *arguments, "--as-of-position", "99999").then(UNUSABLE).err
    assert "position: expected at most 1, got 99999" in said
    program("list", *arguments, "--as-of-position", "1").then(0)


@pytest.mark.parametrize("name", ["books", "ageing", "portfolio"])
def test_no_figure_answers_for_a_position_that_is_not_there(program: Program, name: str) -> None:
    said = program(name, "--as-of-position", "7").then(UNUSABLE).err
    assert "position: expected at most 0, got 7" in said
