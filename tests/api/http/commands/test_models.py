"""Edge models: derived from the domain's declarations, at least as strict, and they never repeat what they read."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from api.exposure import EXPOSED
from api.http.commands.models import CommandReader, model_of
from api.http.commands.specs import specs
from api.http.problems import kinds
from api.http.problems.faults import fault, faults_of, pointer_to
from api.http.problems.problem import Problem
from domain.intake.application.commands import DraftApplication, FinaliseTerms
from domain.intake.application.rules import APPLICATION
from domain.intake.application.values import Terms
from domain.kernel.command import Command
from domain.kernel.values import AssetClass
from domain.leasing.lease.commands import WaiveBill

DRAFT: dict[str, Any] = {
    "reference": "R-1", "asset_class": "phone", "product": "p", "channel": "shop", "amount_fen": 1, "currency": "CNY",
}  # fmt: skip


def read(command: type[Command], body: Any) -> Command:
    """The command in a payload."""
    return CommandReader(command).read(json.dumps(body).encode())


def refused(command: type[Command], body: Any) -> Problem:
    """The problem that a payload becomes."""
    with pytest.raises(Problem) as raised:
        read(command, body)
    return raised.value


def test_whole_command() -> None:
    body = DRAFT | {"expires_on": "2027-01-31", "subject": "subject_" + "0" * 31 + "7", "name": "欧阳"}
    assert read(DraftApplication, body) == DraftApplication(
        reference="R-1",
        asset_class=AssetClass.PHONE,
        product="p",
        channel="shop",
        amount_fen=1,
        currency="CNY",
        expires_on=date(2027, 1, 31),
        subject=UUID(int=7),
        name="欧阳",
    )


def test_what_is_not_given_keeps_its_default() -> None:
    found = read(DraftApplication, DRAFT)
    assert isinstance(found, DraftApplication)
    assert (found.name, found.subject, found.expires_on) == (msgspec.UNSET, None, None)


def test_nested_structs() -> None:
    found = read(FinaliseTerms, {"terms": {"amount_fen": 5, "currency": "CNY", "months": None}})
    assert found == FinaliseTerms(terms=Terms(amount_fen=5, currency="CNY"))


@pytest.mark.parametrize("command", APPLICATION.commands, ids=lambda command: command.__name__)
def test_every_command_has_a_reader(command: type[Command]) -> None:
    model = CommandReader(command).model
    assert list(model.model_fields) == list(command.__struct_fields__)
    assert model.model_json_schema()["additionalProperties"] is False
    assert model is model_of(command)


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"amount_fen": "1"}, "/amount_fen", "not_whole_number"),
        ({"amount_fen": 1.0}, "/amount_fen", "not_whole_number"),
        ({"amount_fen": True}, "/amount_fen", "not_whole_number"),
        ({"amount_fen": -1}, "/amount_fen", "too_small"),
        ({"amount_fen": 2**53}, "/amount_fen", "too_large"),
        ({"amount_fen": 10**400}, "/amount_fen", "too_large"),
        ({"amount_fen": None}, "/amount_fen", "not_whole_number"),
        ({"reference": "a b"}, "/reference", "pattern"),
        ({"reference": "a\n"}, "/reference", "pattern"),
        ({"reference": "a" * 65}, "/reference", "too_long"),
        ({"currency": "CN"}, "/currency", "pattern"),
        ({"asset_class": "ship"}, "/asset_class", "not_one_of"),
        ({"expires_on": "2027-02-30"}, "/expires_on", "not_a_date"),
        ({"expires_on": 0}, "/expires_on", "not_a_date"),
        ({"subject": "subject_7"}, "/subject", "identifier"),
        ({"subject": str(UUID(int=7))}, "/subject", "identifier"),
        ({"subject": 7}, "/subject", "identifier"),
        ({"name": ""}, "/name", "too_short"),
        ({"name": None}, "/name", "not_text"),
        ({"name": "e\u0301"}, "/name", "not_nfc"),
        ({"name": "a\u0000"}, "/name", "pattern"),
        ({"unknown": 1}, "", "unknown_member"),
    ],
)
def test_payloads_that_do_not_fit(change: dict[str, Any], pointer: str, code: str) -> None:
    problem = refused(DraftApplication, DRAFT | change)
    assert problem.kind is kinds.PAYLOAD_INVALID
    assert [(one.pointer, one.code) for one in problem.faults] == [(pointer, code)]
    assert problem.faults[0].en.isascii()
    assert not problem.faults[0].zh.isascii()


def test_all_faults_at_once() -> None:
    problem = refused(DraftApplication, {"amount_fen": -1, "reference": ""})
    assert len(problem.faults) == 6


@pytest.mark.parametrize("body", [[], 1, "x", None, True])
def test_what_is_no_object(body: Any) -> None:
    assert [(one.pointer, one.code) for one in refused(DraftApplication, body).faults] == [("", "not_an_object")]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", kinds.NOT_JSON),
        (b'{"a":NaN}', kinds.PAYLOAD_INVALID),
        (b"\xef\xbb\xbf{}", kinds.NOT_JSON),
        (b'"\xff"', kinds.NOT_JSON),
        (b'{"reference":"\\ud800"}', kinds.NOT_JSON),
        (b"[" * 50, kinds.NOT_JSON),
        (b"[" * 100_000, kinds.PAYLOAD_INVALID),
        (b'{"terms":{"amount_fen":1,"amount_fen":2,"currency":"CNY"}}', kinds.DUPLICATE_MEMBER),
    ],
)
def test_bytes_that_are_no_payload(body: bytes, kind: Any) -> None:
    with pytest.raises(Problem) as raised:
        CommandReader(FinaliseTerms).read(body)
    assert raised.value.kind is kind


def test_where_the_domain_is_stricter_than_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The domain's own reading has the last word, and its message is not handed on."""

    def refuse(*_: object) -> None:
        raise msgspec.ValidationError("13912345678")

    monkeypatch.setattr(msgspec, "convert", refuse)
    problem = refused(DraftApplication, DRAFT)
    assert (problem.kind, problem.faults, str(problem)) == (kinds.PAYLOAD_INVALID, (), "body.invalid")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


