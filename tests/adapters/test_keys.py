"""Key files: made once, readable by their owner only, never overwritten; wrapping is bound to the subject."""

from __future__ import annotations

import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.keys import FileKeys, KeyFileError, WrongKey
from chain.note import Ed25519Signer
from domain.kernel.ids import uuid7
from tests.ledger import ORIGIN

KEY = bytes(range(32))
TENANT, SUBJECT, OTHER = uuid7(1, 9), uuid7(1, 1), uuid7(1, 2)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "keys"


def test_first_start_makes_secret_files(directory: Path) -> None:
    FileKeys(directory)
    assert sorted(path.name for path in directory.iterdir()) == ["log-0001.seed", "payload-0002.key", "vault.kek"]
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for path in directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(bytes.fromhex(path.read_text())) == 32


def test_second_start_reads_the_same(directory: Path) -> None:
    first = FileKeys(directory)
    wrapped = first.wrap(TENANT, SUBJECT, KEY)
    again = FileKeys(directory)
    assert again.log_seeds() == first.log_seeds()
    assert again.unwrap(TENANT, SUBJECT, wrapped) == KEY


def test_many_starts_at_once_agree(directory: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        seeds = {keys.log_seeds()[0] for keys in pool.map(lambda _: FileKeys(directory), range(16))}
    assert len(seeds) == 1
    assert sorted(path.name for path in directory.iterdir()) == ["log-0001.seed", "payload-0002.key", "vault.kek"]


def test_installations_differ(tmp_path: Path) -> None:
    one, two = FileKeys(tmp_path / "one"), FileKeys(tmp_path / "two")
    assert one.log_seeds() != two.log_seeds()
    assert one.digest(b"13800138000") != two.digest(b"13800138000")
    with pytest.raises(KeyFileError, match=r"was not wrapped by this vault\.kek, or was changed"):
        two.unwrap(TENANT, SUBJECT, one.wrap(TENANT, SUBJECT, KEY))


def test_wrapped_key_is_bound_to_its_subject(directory: Path) -> None:
    keys = FileKeys(directory)
    wrapped = keys.wrap(TENANT, SUBJECT, KEY)
    assert KEY not in wrapped
    assert wrapped != keys.wrap(TENANT, SUBJECT, KEY)
    with pytest.raises(KeyFileError, match=str(OTHER)):
        keys.unwrap(TENANT, OTHER, wrapped)


def test_wrapped_key_is_bound_to_its_tenant(directory: Path) -> None:
    """The persons of two tenants are two, whatever their ids are."""
    keys = FileKeys(directory)
    wrapped = keys.wrap(TENANT, SUBJECT, KEY)
    assert keys.unwrap(TENANT, SUBJECT, wrapped) == KEY
    with pytest.raises(KeyFileError, match="was changed"):
        keys.unwrap(OTHER, SUBJECT, wrapped)


@pytest.mark.parametrize("cut", [0, 1, 11, 12, 20, 59])
def test_truncated_wrapped_key(directory: Path, cut: int) -> None:
    keys = FileKeys(directory)
    with pytest.raises(KeyFileError, match="was changed"):
        keys.unwrap(TENANT, SUBJECT, keys.wrap(TENANT, SUBJECT, KEY)[:cut])


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_flipped_wrapped_key(directory: Path, at: int) -> None:
    keys = FileKeys(directory)
    wrapped = bytearray(keys.wrap(TENANT, SUBJECT, KEY))
    wrapped[at] ^= 1
    with pytest.raises(KeyFileError, match="was changed"):
        keys.unwrap(TENANT, SUBJECT, bytes(wrapped))


def test_key_of_another_length(directory: Path) -> None:
    keys = FileKeys(directory)
    with pytest.raises(KeyFileError, match="expected 32 bytes, got 16"):
        keys.unwrap(TENANT, SUBJECT, keys.wrap(TENANT, SUBJECT, KEY[:16]))


def test_digest_is_keyed_and_repeatable(directory: Path) -> None:
    keys = FileKeys(directory)
    assert keys.digest(b"a") == FileKeys(directory).digest(b"a") != keys.digest(b"b")
    assert len(keys.digest(b"")) == 32


def test_rotation_keeps_older_seeds(directory: Path) -> None:
    keys = FileKeys(directory)
    [first] = keys.log_seeds()
    second = keys.rotate_log_key()
    third = FileKeys(directory).rotate_log_key()
    assert keys.log_seeds() == [first, second, third]
    assert len({first, second, third}) == 3
    assert (directory / "log-0003.seed").exists()


def test_rotation_never_writes_over_a_file(directory: Path) -> None:
    """Also when an older seed was moved away: the number that is free is the one behind the highest."""
    keys = FileKeys(directory)
    keys.rotate_log_key()
    third = keys.rotate_log_key()
    (directory / "log-0001.seed").rename(directory / "kept-elsewhere")
    fourth = keys.rotate_log_key()
    assert fourth not in (third, *keys.log_seeds()[:-1])
    assert keys.log_seeds()[-1] == fourth


def test_rotations_at_once_are_one_after_the_other(directory: Path) -> None:
    """Each seed has the note of the one before it, whoever made both."""
    FileKeys(directory)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: FileKeys(directory).rotate_log_key(), range(6)))
    keys = FileKeys(directory)
    assert set(keys.log_seeds()[1:]) == set(made)
    keys.log_signer(ORIGIN).expect([Ed25519Signer(ORIGIN, keys.log_seeds()[0]).vkey])


