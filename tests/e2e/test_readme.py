"""What both READMEs say about checking the ledger with other people's programs, done as it is written there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.demonstration.living import parts
from api.language import Language, speaking, text
from api.settings import DEFAULT_TENANT
from domain.kernel.times import business_date
from tests.api.cli.commands.test_serving import up
from tests.e2e.test_transcripts import HERE, place, run
from tests.forked import NAME

__all__ = ["place"]

ROOT = HERE.parents[1]
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
CHECKING = re.compile(r"^## (?:Checking it without us|不依赖我们的核验)\n(.*?)^## ", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def plain(text: str) -> list[str]:
    """The fenced blocks of a text that name no language: what people type and what they see."""
    return [block for language, block in BLOCK.findall(text) if not language]


def blocks(readme: Path) -> Iterator[str]:
    """The shell blocks of the part about checking."""
    part = CHECKING.search(readme.read_text("utf-8"))
    assert part is not None
    yield from plain(part[1])


def test_everybody_can_check_as_it_is_written(place: Path, commands: Path) -> None:
    """By the English page; the Chinese one has the same commands, which is a test below."""
    for program in ("openssl", "proofbundle"):
        if run(f"command -v {program}", place).returncode:
            pytest.skip(f"{program} is not installed")
    (place / "chain").symlink_to(ROOT / "chain")
    done = run("leaseledger import xes three.xes", place, commands)
    assert done.returncode == 0, done.stdout
    said = []
    for block in blocks(READMES[0]):
        done = run(f"set -eo pipefail\n{block}", place, commands)
        assert done.returncode == 0, f"{block}\n{done.stdout}"
        said.append(done.stdout)
    assert len(said) == 4
    assert said[1].startswith("VERIFIED 验证通过")
    assert "Verified Successfully" in said[2]


WALK = re.compile(r"^### (?:An order, call by call|逐步完成一笔订单)\n.*?^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def walk(readme: Path) -> str:
    """What a shop's program does from a quote to a paid bill."""
    found = WALK.search(readme.read_text("utf-8"))
    assert found is not None
    return found[1]


def names_of(said: Mapping[str, str]) -> str:
    """The line of names that the page puts before an order."""
    return f"U={said['url']} A='Authorization: Bearer {said['operator_key']}' J='Content-Type: application/json'\n"


COUNTED = 'curl() { echo $* >> calls; command curl "$@"; }\n'
"""Notes every call; a list that is asked again while somebody waits is noted by the same line again."""

CALLS = re.compile(r"An order takes (\d+) calls|办完一笔订单需 (\d+) 次调用")


@pytest.fixture
def shop(place: Path, commands: Path) -> Iterator[dict[str, Any]]:
    """A ledger of one's own as `up` makes it, in `var`; nothing else is prepared."""
    for program in ("curl", "jq", "openssl", "sha256sum"):
        if run(f"command -v {program}", place).returncode:
            pytest.skip(f"{program} is not installed")
    with up(place / "var", program=commands / NAME) as said:
        yield said


@pytest.mark.network
def test_an_order_is_walked_from_a_quote_to_a_paid_bill(place: Path, shop: dict[str, Any]) -> None:
    """On a fresh ledger, from the first line of the block to its last: nothing is missing that comes later."""
    names = names_of(shop)
    assert not (place / "var" / "pricing.json").exists()
    done = run(names + COUNTED + walk(READMES[0]), place)
    assert done.returncode == 0, done.stdout
    number, _, owed_fen, open_fen = json.loads(done.stdout)
    (looked_up,) = json.loads((place / "var" / "pricing.json").read_text()).values()
    week_later = business_date(datetime.now(UTC)) + timedelta(days=7)
    assert date.fromisoformat(looked_up["lpr_known_until"]) > week_later, "the order of another day is made as well"
    assert (number, owed_fen, open_fen) == (1, 38_340, 0)
    calls = len(set((place / "calls").read_text().splitlines()))
    for readme in READMES:
        (counted,) = CALLS.findall(readme.read_text("utf-8"))
        assert str(calls) in counted
    digest = run("sha256sum contract.pdf", place).stdout[:64]
    contracts = run(f'{names}\ncurl -s $U/v1/contracts -H "$A"', place).stdout
    (contract,) = json.loads(contracts)["data"]
    events = run(f'{names}\ncurl -s $U/v1/contracts/{contract["id"]}/events -H "$A"', place).stdout
    shown = next(one["entry"] for one in json.loads(events)["data"] if "presented" in one["entry"]["type"])
    assert (contract["state"], shown["body"]["document"]) == ("executed", digest)


