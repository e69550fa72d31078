"""Checks of `doctor` on the key files: they are there, secret, of their form, and this ledger's own."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.cli.commands.installation.findings import Health
from api.cli.failures import sentence
from api.cli.wording.retelling import retold
from api.language import text

if TYPE_CHECKING:
    from adapters.keys import KeyFileError
    from api.settings import Settings

_SECRET_MODE = 0o600


def look(health: Health, directory: Path, version: int | None) -> None:
    """Look at the files alone; `version` is that of the ledger's schema, `None` where there is none."""
    before = len(health.problems)
    _files(health, directory, version)
    health.keys_are_wrong = len(health.problems) > before


def compare(health: Health, settings: Settings, connection: Any) -> None:
    """Compare the files with the ledger: with other keys it can neither be read nor go on as the log people know."""
    from adapters.keys import FileKeys, KeyFileError
    from adapters.postgres.identity import wrong

    rows = connection.execute("SELECT vkey FROM ledger.log_keys ORDER BY from_size").fetchall()
    if health.keys_are_wrong:
        return
    if not health.facts["keys"]:
        if rows:
            what = text("{path} is empty and the ledger was signed with keys", path=settings.keys_directory)
            health.problem(what, text("restore the keys from a backup"))
        return
    try:
        keys = FileKeys(settings.keys_directory, make=False)
        _signers(health, keys, [vkey for (vkey,) in rows])
        found = list(wrong(connection, keys))
    except (KeyFileError, OSError):
        return
    for _, error in found:
        _not_ours(health, error)


def _not_ours(health: Health, error: KeyFileError) -> None:
    what, _, do = str(error).rpartition("; ")
    health.problem(retold(what), retold(do))


def _files(health: Health, directory: Path, version: int | None) -> None:
    kinds = ("*.seed", "*.kek", "*.key") if directory.is_dir() else ()
    files = sorted(path for kind in kinds for path in directory.glob(kind))
    health.facts["keys"] = [{"file": str(path), "mode": f"{_mode(path):04o}"} for path in files]
    if files:
        _judge(health, directory, files, version)


def _judge(health: Health, directory: Path, files: list[Path], version: int | None) -> None:
    names, made_later = {path.name for path in files}, _made_later(version)
    needed = {"vault.kek", "payload-0002.key"} - made_later
    if not any(name.endswith(".seed") for name in names):
        needed.add("log-0001.seed")
    if later := made_later - names:
        told = {"had": text(", ").join(sorted(names)), "made": text(", ").join(sorted(later))}
        health.notes.append(
            text("the keys of schema version {got} are {had}; its first start makes {made}", got=version, **told)
        )
    if missing := needed - names:
        what = text("{path} is missing", path=directory / min(missing))
        health.problem(what, text("restore it from a backup; a new one cannot replace it"))
    else:
        _key_files(health, directory, files, made_later)


def _made_later(version: int | None) -> set[str]:
    """The files that a ledger of an older version has not got yet."""
    from adapters.postgres.schema import OLDEST_VERSION, SCHEMA_VERSION

    return {"payload-0002.key"} if version is not None and OLDEST_VERSION <= version < SCHEMA_VERSION else set()


def _key_files(health: Health, directory: Path, files: list[Path], made_later: set[str]) -> None:
    from adapters.keys import FileKeys, KeyFileError

    wrong = [path for path in files if _mode(path) & ~_SECRET_MODE]
    for path in wrong:
        mode = f"{_mode(path):04o}"
        what = text("{path}: expected mode 0600, got {mode}: others may have read it", path=path, mode=mode)
        health.problem(what, f"chmod 600 {path}")
    if wrong:
        return
    try:
        if not made_later - {path.name for path in files}:
            FileKeys(directory, make=False).check()
    except (KeyFileError, OSError) as error:
        remedy = text("restore the key file from a backup; never write a new one in its place")
        health.problem(sentence(error), remedy)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _signers(health: Health, keys: Any, known: list[str]) -> None:
    """A key of the log whose file is not here, beside one that signs."""
    from chain.note import Ed25519Signer

    seeds = keys.log_seeds()
    for vkey in known[:-1]:
        origin = vkey.partition("+")[0]
        if vkey not in {str(Ed25519Signer(origin, seed).vkey) for seed in seeds}:
            what = text("no key file belongs to the verifier key {vkey}", vkey=vkey)
            health.problem(what, text("restore the key files from a backup"))
