"""Chinese type: from the font package that is installed with this program, else from the system.

The package holds Noto Serif SC and Noto Sans SC (SIL Open Font License 1.1). The same fonts and the same typesetter
give the same bytes; a system font gives a file that reads the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typst

try:
    from pylopdf_fonts_zh_cn import serif_path

    PACKAGE: Path | None = serif_path().parent
    """Directory of the fonts that are installed with this program."""
except ImportError:
    # A distribution may leave the fonts to the system; contracts are set all the same.
    PACKAGE = None

REMEDY = (
    "install the Python package pylopdf-fonts-zh-cn (Noto Serif SC and Noto Sans SC, SIL Open Font License 1.1) "
    "or a system font, on Debian: apt install fonts-noto-cjk fonts-noto-cjk-extra"
)

SERIFS = ("Noto Serif SC", "Noto Serif CJK SC", "Source Han Serif SC", "Songti SC", "AR PL UMing CN", "SimSun")
SANS = (
    *("Noto Sans SC", "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC"),
    *("WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Microsoft YaHei", "SimHei"),
)


class NoChineseFont(RuntimeError):
    """No font with Chinese characters was found; the message says what to install."""


@dataclass(frozen=True)
class FontSet:
    """A book face and a display face by family name, and where the typesetter finds them."""

    serif: str
    sans: str
    fonts: typst.Fonts


def chinese_fonts(directories: Sequence[Path] | None = None, *, system: bool = True) -> FontSet:
    """The fonts to set a contract in: from `directories`, by default the font package; else from the system.

    Where there is only one Chinese family it serves as both. Raises `NoChineseFont`.
    """
    package = [PACKAGE] if PACKAGE is not None else []
    paths = package if directories is None else list(directories)
    searches = [(paths, False)] * bool(paths) + [(paths, True)] * system
    seen = 0
    for where, include_system in searches:
        fonts = typst.Fonts(
            include_system_fonts=include_system, include_embedded_fonts=False, font_paths=[str(path) for path in where]
        )
        families = set(fonts.families())
        seen = max(seen, len(families))
        serif = next((name for name in SERIFS if name in families), None)
        sans = next((name for name in SANS if name in families), None)
        if serif or sans:
            return FontSet(serif or sans or "", sans or serif or "", fonts)
    raise NoChineseFont(f"expected one of {', '.join(SERIFS + SANS)}, got none among {seen} font families; {REMEDY}")