@pytest.mark.network
def test_an_order_that_fails_says_why_and_ends(place: Path, shop: dict[str, Any]) -> None:
    """A key that nobody knows, a rate that nobody looked up, a list that stays empty: three ends, three reasons."""
    names, script = names_of(shop), walk(READMES[0])
    done = run(names.replace("llk_", "llk_no") + script, place)
    assert (done.returncode, json.loads(done.stdout.splitlines()[1])["status"]) == (1, 401), done.stdout
    looked_up = {"version": 2, "lessor": "unlicensed", "lpr_known_until": "2025-06-19"}
    (place / "var" / "pricing.json").write_text(json.dumps({str(DEFAULT_TENANT): looked_up}))
    done = run(names + script, place)
    assert done.returncode == 1
    assert "offer.lpr_stale" in done.stdout
    assert "set lpr_known_until in var/pricing.json" in done.stdout, "it says what to edit"
    functions = script.partition("ORDER=")[0]
    none = "/v1/contracts?application=application_00000000000070008000000000000001"
    done = run(
        f'{names}sleep() {{ :; }}\nseq() {{ echo 1 2; }}\n{functions}\nX=$(wait_for contract "{none}")\necho on', place
    )
    assert (done.returncode, done.stdout.partition(":")[0]) == (1, f"waited a minute, still no contract at {none}"), (
        done.stdout
    )


COMMENT = re.compile(r"(?:^|\s{2,})# .*$", re.MULTILINE)


def test_both_walk_the_same_way_each_in_its_language() -> None:
    english, chinese = map(walk, READMES)
    assert COMMENT.sub("", english) == COMMENT.sub("", chinese)
    ours, theirs = COMMENT.findall(english), COMMENT.findall(chinese)
    assert len(ours) == len(theirs) > 5
    assert all(re.search("[\u4e00-\u9fff]", comment) for comment in theirs)


def test_both_say_the_same_commands() -> None:
    english, chinese = (list(blocks(readme)) for readme in READMES)
    assert english == chinese


def test_both_begin_with_one_leases_life() -> None:
    english, chinese = (plain(readme.read_text("utf-8"))[0] for readme in READMES)
    numbers = re.compile(r"#[\d,]+|-?[\d,]+\.\d\d")
    assert numbers.findall(english) == numbers.findall(chinese)
    assert "bought out for" in english
    assert "every hash, the tree, the checkpoints, read models and vault agree" in english


def test_both_say_where_the_car_lessor_is() -> None:
    """The demonstration has two tenants; without the second's name its pages cannot be found."""
    lessor = parts(DEFAULT_TENANT)[1].tenant
    typed = f"\n  LEASELEDGER_TENANT={lessor} .venv/bin/leaseledger --data var/demonstration up   "
    for readme, tongue in zip(READMES, (Language.EN, Language.ZH), strict=True):
        with speaking(tongue):
            words = text("the same for the car lessor, a tenant of its own")
        assert f"{typed}{words}\n" in readme.read_text("utf-8")


def test_the_data_is_cited_and_not_shipped() -> None:
    for readme in READMES:
        assert "10.4121/uuid:3926db30-f712-4394-aebc-75976070e91f" in readme.read_text("utf-8")
    assert not list(ROOT.glob("*.xes*"))


def test_a_forged_entry_is_refused_by_others_too(place: Path, commands: Path) -> None:
    if run("command -v proofbundle", place).returncode:
        pytest.skip("proofbundle is not installed")
    prepare = "leaseledger import xes three.xes; leaseledger vkey > vkey; leaseledger proof 17 > entry.tlog-proof"
    assert run(prepare, place, commands).returncode == 0
    check = 'proofbundle verify-proof --log-vkey "$(cat vkey)" --payload-file entry entry.tlog-proof'
    assert run(f"leaseledger entry 17 > entry; {check}", place, commands).returncode == 0
    assert run(f"leaseledger entry 18 > entry; {check}", place, commands).returncode != 0
