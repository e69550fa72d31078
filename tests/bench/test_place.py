"""The throw-away place: alone, away from the user's ledger, gone afterwards."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from adapters.postgres.connections import connect
from tests.bench.conftest import TINY, running
from tests.bench.place import WORK, Busy, Place, scalar


def test_two_at_once_are_refused(place: Place, data: Path) -> None:
    with pytest.raises(Busy, match="another benchmark is running"), Place(data, TINY):
        pass


def test_every_ledger_is_a_database_of_its_own(place: Place) -> None:
    with place.ledger("one") as one, place.ledger("two") as two:
        assert one.url != two.url
        assert one.keys.log_seeds() != two.keys.log_seeds()
        with connect(one.url) as connection:
            assert scalar(connection, "SELECT size FROM ledger.head") == 0
        url = one.url
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_settings_of_the_user_do_not_reach_it(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEASELEDGER_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("LEASELEDGER_ORIGIN", "somebody.example/log")
    monkeypatch.setenv("LEASELEDGER_DATABASE_URL", "postgresql://nowhere.invalid/none")
    with place.ledger("mine") as on:
        assert on.settings.origin != "somebody.example/log"
        assert place.work in on.settings.keys_directory.parents
    assert not (tmp_path / "keys").exists()


def test_server_and_files_are_gone_afterwards(data: Path) -> None:
    own = data / "own"
    with Place(own, TINY) as place:
        pid = int((place.work / "postgres" / "postmaster.pid").read_text().split()[0])
        assert running(pid)
    assert not (own / WORK).exists()
    assert not running(pid)


def test_what_a_killed_run_left_is_stopped_and_removed(data: Path) -> None:
    own = data / "left"
    (own / WORK).mkdir(parents=True)
    (own / WORK / "left-over").write_text("of a run that was killed")
    with Place(own, TINY) as place:
        assert not (place.work / "left-over").exists()


def test_cases_are_generated_once_and_the_same_every_time(place: Place, data: Path) -> None:
    assert place.cases() is place.cases()
    assert len(place.cases()) == TINY.cases
    assert Place(data, TINY).cases() == place.cases()
