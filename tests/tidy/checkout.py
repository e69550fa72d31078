"""The files of this checkout, as the tidy tests see them: tracked ones and new ones, never ignored ones."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("domain", "chain", "adapters", "projections", "api")

# What a checkout without git metadata (an unpacked archive) must not be searched for.
IGNORED_PARTS = frozenset({".git", ".venv", ".tools", "var", "dist", "__pycache__", ".hypothesis"})


@cache
def files() -> tuple[Path, ...]:
    """Paths relative to the root, sorted."""
    listing = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0:
        found = [Path(name) for name in listing.stdout.decode().split("\0") if name]
    else:
        found = [path.relative_to(ROOT) for path in ROOT.rglob("*")]
        found = [path for path in found if not IGNORED_PARTS & set(path.parts) and not _is_cache(path)]
    return tuple(sorted(path for path in found if (ROOT / path).is_file()))


def python_files(*folders: str) -> tuple[Path, ...]:
    """The Python files under the named top-level folders; of the whole checkout when none is named."""
    return tuple(path for path in files() if path.suffix == ".py" and (not folders or path.parts[0] in folders))


@cache
def text_of(path: Path) -> str | None:
    """The content of one file, or None for one that is not text."""
    try:
        return (ROOT / path).read_text("utf-8")
    except UnicodeDecodeError:
        return None


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of one Python file."""
    return ast.parse((ROOT / path).read_bytes(), filename=str(path))


def _is_cache(path: Path) -> bool:
    return any(part.endswith((".egg-info", "_cache")) for part in path.parts)