def test_a_copy_of_a_seed_under_another_name_is_none(directory: Path) -> None:
    keys = FileKeys(directory)
    [first] = keys.log_seeds()
    (directory / "log-0001.old.seed").write_text("ab" * 32)
    (directory / "log-old.seed").write_text("ab" * 32)
    assert keys.log_seeds() == [first]
    assert [first, keys.rotate_log_key()] == keys.log_seeds()


def test_a_changed_note_vouches_for_nothing(directory: Path) -> None:
    keys = FileKeys(directory)
    known = [keys.log_signer(ORIGIN).vkey]
    keys.rotate_log_key()
    keys.log_signer(ORIGIN).expect(known)
    note = directory / "log-0002.note"
    note.write_bytes(note.read_bytes().replace(b"key/1", b"key/2"))
    with pytest.raises(WrongKey, match=rf"log-0002\.seed: expected .*{re.escape(str(known[0]))}"):
        keys.log_signer(ORIGIN).expect(known)


def test_keys_of_a_log_of_another_origin_are_not_ours(directory: Path) -> None:
    keys = FileKeys(directory)
    keys.log_signer(ORIGIN).expect([keys.log_signer(ORIGIN).vkey])
    with pytest.raises(WrongKey, match=rf"expected other\.example/log\+.*, got {re.escape(ORIGIN)}\+"):
        keys.log_signer(ORIGIN).expect([keys.log_signer("other.example/log").vkey])


@pytest.mark.parametrize("name", ["vault.kek", "payload-0002.key", "log-0001.seed"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_files_that_others_may_read_are_refused(directory: Path, name: str, mode: int) -> None:
    keys = FileKeys(directory)
    (directory / name).chmod(mode)
    with pytest.raises(KeyFileError, match=rf"{name}: expected mode 0600, got {mode:04o}; run chmod 600 on it"):
        FileKeys(directory)
    assert keys.digest(b"")


@pytest.mark.parametrize("raw", [b"", b"00", b"zz" * 32, b"00" * 31, b"00" * 33, b"{}", b"\xff" * 64, b"\x00" * 32])
def test_files_that_are_not_keys_are_refused_unread_aloud(directory: Path, raw: bytes) -> None:
    FileKeys(directory)
    (directory / "vault.kek").write_bytes(raw)
    text = raw.decode(errors="replace")
    with pytest.raises(KeyFileError, match="expected 64 hex digits, got") as caught:
        FileKeys(directory)
    assert not text or text not in str(caught.value).replace(str(directory), "")


def test_a_directory_of_that_name_is_no_key(directory: Path) -> None:
    keys = FileKeys(directory)
    (directory / "console.key").mkdir(mode=0o700)
    with pytest.raises(KeyFileError, match=r"console\.key: expected a file of 64 hex digits"):
        keys.console_secret()


def test_a_half_written_key_is_not_used(directory: Path) -> None:
    """Power went away between creating and writing: the file says nothing, and we do not invent another key."""
    FileKeys(directory)
    os.truncate(directory / "vault.kek", 0)
    with pytest.raises(KeyFileError, match=r"vault.kek: expected 64 hex digits"):
        FileKeys(directory)


@pytest.mark.parametrize("missing", ["vault.kek", "payload-0002.key", "log-0001.seed"])
def test_a_ledger_with_events_never_gets_new_keys(directory: Path, missing: str) -> None:
    """A new key in place of a lost one could read nothing and would hide the loss."""
    FileKeys(directory)
    (directory / missing).unlink()
    with pytest.raises(KeyFileError, match=rf"{missing}: expected the key this ledger was made with, got no file"):
        FileKeys(directory, make=False)
    assert not (directory / missing).exists()


def test_a_providers_secret_is_made_for_sandboxes_only(directory: Path) -> None:
    """A real provider hands its secret out; somebody puts it into the directory."""
    keys = FileKeys(directory)
    assert keys.provider_secret("bank_a") is None
    made = keys.provider_secret("bank_a", make=True)
    assert made is not None
    assert keys.provider_secret("bank_a") == keys.provider_secret("bank_a", make=True) == made
    assert keys.provider_secret("bank_b", make=True) != made
    assert stat.S_IMODE((directory / "provider-bank_a.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "../vault", "Bank", "bank/a", "a" * 41, "bank_a\n"])
def test_a_name_that_is_no_channel_has_no_secret(directory: Path, name: str) -> None:
    """Also not to make: a name comes from an address that anybody may write."""
    keys = FileKeys(directory)
    before = sorted(directory.iterdir())
    assert keys.provider_secret(name, make=True) is None
    assert sorted(directory.iterdir()) == before


def test_a_providers_secret_must_be_secret(directory: Path) -> None:
    keys = FileKeys(directory)
    keys.provider_secret("bank_a", make=True)
    (directory / "provider-bank_a.key").chmod(0o644)
    with pytest.raises(KeyFileError, match="expected mode 0600"):
        keys.provider_secret("bank_a")
