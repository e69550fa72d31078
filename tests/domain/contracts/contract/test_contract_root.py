"""The contract root and the tamper alarm: no mark can change, no clause can move, without a name being called."""

from __future__ import annotations

import unicodedata
from hashlib import sha256

import msgspec
import pytest
import rfc8785
from hypothesis import assume
from hypothesis import given as forall
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.reference.clauses import choose, shipped_clauses
from chain.merkle import Frontier, leaf_hash
from domain.contracts.contract.commands import CheckTexts
from domain.contracts.contract.events import TamperAlarmRaised, TextsConfirmed
from domain.contracts.contract.state import ContractState
from domain.contracts.contract.values import GivenText, Tampering
from domain.contracts.roots import contract_root, merkle_root
from domain.contracts.tampering import compare
from domain.contracts.texts import text_digest
from domain.kernel.values import ClauseRef
from domain.pricing.parts import Form
from tests.domain.contracts.contract import contracts as c
from tests.domain.contracts.contract.contracts import given

# The test vectors that RFC 6962's own reference implementation is tested with: eight entries, the root of each prefix.
ENTRIES = tuple(
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
)
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)

SHIPPED = choose(shipped_clauses(), Form.OPERATING, ("device_lock", "buyout"))
AGREED = tuple(clause.reference for clause in SHIPPED)
COPY = tuple(GivenText(clause=clause.clause, text=clause.text) for clause in SHIPPED)


def root_of(clauses: tuple[ClauseRef, ...]) -> str:
    return contract_root(c.HEAD, c.KEY_TERMS, clauses)


@pytest.mark.parametrize("size", range(1, 9))
def test_published_vectors(size: int) -> None:
    assert merkle_root(ENTRIES[:size]).hex() == ROOTS[size - 1]


def test_nothing_has_the_empty_root() -> None:
    assert merkle_root(()) == sha256(b"").digest()


@forall(st.lists(st.binary(max_size=8), max_size=40))
def test_agrees_with_the_logs_own_tree(entries: list[bytes]) -> None:
    assert merkle_root(entries) == Frontier.empty().extend([leaf_hash(entry) for entry in entries]).root()


def test_leaves_are_canonical_json() -> None:
    """A stranger with RFC 8785 and RFC 6962 comes to the same root."""
    parts = [msgspec.to_builtins(part) for part in (c.HEAD, c.KEY_TERMS, *c.CLAUSES)]
    assert merkle_root([rfc8785.dumps(part) for part in parts]).hex() == c.ROOT


@forall(st.permutations(AGREED))
def test_any_other_order_is_another_root(order: list[ClauseRef]) -> None:
    assert (root_of(tuple(order)) == root_of(AGREED)) == (tuple(order) == AGREED)


@forall(st.sets(st.sampled_from(range(len(AGREED)))))
def test_any_omission_is_another_root(left_out: set[int]) -> None:
    kept = tuple(held for at, held in enumerate(AGREED) if at not in left_out)
    assert (root_of(kept) == root_of(AGREED)) == (not left_out)


def test_everything_is_bound() -> None:
    others = [
        contract_root(replace(c.HEAD, contract="HT-2"), c.KEY_TERMS, c.CLAUSES),
        contract_root(replace(c.HEAD, plan_digest="2" * 64), c.KEY_TERMS, c.CLAUSES),
        contract_root(replace(c.HEAD, parties=c.PARTIES[::-1]), c.KEY_TERMS, c.CLAUSES),
        contract_root(replace(c.HEAD, amends=c.ROOT), c.KEY_TERMS, c.CLAUSES),
        contract_root(c.HEAD, replace(c.KEY_TERMS, total_cost_fen=702_001), c.CLAUSES),
        contract_root(c.HEAD, c.KEY_TERMS, (replace(c.CLAUSES[0], version=2), *c.CLAUSES[1:])),
    ]
    assert len({c.ROOT, *others}) == 1 + len(others)


# ----------------------------------------------------------------------------------------------------- alarms


def test_faithful_copy_is_confirmed() -> None:
    given(*c.TO_EXECUTED).when(c.CHECK).then(TextsConfirmed(root=c.ROOT))


def test_one_punctuation_mark_names_its_clause() -> None:
    forged = c.TEXTS["dispute"].replace("；", "，")
    copy = tuple(replace(text, text=forged) if text.clause == "dispute" else text for text in c.faithful())
    state = (
        given(*c.TO_EXECUTED)
        .when(CheckTexts(texts=copy))
        .then(
            TamperAlarmRaised(
                clause="dispute",
                tampering=Tampering.CHANGED,
                version=1,
                expected=text_digest(c.TEXTS["dispute"]),
                got=text_digest(forged),
            )
        )
    )
    assert state.alarms == 1


@forall(st.data())
def test_one_changed_character_alarms_exactly_its_clause(data: st.DataObject) -> None:
    """In any clause of the shipped library, at any place: replaced, removed or put in."""
    at = data.draw(st.integers(0, len(COPY) - 1))
    text = COPY[at].text
    place = data.draw(st.integers(0, len(text) - 1))
    char = data.draw(st.characters(exclude_categories=["Cs"]))
    forged = data.draw(
        st.sampled_from(
            [
                text[:place] + char + text[place + 1 :],
                text[:place] + text[place + 1 :],
                text[:place] + char + text[place:],
            ]
        )
    )
    assume(forged != text)
    copy = (*COPY[:at], replace(COPY[at], text=forged), *COPY[at + 1 :])
    alarms = compare(AGREED, copy)
    assert [(alarm.clause, alarm.tampering) for alarm in alarms] == [(AGREED[at].clause, Tampering.CHANGED)]
    assert alarms[0].expected == AGREED[at].digest
    assert alarms[0].got == text_digest(forged)


def test_look_alike_text_is_another_text() -> None:
    """The same letters in another normalization form are other bytes."""
    agreed = (ClauseRef(clause="x", version=1, digest=text_digest("café")),)
    same = GivenText(clause="x", text="café")
    assert compare(agreed, (same,)) == ()
    other = replace(same, text=unicodedata.normalize("NFD", same.text))
    assert [alarm.tampering for alarm in compare(agreed, (other,))] == [Tampering.CHANGED]


def test_missing_added_and_moved_are_named() -> None:
    copy = c.faithful()
    missing = compare(c.CLAUSES, copy[1:])
    assert [(alarm.clause, alarm.tampering, alarm.got) for alarm in missing] == [("evidence", Tampering.MISSING, None)]
    more = GivenText(clause="penalty", text="违约金加倍。")
    added = compare(c.CLAUSES, (*copy, more, copy[0]))
    assert [(alarm.clause, alarm.tampering, alarm.version) for alarm in added] == [
        ("penalty", Tampering.ADDED, None),
        ("evidence", Tampering.ADDED, None),
    ]
    moved = compare(c.CLAUSES, (copy[1], copy[0], *copy[2:]))
    assert [(alarm.clause, alarm.tampering) for alarm in moved] == [("evidence", Tampering.MOVED)]


@forall(st.lists(st.sampled_from((*COPY, GivenText(clause="penalty", text="违约金加倍。"))), max_size=30))
def test_silence_means_byte_for_byte(copy: list[GivenText]) -> None:
    """No alarm exactly when the copy's own root is the contract's."""
    own = tuple(ClauseRef(clause=text.clause, version=1, digest=text_digest(text.text)) for text in copy)
    assert (compare(AGREED, copy) == ()) == (own == AGREED)


def test_a_contract_without_clauses_has_nothing_to_compare() -> None:
    assert compare(ContractState().clauses, ()) == ()
