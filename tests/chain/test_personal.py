"""Personal values: digests as RFC 9901 publishes them, derived salts, decoys, and nothing opened with a wrong key."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from hashlib import sha256
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chain.b64 import b64url
from chain.personal import (
    MAX_DECOYS,
    NONCE_BYTES,
    SALT_BYTES,
    SUBJECT_KEY_BYTES,
    Sealed,
    VaultError,
    decoys,
    disclosure,
    disclosure_digest,
    open_field,
    seal_fields,
)
from domain.kernel.ids import uuid7

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
EID = UUID("01890000-0000-7000-8000-000000000001")
OTHER_EID = UUID("01890000-0000-7000-8000-000000000002")
FIELDS = {"name": "王小明", "phone": "13800138000", "identity_number": "11010519491231002X"}
NONCES = bytes(range(NONCE_BYTES * len(FIELDS)))

keys = st.binary(min_size=SUBJECT_KEY_BYTES, max_size=SUBJECT_KEY_BYTES)
eids = st.builds(uuid7, st.integers(0, 2**48 - 1), st.integers(0, 2**74 - 1))
names = st.from_regex("[a-z][a-z_]{0,19}", fullmatch=True)

RFC_9901 = [
    # §4.2.1 and §4.2.3
    (
        "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
        ["_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius"],
        "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0",
    ),
    # §5.1
    (
        "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd",
        ["2GLC42sKQveCfGfryNRN9w", "given_name", "John"],
        "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4",
    ),
    (
        "WyJlbHVWNU9nM2dTTklJOEVZbnN4QV9BIiwgImZhbWlseV9uYW1lIiwgIkRvZSJd",
        ["eluV5Og3gSNII8EYnsxA_A", "family_name", "Doe"],
        "TGf4oLbgwd5JQaHyKVQZU9UdGE0w5rtDsrZzfUaomLo",
    ),
    (
        "WyJlSThaV205UW5LUHBOUGVOZW5IZGhRIiwgInBob25lX251bWJlciIsICIrMS0yMDItNTU1LTAxMDEiXQ",
        ["eI8ZWm9QnKPpNPeNenHdhQ", "phone_number", "+1-202-555-0101"],
        "PorFbpKuVu6xymJagvkFsFXAbRoc2JGlAUA2BA4o7cI",
    ),
]  # fmt: skip


def decoded(disclosed: str) -> list[str]:
    parts: list[str] = json.loads(urlsafe_b64decode(disclosed + "=" * (-len(disclosed) % 4)))
    return parts


@pytest.mark.parametrize(("disclosed", "parts", "digest"), RFC_9901)
def test_published_disclosures_have_their_published_digests(disclosed: str, parts: list[str], digest: str) -> None:
    assert decoded(disclosed) == parts
    assert disclosure_digest(disclosed) == digest


def expand(info: bytes, length: int) -> bytes:
    """HKDF-Expand (RFC 5869 §2.3) by another implementation."""
    return HKDFExpand(SHA256(), length, info).derive(KEY)


def test_salt_is_derived_from_key_event_and_path() -> None:
    salt, name, value = decoded(disclosure(KEY, EID, "phone", "13800138000"))
    assert (name, value) == ("phone", "13800138000")
    assert salt == b64url(expand(b"leaseledger.salt/1" + EID.bytes + b"phone", SALT_BYTES))


@given(keys, eids, names, st.text(max_size=200))
def test_disclosure_is_salt_name_value(key: bytes, eid: UUID, name: str, value: str) -> None:
    disclosed = disclosure(key, eid, name, value)
    salt, *rest = decoded(disclosed)
    assert rest == [name, value]
    assert len(salt) == 22
    assert disclosure_digest(disclosed) == b64url(sha256(disclosed.encode()).digest())


def test_every_place_has_its_own_salt() -> None:
    places = [(KEY, EID, "name"), (KEY, EID, "phone"), (KEY, OTHER_EID, "name"), (OTHER_KEY, EID, "name")]
    assert len({decoded(disclosure(*place, "same"))[0] for place in places}) == len(places)


def test_decoys_look_like_digests_and_number_zero_to_three() -> None:
    counts = set()
    for number in range(200):
        found = decoys(KEY, uuid7(number, number))
        counts.add(len(found))
        assert all(len(digest) == 43 for digest in found)
        assert len(set(found)) == len(found)
    assert counts == set(range(MAX_DECOYS + 1))


def test_decoys_are_derived_and_separate_from_salts() -> None:
    number = next(n for n in range(200) if len(decoys(KEY, uuid7(n, n))) == MAX_DECOYS)
    eid = uuid7(number, number)
    assert decoys(KEY, eid) == tuple(
        b64url(expand(b"leaseledger.decoy/1" + eid.bytes + bytes([which]), 32)) for which in (1, 2, 3)
    )
    assert decoys(OTHER_KEY, eid) != decoys(KEY, eid)


@given(keys, eids, st.dictionaries(names, st.text(min_size=1, max_size=200), min_size=1, max_size=4), st.data())
def test_what_is_sealed_opens(key: bytes, eid: UUID, fields: dict[str, str], data: st.DataObject) -> None:
    nonces = data.draw(st.binary(min_size=NONCE_BYTES * len(fields), max_size=NONCE_BYTES * len(fields)))
    rows, digests = seal_fields(key, eid, fields, nonces)
    assert {row.path: open_field(key, eid, row) for row in rows} == fields
    assert digests[: len(rows)] == tuple(row.digest for row in rows)
    assert digests[len(rows) :] == decoys(key, eid)
    assert b"".join(row.nonce for row in rows) == nonces


def test_digest_of_a_row_is_the_digest_of_its_disclosure() -> None:
    rows, _ = seal_fields(KEY, EID, FIELDS, NONCES)
    assert [row.digest for row in rows] == [disclosure_digest(disclosure(KEY, EID, *field)) for field in FIELDS.items()]


def test_no_value_in_what_is_sealed() -> None:
    rows, digests = seal_fields(KEY, EID, FIELDS, NONCES)
    kept = b"".join(row.nonce + row.ciphertext for row in rows) + "".join(digests).encode()
    assert not [value for value in FIELDS.values() if value.encode() in kept]


def one_sealed() -> Sealed:
    rows, _ = seal_fields(KEY, EID, FIELDS, NONCES)
    return rows[0]


@pytest.mark.parametrize(
    ("key", "eid", "row"),
    [
        (OTHER_KEY, EID, one_sealed()),
        (KEY, OTHER_EID, one_sealed()),
        (KEY, EID, replace(one_sealed(), path="phone")),
        (KEY, EID, replace(one_sealed(), digest="A" * 43)),
        (KEY, EID, replace(one_sealed(), nonce=bytes(NONCE_BYTES))),
        (KEY, EID, replace(one_sealed(), nonce=b"")),
        (KEY, EID, replace(one_sealed(), ciphertext=b"")),
        (KEY, EID, replace(one_sealed(), ciphertext=one_sealed().ciphertext[:-1])),
    ],
)
def test_anything_else_does_not_open(key: bytes, eid: UUID, row: Sealed) -> None:
    with pytest.raises(VaultError, match="expected the sealed bytes, got others") as caught:
        open_field(key, eid, row)
    assert FIELDS["name"] not in str(caught.value)


@given(st.integers(0), st.integers(1, 255))
def test_any_flipped_byte_does_not_open(at: int, flip: int) -> None:
    row = one_sealed()
    at %= len(row.ciphertext)
    changed = row.ciphertext[:at] + bytes([row.ciphertext[at] ^ flip]) + row.ciphertext[at + 1 :]
    with pytest.raises(VaultError):
        open_field(KEY, EID, replace(row, ciphertext=changed))


def test_value_under_another_digest_is_found_by_the_digest() -> None:
    """A writer who holds the key cannot pass one value off as the one that the ledger committed to."""
    from chain.personal import _cipher

    row = one_sealed()
    forged = _cipher(KEY).encrypt(row.nonce, "李四".encode(), EID.bytes + b"name" + row.digest.encode())
    with pytest.raises(VaultError, match=f"expected digest {row.digest}, got") as caught:
        open_field(KEY, EID, replace(row, ciphertext=forged))
    assert "李四" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "nonces"),
    [(KEY[:-1], NONCES), (KEY + b"\0", NONCES), (KEY, NONCES[:-1]), (KEY, NONCES + b"\0"), (b"", b"")],
)
def test_wrong_lengths_are_refused(key: bytes, nonces: bytes) -> None:
    with pytest.raises(VaultError, match="expected a key of 32 bytes and 12 nonce bytes for each of 3 fields"):
        seal_fields(key, EID, FIELDS, nonces)