@given(changes=st.dictionaries(st.sampled_from([*DraftApplication.__struct_fields__, "x"]), JSON, max_size=3))
def test_a_payload_is_a_command_or_a_problem(changes: dict[str, Any]) -> None:
    """Whatever is accepted survives the domain's own strict decoding unchanged."""
    with suppress(Problem):
        found = read(DraftApplication, DRAFT | changes)
        assert msgspec.json.decode(msgspec.json.encode(found), type=DraftApplication) == found


def test_a_list_is_not_too_short_because_its_item_does_not_fit() -> None:
    waiver = {"number": 1, "reason": "goodwill"}
    item = refused(WaiveBill, waiver | {"parts": [{"component": "fee", "amount_fen": 1}]})
    assert [(one.pointer, one.code) for one in item.faults] == [
        ("/parts/0/fen", "missing"), ("/parts/0", "unknown_member")
    ]  # fmt: skip
    assert [one.code for one in refused(WaiveBill, waiver | {"parts": []}).faults] == ["too_few"]


def test_types_that_the_edge_does_not_know() -> None:
    class Odd(Struct):
        choice: float

    class Two(Struct):
        choice: Annotated[int, Meta(ge=0)] | str

    for struct in (Odd, Two):
        with pytest.raises(TypeError, match="choice: expected"):
            model_of(struct)


def test_pointers() -> None:
    assert pointer_to([]) == ""
    assert pointer_to(["a/b", 0, "m~n"]) == "/a~1b/0/m~0n"


def test_faults_without_words() -> None:
    one = fault("/x", "some_new_code", {"input": "13912345678"})
    assert (one.code, one.en, one.zh) == ("invalid", "does not fit", "不符合要求")


def test_faults_skip_the_leading_place() -> None:
    found = faults_of([{"loc": ("query", "limit"), "type": "less_than_equal", "ctx": {"le": 100}}], skip=1)
    assert [(one.pointer, one.en) for one in found] == [("/limit", "must be at most 100")]


NOUNS = {of.decider.name for of in EXPOSED} | {"subject", "party", "decision", "investor", "loss_case", "merchant"}
"""Nouns of ids: the aggregates', and those of things that are known by an id of the tenant's own."""


def test_ids_in_commands_have_known_nouns() -> None:
    found = set()
    for of in EXPOSED:
        for spec in specs(of):
            schema = spec.reader.model.model_json_schema()
            for part in [schema, *schema.get("$defs", {}).values()]:
                texts = json.dumps(part.get("properties", {}))
                found |= set(re.findall(r'"\^([a-z_]+)_\[0-9a-f\]\{32\}\$"', texts))
    assert found
    assert found <= NOUNS
